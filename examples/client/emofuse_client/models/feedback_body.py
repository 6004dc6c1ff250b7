from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.feedback_body_models import FeedbackBodyModels


T = TypeVar("T", bound="FeedbackBody")


@_attrs_define
class FeedbackBody:
    """What a person says is right about a text, an image or both.

    Attributes:
        id (None | str | Unset): The client's name for it: makes a repeat safe.
        subject (None | str | Unset):
        text (None | str | Unset):
        image (None | str | Unset):
        keep_image (bool | Unset): Store the picture too, not its digest alone. Default: False.
        emotion (None | str | Unset): The right label of `ekman7`.
        sentiment (None | str | Unset): The right label of `sentiment3`.
        predicted_emotion (None | str | Unset): What was answered.
        predicted_sentiment (None | str | Unset): What was answered.
        models (FeedbackBodyModels | Unset): Those that answered: name to version.
    """

    id: None | str | Unset = UNSET
    subject: None | str | Unset = UNSET
    text: None | str | Unset = UNSET
    image: None | str | Unset = UNSET
    keep_image: bool | Unset = False
    emotion: None | str | Unset = UNSET
    sentiment: None | str | Unset = UNSET
    predicted_emotion: None | str | Unset = UNSET
    predicted_sentiment: None | str | Unset = UNSET
    models: FeedbackBodyModels | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        id: None | str | Unset
        if isinstance(self.id, Unset):
            id = UNSET
        else:
            id = self.id

        subject: None | str | Unset
        if isinstance(self.subject, Unset):
            subject = UNSET
        else:
            subject = self.subject

        text: None | str | Unset
        if isinstance(self.text, Unset):
            text = UNSET
        else:
            text = self.text

        image: None | str | Unset
        if isinstance(self.image, Unset):
            image = UNSET
        else:
            image = self.image

        keep_image = self.keep_image

        emotion: None | str | Unset
        if isinstance(self.emotion, Unset):
            emotion = UNSET
        else:
            emotion = self.emotion

        sentiment: None | str | Unset
        if isinstance(self.sentiment, Unset):
            sentiment = UNSET
        else:
            sentiment = self.sentiment

        predicted_emotion: None | str | Unset
        if isinstance(self.predicted_emotion, Unset):
            predicted_emotion = UNSET
        else:
            predicted_emotion = self.predicted_emotion

        predicted_sentiment: None | str | Unset
        if isinstance(self.predicted_sentiment, Unset):
            predicted_sentiment = UNSET
        else:
            predicted_sentiment = self.predicted_sentiment

        models: dict[str, Any] | Unset = UNSET
        if not isinstance(self.models, Unset):
            models = self.models.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if id is not UNSET:
            field_dict["id"] = id
        if subject is not UNSET:
            field_dict["subject"] = subject
        if text is not UNSET:
            field_dict["text"] = text
        if image is not UNSET:
            field_dict["image"] = image
        if keep_image is not UNSET:
            field_dict["keep_image"] = keep_image
        if emotion is not UNSET:
            field_dict["emotion"] = emotion
        if sentiment is not UNSET:
            field_dict["sentiment"] = sentiment
        if predicted_emotion is not UNSET:
            field_dict["predicted_emotion"] = predicted_emotion
        if predicted_sentiment is not UNSET:
            field_dict["predicted_sentiment"] = predicted_sentiment
        if models is not UNSET:
            field_dict["models"] = models

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.feedback_body_models import FeedbackBodyModels  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        id = _parse_id(d.pop("id", UNSET))

        def _parse_subject(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        subject = _parse_subject(d.pop("subject", UNSET))

        def _parse_text(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        text = _parse_text(d.pop("text", UNSET))

        def _parse_image(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        image = _parse_image(d.pop("image", UNSET))

        keep_image = d.pop("keep_image", UNSET)

        def _parse_emotion(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        emotion = _parse_emotion(d.pop("emotion", UNSET))

        def _parse_sentiment(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        sentiment = _parse_sentiment(d.pop("sentiment", UNSET))

        def _parse_predicted_emotion(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        predicted_emotion = _parse_predicted_emotion(d.pop("predicted_emotion", UNSET))

        def _parse_predicted_sentiment(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        predicted_sentiment = _parse_predicted_sentiment(
            d.pop("predicted_sentiment", UNSET)
        )

        _models = d.pop("models", UNSET)
        models: FeedbackBodyModels | Unset
        if isinstance(_models, Unset):
            models = UNSET
        else:
            models = FeedbackBodyModels.from_dict(_models)

        feedback_body = cls(
            id=id,
            subject=subject,
            text=text,
            image=image,
            keep_image=keep_image,
            emotion=emotion,
            sentiment=sentiment,
            predicted_emotion=predicted_emotion,
            predicted_sentiment=predicted_sentiment,
            models=models,
        )

        return feedback_body
