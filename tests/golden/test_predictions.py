"""Every example through every door gives the stored answer.

Regenerate after a deliberate change of a model: `python tests/golden/test_predictions.py`, and review the diff.
"""

import json
from pathlib import Path

import pytest

from emofuse import Predictor, Sample

FOLDER = Path(__file__).parent
PHOTOS = FOLDER.parent.parent / "src" / "emofuse" / "demo" / "examples"
STORED = FOLDER / "predictions.json"
TOLERANCE = 0.03  # int8 kernels of other CPUs round in another order

TEXTS = [
    "I am so proud of you",
    "My grandmother died this morning",
    "The parcel arrived on Tuesday",
    "How dare you speak to me like that!",
    "I'm terrified of what happens next",
    "That smells disgusting, get it away from me",
    "Wow, I did not see that coming!",
    "😂😂😂",
]
DRAWN = {
    "neutral": "neutral",
    "happy": "joy",
    "sad": "sadness",
    "angry": "anger",
    "surprised": "surprise",
}


def samples():
    texts = [Sample(id=text, text=text) for text in TEXTS]
    face = PHOTOS / "eileen_collins.jpg"
    drawn = [Sample(id=name, image=PHOTOS / f"drawn_{name}.png") for name in DRAWN]
    return [*texts, *drawn, Sample(id="photo", image=face), Sample(id="pair", text=TEXTS[1], image=face)]


def summary(prediction):
    form = prediction.to_dict()
    boxes = [[face["box"][side] for side in ("x", "y", "width", "height")] for face in form["faces"]]
    return {
        "id": form["id"],
        "emotion": form["emotion"]["probabilities"],
        "sentiment": form["sentiment"]["probabilities"],
        "boxes": boxes,
        "models": form["models"],
    }


@pytest.fixture(scope="module")
def stored():
    return json.loads(STORED.read_text(encoding="utf-8"))


def check(prediction, expected):
    actual = summary(prediction)
    assert actual["id"] == expected["id"]
    assert actual["models"] == expected["models"]
    for key in ("emotion", "sentiment"):
        assert actual[key] == pytest.approx(expected[key], abs=TOLERANCE)
    for ours, theirs in zip(actual["boxes"], expected["boxes"], strict=True):
        assert ours == pytest.approx(theirs, abs=3)


def test_batch_matches_the_stored_answers(stored):
    for prediction, expected in zip(Predictor.load().predict(samples()), stored, strict=True):
        check(prediction, expected)


def test_one_by_one_and_as_bytes_matches_too(stored):
    predictor = Predictor.load(threads=1)
    for sample, expected in zip(samples(), stored, strict=True):
        image = Path(sample.image).read_bytes() if sample.image else None
        [prediction] = predictor.predict([Sample(id=sample.id, text=sample.text, image=image)])
        check(prediction, expected)


def test_neighbours_in_a_batch_change_nothing():
    predictor = Predictor.load()
    for sample, together in zip(samples(), predictor.predict(samples()), strict=True):
        [alone] = predictor.predict([sample])
        assert alone.emotion.probabilities == pytest.approx(together.emotion.probabilities, abs=1e-5)
        assert alone.fine_emotions == pytest.approx(together.fine_emotions, abs=1e-5)


def test_drawn_expressions_are_read_as_drawn():
    drawn = [Sample(image=PHOTOS / f"drawn_{name}.png") for name in DRAWN]
    labels = [prediction.faces[0].emotion.label for prediction in Predictor.load().predict(drawn)]
    assert labels == list(DRAWN.values())


if __name__ == "__main__":
    found = [summary(prediction) for prediction in Predictor.load().predict(samples())]
    STORED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
