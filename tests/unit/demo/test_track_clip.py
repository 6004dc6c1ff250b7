from threading import BoundedSemaphore

import numpy as np
import pytest
from tests.unit.demo.test_clip import GREY, make_clip, picture

from emofuse.demo.models import build_choices
from emofuse.demo.track_clip import watch

MODELS = "Default models"


@pytest.fixture(scope="module")
def choices():
    return build_choices()


def follow(choices, path, places=None, is_over=lambda: False):
    return watch(choices[MODELS], path, places or BoundedSemaphore(1), is_over=is_over)


def test_no_file_is_an_invitation(choices):
    [(record, told, drawn)] = follow(choices, None)

    assert record is None
    assert "Give a video" in told
    assert "Nothing is tracked yet" in drawn


def test_a_video_ends_in_its_record(choices, tmp_path):
    path = make_clip(
        tmp_path / "a.mp4", [picture("eileen_collins.jpg")] * 10 + [GREY.repeat(5, 0).repeat(5, 1)] * 4
    )
    first, *_, (record, told, drawn) = follow(choices, str(path))

    assert first[0] is None
    assert "<progress" in first[1]
    assert [entry.state.raw for entry in record.entries] == ["joy"] * 5 + [None] * 2
    assert "7 frames read, 2 of them without a face." in told
    assert drawn.count("<tr>") == 8


def test_a_damaged_video_says_so_and_shows_what_was_read(choices, tmp_path):
    path = make_clip(tmp_path / "<b>.mp4", [np.roll(picture("eileen_collins.jpg"), i) for i in range(40)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) // 2 - 2000) + data[-2000:])
    *_, (record, told, drawn) = follow(choices, str(path))

    assert "&lt;b&gt;.mp4 is damaged after" in told
    assert "<polyline" in drawn
    assert record.entries


def test_another_file_is_answered_in_words(choices, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    *_, (record, told, drawn) = follow(choices, str(path))

    assert record is None
    assert "notes.txt is no video" in told
    assert "Nothing is tracked yet" in drawn


def test_what_nobody_waits_for_ends_without_another_word(choices, tmp_path):
    path = make_clip(tmp_path / "a.mp4", [picture("eileen_collins.jpg")] * 10)
    places, over = BoundedSemaphore(1), []
    reading = follow(choices, str(path), places, is_over=lambda: bool(over))
    assert "<progress" in next(reading)[1]
    over.append(True)

    assert list(reading) == []
    assert places.acquire(blocking=False)


def test_who_finds_no_place_is_told_to_wait_and_may_leave(choices, tmp_path):
    path, places, over = make_clip(tmp_path / "a.mp4", [GREY] * 4), BoundedSemaphore(1), []
    places.acquire()
    told = [next(follow(choices, str(path), places))[1] for _ in range(2)]
    assert all("Waiting for other visitors" in own for own in told)

    waiting = follow(choices, str(path), places, is_over=lambda: bool(over))
    next(waiting)
    over.append(True)
    assert list(waiting) == []

    stayed = follow(choices, str(path), places)
    next(stayed)
    places.release()
    assert [own[0] is not None for own in stayed][-1]
    assert places.acquire(blocking=False)
