import hashlib
import json
import shutil

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import f1_score
from tests.miniature import write_corpora

from emofuse.cli import cli
from emofuse.errors import ConfigError
from emofuse.evaluate.answers import Answers
from emofuse.evaluate.baselines import fit_baselines
from emofuse.evaluate.comparison import compare_answers
from emofuse.types import Sample


def answers(guesses, truth=None, ids=None, taxonomy="sentiment3", multi_label=False):
    rows = np.eye(3, dtype=np.float32)
    truth = [0, 1, 2, 0] * (len(guesses) // 4) if truth is None else truth
    ids = [str(i) for i in range(len(guesses))] if ids is None else ids
    return Answers(
        taxonomy, [Sample(id=id_) for id_ in ids], rows[truth], rows[guesses], None, multi_label, {}
    )


def test_intervals_surround_the_figure_and_narrow_with_more_samples():
    widths = []
    for n in (10, 100):
        comparison = compare_answers({"a": answers([0, 1, 2, 1] * n)}, "c", "test")
        accuracy = comparison.rows[0].scores["accuracy"]
        assert accuracy.value == pytest.approx(0.75)
        assert accuracy.low < 0.75 < accuracy.high
        widths.append(accuracy.high - accuracy.low)
    assert widths[1] < widths[0] / 2


def test_interval_is_about_that_of_the_binomial():
    comparison = compare_answers({"a": answers([0, 1, 2, 1] * 100)}, "c", "test")
    accuracy = comparison.rows[0].scores["accuracy"]
    low, high = binom.interval(0.95, 400, 0.75)
    assert accuracy.low == pytest.approx(low / 400, abs=0.01)
    assert accuracy.high == pytest.approx(high / 400, abs=0.01)


def test_mcnemar_counts_the_samples_that_only_one_model_gets_right():
    first, second = answers([0, 1, 2, 0] * 5), answers([0, 1, 2, 1] * 5)
    row = compare_answers({"first": first, "second": second}, "c", "test").rows[1]
    assert (row.mcnemar.only_first, row.mcnemar.only_this) == (5, 0)
    assert row.mcnemar.p == pytest.approx(2 * 0.5**5)


def test_models_that_agree_have_no_difference():
    own = answers([0, 1, 2, 1] * 5)
    assert compare_answers({"a": own, "b": own}, "c", "test").rows[1].mcnemar.p == 1


def test_only_samples_that_all_could_read_count():
    whole, part = answers([0, 1, 2, 0]), answers([2, 0], truth=[2, 0], ids=["2", "3"])
    comparison = compare_answers({"a": whole, "b": part}, "c", "test")
    assert comparison.samples == 2
    assert comparison.rows[0].scores["accuracy"].value == 1


def test_figures_equal_those_of_scikit_learn():
    random = np.random.default_rng(0)
    truth, guess = random.integers(0, 3, 200), random.integers(0, 2, 200)
    scores = compare_answers({"a": answers(guess, truth)}, "c", "test").rows[0].scores
    for average in ("macro", "weighted"):
        assert scores[f"{average}_f1"].value == pytest.approx(f1_score(truth, guess, average=average))


def test_several_labels_at_once():
    comparison = compare_answers({"a": answers([0, 1, 2, 1], multi_label=True)}, "c", "test")
    assert list(comparison.rows[0].scores) == ["macro_f1", "weighted_f1"]
    assert comparison.rows[0].ece is None


def test_different_labels_are_refused():
    with pytest.raises(ConfigError, match="in one label set, not in fer7, sentiment3"):
        compare_answers({"a": answers([0, 1, 2, 0]), "b": answers([0, 1, 2, 0], taxonomy="fer7")}, "c", "t")


@pytest.fixture
def corpus(tmp_path):
    random = np.random.default_rng(0)
    words = {"joy": "sunny smile laugh", "sadness": "tears grey alone", "anger": "shout rage slam"}
    for name, count in (("train", 120), ("val", 30), ("test", 30)):
        rows = [
            f"{' '.join(random.choice([*words[label].split(), 'the', 'day'], 5))};{label}\n"
            for label in random.choice(list(words), count)
        ]
        (tmp_path / f"{name}.txt").write_text("".join(rows))
    return tmp_path


def test_baselines_learn_and_the_most_frequent_label_does_not(corpus):
    found = fit_baselines("emotion", corpus, "emotion6")
    comparison = compare_answers(found, "emotion", "test")
    accuracy = {row.name: row.scores["accuracy"].value for row in comparison.rows}
    assert accuracy.pop("most frequent label") < 0.6
    assert min(accuracy.values()) > 0.8


@pytest.mark.filterwarnings("ignore:Label not")  # English has no disgust
def test_baselines_of_a_multi_label_corpus_choose_their_thresholds(tmp_path):
    root = write_corpora(tmp_path) / "text" / "brighter"
    found = fit_baselines("brighter", root, "ekman7")
    svm = found["TF-IDF + linear SVM"]
    assert svm.multi_label
    assert set(svm.thresholds.values()) != {0.5}


def test_versions_of_one_model_are_told_apart_by_their_place(text_bundle, corpus, tmp_path, capsys):
    other = shutil.copytree(text_bundle, tmp_path / "other")
    arguments = ["compare", str(text_bundle), str(other), "--corpus", "emotion", "--root", str(corpus)]
    cli.main(arguments, standalone_mode=False)
    shown = capsys.readouterr().out
    assert f"| {text_bundle} |" in shown
    assert f"| {other} |" in shown


def test_command_writes_json_and_markdown(text_bundle, corpus, tmp_path, capsys):
    arguments = ["compare", str(text_bundle), "--corpus", "emotion", "--root", str(corpus), "--baselines"]
    outputs = ["--json", str(tmp_path / "c.json"), "--markdown", str(tmp_path / "c.md")]
    cli.main([*arguments, *outputs], standalone_mode=False)
    record = json.loads((tmp_path / "c.json").read_text())
    assert [row["name"] for row in record["rows"]][:2] == ["tiny_text", "most frequent label"]
    assert record["samples"] == 30
    digest = hashlib.sha256((text_bundle / "model.onnx").read_bytes()).hexdigest()
    assert record["model_sha256"] == {"tiny_text": digest}
    assert (tmp_path / "c.md").read_text() in capsys.readouterr().out


def test_where_models_disagree_by_hand():
    truth = [0, 0, 1, 2]
    comparison = compare_answers(
        {"a": answers([0, 1, 1, 2], truth), "b": answers([0, 0, 0, 2], truth)}, "c", "t"
    )
    assert comparison.rows[0].disagreement is None
    found = comparison.rows[1].disagreement
    assert found.share == 0.5
    assert found.by_label == {"negative": (1, 0), "neutral": (0, 1), "positive": (0, 0)}
    assert [sample["id"] for sample in found.samples] == ["1", "2"]
    assert found.samples[1] == {"id": "2", "truth": "neutral", "first": "neutral", "this": "negative"}
    assert "| neutral | 0 : 1 |" in comparison.to_markdown()


def test_equal_models_never_disagree():
    found = (
        compare_answers({"a": answers([0, 1, 2, 1]), "b": answers([0, 1, 2, 1])}, "c", "t")
        .rows[1]
        .disagreement
    )
    assert (found.share, list(found.samples)) == (0, [])
    assert set(found.by_label.values()) == {(0, 0)}


def test_disagreement_of_several_labels_counts_each():
    first, other = (answers(guess, [0, 1, 2], multi_label=True) for guess in ([0, 1, 2], [0, 1, 1]))
    found = compare_answers({"a": first, "b": other}, "c", "t").rows[1].disagreement
    assert found.share == pytest.approx(1 / 3)
    assert found.by_label == {"negative": (0, 0), "neutral": (0, 1), "positive": (0, 1)}


def test_valences_are_refused():
    with pytest.raises(ConfigError, match="numbers"):
        compare_answers({"a": answers([0, 1, 2, 0], taxonomy="valence")}, "c", "t")
