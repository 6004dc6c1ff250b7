import json

import pytest

from emofuse import Predictor, Sample
from emofuse.demo.analyse import analyse
from emofuse.demo.models import build_choices
from emofuse.demo.pairs import EXAMPLES

PORTRAIT = str(EXAMPLES / "eileen_collins.jpg")
SMALL, DEFAULT = "text_bilstm", "Default models"


@pytest.fixture(scope="module")
def choices():
    return build_choices([SMALL])


def test_says_what_the_library_says(choices):
    _, plain = analyse(choices, DEFAULT, "I am so proud of you", PORTRAIT)

    [expected] = Predictor.load().predict([Sample(text="I am so proud of you", image=PORTRAIT)])
    assert json.loads(plain) == expected.to_dict()


def test_page_shows_every_part_of_the_answer(choices):
    page, plain = analyse(choices, DEFAULT, "So sorry for your loss", PORTRAIT)

    answer = json.loads(plain)
    for own in answer["modalities"]:
        assert f'<th scope="row">{own["modality"]}</th><td>{own["emotion"]["label"]}' in page
    assert page.count('class="ef-box') == len(answer["faces"]) == 1
    assert "contradict each other" in page
    for label in answer["fine_emotions"]:
        assert f"<li>{label} " in page
    assert "ms</p>" in page


def test_chosen_models_answer(choices):
    _, small = analyse(choices, SMALL, "what a day", None)
    _, large = analyse(choices, DEFAULT, "what a day", None)

    assert list(json.loads(small)["models"]) != list(json.loads(large)["models"])


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_to_read_asks_for_something(choices, text):
    page, plain = analyse(choices, SMALL, text, None)

    assert "Type a text, give a photo, or both" in page
    assert plain == ""


def test_broken_picture_is_named_without_its_folder(choices, tmp_path):
    broken = tmp_path / "holiday.jpg"
    broken.write_bytes(b"no picture")

    page, plain = analyse(choices, SMALL, "", str(broken))
    beside, _ = analyse(choices, SMALL, "lovely", str(broken))

    assert "holiday.jpg is not a picture" in page
    assert str(tmp_path) not in page + plain + beside
    assert "positive" in beside
    assert "holiday.jpg is not a picture" in beside


def test_what_visitors_write_stays_text(choices, tmp_path):
    broken = tmp_path / "<img src=x onerror=alert(1)>.jpg"
    broken.write_bytes(b"no picture")

    page, _ = analyse(choices, SMALL, "<script>alert(1)</script> {{ 7 * 7 }}", str(broken))

    assert "<script>" not in page
    assert "<img src=x" not in page
