import numpy as np
import pytest
from tests.unit.explain.fakes import FakeReader

from emofuse import Sample
from emofuse.errors import EmptyTextError, UnknownLabelError
from emofuse.explain.lime_words import LimeExplainer
from emofuse.explain.subject import Subject
from emofuse.explain.text import TextOcclusion, TextShapley, text_of

WEIGHTS = {"lovely": 0.4, "rain": -0.1, "today": 0.0}
TEXT = "lovely rain today"


def figures(explanation):
    return {word.text: word.attribution for word in explanation.words}


@pytest.mark.parametrize("kind", [TextOcclusion, TextShapley])
def test_words_of_a_linear_model_get_their_weights(kind):
    explanation = kind(FakeReader(WEIGHTS)).explain(Sample(text=TEXT), "joy")
    assert figures(explanation) == pytest.approx(WEIGHTS, abs=1e-6)
    assert explanation.probability == pytest.approx(0.5)
    assert (explanation.label, explanation.taxonomy, explanation.answer) == ("joy", "ekman7", "fused")


def test_lime_finds_the_weights_of_a_linear_model():
    explanation = LimeExplainer(FakeReader(WEIGHTS)).explain(Sample(text=TEXT), "joy")
    # Its ridge pulls the weights a little towards zero.
    assert figures(explanation) == pytest.approx(WEIGHTS, abs=0.03)


def test_two_words_that_need_each_other_share_their_bonus():
    reader = FakeReader({"so": 0.1}, {("so", "happy"): 0.4})
    explanation = TextShapley(reader).explain(Sample(text="so happy today"), "joy")
    assert figures(explanation) == pytest.approx({"so": 0.3, "happy": 0.2, "today": 0.0}, abs=1e-6)
    assert explanation.base_value == pytest.approx(0.2)
    # Without either of them the whole bonus is lost.
    left_out = TextOcclusion(reader).explain(Sample(text="so happy today"), "joy")
    assert figures(left_out) == pytest.approx({"so": 0.5, "happy": 0.4, "today": 0.0}, abs=1e-6)
    assert left_out.base_value is None


def test_a_word_that_is_said_twice_is_not_missed_once():
    explanation = TextOcclusion(FakeReader({"good": 0.5})).explain(Sample(text="good good"), "joy")
    assert [word.attribution for word in explanation.words] == pytest.approx([0, 0], abs=1e-6)


def test_shap_shares_like_shapley_and_leaves_the_random_numbers_of_others_alone():
    from emofuse.explain.shap_words import ShapExplainer

    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    reader = FakeReader({"so": 0.1}, {("so", "happy"): 0.4})
    explanation = ShapExplainer(reader).explain(Sample(text="so happy today"), "joy")
    assert np.random.random() == expected  # noqa: NPY002
    assert figures(explanation) == pytest.approx({"so": 0.3, "happy": 0.2, "today": 0.0}, abs=1e-5)


def test_all_texts_are_read_in_one_call():
    for kind in (TextOcclusion, TextShapley):
        reader = FakeReader()
        kind(reader).explain(Sample(text=" ".join(f"w{i}" for i in range(30))), "joy")
        assert reader.calls == 1


def test_label_may_be_named_with_its_set_and_must_exist():
    explainer = TextOcclusion(FakeReader(WEIGHTS))
    assert explainer.explain(Sample(text=TEXT), "ekman7:fear").label == "fear"
    assert explainer.explain(Sample(text=TEXT)).label == "joy"
    with pytest.raises(UnknownLabelError, match="anger"):
        explainer.explain(Sample(text=TEXT), "bliss")


def test_a_subject_without_text_is_refused():
    with pytest.raises(EmptyTextError):
        text_of(Subject(None, None, (), {}, None))
