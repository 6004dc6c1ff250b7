import numpy as np
import pytest
from PIL import Image

from emofuse.datasets import load_adapter
from emofuse.demo.cards import AT_ONCE, choose_cards, measure_accuracy, read_cards
from emofuse.evaluate.answers import answer_corpus
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.predictor import Predictor
from emofuse.taxonomy import load_taxonomy
from emofuse.types import Emotion, ErrorEntry, Prediction, Sample, Sentiment


def spread(taxonomy, shares, cls=Emotion):
    probabilities = {label: shares.get(label, 0.0) for label in load_taxonomy(taxonomy).labels}
    top = max(probabilities, key=probabilities.__getitem__)
    return cls(top, probabilities[top], taxonomy, probabilities)


class Models:
    """Says the same of every sample, and keeps what it was asked."""

    def __init__(self, emotion=None, sentiment=None):
        self.emotion = spread("ekman7", emotion or {"joy": 1.0})
        self.sentiment = spread("sentiment3", sentiment or {"positive": 1.0}, Sentiment)
        self.asked = []

    def __call__(self, samples):
        self.asked.append(list(samples))
        return [Prediction(id=str(own.id), emotion=self.emotion, sentiment=self.sentiment) for own in samples]


def read(corpus, labels, models):
    [card] = read_cards(corpus, [Sample(id="1", text="a", labels=labels)], models, lambda *_: None)
    return card


def test_same_labels_are_compared_as_they_are():
    models = Models({"fear": 0.6, "joy": 0.4}, {"negative": 0.9, "neutral": 0.1})
    card = read("msed", {"ekman7": {"fear": 1.0}, "sentiment3": {"neutral": 1.0}}, models)

    assert card.answers["emotion"].right is True
    assert card.answers["sentiment"].right is False
    assert card.right is False


def test_answer_is_mapped_to_the_labels_of_the_corpus_as_evaluate_does():
    # Neutral, which the corpus lacks, is shared equally: anger has 0.3 + 0.6 / 6 = 0.4, joy 0.2.
    models = Models({"neutral": 0.6, "anger": 0.3, "joy": 0.1})
    anger, love = (read("emotion", {"emotion6": {label: 1.0}}, models) for label in ("anger", "love"))

    assert anger.answers["emotion"].said.label == "neutral"
    assert anger.answers["emotion"].given == "anger"
    assert anger.right is True
    assert love.right is False
    assert list(love.answers["emotion"].near) == ["joy"]


def test_verdicts_are_those_of_evaluate(tmp_path):
    texts = (
        "i feel loved by you",
        "i feel so happy",
        "the train leaves at ten",
        "i feel angry",
        "i am scared",
    )
    lines = [f"{text};{label}" for text in texts for label in ("love", "joy", "anger", "sadness")]
    (tmp_path / "test.txt").write_text("\n".join(lines))
    truth, guess = answer_corpus(load_bundle("fusion_default"), "emotion", tmp_path).decide()
    samples = list(load_adapter("emotion").iter_samples(tmp_path, "test"))
    cards = read_cards("emotion", samples, Predictor.load().predict, lambda *_: None)

    assert [card.right for card in cards] == (truth == guess).tolist()
    assert {card.answers["emotion"].said.label for card in cards} >= {"joy", "neutral", "anger"}


def test_polarity_has_no_neutral():
    # 0.3 + 0.5 / 2 = 0.55 against 0.45.
    models = Models(sentiment={"negative": 0.3, "neutral": 0.5, "positive": 0.2})
    card = read("imdb", {"polarity2": {"negative": 1.0}}, models)

    assert card.answers["sentiment"].given == "negative"
    assert card.right is True


@pytest.mark.parametrize(
    ("votes", "right"),
    [
        ({"sadness": 0.5, "neutral": 0.3, "anger": 0.2}, True),
        ({"sadness": 0.3, "neutral": 0.7}, False),
        # Disgust and contempt, which would both be disgust, do not outvote sadness together.
        ({"sadness": 0.4, "disgust": 0.3, "contempt": 0.3}, True),
    ],
)
def test_votes_count_by_their_majority(votes, right):
    card = read("ferplus", {"ferplus8": votes, "fer7": {"happy": 1.0}}, Models({"sadness": 1.0}))

    assert card.right is right
    assert card.answers["emotion"].votes == votes


