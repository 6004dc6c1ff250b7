import math

import pytest

from emofuse import Emotion, ErrorEntry, Prediction, Sentiment
from emofuse.errors import BadTurnError
from emofuse.tracking import observe

EMOTION = {
    "anger": 0.1,
    "disgust": 0.0,
    "fear": 0.0,
    "joy": 0.6,
    "sadness": 0.0,
    "surprise": 0.0,
    "neutral": 0.3,
}
SENTIMENT = {"negative": 0.2, "neutral": 0.1, "positive": 0.7}
PREDICTION = Prediction(
    "0",
    Emotion("joy", 0.6, "ekman7", EMOTION),
    Sentiment("positive", 0.7, "sentiment3", SENTIMENT),
    abstained=True,
)


def test_a_prediction_and_its_json_form_say_the_same():
    for given in (PREDICTION, PREDICTION.to_dict()):
        found = observe(given)
        assert found.emotion.tolist() == pytest.approx(list(EMOTION.values()))
        assert found.sentiment.tolist() == pytest.approx([0.2, 0.1, 0.7])
        assert (found.label, found.abstained) == ("joy", True)
        assert found.valence == pytest.approx(0.5)


def test_probabilities_alone_have_the_sentiment_of_their_emotions():
    found = observe(dict(reversed(EMOTION.items())))
    assert (found.label, found.abstained) == ("joy", False)
    assert found.valence == pytest.approx(0.5)  # joy 0.6 - anger 0.1
    assert found.sentiment.sum() == pytest.approx(1)


def test_a_failed_prediction_says_nothing():
    failed = Prediction("0", error=ErrorEntry("empty_text", "No text."))
    assert observe(failed) is None
    assert observe(failed.to_dict()) is None


def test_rounded_probabilities_are_made_to_sum_to_one():
    assert observe(EMOTION | {"neutral": 0.3004}).emotion.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (EMOTION | {"joy": math.nan}, "no number from 0 to 1"),
        (EMOTION | {"joy": "0.6"}, "no number from 0 to 1"),
        (EMOTION | {"joy": 10**400}, "no number from 0 to 1"),
        (EMOTION | {"joy": 0.7, "anger": -0.1, "disgust": 0.1}, "no number from 0 to 1"),
        (EMOTION | {"joy": 0.5}, "sum to 0.9, not 1"),
        (EMOTION | {"bored": 0.0}, "and no other"),
        ({"joy": 1.0}, "for each label of ekman7"),
        ({"happy": 1.0}, "for each label of ekman7"),
        ([0.1] * 7, "not list"),
        (None, "not NoneType"),
        ({"emotion": EMOTION}, "no probabilities under 'emotion'"),
        ({"emotion": {"probabilities": EMOTION}}, "no probabilities under 'sentiment'"),
        ({"emotion": {"probabilities": [1]}}, "for each label of ekman7"),
    ],
)
def test_what_is_no_prediction_is_refused(given, said):
    with pytest.raises(BadTurnError, match=said):
        observe(given)
