from enum import StrEnum


class Modality(StrEnum):
    FACE = "face"
    SCENE = "scene"
    TEXT = "text"

    def __str__(self) -> str:
        return str(self.value)
