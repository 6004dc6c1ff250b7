from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.model_summary_metrics_item import ModelSummaryMetricsItem


T = TypeVar("T", bound="ModelSummary")


@_attrs_define
class ModelSummary:
    """A model in use.

    Attributes:
        kind (str):
        name (str):
        version (str):
        description (str):
        sha256 (str):
        outputs (list[str]):
        metrics (list[ModelSummaryMetricsItem]):
    """

    kind: str
    name: str
    version: str
    description: str
    sha256: str
    outputs: list[str]
    metrics: list[ModelSummaryMetricsItem]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind

        name = self.name

        version = self.version

        description = self.description

        sha256 = self.sha256

        outputs = self.outputs

        metrics = []
        for metrics_item_data in self.metrics:
            metrics_item = metrics_item_data.to_dict()
            metrics.append(metrics_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "kind": kind,
                "name": name,
                "version": version,
                "description": description,
                "sha256": sha256,
                "outputs": outputs,
                "metrics": metrics,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.model_summary_metrics_item import ModelSummaryMetricsItem  # noqa: PLC0415

        d = dict(src_dict)
        kind = d.pop("kind")

        name = d.pop("name")

        version = d.pop("version")

        description = d.pop("description")

        sha256 = d.pop("sha256")

        outputs = cast(list[str], d.pop("outputs"))

        metrics = []
        _metrics = d.pop("metrics")
        for metrics_item_data in _metrics:
            metrics_item = ModelSummaryMetricsItem.from_dict(metrics_item_data)

            metrics.append(metrics_item)

        model_summary = cls(
            kind=kind,
            name=name,
            version=version,
            description=description,
            sha256=sha256,
            outputs=outputs,
            metrics=metrics,
        )

        model_summary.additional_properties = d
        return model_summary

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
