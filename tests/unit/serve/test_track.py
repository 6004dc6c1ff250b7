import json

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from emofuse import Predictor, Sample
from emofuse.tracking import Tracker

TURNS = [
    {"text": "I am so happy today!", "speaker": "ann", "time": 0.0},
    {"text": "Leave me alone, I hate this.", "speaker": "bob", "time": 1.5},
    {"text": "This is wonderful.", "speaker": "ann", "time": 4.0},
]


def test_answers_each_turn_as_the_tracker_does(client: TestClient) -> None:
    predictor, tracker = Predictor.load(["text_bilstm"], threads=1), Tracker(half_life=3.0, unit="seconds")
    with client.websocket_connect("/v1/track?half_life=3&unit=seconds") as socket:
        for number, turn in enumerate(TURNS):
            socket.send_text(json.dumps(turn))
            [own] = predictor.predict([Sample(id=str(number), text=turn["text"])])
            state = tracker.update(own, time=turn["time"], speaker=turn["speaker"])
            assert socket.receive_json() == {"prediction": own.to_dict(), "state": state.to_dict()}


def test_a_bad_turn_is_answered_and_the_next_read(client: TestClient) -> None:
    with client.websocket_connect("/v1/track") as socket:
        socket.send_text(json.dumps(TURNS[1]))
        socket.receive_json()
        for message, code in (
            ("{", "bad_request"),
            ('{"colour": 1}', "invalid_fields"),
            ('{"text": "late", "time": 0}', "bad_turn"),
            ('{"text": "' + "x" * 2001 + '"}', "text_too_long"),
        ):
            socket.send_text(message)
            assert socket.receive_json()["error"]["code"] == code
        socket.send_text(json.dumps(TURNS[2]))
        assert socket.receive_json()["state"]["turn"] == 2


def test_a_page_of_another_site_is_turned_away(client: TestClient) -> None:
    local = TestClient(client.app, client=("127.0.0.1", 50000))
    with local.websocket_connect("ws://localhost/v1/track", headers={"origin": "http://localhost"}) as socket:
        socket.send_text(json.dumps(TURNS[0]))
        assert socket.receive_json()["prediction"]
    foreign = local.websocket_connect("ws://localhost/v1/track", headers={"origin": "http://evil.example"})
    with pytest.raises(WebSocketDenialResponse) as denied, foreign:
        pass
    assert (denied.value.status_code, denied.value.json()["code"]) == (403, "forbidden")


def test_a_binary_message_is_read_as_text(client: TestClient) -> None:
    with client.websocket_connect("/v1/track") as socket:
        socket.send_bytes(b'{"text": "I am so happy"}')
        assert socket.receive_json()["prediction"]["emotion"]["label"] == "joy"
        socket.send_bytes(b"\x00\xff")
        assert socket.receive_json()["error"]["code"] == "bad_request"


def test_a_stream_leaves_one_line_in_the_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "emofuse.serve")
    with client.websocket_connect("/v1/track?half_life=3") as socket:
        socket.send_json({"text": "marmalade"})
        socket.receive_json()
    [line] = [own for own in caplog.records if own.name == "emofuse.serve"]
    assert (line.route, line.status) == ("/v1/track", 101)
    assert "marmalade" not in str(line.__dict__)
