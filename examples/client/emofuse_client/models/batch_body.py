from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.sample_body import SampleBody


T = TypeVar("T", bound="BatchBody")


@_attrs_define
class BatchBody:
    """Samples to read.

    Attributes:
        samples (list[SampleBody]):
        taxonomy (str | Unset): Label set of the emotions in the answers. Default: 'ekman7'.
        crop (bool | Unset): Take every whole image as one face. Default: False.
        subject (None | str | Unset):
    """

    samples: list[SampleBody]
    taxonomy: str | Unset = "ekman7"
    crop: bool | Unset = False
    subject: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        samples = []
        for samples_item_data in self.samples:
            samples_item = samples_item_data.to_dict()
            samples.append(samples_item)

        taxonomy = self.taxonomy

        crop = self.crop

        subject: None | str | Unset
        if isinstance(self.subject, Unset):
            subject = UNSET
        else:
            subject = self.subject

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "samples": samples,
            }
        )
        if taxonomy is not UNSET:
            field_dict["taxonomy"] = taxonomy
        if crop is not UNSET:
            field_dict["crop"] = crop
        if subject is not UNSET:
            field_dict["subject"] = subject

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sample_body import SampleBody  # noqa: PLC0415

        d = dict(src_dict)
        samples = []
        _samples = d.pop("samples")
        for samples_item_data in _samples:
            samples_item = SampleBody.from_dict(samples_item_data)

            samples.append(samples_item)

        taxonomy = d.pop("taxonomy", UNSET)

        crop = d.pop("crop", UNSET)

        def _parse_subject(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        subject = _parse_subject(d.pop("subject", UNSET))

        batch_body = cls(
            samples=samples,
            taxonomy=taxonomy,
            crop=crop,
            subject=subject,
        )

        return batch_body
