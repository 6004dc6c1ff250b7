from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.emotion_probabilities import EmotionProbabilities


T = TypeVar("T", bound="Emotion")


@_attrs_define
class Emotion:
    """A distribution over one label set.

    Attributes:
        label: The most probable label.
        confidence: Its calibrated probability, 0-1.
        taxonomy: Name of the label set.
        probabilities: Label -> probability in taxonomy order; sums to 1.

        Attributes:
            label (str):
            confidence (float):
            taxonomy (str):
            probabilities (EmotionProbabilities):
    """

    label: str
    confidence: float
    taxonomy: str
    probabilities: EmotionProbabilities
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        label = self.label

        confidence = self.confidence

        taxonomy = self.taxonomy

        probabilities = self.probabilities.to_dict()

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

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.emotion_probabilities import EmotionProbabilities  # noqa: PLC0415

        d = dict(src_dict)
        label = d.pop("label")

        confidence = d.pop("confidence")

        taxonomy = d.pop("taxonomy")

        probabilities = EmotionProbabilities.from_dict(d.pop("probabilities"))

        emotion = cls(
            label=label,
            confidence=confidence,
            taxonomy=taxonomy,
            probabilities=probabilities,
        )

        emotion.additional_properties = d
        return emotion

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
