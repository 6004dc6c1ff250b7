import base64
import io
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from emofuse import Predictor, Sample
from emofuse.serve import Settings, create_app

PHOTO = (Path(__file__).parents[3] / "src/emofuse/demo/examples/eileen_collins.jpg").read_bytes()
TEXT = "I am so proud of you"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load(["text_bilstm"], threads=1)


def test_answers_as_python_does(client: TestClient, predictor: Predictor) -> None:
    [own] = predictor.predict([Sample(id="0", text=TEXT, image=PHOTO)])
    encoded = base64.b64encode(PHOTO).decode()
    as_json = client.post("/v1/predict", json={"text": TEXT, "image": encoded})
    as_url = client.post("/v1/predict", json={"text": TEXT, "image": f"data:image/jpeg;base64,{encoded}"})
    as_form = client.post("/v1/predict", data={"text": TEXT}, files={"image": PHOTO})
    assert as_json.content == as_url.content == as_form.content == own.to_json()


def test_options_reach_the_predictor(client: TestClient) -> None:
    cropped = Predictor.load(["text_bilstm"], threads=1, taxonomy="unified5", crop=True)
    [own] = cropped.predict([Sample(id="a", image=PHOTO)])
    answer = client.post(
        "/v1/predict", data={"id": "a", "crop": "true", "taxonomy": "unified5"}, files={"image": PHOTO}
    )
    assert answer.content == own.to_json()


def test_batch_answers_each_in_its_place(client: TestClient, predictor: Predictor) -> None:
    texts = [TEXT, " ", "leave me alone", *(f"day {i} was bad" for i in range(17))]
    own = predictor.predict([Sample(id=str(i), text=text) for i, text in enumerate(texts)])
    answer = client.post("/v1/predict/batch", json={"samples": [{"text": text} for text in texts]})
    assert answer.json() == {"predictions": [prediction.to_dict() for prediction in own]}
    assert answer.json()["predictions"][1]["error"]["code"] == "empty_text"


def test_explains(client: TestClient) -> None:
    answer = client.post("/v1/explain", json={"text": TEXT, "label": "joy"}).json()
    [own] = answer["explanations"]
    assert own["label"] == "joy"
    assert max(own["words"], key=lambda word: word["attribution"])["text"] == "proud"


