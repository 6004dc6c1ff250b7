from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.explain_response_200_explanations_item import (
        ExplainResponse200ExplanationsItem,
    )
    from ..models.prediction import Prediction


T = TypeVar("T", bound="ExplainResponse200")


@_attrs_define
class ExplainResponse200:
    """
    Attributes:
        schema (str):
        prediction (Prediction): The answer for one sample, or the reason why there is none.

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
        explanations (list[ExplainResponse200ExplanationsItem]):
    """

    schema: str
    prediction: Prediction
    explanations: list[ExplainResponse200ExplanationsItem]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        schema = self.schema

        prediction = self.prediction.to_dict()

        explanations = []
        for explanations_item_data in self.explanations:
            explanations_item = explanations_item_data.to_dict()
            explanations.append(explanations_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "schema": schema,
                "prediction": prediction,
                "explanations": explanations,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.explain_response_200_explanations_item import (
            ExplainResponse200ExplanationsItem,  # noqa: PLC0415
        )
        from ..models.prediction import Prediction  # noqa: PLC0415

        d = dict(src_dict)
        schema = d.pop("schema")

        prediction = Prediction.from_dict(d.pop("prediction"))

        explanations = []
        _explanations = d.pop("explanations")
        for explanations_item_data in _explanations:
            explanations_item = ExplainResponse200ExplanationsItem.from_dict(
                explanations_item_data
            )

            explanations.append(explanations_item)

        explain_response_200 = cls(
            schema=schema,
            prediction=prediction,
            explanations=explanations,
        )

        explain_response_200.additional_properties = d
        return explain_response_200

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