def test_any_of_several_labels_is_right():
    labels = {"goemotions28": {"curiosity": 1.0, "embarrassment": 1.0}}
    found = {
        said: read("goemotions", labels, Models({said: 1.0})).right for said in ("sadness", "surprise", "joy")
    }

    assert found == {"sadness": True, "surprise": True, "joy": False}


def test_labels_that_the_models_do_not_answer_are_shown_and_not_scored():
    own = read("jsonl", {"own": {"spam": 1.0}}, Models())
    valence = read("semeval2007", {"valence": {"valence": -0.4}, "sentiment3": {"neutral": 1.0}}, Models())

    assert own.right is None
    assert dict(own.others) == {"spam": 1.0}
    assert measure_accuracy([own], "emotion") is None
    assert dict(valence.others) == {"valence": -0.4}
    assert valence.answers["emotion"].right is None
    assert valence.right is False


def test_broken_picture_is_told_and_not_counted(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    labels = {"ekman7": {"joy": 1.0}}
    samples = [
        Sample(id="good", text="a", labels=labels),
        Sample(id="bad", text="b", image=tmp_path / "broken.jpg", labels=labels),
        Sample(id="after", text="c", labels=labels),
    ]
    models = Models()
    cards = read_cards("jsonl", samples, models, lambda *_: None)

    assert [card.name for card in cards] == ["good", "bad", "after"]
    assert "broken.jpg is not a picture" in cards[1].problem
    assert cards[1].right is None
    assert cards[1].text == "b"
    assert measure_accuracy(cards, "emotion").n == 2
    assert [[own.id for own in batch] for batch in models.asked] == [["good", "after"]]


def test_what_the_models_refuse_is_told():
    def refuse(samples):
        return [Prediction(id=str(own.id), error=ErrorEntry("empty_text", "No words.")) for own in samples]

    card = read("emotion", {"emotion6": {"joy": 1.0}}, refuse)

    assert card.problem == "No words."
    assert card.answers == {}


def test_pictures_are_decoded_a_few_at_a_time_and_kept_small(tmp_path):
    Image.new("RGB", (1000, 500), "red").save(tmp_path / "red.png")
    samples = [Sample(id=str(i), image=tmp_path / "red.png") for i in range(2 * AT_ONCE + 1)]
    models, reports = Models(), []
    cards = read_cards("jsonl", samples, models, lambda *done: reports.append(done))

    assert [len(batch) for batch in models.asked] == [AT_ONCE, AT_ONCE, 1]
    assert all(isinstance(own.image, np.ndarray) for batch in models.asked for own in batch)
    assert reports[-1] == (len(samples), len(samples))
    assert all((card.picture.width, card.picture.height) == (1000, 500) for card in cards)
    assert all(len(card.picture.source) < 4000 for card in cards)


def test_accuracy_has_wilsons_interval():
    samples = [
        Sample(id=str(i), text="a", labels={"ekman7": {"joy" if i < 8 else "fear": 1.0}}) for i in range(10)
    ]
    accuracy = measure_accuracy(read_cards("jsonl", samples, Models(), lambda *_: None), "emotion")

    assert (accuracy.right, accuracy.n) == (8, 10)
    # As printed in textbooks.
    assert accuracy.low == pytest.approx(0.4902, abs=1e-4)
    assert accuracy.high == pytest.approx(0.9433, abs=1e-4)


def test_filters_by_verdict_and_by_emotion_said_or_true():
    gold = {"right": {"joy": 1.0}, "wrong": {"fear": 1.0}, "unknown": None}
    samples = [Sample(id=k, text="a", labels={"ekman7": v} if v else {}) for k, v in gold.items()]
    samples.append(Sample(id="broken", image=b"no picture", labels={"ekman7": {"joy": 1.0}}))
    cards = read_cards("jsonl", samples, Models(), lambda *_: None)

    def kept(right, emotion):
        return [card.name for card in choose_cards(cards, right, emotion)]

    assert kept(None, None) == ["right", "wrong", "unknown", "broken"]
    assert kept(True, None) == ["right"]
    assert kept(False, None) == ["wrong"]
    assert kept(None, "joy") == ["right", "wrong", "unknown"]
    assert kept(None, "fear") == kept(False, "fear") == ["wrong"]
    assert kept(True, "fear") == []
