import json
import re

import numpy as np
import pytest
from tests.unit.datasets.test_corpora import make_emobank, make_emotion, make_fer, make_goemotions

from emofuse.cli import cli
from emofuse.errors import ConfigError
from emofuse.evaluate.answers import Answers, answer_corpus
from emofuse.evaluate.evaluator import score_answers
from emofuse.evaluate.page import Section, render_page
from emofuse.evaluate.plots import plot_class_shares, plot_history, plot_roc
from emofuse.evaluate.report import find_mistakes, render_report
from emofuse.runtime.bundle import load_bundle
from emofuse.types import Sample

SAMPLES = [Sample(id=name, text=f"text {name}") for name in "abcd"]


def answers(probabilities, truth, taxonomy="sentiment3", multi_label=False):
    rows = np.array(probabilities, dtype=np.float32)
    truth = np.array(truth, dtype=np.float32)
    return Answers(taxonomy, SAMPLES[: len(rows)], truth, rows, None, multi_label, {})


def test_the_surest_mistake_comes_first():
    found = find_mistakes(
        answers(
            [[0.6, 0.3, 0.1], [0.8, 0.1, 0.1], [0.05, 0.05, 0.9], [0.1, 0.2, 0.7]],
            np.eye(3)[[1, 0, 0, 1]],
        )
    )
    assert [(m.sample.id, m.truth, m.answer) for m in found] == [
        ("c", "negative", "positive"),
        ("d", "neutral", "positive"),
        ("a", "neutral", "negative"),
    ]
    assert found[0].size == pytest.approx(0.9)


def test_mistakes_where_several_labels_hold():
    found = find_mistakes(
        answers(
            [[0.9, 0.8, 0.1], [0.1, 0.6, 0.2], [0.4, 0.4, 0.4]],
            [[1, 1, 0], [1, 0, 0], [0, 0, 1]],
            multi_label=True,
        )
    )
    assert [(m.sample.id, m.truth, m.answer) for m in found] == [
        ("b", "negative", "neutral"),
        ("c", "positive", "none"),
    ]
    assert found[0].size == pytest.approx(0.9**2 + 0.6**2 + 0.2**2)


def test_mistakes_of_a_valence():
    found = find_mistakes(answers([[0.5], [-0.2]], [[0.4], [0.6]], "valence"), count=1)
    assert [(m.sample.id, m.truth, m.answer) for m in found] == [("b", "+0.60", "-0.20")]
    assert found[0].size == pytest.approx(0.8)


def test_a_page_escapes_what_it_shows():
    page = render_page("a <b>", {"file": "x & y"}, [Section("s", header=("t",), rows=[("<script>",)])])
    assert "<script" not in page
    assert "a &lt;b&gt;" in page
    assert "x &amp; y" in page
    assert "&lt;script&gt;" in page


def test_pages_load_nothing(text_bundle, tmp_path):
    make_emotion(tmp_path)
    bundle = load_bundle(text_bundle)
    given = answer_corpus(bundle, "emotion", tmp_path)
    page = render_report(score_answers(given, bundle, "emotion", "test"), given, bundle)
    loaded = re.findall(r"(?:src|href)=\"([^\"]*)\"", page)
    assert all(address.startswith(("#", "data:")) for address in loaded)
    assert not re.search(r"@import|url\((?!#)", page)


def test_inputs_are_shown_unless_they_may_not_be(text_bundle, tmp_path):
    make_emotion(tmp_path)
    (tmp_path / "test.txt").write_text("a unique wording;joy\nanother one;fear\nand this;anger\n")
    for options, shown in (([], True), (["--without-inputs"], False)):
        arguments = [str(text_bundle), "--corpus", "emotion", "--root", str(tmp_path)]
        out = tmp_path / f"reports{shown}"
        cli.main(["evaluate", *arguments, "--report", str(out), *options], standalone_mode=False)
        [page] = out.iterdir()
        assert page.name == f"{load_bundle(text_bundle).name}.emotion.test.html"
        assert ("a unique wording" in page.read_text()) is shown


def test_pictures_become_thumbnails(face_bundle, tmp_path):
    make_fer(tmp_path)
    bundle = load_bundle(face_bundle)
    given = answer_corpus(bundle, "fer2013", tmp_path)
    evaluation = score_answers(given, bundle, "fer2013", "test")
    mistakes = len(find_mistakes(given))
    assert mistakes
    for inputs, count in ((True, mistakes), (False, 0)):
        page = render_report(evaluation, given, bundle, inputs=inputs)
        assert page.count('<img src="data:image/jpeg;base64,') == count


