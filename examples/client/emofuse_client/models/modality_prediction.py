from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.modality import Modality

if TYPE_CHECKING:
    from ..models.emotion import Emotion
    from ..models.sentiment import Sentiment


T = TypeVar("T", bound="ModalityPrediction")


@_attrs_define
class ModalityPrediction:
    """What one modality says on its own.

    Attributes:
        modality: Which one.
        model: Name of the bundle that read it; several, whose mean is taken, are joined by `+`.
        weight: Its share in the fused answer, 0-1, by its Shapley value; the shares of a prediction
            sum to 1.
        emotion: Its own emotion distribution.
        sentiment: Its own sentiment distribution.

        Attributes:
            modality (Modality): A way in which a sample can carry emotion.
            model (str):
            weight (float):
            emotion (Emotion): A distribution over one label set.

                Attributes:
                    label: The most probable label.
                    confidence: Its calibrated probability, 0-1.
                    taxonomy: Name of the label set.
                    probabilities: Label -> probability in taxonomy order; sums to 1.
            sentiment (Sentiment): A distribution over `sentiment3`.

                Attributes:
                    mixed: True when positive and negative evidence are both strong, in the answer itself or in
                        two modalities that oppose each other.
    """

    modality: Modality
    model: str
    weight: float
    emotion: Emotion
    sentiment: Sentiment
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        modality = self.modality.value

        model = self.model

        weight = self.weight

        emotion = self.emotion.to_dict()

        sentiment = self.sentiment.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "modality": modality,
                "model": model,
                "weight": weight,
                "emotion": emotion,
                "sentiment": sentiment,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.emotion import Emotion  # noqa: PLC0415
        from ..models.sentiment import Sentiment  # noqa: PLC0415

        d = dict(src_dict)
        modality = Modality(d.pop("modality"))

        model = d.pop("model")

        weight = d.pop("weight")

        emotion = Emotion.from_dict(d.pop("emotion"))

        sentiment = Sentiment.from_dict(d.pop("sentiment"))

        modality_prediction = cls(
            modality=modality,
            model=model,
            weight=weight,
            emotion=emotion,
            sentiment=sentiment,
        )

        modality_prediction.additional_properties = d
        return modality_prediction

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
