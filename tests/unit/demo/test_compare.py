import re

import pytest

from emofuse import Modality, Prediction, Predictor, Sample
from emofuse.demo.compare import compare, compare_modalities
from emofuse.demo.models import build_choices
from emofuse.demo.pairs import EXAMPLES

PORTRAIT, ROCKET = str(EXAMPLES / "eileen_collins.jpg"), str(EXAMPLES / "rocket.jpg")
DEFAULT, SMALL, LATE = "Default models", "Small text model", "Published late fusion"
PAIR = Sample(id="0", text="So sorry for your loss", image=PORTRAIT)


@pytest.fixture(scope="module")
def choices():
    return build_choices()


def sides(page):
    """(title, what stands below it) of every column, of one set of models after the other."""
    return re.findall(r"<h3>(.*?)</h3>(.*?)</section>", page, re.DOTALL)


@pytest.mark.parametrize("name", [DEFAULT, SMALL, LATE])
def test_text_alone_is_what_the_models_answer_to_nothing_but_the_text(choices, name):
    found = compare_modalities(choices[name].models, PAIR)

    [expected] = choices[name].predictor.predict([Sample(id="0", text=PAIR.text)])
    assert found.alone[Modality.TEXT] == expected
    assert found.fused == choices[name].predictor.predict([PAIR])[0]


def test_a_pool_keeps_what_a_modality_says_and_a_learned_fusion_need_not(choices):
    pooled, learned = (compare_modalities(choices[name].models, PAIR) for name in (DEFAULT, LATE))

    for own in pooled.fused.modalities:
        assert pooled.alone[own.modality].emotion.probabilities == pytest.approx(own.emotion.probabilities)
    text = learned.fused.modalities[0]
    assert abs(learned.alone[Modality.TEXT].emotion.confidence - text.emotion.confidence) > 0.05


def test_no_model_of_another_modality_answers_alone(choices):
    alone = compare_modalities(choices[DEFAULT].models, PAIR).alone

    for modality, own in alone.items():
        assert [part.modality for part in own.modalities] == [modality]
        assert own.conflict is None


def test_what_is_missing_is_said_in_its_place(choices, tmp_path):
    broken = tmp_path / "holiday.jpg"
    broken.write_bytes(b"no picture")
    models = choices[DEFAULT].models

    text = compare_modalities(models, Sample(text="what a day")).alone
    photo = compare_modalities(models, Sample(image=ROCKET)).alone
    late = compare_modalities(choices[LATE].models, PAIR).alone
    unread = compare_modalities(models, Sample(text="what a day", image=str(broken)), str(broken)).alone

    assert (text[Modality.FACE], text[Modality.SCENE]) == ("There is no photo.",) * 2
    assert photo[Modality.TEXT] == "There is no text."
    assert photo[Modality.FACE].startswith("No face was found")
    assert isinstance(photo[Modality.SCENE], Prediction)
    assert late[Modality.SCENE] == "These models read no scene."
    assert unread[Modality.FACE].startswith("holiday.jpg is not a picture")


def test_page_shows_each_answer_and_who_carries_it(choices):
    page = compare(choices, [DEFAULT], PAIR.text, PORTRAIT)

    [prediction] = Predictor.load().predict([PAIR])
    shown = sides(page)
    assert [title for title, _ in shown] == ["Text alone", "Face alone", "Scene alone", "All together"]
    for (_, said), own in zip(shown, [*prediction.modalities, prediction], strict=True):
        assert f"<strong>{own.emotion.label}</strong> <span>{100 * own.emotion.confidence:.0f} %" in said
    first = max(prediction.modalities, key=lambda own: own.weight)
    assert f"The {first.modality} carries the answer: {first.modality} {100 * first.weight:.0f} %" in page
    assert f"contradict each other</strong> (conflict {prediction.conflict:.2f} of 1)" in page


def test_models_stand_beside_each_other_and_the_same_ones_once(choices):
    both = compare(choices, [DEFAULT, SMALL], "I am fine", None)
    once = compare(choices, [SMALL, SMALL], "I am fine", None)

    assert re.findall("<h2>(.*?)</h2>", both) == [DEFAULT, SMALL]
    assert len(sides(both)) == 2 * len(sides(once)) == 8
    for name in (DEFAULT, SMALL):
        [own] = choices[name].predictor.predict([Sample(text="I am fine")])
        assert f"{name}: <strong>{own.emotion.label}</strong>, {own.sentiment.label}" in both
    assert "Only the text was read" in once


def test_nothing_to_read_and_nothing_readable_are_said(choices, tmp_path):
    evil = tmp_path / "<img src=x onerror=alert(1)>.jpg"
    evil.write_bytes(b"no picture")

    assert "then press Compare" in compare(choices, [DEFAULT], " \n", None)
    page = compare(choices, [DEFAULT], "", str(evil))
    assert "is not a picture" in page
    assert "<img src=x" not in page
    assert str(tmp_path) not in page
    assert not sides(page)
