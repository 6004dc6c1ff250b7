from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.sentiment_probabilities import SentimentProbabilities


T = TypeVar("T", bound="Sentiment")


@_attrs_define
class Sentiment:
    """A distribution over `sentiment3`.

    Attributes:
        mixed: True when positive and negative evidence are both strong, in the answer itself or in
            two modalities that oppose each other.

        Attributes:
            label (str):
            confidence (float):
            taxonomy (str):
            probabilities (SentimentProbabilities):
            mixed (bool | Unset):  Default: False.
    """

    label: str
    confidence: float
    taxonomy: str
    probabilities: SentimentProbabilities
    mixed: bool | Unset = False
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        label = self.label

        confidence = self.confidence

        taxonomy = self.taxonomy

        probabilities = self.probabilities.to_dict()

        mixed = self.mixed

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "label": label,
                "confidence": confidence,
                "taxonomy": taxonomy,
                "probabilities": probabilities,
            }
        )
        if mixed is not UNSET:
            field_dict["mixed"] = mixed

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.sentiment_probabilities import SentimentProbabilities  # noqa: PLC0415

        d = dict(src_dict)
        label = d.pop("label")

        confidence = d.pop("confidence")

        taxonomy = d.pop("taxonomy")

        probabilities = SentimentProbabilities.from_dict(d.pop("probabilities"))

        mixed = d.pop("mixed", UNSET)

        sentiment = cls(
            label=label,
            confidence=confidence,
            taxonomy=taxonomy,
            probabilities=probabilities,
            mixed=mixed,
        )

        sentiment.additional_properties = d
        return sentiment

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
