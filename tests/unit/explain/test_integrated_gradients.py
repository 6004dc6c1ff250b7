import numpy as np
import pytest

from emofuse import Predictor, Sample
from emofuse.errors import ConfigError, TextTooLongError
from emofuse.explain.integrated_gradients import IntegratedGradientsExplainer
from emofuse.explain.own_answer import tokenize_words
from emofuse.explain.subject import SubjectReader
from emofuse.explain.words import split_words
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import ModelSet


def explainer(model):
    return IntegratedGradientsExplainer(SubjectReader(ModelSet([model], detector=None, threads=1)))


def test_figures_add_up_to_the_answer_of_the_bundle():
    text = "What a lovely day, I can't stop smiling 😂"
    explanation = explainer("text_bilstm").explain(Sample(text=text))
    [prediction] = Predictor.load(["text_bilstm"], threads=1).predict([Sample(text=text)])
    assert explanation.label == prediction.emotion.label
    assert explanation.probability == pytest.approx(prediction.emotion.confidence, abs=1e-4)
    total = sum(word.attribution for word in explanation.words) + explanation.base_value
    assert total == pytest.approx(explanation.probability, abs=0.01)
    assert explanation.answer == "text_bilstm"


def test_words_of_a_model_that_ignores_order_change_places_with_their_figures(text_bundle):
    """The tiny model pools the mean of word vectors, so that equal words have equal shares."""
    own = explainer(str(text_bundle))
    one = own.explain(Sample(text="happy day day"), "joy")
    other = own.explain(Sample(text="day happy day"), "joy")
    happy, day, again = (word.attribution for word in one.words)
    assert day == pytest.approx(again, abs=1e-6)
    assert [word.attribution for word in other.words] == pytest.approx([day, happy, again], abs=1e-6)


def test_a_text_that_the_model_reads_in_parts_is_refused(text_bundle):
    with pytest.raises(TextTooLongError, match="10 at once"):
        explainer(str(text_bundle)).explain(Sample(text="happy day " * 6))


@pytest.mark.parametrize(
    "text", ["See https://x.org/a?b=c @me", "it&amp;s \\u2019 cafe\u0301 ❤️ 👍🏽", "\x00 hm ="]
)
def test_tokens_know_their_words(text):
    spans = split_words(text)
    tokens = tokenize_words(text, spans, load_bundle("text_bilstm"))
    assert tokens.ids.shape == (1, len(tokens.owners))
    assert tokens.owners[0] == tokens.owners[-1] == -1
    assert (np.diff(tokens.owners[1:-1]) >= 0).all()
    ones = tokens.add_up(np.ones(len(tokens.owners), np.float32), len(spans))
    assert ones.sum() == (tokens.owners >= 0).sum()


def test_words_that_are_cleaned_otherwise_together_are_refused():
    # An entity for a space falls apart into two words; an escape across white space is none.
    text = "a\\ud83d \\ude00b"
    bundle = load_bundle("text_bilstm")
    tokens = tokenize_words(text, split_words(text), bundle)
    assert len(tokens.owners) > 2
    with pytest.raises(ConfigError, match="by word"):
        tokenize_words("ab", [(0, 1), (1, 2)], bundle)
