import json
import re
from html import unescape

import numpy as np
import pytest
from PIL import Image
from tests.conftest import bright_square, find_bright

from emofuse import Modality, Predictor, Sample
from emofuse.errors import ConfigError, EmptyTextError, ImageNotFoundError
from emofuse.explain import Explanation, HeatMap, Report, SampleExplainer, Word
from emofuse.explain.html import render_html
from emofuse.explain.overlay import AGAINST, FOR, draw_panel, draw_panels

EVIL = '<script>alert("x")</script> & it\'s\n\n\ud83d مرحبا'


@pytest.fixture(scope="module")
def models(text_bundle, face_bundle, wide_pool_bundle, scene_bundle):
    return [text_bundle, face_bundle, scene_bundle, wide_pool_bundle]


@pytest.fixture(scope="module")
def explainer(models):
    return SampleExplainer.load(models, detector=find_bright, threads=1)


def test_each_modality_is_explained_beside_the_prediction(explainer):
    sample = Sample(id="a", text="the happy day", image=bright_square())
    report = explainer.explain(sample)
    assert [own.modality for own in report.explanations] == ["text", "face", "scene"]
    assert [own.modality for own in report.prediction.modalities] == ["text", "face", "scene"]
    assert sum(own.weight for own in report.prediction.modalities) == pytest.approx(1)
    assert {own.label for own in report.explanations} == {report.prediction.emotion.label}
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["schema"] == "emofuse.explanation/1"
    assert plain["prediction"]["id"] == "a"
    assert len(plain["explanations"]) == 3


def test_a_method_explains_what_it_can_and_nothing_else_stands_in(explainer):
    report = explainer.explain(Sample(text="the happy day", image=bright_square()), method="shapley")
    assert [(own.modality, own.method) for own in report.explanations] == [("text", "shapley")]
    with pytest.raises(ConfigError, match=r"shapley cannot explain.*Valid: grad_cam, occlusion"):
        explainer.explain(Sample(image=bright_square()), method="shapley")
    with pytest.raises(ConfigError, match="Unknown method 'magic'"):
        explainer.explain(Sample(text="happy"), method="magic")


def test_words_change_the_fused_answer_with_the_picture_left_as_it_is(explainer, models):
    image = bright_square()
    report = explainer.explain(Sample(text="sad day", image=image), label="joy")
    predictor = Predictor.load(models, detector=find_bright, threads=1)
    whole, without = predictor.predict([Sample(text="sad day", image=image), Sample(text="day", image=image)])
    drop = whole.emotion.probabilities["joy"] - without.emotion.probabilities["joy"]
    assert report.explanations[0].words[0].attribution == pytest.approx(drop, abs=1e-6)


def test_what_cannot_be_read_is_an_error_and_half_of_it_a_warning(explainer, tmp_path):
    with pytest.raises(EmptyTextError):
        explainer.explain(Sample(text=" "))
    with pytest.raises(ImageNotFoundError):
        explainer.explain(Sample(image=tmp_path / "none.jpg"))
    report = explainer.explain(Sample(text="happy", image=tmp_path / "none.jpg"))
    assert [own.modality for own in report.explanations] == ["text"]
    assert [warning.code for warning in report.prediction.warnings] == ["image_not_found"]
    assert report.image is None


def test_the_page_shows_the_text_as_it_is(explainer):
    page = render_html(explainer.explain(Sample(text=EVIL)))
    assert "<script" not in page
    body = re.search(r'<div class="text" dir="auto">(.*?)</div>', page, re.DOTALL)[1]
    figures = re.sub(r"<rt>[^<]*</rt>", "", body)
    assert unescape(re.sub(r"<[^>]+>", "", figures)) == EVIL
    assert "http" not in page  # nothing is loaded
    page.encode("utf-8", errors="replace")


def make_report(words, text, probability=0.5):
    own = Explanation("shapley", Modality.TEXT, "joy", "ekman7", probability, base_value=0.1, words=words)
    prediction = Predictor.load(["text_bilstm"], threads=1).predict([Sample(text=text)])[0]
    return Report(prediction, (own,), text)


def test_the_strongest_word_has_the_full_colour_and_weak_ones_no_figure():
    words = (Word("good", 0, 4, 0.4), Word("not", 5, 8, -0.2), Word("a", 9, 10, 0.0))
    page = render_html(make_report(words, "good not a"))
    assert '<span class="for" style="--a:1.00" title="+0.4000"><ruby>good<rt>+0.40</rt>' in page
    assert '<span class="against" style="--a:0.50" title="-0.2000"><ruby>not<rt>-0.20</rt>' in page
    assert '--a:0.00" title="+0.0000"><ruby>a<rt></rt>' in page
    assert "<b>joy 0.50</b>" in page
    assert "add up from 0.10" in page


def test_words_of_no_weight_make_a_page_too():
    assert "--a:0.00" in render_html(make_report((Word("hm", 0, 2, 0.0),), "hm"))


def heat(values, box=(0, 0, 100, 50)):
    own = HeatMap(*box, np.array(values, np.float32))
    return Explanation("occlusion", Modality.SCENE, "joy", "ekman7", 0.5, maps=(own,))


def test_colours_lie_where_the_figures_are():
    image = np.full((50, 100, 3), 128, np.uint8)
    panel = np.asarray(draw_panel(image, heat([[1.0, 0.0, 0.0, -1.0]]))).astype(float)
    assert panel.shape == (240, 480, 3)
    for column, colour in ((30, FOR), (450, AGAINST)):
        assert panel[120, column] == pytest.approx(128 + 0.75 * (np.array(colour) - 128), abs=2)
    assert panel[120, 240] == pytest.approx([128] * 3, abs=2)


def test_a_map_beyond_the_border_of_the_picture_is_cut_off():
    image = np.full((100, 100, 3), 128, np.uint8)
    for box in ((-50, -50, 100, 100), (60, 70, 100, 100), (-500, 0, 100, 100), (-30, -30, 300, 300)):
        assert draw_panel(image, heat(np.ones((8, 8)), box)).size == (480, 480)
    inside = np.asarray(draw_panel(image, heat(np.ones((8, 8)), (-50, -50, 100, 100))))
    assert (inside[100, 100] != 128).any()
    assert (inside[300, 300] == 128).all()


@pytest.mark.parametrize(
    "shape", [(8, 8), (9, 900), (900, 9), (48, 48), (2000, 1500), (40, 20_000), (20_000, 40)]
)
def test_pictures_of_any_shape_are_drawn(shape):
    image = np.full((*shape, 3), 90, np.uint8)
    own = heat(np.eye(8), (0, 0, shape[1], shape[0]))
    sheet = draw_panels(image, [own, own])
    assert isinstance(sheet, Image.Image)
    assert sheet.width >= 2 * draw_panel(image, own).width
