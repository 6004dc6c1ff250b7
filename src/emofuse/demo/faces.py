"""The largest face of each frame, read and tracked."""

from __future__ import annotations

from collections.abc import Sequence

from emofuse.demo.models import Choice
from emofuse.errors import NoFaceError
from emofuse.runtime.predictor import Predictor
from emofuse.tracking import Hysteresis, Tracker, TrackState
from emofuse.types import FaceBox, ImageArray, ImageSource, Modality, Prediction, Sample

__all__ = ["FaceFollower", "name_trouble"]

# Chosen by eye, not measured: no corpus of videos with labels is at hand.
HALF_LIFE_S = 1.0
STEADY_S = 1.0  # for which another emotion leads before it becomes the stable one
WINDOW_S = 5.0


class FaceFollower:
    """Reads frame after frame. What is not the face, such as the room, counts for nothing.

    Args:
        choice: What reads.
        frames_per_s: About how many frames will come.
    """

    def __init__(self, choice: Choice, frames_per_s: float) -> None:
        self._tracker = Tracker(
            unit="seconds",
            half_life=HALF_LIFE_S,
            window=round(WINDOW_S * frames_per_s),
            hysteresis=Hysteresis(updates=round(STEADY_S * frames_per_s)),
        )
        self.use(choice)

    def use(self, choice: Choice) -> None:
        """Let other models read the frames that follow."""
        models = choice.models

        def find_largest(image: ImageArray) -> Sequence[FaceBox]:
            # A caller's detector need not sort.
            return sorted(models.detector(image), key=lambda box: -box.width * box.height)[:1]

        self._predictor = Predictor(models.only(Modality.FACE, find_largest))

    def read(self, frame: ImageSource, time_s: float) -> tuple[Prediction, TrackState]:
        """Take in a frame.

        Args:
            frame: The whole of it.
            time_s: s since any beginning, never before that of the last.

        Returns:
            What the face says, with an error where there is none; and where the tracker then stands.
        """
        [prediction] = self._predictor.predict([Sample(image=frame)])
        return prediction, self._tracker.update(prediction, time=time_s)


def name_trouble(prediction: Prediction) -> str | None:
    """Why nothing was read of a frame, in words; None if something was."""
    if prediction.error is None:
        return None
    return "No face is to be seen." if prediction.error.code == NoFaceError.code else prediction.error.message
