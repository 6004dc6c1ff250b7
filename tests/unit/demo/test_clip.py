import re

import av
import numpy as np
import pytest
from PIL import Image

from emofuse import Predictor, Sample
from emofuse.demo.clip import FRAMES_PER_S, LONGEST_PX, MAX_S, follow_clip, read_frames
from emofuse.demo.models import build_choices
from emofuse.demo.pairs import EXAMPLES
from emofuse.errors import VideoError

RATE = 10


def picture(name, size=(320, 240)):
    """An example photo on grey."""
    photo, whole = Image.open(EXAMPLES / name).convert("RGB"), Image.new("RGB", size, (120, 120, 120))
    photo.thumbnail(size)
    whole.paste(photo, (0, 0))
    return np.asarray(whole)


def make_clip(path, images, *, rate=RATE, codec="mpeg4", rotation=None, options=None):
    """A video of one frame after the other."""
    with av.open(str(path), "w", options=options or {}) as container:
        height, width = images[0].shape[:2]
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 2_000_000
        if rotation:
            stream.set_display_rotation(rotation)
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode())
    return path


def make_sound(path):
    """A second of silence in the container of a video."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


GREY = np.full((48, 64, 3), 120, np.uint8)


@pytest.fixture(scope="module")
def choice():
    return next(iter(build_choices().values()))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mpeg4"), ("a.mkv", "mpeg4"), ("a.avi", "mpeg4"), ("a.webm", "libvpx")]
)
def test_some_frames_a_second_with_their_times(tmp_path, name, codec):
    frames = list(read_frames(make_clip(tmp_path / name, [GREY] * 2 * RATE, codec=codec)))

    assert [frame.time_s for frame in frames] == pytest.approx(
        [i / FRAMES_PER_S for i in range(10)], abs=0.01
    )
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    assert frames[0].length_s == pytest.approx(2, abs=0.1)


def test_slow_and_uneven_frames_keep_their_times(tmp_path):
    frames = list(read_frames(make_clip(tmp_path / "slow.mp4", [GREY] * 6, rate=2)))
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5], abs=0.01)

    # Of three frames a second each is the first of its fifth of a second.
    frames = list(read_frames(make_clip(tmp_path / "third.mp4", [GREY] * 4, rate=3)))
    assert [frame.time_s for frame in frames] == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=0.01)


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (-90, 3), (180, 2)])
def test_a_phone_held_upright_is_shown_upright(tmp_path, rotation, turns):
    image = picture("eileen_collins.jpg")
    path = make_clip(tmp_path / "turned.mp4", [image] * 2, rotation=rotation)
    [frame] = read_frames(path)

    expected = np.rot90(image, turns).astype(float)
    assert frame.image.shape == expected.shape
    assert np.abs(frame.image - expected).mean() < 8


def test_large_frames_are_scaled_down(tmp_path):
    [frame] = read_frames(make_clip(tmp_path / "large.mp4", [np.zeros((400, 1600, 3), np.uint8)]))
    assert frame.image.shape == (160, LONGEST_PX, 3)


def test_the_largest_face_is_followed_and_changes_are_pictured(tmp_path, choice):
    happy, angry = picture("drawn_happy.png"), picture("drawn_angry.png")
    none = np.full((240, 320, 3), 120, np.uint8)
    path = make_clip(tmp_path / "mood.mp4", [happy] * 20 + [none] * 6 + [angry] * 40)
    *_, (record, last) = follow_clip(choice, read_frames(path))

    entries = list(record.entries)
    assert len(entries) == 33
    assert last.time_s == pytest.approx(6.4, abs=0.01)
    assert {entry.state.raw for entry in entries[:10]} == {"joy"}
    assert [entry.error for entry in entries[10:13]] == ["No face is to be seen."] * 3
    assert (entries[0].state.label, entries[-1].state.label) == ("joy", "anger")
    [shift] = [entry for entry in entries if "shift" in entry.state.events]
    assert [entry.state.time for entry in entries if entry.picture] == [shift.state.time]
    assert shift.picture.source.startswith("data:image/jpeg")


def test_the_room_counts_for_nothing(tmp_path, choice):
    image = picture("eileen_collins.jpg", (480, 480))
    path = make_clip(tmp_path / "still.mp4", [image])
    *_, (record, frame) = follow_clip(choice, read_frames(path))

    [whole] = Predictor.load().predict([Sample(image=frame.image)])
    [face] = [own for own in whole.modalities if own.modality == "face"]
    assert record.entries[0].state.emotion == pytest.approx(face.emotion.probabilities, abs=1e-5)


def broken(tmp_path, cut):
    """A video of which only a part is whole."""
    path = make_clip(tmp_path / "whole.mkv", [picture("eileen_collins.jpg")] * 40)
    return bytes(cut(bytearray(path.read_bytes())))


def playlist(_):
    return b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n"


REFUSED = {
    "empty": (lambda _: b"", "is no video"),
    "text": (lambda _: b"hello there\n" * 50, "is no video"),
    "picture": (lambda _: (EXAMPLES / "cat.jpg").read_bytes(), "is no video"),
    "playlist of other files": (playlist, "is no video"),
    "list of other files": (lambda _: b"ffconcat version 1.0\nfile '/etc/passwd'\n", "is no video"),
    "cut": (lambda d: broken(d, lambda data: data[:200]), "is no video"),
    "without its index": (lambda d: make_clip(d / "a.mp4", [GREY] * 20).read_bytes()[:900], "is no video"),
    "with half of it": (lambda d: make_clip(d / "a.mp4", [GREY] * 20).read_bytes()[:-900], "has no pictures"),
    "sound alone": (lambda d: make_sound(d / "a.mp4").read_bytes(), "has no pictures"),
    "unknown codec": (
        lambda d: make_clip(d / "a.avi", [GREY]).read_bytes().replace(b"FMP4", b"QQQQ"),
        "has no pictures",
    ),
    "too long": (
        lambda d: make_clip(d / "a.mp4", [GREY] * (MAX_S + 1), rate=1).read_bytes(),
        f"lasts 181 s; at most {MAX_S} s",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    make, words = REFUSED[name]
    path = tmp_path / "holiday.mp4"
    path.write_bytes(make(tmp_path))

    with pytest.raises(VideoError, match=f"^holiday.mp4 .*{re.escape(words)}.*\\.$"):
        list(read_frames(path))


def test_too_large(tmp_path):
    path = make_clip(tmp_path / "large.mp4", [np.zeros((2320, 4096, 3), np.uint8)])

    with pytest.raises(VideoError, match="4096 x 2320 px"):
        list(read_frames(path))


def test_too_long_without_saying_so(tmp_path):
    path = make_clip(tmp_path / "live.mkv", [GREY] * (MAX_S + 5), rate=1, options={"live": "1"})
    frames = []
    with pytest.raises(VideoError, match=f"lasts longer than {MAX_S} s"):
        frames.extend(read_frames(path))
    assert {frame.length_s for frame in frames} == {None}


def test_what_lies_before_a_damage_is_read(tmp_path):
    path = make_clip(tmp_path / "a.mp4", [picture("eileen_collins.jpg")] * 40)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : len(data) - 2000] = b"\x00" * (len(data) - 2000 - middle)
    path.write_bytes(data)

    frames = []
    with pytest.raises(VideoError, match=r"a\.mp4 is damaged after \d\.\d s"):
        frames.extend(read_frames(path))
    assert 2 <= len(frames) < 20
