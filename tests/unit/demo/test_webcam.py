import csv
import io
import json

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from emofuse.demo.models import build_choices
from emofuse.demo.pairs import EXAMPLES
from emofuse.demo.webcam import KEPT_EVERY_S, MAX_BYTES, Film, answer_camera

HERE = {"origin": "http://testserver"}


def encode(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90)
    return file.getvalue()


def frame(name, size=(640, 480)):
    """An example as the browser sends it, its left edge at 80 px."""
    photo, whole = Image.open(EXAMPLES / name).convert("RGB").resize((480, 480)), Image.new("RGB", size)
    whole.paste(photo, (80, 0))
    return encode(np.asarray(whole))


SMILE, FROWN, WALL = (
    frame("eileen_collins.jpg"),
    frame("drawn_angry.png"),
    encode(np.zeros((480, 640, 3), np.uint8)),
)


class Clock:
    """Goes on by a step whenever it is asked."""

    def __init__(self, step_s):
        self.now_s, self.step_s = 100.0, step_s

    def __call__(self):
        self.now_s += self.step_s
        return self.now_s


@pytest.fixture(scope="module")
def choices():
    return build_choices()


@pytest.fixture
def film(choices):
    # The clock is asked at the beginning and at the end of each frame.
    return Film(choices, Clock(1 / 30))


@pytest.fixture(scope="module")
def client(choices):
    app = FastAPI()
    app.add_api_websocket_route("/camera", answer_camera(choices))
    with TestClient(app) as client:
        yield client


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_frame_is_answered_by_what_the_page_shows(film):
    parts = film.read(SMILE)

    assert set(parts) == {"overlay", "reading", "label", "timeline"}
    assert parts["label"] == "joy"
    assert "joy" in parts["overlay"]
    assert "read in 33 ms" in parts["reading"]
    # The picture is mirrored, so the box hangs on the right: 80 px and about 215 of the 480 of the photo.
    right = float(parts["overlay"].partition("right:")[2].partition("%")[0])
    assert 640 * right / 100 == pytest.approx(80 + 480 * 0.38, abs=25)


def test_the_timeline_is_drawn_now_and_then(film):
    drawn = ["timeline" in film.read(SMILE) for _ in range(16)]

    # At 15 frames a second each eighth frame is half a second later.
    assert drawn == ([True] + [False] * 7) * 2


def test_frames_without_a_face_are_said_and_change_nothing(film):
    film.read(SMILE)
    parts = film.read(WALL)

    assert (parts["overlay"], parts["label"]) == ("", "joy")
    assert "No face is to be seen." in parts["reading"]


@pytest.mark.parametrize("bad", [b"", b"hello", SMILE[:2000], encode(np.zeros((700, 700, 3), np.uint8))])
def test_what_is_no_frame_is_said_and_the_next_is_read(film, bad):
    assert "The frame is not a picture, or has more than 409,600 pixels." in film.read(bad)["reading"]
    assert film.read(SMILE)["label"] == "joy"


def test_another_mood_becomes_stable_and_the_table_says_when(film):
    for own in [SMILE] * 15 + [FROWN] * 45:
        parts = film.read(own)
    assert parts["label"] == "anger"

    end = film.finish()
    rows = read_csv(end["csv"])
    times = [float(row["time_s"]) for row in rows]
    assert len(rows) < 60 / 15 / KEPT_EVERY_S + 4
    assert times == sorted(times)
    [shift] = [row for row in rows if "shift" in row["events"]]
    assert 2 < float(shift["time_s"]) < 4
    assert (end["overlay"], end["reading"]) == ("", "")
    assert "shift to anger" in end["timeline"]


def test_frames_are_answered_one_after_the_other_and_a_stop_by_the_table(client):
    with client.websocket_connect("/camera", headers=HERE) as socket:
        socket.send_text(json.dumps({"models": "Published late fusion"}))
        for _ in range(3):
            socket.send_bytes(SMILE)
            assert socket.receive_json()["label"] == "joy"
        socket.send_text('{"stop": true}')
        assert read_csv(socket.receive_json()["csv"])[0]["raw"] == "joy"
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_other_models_read_the_frames_that_follow(client):
    def read(name):
        with client.websocket_connect("/camera", headers=HERE) as socket:
            socket.send_text(json.dumps({"models": name}))
            socket.send_bytes(SMILE)
            return socket.receive_json()["overlay"]

    assert read("Default models") != read("Published late fusion")


def test_two_visitors_do_not_meet(client):
    with (
        client.websocket_connect("/camera", headers=HERE) as one,
        client.websocket_connect("/camera", headers=HERE) as other,
    ):
        one.send_bytes(SMILE)
        other.send_bytes(FROWN)
        assert (one.receive_json()["label"], other.receive_json()["label"]) == ("joy", "anger")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 1007),
        ("[1]", 1007),
        ('{"models": "none"}', 1007),
        ("[" * 100_000, 1007),
        ('"' + "x" * MAX_BYTES, 1009),
        (b"x" * (MAX_BYTES + 1), 1009),
    ],
)
def test_nonsense_ends_the_talk(client, message, code):
    with client.websocket_connect("/camera", headers=HERE) as socket:
        (socket.send_bytes if isinstance(message, bytes) else socket.send_text)(message)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == code


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "null"}, {"origin": "http://evil.example"}, {"origin": "http://testserver:81"}]
)
def test_other_pages_are_turned_away(client, headers):
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
        client.websocket_connect("/camera", headers=headers),
    ):
        pass
