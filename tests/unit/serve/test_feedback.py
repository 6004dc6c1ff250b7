import base64
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

CORRECTION = {"text": "Well, great.", "emotion": "anger", "subject": "ann", "predicted_emotion": "joy"}


def test_a_correction_is_stored_once(client: TestClient) -> None:
    given = {**CORRECTION, "id": "once", "subject": "once"}
    answers = [client.post("/v1/feedback", json=given) for _ in range(3)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(201, {"id": "once"})] * 3
    assert len(client.get("/v1/subjects/once").json()["corrections"]) == 1


def test_the_service_names_what_has_no_name(client: TestClient) -> None:
    names = {client.post("/v1/feedback", json=CORRECTION).json()["id"] for _ in range(2)}
    assert len(names) == 2


def test_one_id_does_not_stand_for_two_corrections(client: TestClient) -> None:
    client.post("/v1/feedback", json={**CORRECTION, "id": "taken"})
    answer = client.post("/v1/feedback", json={**CORRECTION, "id": "taken", "emotion": "joy"})
    assert (answer.status_code, answer.json()["code"]) == (409, "correction_conflict")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"emotion": "joy"}, 422, "bad_record"),
        ({"text": "a"}, 422, "bad_record"),
        ({"text": "a", "emotion": "bliss"}, 422, "unknown_label"),
        ({"text": "a", "emotion": "joy", "id": "\n"}, 422, "bad_record"),
        ({"text": "a", "emotion": "joy", "subject": " "}, 422, "bad_record"),
        ({"text": "x" * 2001, "emotion": "joy"}, 413, "text_too_long"),
    ],
)
def test_refuses_with_the_reason(client: TestClient, body: dict, status: int, code: str) -> None:
    answer = client.post("/v1/feedback", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_person_gets_and_erases_what_is_stored(client: TestClient) -> None:
    client.post("/v1/predict", json={"text": "what a day", "subject": "bob"})
    client.post("/v1/predict/batch", json={"samples": [{"text": "one"}, {"text": "two"}], "subject": "bob"})
    picture = base64.b64encode(b"some bytes").decode()
    client.post("/v1/feedback", json={**CORRECTION, "subject": "bob", "image": picture, "keep_image": True})
    client.post("/v1/feedback", json={**CORRECTION, "subject": "eve"})
    record = client.get("/v1/subjects/bob").json()
    assert [entry["text"] for entry in record["history"]] == ["what a day", "one", "two"]
    assert record["history"][0]["prediction"]["schema"] == "emofuse.prediction/1"
    assert [entry["image"] for entry in record["corrections"]] == [picture]
    assert client.delete("/v1/subjects/bob").json() == {"deleted": {"history": 3, "corrections": 1}}
    assert client.get("/v1/subjects/bob").json() == {"subject": "bob", "history": [], "corrections": []}
    assert client.get("/v1/subjects/eve").json()["corrections"]


@pytest.mark.parametrize("subject", ["team/ann", "/", "a//b/", "a?b#c", "100%", "Zoë ☺ 李", "a b"])
def test_every_name_of_a_person_can_be_exported_and_erased(client: TestClient, subject: str) -> None:
    client.post("/v1/feedback", json={**CORRECTION, "subject": subject}).raise_for_status()
    path = f"/v1/subjects/{quote(subject, safe='')}"
    record = client.get(path).json()
    assert (record["subject"], len(record["corrections"])) == (subject, 1)
    assert client.delete(path).json() == {"deleted": {"history": 0, "corrections": 1}}
    assert client.get(path).json()["corrections"] == []


def test_a_path_of_persons_names_the_methods_that_it_takes(client: TestClient) -> None:
    answer = client.put("/v1/subjects/a%2Fb")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")


@pytest.mark.parametrize("subject", ["\n", " ", "a\x00b"])
def test_a_subject_that_cannot_be_stored_is_refused_before_anything_is_read(
    client: TestClient, subject: str
) -> None:
    for path, body in (
        # A text that the model would refuse, had it come so far.
        ("/v1/predict", {"text": " ", "subject": subject}),
        ("/v1/predict/batch", {"samples": [{"text": " "}], "subject": subject}),
    ):
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_record")
