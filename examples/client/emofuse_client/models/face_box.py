from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="FaceBox")


@_attrs_define
class FaceBox:
    """A detected face in pixels of the upright image.

    Attributes:
        x: Left edge, px; may lie outside the image.
        y: Top edge, px; may lie outside the image.
        width: px, > 0.
        height: px, > 0.
        score: Detector confidence, 0-1.
        landmarks: ((x, y), ...) px of right eye, left eye, nose tip, right and left mouth corner
            (right and left of the person), or None when the detector has none.

        Attributes:
            x (float):
            y (float):
            width (float):
            height (float):
            score (float | Unset):  Default: 1.0.
            landmarks (list[list[float]] | None | Unset):
    """

    x: float
    y: float
    width: float
    height: float
    score: float | Unset = 1.0
    landmarks: list[list[float]] | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        x = self.x

        y = self.y

        width = self.width

        height = self.height

        score = self.score

        landmarks: list[list[float]] | None | Unset
        if isinstance(self.landmarks, Unset):
            landmarks = UNSET
        elif isinstance(self.landmarks, list):
            landmarks = []
            for landmarks_type_0_item_data in self.landmarks:
                landmarks_type_0_item = []
                for landmarks_type_0_item_item_data in landmarks_type_0_item_data:
                    landmarks_type_0_item_item: float
                    landmarks_type_0_item_item = landmarks_type_0_item_item_data
                    landmarks_type_0_item.append(landmarks_type_0_item_item)

                landmarks.append(landmarks_type_0_item)

        else:
            landmarks = self.landmarks

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "x": x,
                "y": y,
                "width": width,
                "height": height,
            }
        )
        if score is not UNSET:
            field_dict["score"] = score
        if landmarks is not UNSET:
            field_dict["landmarks"] = landmarks

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        x = d.pop("x")

        y = d.pop("y")

        width = d.pop("width")

        height = d.pop("height")

        score = d.pop("score", UNSET)

        def _parse_landmarks(data: object) -> list[list[float]] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                landmarks_type_0 = []
                _landmarks_type_0 = data
                for landmarks_type_0_item_data in _landmarks_type_0:
                    landmarks_type_0_item = []
                    _landmarks_type_0_item = landmarks_type_0_item_data
                    for landmarks_type_0_item_item_data in _landmarks_type_0_item:

                        def _parse_landmarks_type_0_item_item(data: object) -> float:
                            return cast(float, data)

                        landmarks_type_0_item_item = _parse_landmarks_type_0_item_item(
                            landmarks_type_0_item_item_data
                        )

                        landmarks_type_0_item.append(landmarks_type_0_item_item)

                    landmarks_type_0.append(landmarks_type_0_item)

                return landmarks_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[list[float]] | None | Unset, data)

        landmarks = _parse_landmarks(d.pop("landmarks", UNSET))

        face_box = cls(
            x=x,
            y=y,
            width=width,
            height=height,
            score=score,
            landmarks=landmarks,
        )

        face_box.additional_properties = d
        return face_box

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
