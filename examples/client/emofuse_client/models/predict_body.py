from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="PredictBody")


@_attrs_define
class PredictBody:
    """A sample to read.

    Attributes:
        id (None | str | Unset): Comes back in the answer.
        text (None | str | Unset):
        image (None | str | Unset):
        taxonomy (str | Unset): Label set of the emotions in the answer. Default: 'ekman7'.
        crop (bool | Unset): Take the whole image as one face. Default: False.
        subject (None | str | Unset):
    """

    id: None | str | Unset = UNSET
    text: None | str | Unset = UNSET
    image: None | str | Unset = UNSET
    taxonomy: str | Unset = "ekman7"
    crop: bool | Unset = False
    subject: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        id: None | str | Unset
        if isinstance(self.id, Unset):
            id = UNSET
        else:
            id = self.id

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

        taxonomy = self.taxonomy

        crop = self.crop

        subject: None | str | Unset
        if isinstance(self.subject, Unset):
            subject = UNSET
        else:
            subject = self.subject

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if id is not UNSET:
            field_dict["id"] = id
        if text is not UNSET:
            field_dict["text"] = text
        if image is not UNSET:
            field_dict["image"] = image
        if taxonomy is not UNSET:
            field_dict["taxonomy"] = taxonomy
        if crop is not UNSET:
            field_dict["crop"] = crop
        if subject is not UNSET:
            field_dict["subject"] = subject

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        id = _parse_id(d.pop("id", UNSET))

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

        taxonomy = d.pop("taxonomy", UNSET)

        crop = d.pop("crop", UNSET)

        def _parse_subject(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        subject = _parse_subject(d.pop("subject", UNSET))

        predict_body = cls(
            id=id,
            text=text,
            image=image,
            taxonomy=taxonomy,
            crop=crop,
            subject=subject,
        )

        return predict_body
