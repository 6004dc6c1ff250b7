from __future__ import annotations

from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.emotion import Emotion
    from ..models.error_entry import ErrorEntry
    from ..models.face import Face
    from ..models.modality_prediction import ModalityPrediction
    from ..models.notice import Notice
    from ..models.prediction_fine_emotions import PredictionFineEmotions
    from ..models.prediction_models import PredictionModels
    from ..models.sentiment import Sentiment


T = TypeVar("T", bound="Prediction")


@_attrs_define
class Prediction:
    """The answer for one sample, or the reason why there is none.

    Attributes:
        id: The sample's id.
        emotion: Fused distribution; None only when `error` is set.
        sentiment: Fused distribution; None only when `error` is set.
        category: Distribution over labels of the caller's own, from a fusion that was trained on some; None
            from any other.
        fine_emotions: `goemotions28` labels of the text above their thresholds -> probability 0-1,
            most probable first; empty without text.
        modalities: One entry per modality that was present.
        faces: Faces of the image, largest first.
        conflict: Largest Jensen-Shannon divergence (base 2, 0-1) between the emotion distributions of
            two modalities; None with fewer than two.
        abstained: True when the confidence is too low to act on; `emotion` then is the best guess.
        reason: Why it abstained, in words; None otherwise.
        models: Bundle name -> version of every model that took part.
        warnings: What the caller should know.
        error: Why there is no answer; None when there is one.

        Attributes:
            schema (Literal['emofuse.prediction/1']):
            id (str):
            emotion (Emotion | None):
            sentiment (None | Sentiment):
            category (Emotion | None):
            fine_emotions (PredictionFineEmotions):
            modalities (list[ModalityPrediction]):
            faces (list[Face]):
            conflict (float | None):
            abstained (bool):  Default: False.
            reason (None | str):
            models (PredictionModels):
            warnings (list[Notice]):
            error (ErrorEntry | None):
    """

    schema: Literal["emofuse.prediction/1"]
    id: str
    emotion: Emotion | None
    sentiment: None | Sentiment
    category: Emotion | None
    fine_emotions: PredictionFineEmotions
    modalities: list[ModalityPrediction]
    faces: list[Face]
    conflict: float | None
    reason: None | str
    models: PredictionModels
    warnings: list[Notice]
    error: ErrorEntry | None
    abstained: bool = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.emotion import Emotion  # noqa: PLC0415
        from ..models.error_entry import ErrorEntry  # noqa: PLC0415
        from ..models.sentiment import Sentiment  # noqa: PLC0415

        schema = self.schema

        id = self.id

        emotion: dict[str, Any] | None
        if isinstance(self.emotion, Emotion):
            emotion = self.emotion.to_dict()
        else:
            emotion = self.emotion

        sentiment: dict[str, Any] | None
        if isinstance(self.sentiment, Sentiment):
            sentiment = self.sentiment.to_dict()
        else:
            sentiment = self.sentiment

        category: dict[str, Any] | None
        if isinstance(self.category, Emotion):
            category = self.category.to_dict()
        else:
            category = self.category

        fine_emotions = self.fine_emotions.to_dict()

        modalities = []
        for modalities_item_data in self.modalities:
            modalities_item = modalities_item_data.to_dict()
            modalities.append(modalities_item)

        faces = []
        for faces_item_data in self.faces:
            faces_item = faces_item_data.to_dict()
            faces.append(faces_item)

        conflict: float | None
        conflict = self.conflict

        abstained = self.abstained

        reason: None | str
        reason = self.reason

        models = self.models.to_dict()

        warnings = []
        for warnings_item_data in self.warnings:
            warnings_item = warnings_item_data.to_dict()
            warnings.append(warnings_item)

        error: dict[str, Any] | None
        if isinstance(self.error, ErrorEntry):
            error = self.error.to_dict()
        else:
            error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "schema": schema,
                "id": id,
                "emotion": emotion,
                "sentiment": sentiment,
                "category": category,
                "fine_emotions": fine_emotions,
                "modalities": modalities,
                "faces": faces,
                "conflict": conflict,
                "abstained": abstained,
                "reason": reason,
                "models": models,
                "warnings": warnings,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.emotion import Emotion  # noqa: PLC0415
        from ..models.error_entry import ErrorEntry  # noqa: PLC0415
        from ..models.face import Face  # noqa: PLC0415
        from ..models.modality_prediction import ModalityPrediction  # noqa: PLC0415
        from ..models.notice import Notice  # noqa: PLC0415
        from ..models.prediction_fine_emotions import PredictionFineEmotions  # noqa: PLC0415
        from ..models.prediction_models import PredictionModels  # noqa: PLC0415
        from ..models.sentiment import Sentiment  # noqa: PLC0415

        d = dict(src_dict)
        schema = cast(Literal["emofuse.prediction/1"], d.pop("schema"))
        if schema != "emofuse.prediction/1":
            raise ValueError(
                f"schema must match const 'emofuse.prediction/1', got '{schema}'"
            )

        id = d.pop("id")

        def _parse_emotion(data: object) -> Emotion | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                emotion_type_0 = Emotion.from_dict(data)

                return emotion_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Emotion | None, data)

        emotion = _parse_emotion(d.pop("emotion"))

        def _parse_sentiment(data: object) -> None | Sentiment:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                sentiment_type_0 = Sentiment.from_dict(data)

                return sentiment_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Sentiment, data)

        sentiment = _parse_sentiment(d.pop("sentiment"))

        def _parse_category(data: object) -> Emotion | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                category_type_0 = Emotion.from_dict(data)

                return category_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Emotion | None, data)

        category = _parse_category(d.pop("category"))

        fine_emotions = PredictionFineEmotions.from_dict(d.pop("fine_emotions"))

        modalities = []
        _modalities = d.pop("modalities")
        for modalities_item_data in _modalities:
            modalities_item = ModalityPrediction.from_dict(modalities_item_data)

            modalities.append(modalities_item)

        faces = []
        _faces = d.pop("faces")
        for faces_item_data in _faces:
            faces_item = Face.from_dict(faces_item_data)

            faces.append(faces_item)

        def _parse_conflict(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        conflict = _parse_conflict(d.pop("conflict"))

        abstained = d.pop("abstained")

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        models = PredictionModels.from_dict(d.pop("models"))

        warnings = []
        _warnings = d.pop("warnings")
        for warnings_item_data in _warnings:
            warnings_item = Notice.from_dict(warnings_item_data)

            warnings.append(warnings_item)

        def _parse_error(data: object) -> ErrorEntry | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = ErrorEntry.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ErrorEntry | None, data)

        error = _parse_error(d.pop("error"))

        prediction = cls(
            schema=schema,
            id=id,
            emotion=emotion,
            sentiment=sentiment,
            category=category,
            fine_emotions=fine_emotions,
            modalities=modalities,
            faces=faces,
            conflict=conflict,
            abstained=abstained,
            reason=reason,
            models=models,
            warnings=warnings,
            error=error,
        )

        prediction.additional_properties = d
        return prediction

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