def test_multi_label_and_valence_pages(text_bundle, tmp_path):
    bundle = load_bundle(text_bundle)
    make_goemotions(tmp_path)
    make_emobank(tmp_path)
    titles = {}
    for corpus in ("goemotions", "emobank"):
        given = answer_corpus(bundle, corpus, tmp_path)
        page = render_report(score_answers(given, bundle, corpus, "test"), given, bundle)
        titles[corpus] = re.findall(r"<h2>(.*?)</h2>", page)
    assert "Confusion" not in titles["goemotions"]
    assert "ROC curves" in titles["goemotions"]
    assert titles["emobank"][:2] == ["Scores", "Answers against the truth"]


def test_roc_curve_of_a_perfect_and_a_reversed_label():
    truth = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)
    probabilities = np.array([[0.9, 0.1], [0.8, 0.9], [0.2, 0.2], [0.1, 0.8]])
    per_class = {
        "up": {"auc": 1.0, "support": 2},
        "down": {"auc": 0.0, "support": 2},
        "never": {"support": 0},
    }
    picture = plot_roc(truth, probabilities, per_class)
    assert "up (1.00)" in picture
    assert "down (0.00)" in picture
    assert "never" not in picture


def test_rare_labels_of_many_share_a_slice():
    counts = {f"label{i}": 20 - i for i in range(12)}
    picture = plot_class_shares(counts, counts)
    assert "other labels" in picture
    assert "label8" in picture
    assert "label9" not in picture
    few = dict(list(counts.items())[:3])
    assert "other labels" not in plot_class_shares(few, few)


def test_history_shows_losses_and_validation_measures():
    history = [{"epoch": i, "train/loss": 1 / (i + 1), "val/ekman7_accuracy": i / 3} for i in range(3)]
    picture = plot_history(history)
    assert "train/loss" in picture
    assert "val/ekman7_accuracy" in picture
    assert plot_history(history) == picture


def test_json_holds_the_digest_of_the_data(text_bundle, tmp_path):
    make_emotion(tmp_path)
    digests = []
    for text in ("one;joy\ntwo;fear\n", "one;joy\ntwo;fear\n", "one;joy\ntwo;anger\n"):
        (tmp_path / "test.txt").write_text(text)
        out = tmp_path / "x.json"
        arguments = [str(text_bundle), "--corpus", "emotion", "--root", str(tmp_path), "--json", str(out)]
        cli.main(["evaluate", *arguments], standalone_mode=False)
        digests.append(json.loads(out.read_text())["data_sha256"])
    assert digests[0] == digests[1] != digests[2]


def test_a_text_is_no_picture_and_may_hold_half_a_character(text_bundle, tmp_path):
    rows = [
        {"text": "data:image/png;base64,AAAA", "emotion": "joy"},
        {"text": "a \ud800 b", "emotion": "joy"},
    ]
    rows += [{"text": f"text {label}", "emotion": label} for label in ("anger", "fear", "sadness")]
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "pages"
    arguments = [str(text_bundle), "--corpus", "jsonl", "--root", str(tmp_path), "--report", str(out)]
    cli.main(["evaluate", *arguments], standalone_mode=False)
    cli.main(["evaluate", *arguments, "--labels", "joy,fear"], standalone_mode=False)
    assert len(list(out.iterdir())) == 2
    for page in out.iterdir():
        assert "<img" not in page.read_text(encoding="utf-8")


def test_a_model_that_never_says_yes_gets_no_pie():
    bundle = load_bundle("text_bilstm")
    given = answers([[0.1, 0.2, 0.1], [0.3, 0.1, 0.2]], [[1, 0, 0], [0, 1, 0]], multi_label=True)
    page = render_report(score_answers(given, bundle, "goemotions", "test"), given, bundle)
    assert "Shares of the labels" not in page
    assert "F1 by label" in page


def test_labels_of_any_kind_can_be_drawn():
    names = ["_hidden", "a$b$", "x" * 60]
    truth = np.eye(3, dtype=bool)
    per_class = {name: {"auc": 0.5, "support": 1} for name in names}
    picture = plot_roc(truth, np.full((3, 3), 0.5), per_class)
    assert "_hidden (0.50)" in picture
    assert "a$b$ (0.50)" in picture
    assert f"{'x' * 23}… (0.50)" in picture


def test_paths_that_cannot_be_are_refused_before_the_work(text_bundle, tmp_path):
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "x" / "y")
    for option in ("--json", "--report"):
        arguments = [str(text_bundle), "--corpus", "emotion", "--root", "/nowhere", option, place]
        with pytest.raises(ConfigError, match="Cannot write"):
            cli.main(["evaluate", *arguments], standalone_mode=False)
