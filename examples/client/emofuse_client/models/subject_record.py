from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.subject_record_corrections_item import SubjectRecordCorrectionsItem
    from ..models.subject_record_history_item import SubjectRecordHistoryItem


T = TypeVar("T", bound="SubjectRecord")


@_attrs_define
class SubjectRecord:
    """All that is stored about a person.

    Attributes:
        subject (str):
        history (list[SubjectRecordHistoryItem]):
        corrections (list[SubjectRecordCorrectionsItem]):
    """

    subject: str
    history: list[SubjectRecordHistoryItem]
    corrections: list[SubjectRecordCorrectionsItem]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        subject = self.subject

        history = []
        for history_item_data in self.history:
            history_item = history_item_data.to_dict()
            history.append(history_item)

        corrections = []
        for corrections_item_data in self.corrections:
            corrections_item = corrections_item_data.to_dict()
            corrections.append(corrections_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "subject": subject,
                "history": history,
                "corrections": corrections,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.subject_record_corrections_item import (
            SubjectRecordCorrectionsItem,  # noqa: PLC0415
        )
        from ..models.subject_record_history_item import SubjectRecordHistoryItem  # noqa: PLC0415

        d = dict(src_dict)
        subject = d.pop("subject")

        history = []
        _history = d.pop("history")
        for history_item_data in _history:
            history_item = SubjectRecordHistoryItem.from_dict(history_item_data)

            history.append(history_item)

        corrections = []
        _corrections = d.pop("corrections")
        for corrections_item_data in _corrections:
            corrections_item = SubjectRecordCorrectionsItem.from_dict(
                corrections_item_data
            )

            corrections.append(corrections_item)

        subject_record = cls(
            subject=subject,
            history=history,
            corrections=corrections,
        )

        subject_record.additional_properties = d
        return subject_record

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
