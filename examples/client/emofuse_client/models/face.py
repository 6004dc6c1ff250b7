from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.emotion import Emotion
    from ..models.face_box import FaceBox


T = TypeVar("T", bound="Face")


@_attrs_define
class Face:
    """One face of the image, largest first.

    Attributes:
        box: Where it is.
        emotion: Its own distribution.

        Attributes:
            box (FaceBox): A detected face in pixels of the upright image.

                Attributes:
                    x: Left edge, px; may lie outside the image.
                    y: Top edge, px; may lie outside the image.
                    width: px, > 0.
                    height: px, > 0.
                    score: Detector confidence, 0-1.
                    landmarks: ((x, y), ...) px of right eye, left eye, nose tip, right and left mouth corner
                        (right and left of the person), or None when the detector has none.
            emotion (Emotion): A distribution over one label set.

                Attributes:
                    label: The most probable label.
                    confidence: Its calibrated probability, 0-1.
                    taxonomy: Name of the label set.
                    probabilities: Label -> probability in taxonomy order; sums to 1.
    """

    box: FaceBox
    emotion: Emotion
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        box = self.box.to_dict()

        emotion = self.emotion.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "box": box,
                "emotion": emotion,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.emotion import Emotion  # noqa: PLC0415
        from ..models.face_box import FaceBox  # noqa: PLC0415

        d = dict(src_dict)
        box = FaceBox.from_dict(d.pop("box"))

        emotion = Emotion.from_dict(d.pop("emotion"))

        face = cls(
            box=box,
            emotion=emotion,
        )

        face.additional_properties = d
        return face

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
