"""A short video, some frames a second of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from emofuse.demo.faces import FaceFollower, name_trouble
from emofuse.demo.models import Choice
from emofuse.demo.photo import show_picture
from emofuse.demo.record import Entry, Record
from emofuse.errors import VideoError
from emofuse.types import ImageArray

__all__ = ["FRAMES_PER_S", "MAX_S", "Frame", "follow_clip", "read_frames"]

FRAMES_PER_S = 5
MAX_S = 180
MAX_PIXELS = 4096 * 2304  # of a frame
LONGEST_PX = 640  # side of a frame as it is read
PICTURES, PICTURE_PX = 12, 160  # frames that are kept, where something changed
# No playlists: they could name other files of this machine, or addresses.
_FORMATS = "mov,matroska,avi,mpeg,mpegts,mpegvideo,ogg,flv,asf,gif"


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame that was picked.

    Attributes:
        time_s: Since the first frame, s.
        length_s: Of the whole video, s, as far as its file tells; else None.
        image: (H, W, 3) uint8 RGB, upright, no side longer than `LONGEST_PX`.
    """

    time_s: float
    length_s: float | None
    image: ImageArray


def follow_clip(choice: Choice, frames: Iterator[Frame]) -> Iterator[tuple[Record, Frame]]:
    """Track the largest face of a video.

    Args:
        choice: What reads.
        frames: From `read_frames`.

    Yields:
        After each frame: the record so far, always the same object, and the frame.
    """
    record, follower, pictures = Record("seconds"), FaceFollower(choice, FRAMES_PER_S), 0
    for frame in frames:
        prediction, state = follower.read(frame.image, frame.time_s)
        picture = None
        if "shift" in state.events and pictures < PICTURES:
            pictures += 1
            picture = show_picture(frame.image, longest_px=PICTURE_PX)
        record.add(Entry(state, error=name_trouble(prediction), picture=picture))
        yield record, frame


def read_frames(path: Path) -> Iterator[Frame]:
    """Decode a video and pick frames from it; one at a time is held.

    Args:
        path: Of a file.

    Yields:
        The first frame, then the first of each further `1 / FRAMES_PER_S` s.

    Raises:
        VideoError: It is no video, has no pictures, is damaged, or is too long or too large. What lies before
            a damage was given by then.
    """
    last = None
    try:
        with _open(path) as container:
            stream = _find_stream(container, path.name)
            for last in _pick(container, stream, path.name):
                yield last
    except (av.FFmpegError, OSError) as error:
        if last is None:
            raise VideoError(
                f"{path.name} is no video, or damaged at its beginning. MP4, MOV, WebM, MKV, AVI, MPEG, OGG "
                f"and GIF are read.",
                item=path.name,
            ) from error
        raise VideoError(
            f"{path.name} is damaged after {last.time_s:.1f} s; what follows was not read.", item=path.name
        ) from error
    if last is None:
        raise VideoError(
            f"{path.name} has not a single frame that can be read. Give another file.", item=path.name
        )


@contextmanager
def _open(path: Path) -> Iterator[InputContainer]:
    # By a file object, so that nothing in the file decides what else is opened.
    options = {"format_whitelist": _FORMATS}
    with path.open("rb") as file, av.open(file, "r", options=options, metadata_errors="ignore") as container:
        yield container


def _find_stream(container: InputContainer, name: str) -> VideoStream:
    # The cover of a song is a stream of pictures too; one of an unknown kind has no decoder.
    moving = [
        own
        for own in container.streams.video
        if own.codec_context is not None and not own.disposition & own.disposition.attached_pic
    ]
    if not moving:
        raise VideoError(
            f"{name} has no pictures that can be read, only sound or nothing. Give another file.", item=name
        )
    stream = moving[0]
    stream.thread_type = "AUTO"
    if stream.width * stream.height > MAX_PIXELS:
        raise VideoError(
            f"{name} has frames of {stream.width} x {stream.height} px; at most {MAX_PIXELS:,} pixels "
            f"are read. Scale it down first.",
            item=name,
        )
    length = _length_s(container, stream)
    if length is not None and length > MAX_S:
        raise _too_long(name, f"lasts {length:.0f} s")
    return stream


def _length_s(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _too_long(name: str, what: str) -> VideoError:
    return VideoError(f"{name} {what}; at most {MAX_S} s are read. Cut it first.", item=name)


def _pick(container: InputContainer, stream: VideoStream, name: str) -> Iterator[Frame]:
    length, first, due = _length_s(container, stream), None, 0.0
    for number, frame in enumerate(container.decode(stream)):
        # Some files have no times, only a rate.
        rate = stream.average_rate or 25
        at = float(frame.time if frame.time is not None else number / rate)
        first = at if first is None else first
        time = at - first
        if time < due or frame.is_corrupt:
            continue
        if time > MAX_S:
            raise _too_long(name, f"lasts longer than {MAX_S} s")
        due = (int(time * FRAMES_PER_S) + 1) / FRAMES_PER_S
        yield Frame(time, length, _upright(frame, stream))


def _upright(frame: av.VideoFrame, stream: VideoStream) -> ImageArray:
    # Pixels may be wider than high, and a phone held upright films lying frames.
    width = frame.width * float(stream.sample_aspect_ratio or 1)
    scale = min(1.0, LONGEST_PX / max(width, frame.height))
    size = {"width": max(1, round(scale * width)), "height": max(1, round(scale * frame.height))}
    image = frame.reformat(**size, format="rgb24").to_ndarray()
    return np.ascontiguousarray(np.rot90(image, frame.rotation // 90))
