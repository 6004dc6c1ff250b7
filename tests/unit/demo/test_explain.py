import re
import subprocess
import sys

import pytest

from emofuse import Sample
from emofuse.demo.explain import Question, explain
from emofuse.demo.models import build_choices
from emofuse.demo.pairs import EXAMPLES
from emofuse.demo.server import STYLES
from emofuse.explain import SampleExplainer
from emofuse.explain.html import render_explanation
from emofuse.explain.overlay import AGAINST, FOR

PORTRAIT = EXAMPLES / "eileen_collins.jpg"
SMALL, DEFAULT = "text_bilstm", "Default models"


@pytest.fixture(scope="module")
def choices():
    return build_choices([SMALL])


@pytest.fixture
def pages(choices):
    def pages(sample, *methods, models=SMALL, label="", over=lambda: False, **options):
        return list(
            explain(choices[models].models, Question(sample, label, methods), is_over=over, **options)
        )

    return pages


def columns(page):
    """Title -> what stands below it."""
    found = re.findall(r"<h2>(.*?)</h2>(.*?)</section>", page, re.DOTALL)
    return dict(found)


def test_every_column_is_what_its_method_says(pages, choices):
    sample = Sample(id="0", text="I am so proud of you", image=PORTRAIT)

    page = pages(sample, "shapley", "occlusion", label="sentiment3:positive")[-1]

    shown = columns(page)
    assert list(shown) == ["Occlusion", "Shapley values"]
    explainer = SampleExplainer(choices[SMALL].models)
    for method, title, parts in (("occlusion", "Occlusion", 3), ("shapley", "Shapley values", 1)):
        report = explainer.explain(sample, method=method, label="sentiment3:positive")
        assert len(report.explanations) == parts
        for own in report.explanations:
            assert f"<h3>{own.modality.capitalize()}</h3>" in shown[title]
            assert render_explanation(own, report.text, report.image) in shown[title]
        assert re.search(r"\d\.\d s</p>", shown[title])


def test_columns_are_filled_one_after_the_other(pages):
    first, second, last = pages(Sample(text="happy"), "shapley", "occlusion")

    assert [page.count("Waiting") for page in (first, second, last)] == [2, 1, 0]
    assert columns(second)["Occlusion"].count("<ruby>") == 1
    assert "Waiting" in columns(second)["Shapley values"]


def test_figures_that_are_no_better_than_chance_are_called_so(pages):
    sample = Sample(text="what a wonderful day")

    default = columns(pages(sample, "attention", "occlusion", models=DEFAULT)[-1])
    small = columns(pages(sample, "attention", models=SMALL)[-1])

    assert "no better than chance" in default["Attention"]
    assert "no better than chance" not in default["Occlusion"]
    assert "no better than chance" not in small["Attention"]


def test_colours_of_next_to_nothing_are_called_so(pages):
    sample = Sample(text="I am so proud of you", image=PORTRAIT)

    [*_, page] = pages(sample, "occlusion", models=DEFAULT)

    text, face, *_ = re.findall(r"<h3>.*?(?=<h3>|$)", columns(page)["Occlusion"], re.DOTALL)
    assert "No part of the" not in text
    assert "No part of the face changes the probability by even 0.01" in face


def test_a_method_that_cannot_says_so_beside_one_that_can(pages):
    shown = columns(pages(Sample(text="happy day"), "grad_cam", "occlusion")[-1])

    assert "grad_cam cannot explain what was read here (text)" in shown["Grad-CAM"]
    assert "<ruby>happy" in shown["Occlusion"]


def test_a_missing_extra_is_named_with_its_command_in_its_column():
    code = (
        "import sys; sys.modules['lime'] = None\n"
        "from emofuse import Sample\n"
        "from emofuse.demo.explain import Question, explain\n"
        "from emofuse.demo.models import build_choices\n"
        "question = Question(Sample(text='happy'), '', ['lime', 'occlusion'])\n"
        "[*_, page] = explain(build_choices()['Small text model'].models, question, is_over=lambda: False)\n"
        "print(page)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )

    shown = columns(done.stdout)
    assert "pip install &#39;emofuse[explain]&#39;" in shown["LIME"]
    assert "<ruby>happy" in shown["Occlusion"]


def test_what_nobody_waits_for_ends_at_once(pages):
    asked = []

    def over():
        asked.append(1)
        return len(asked) > 2

    [*_, page] = pages(Sample(text="what a day " * 800), "occlusion", "shapley", over=over)

    assert "Stopped." in columns(page)["Occlusion"]
    assert "Stopped." in columns(page)["Shapley values"]
    assert len(asked) < 10


def test_a_method_ends_after_its_time(pages):
    [*_, page] = pages(Sample(text="what a day"), "occlusion", limit_s=0)

    assert "stopped after 0 seconds. Give a shorter text" in page


def test_no_method_and_no_answer_are_said(pages, choices, tmp_path):
    broken = tmp_path / "holiday.jpg"
    broken.write_bytes(b"no picture")

    [none] = pages(Sample(text="happy"))
    [unread] = pages(Sample(id="0", image=str(broken)), "occlusion", path=str(broken))

    assert "Choose at least one method" in none
    assert "holiday.jpg is not a picture" in unread
    assert str(tmp_path) not in unread


def test_what_visitors_write_stays_text(pages):
    evil = "<script>alert(1)</script> {{7*7}} ${1+1} so happy"

    page = pages(Sample(text=evil), "occlusion", "lime")[-1]

    assert "<script" not in page
    assert page.count("<ruby>{{7*7}}") == page.count("<ruby>${1+1}") == 2


def test_style_has_the_colours_of_the_maps():
    [style] = [file.read_text() for file in STYLES if file.name == "explain.css"]

    for name, colour in (("for", FOR), ("against", AGAINST)):
        assert f"--ef-{name}: {', '.join(map(str, colour))};" in style