def test_an_explanation_that_nobody_waits_for_ends(tmp_path: Path) -> None:
    settings = Settings(
        models=("text_bilstm",), database_url=f"sqlite:///{tmp_path}/s.sqlite", batch_deadline_s=0.5
    )
    with TestClient(create_app(settings)) as own:
        body = {"text": "what a day " * 900, "method": "shapley"}  # a minute's work
        long = own.post("/v1/explain", json=body)
        assert (long.status_code, long.json()["code"]) == (503, "deadline")
        start = time.monotonic()
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "empty_sample"),
        ({"text": ""}, 422, "empty_text"),
        ({"text": "x" * 2001}, 413, "text_too_long"),
        ({"text": "a", "colour": 1}, 422, "invalid_fields"),
        ({"text": 3}, 422, "invalid_fields"),
        ({"text": "a", "crop": "yes"}, 422, "invalid_fields"),
        ({"text": "a", "taxonomy": "moods"}, 422, "unknown_taxonomy"),
        ({"image": "%%%"}, 422, "invalid_fields"),
        ({"image": ""}, 422, "image_empty_file"),
        ({"image": base64.b64encode(b"no picture").decode()}, 422, "not_an_image"),
    ],
)
def test_refuses_with_the_reason(client: TestClient, body: dict, status: int, code: str) -> None:
    answer = client.post("/v1/predict", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_refuses_what_is_no_json(client: TestClient) -> None:
    for content, kind in (
        (b"{", "application/json"),
        (b"[" * 5000, "application/json"),
    ):
        answer = client.post("/v1/predict", content=content, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_refuses_other_content_types(client: TestClient) -> None:
    for path in ("/v1/predict", "/v1/predict/batch", "/v1/explain", "/v1/feedback"):
        answer = client.post(path, content=b"a", headers={"content-type": "text/plain"})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert "415" in client.get("/openapi.json").json()["paths"][path]["post"]["responses"]


def test_refuses_too_much(client: TestClient) -> None:
    many = client.post("/v1/predict/batch", json={"samples": [{"text": "a"}] * 21})
    assert (many.status_code, many.json()["code"]) == (413, "body_too_large")
    large = client.post("/v1/predict", content=b'{"text": "' + b"a" * 400_000 + b'"}')
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


def test_what_is_too_large_in_a_batch_disturbs_no_other(client: TestClient) -> None:
    body = {"samples": [{"text": "fine"}, {"text": "x" * 2001}, {"text": "good"}]}
    answers = client.post("/v1/predict/batch", json=body).json()["predictions"]
    assert [own["error"] and own["error"]["code"] for own in answers] == [None, "text_too_long", None]


def test_refuses_pixel_bombs_before_decoding(client: TestClient) -> None:
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    answer = client.post("/v1/predict", files={"image": bomb.getvalue()})
    assert (answer.status_code, answer.json()["code"]) == (413, "image_too_large")


def test_names_its_models(client: TestClient) -> None:
    found = {model["kind"]: model["name"] for model in client.get("/v1/models").json()}
    assert found["text"] == "text_bilstm"
    assert set(found) == {"text", "face", "scene", "face_detector", "fusion"}


def test_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == client.get("/readyz").json() == {"status": "ok"}
    assert client.head("/healthz").status_code == client.head("/readyz").status_code == 200


def test_unknown_paths_and_methods_are_problems(client: TestClient) -> None:
    assert client.get("/v1/nothing").json()["code"] == "not_found"
    assert client.get("/v1/predict").json()["code"] == "method_not_allowed"


def test_keeps_a_sound_request_id_only(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get("/healthz", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"


def test_counts_what_it_does(client: TestClient) -> None:
    def read(name: str) -> float:
        return next(
            float(line.split()[-1])
            for line in client.get("/metrics").text.splitlines()
            if line.startswith(name)
        )

    before = read("emofuse_predictions_total")
    client.post("/v1/predict/batch", json={"samples": [{"text": "a"}, {"text": "b"}, {"text": ""}]})
    assert read("emofuse_predictions_total") == before + 2
    assert read('emofuse_errors_total{code="empty_text"}') >= 1
    assert read("emofuse_batch_size_sum") >= 3
    assert read('emofuse_queue_depth{queue="predictions"}') == 0
    client.post("/v1/predict", json={"text": "a"})
    for stage in ("queue", "model", "total"):
        assert read(f'emofuse_request_seconds_count{{route="/v1/predict",stage="{stage}"}}') >= 1
    client.post("/v1/predict", content=b"{")
    assert read('emofuse_errors_total{code="bad_request"}') >= 1


def test_forms_are_as_strict_as_json(client: TestClient) -> None:
    good = {"text": TEXT, "crop": "false"}
    assert client.post("/v1/predict", files={name: (None, value) for name, value in good.items()}).is_success
    for bad in ({"crop": "0"}, {"crop": "TRUE"}, {"colour": "red"}, {"image": "%%%"}):
        answer = client.post(
            "/v1/predict", files={name: (None, own) for name, own in {**good, **bad}.items()}
        )
        assert (answer.status_code, list(answer.json()["fields"])) == (422, list(bad))
    twice = client.post("/v1/predict", files=[("text", (None, "a")), ("text", (None, "b"))])
    many = client.post("/v1/predict", files=[(f"a{number}", (None, "b")) for number in range(17)])
    broken = client.post(
        "/v1/predict", content=b"nothing", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    bare = client.post("/v1/predict", content=b"a", headers={"content-type": "multipart/form-data"})
    for answer in (twice, many, broken, bare):
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_what_is_sent_is_never_opened_as_a_file_or_an_address(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(PHOTO)
    for value in (
        str(path),
        path.as_uri(),
        f"data:{path.as_uri()}",
        "http://127.0.0.1:9/a.jpg",
        "/etc/hosts00",
    ):
        as_json = client.post("/v1/predict", json={"image": value})
        as_form = client.post("/v1/predict", files={"image": (None, value)})
        for answer in (as_json, as_form):
            assert answer.status_code == 422
            assert answer.json()["code"] in ("invalid_fields", "not_an_image", "image_empty_file")


def test_other_methods_are_told_all_that_there_are(client: TestClient) -> None:
    answer = client.put("/v1/subjects/a")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")


def test_parts_of_a_path_that_do_not_fit_are_problems(client: TestClient) -> None:
    answer = client.get("/v1/subjects/" + "secret" * 40)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert list(answer.json()["fields"]) == ["path.subject"]
    assert "secret" not in answer.text


def test_pages_of_others_may_not_read_unless_allowed(client: TestClient, tmp_path: Path) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "POST"}
    assert client.options("/v1/predict", headers=asked).status_code == 405
    assert not [name for name in client.get("/healthz", headers=asked).headers if "access-control" in name]
    settings = Settings(
        models=("text_bilstm",), database_url=f"sqlite:///{tmp_path}/a", cors_origins=("https://a.example",)
    )
    with TestClient(create_app(settings)) as allowing:
        answer = allowing.options("/v1/predict", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        asked["origin"] = "https://b.example"
        assert allowing.options("/v1/predict", headers=asked).status_code == 400
