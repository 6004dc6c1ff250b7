import numpy as np
import pytest
from tests.unit.datasets.test_corpora import make_emobank, make_emotion, make_fer, make_goemotions, make_meld

from emofuse.errors import ConfigError, CorpusFormatError
from emofuse.evaluate import evaluate_bundle
from emofuse.evaluate.answers import answer_corpus
from emofuse.evaluate.calibration import (
    choose_thresholds,
    clear_rows,
    fit_temperature,
    match_confidence,
    probabilities_of,
)
from emofuse.evaluate.detection import count_detections, iou_matrix
from emofuse.evaluate.intervals import bootstrap_regression
from emofuse.evaluate.scores import score
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import open_text_model


def test_scores_by_hand():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.2, 0.2, 0.6]])
    truth = np.eye(3)[[0, 1, 2, 2]]
    scores, per_class, confusion = score(probabilities, truth, "sentiment3")
    assert scores["accuracy"] == 0.75
    assert scores["macro_recall"] == pytest.approx(2 / 3)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert per_class["negative"]["precision"] == 0.5
    assert confusion == [[1, 0, 0], [1, 0, 0], [0, 0, 2]]


def test_multi_label_scores_use_the_thresholds():
    probabilities = np.array([[0.3, 0.9, 0.0], [0.1, 0.4, 0.0]])
    truth = np.array([[1, 1, 0], [0, 1, 0]])
    cuts = {"negative": 0.2, "neutral": 0.5, "positive": 0.5}
    scores, per_class, confusion = score(
        probabilities, truth, "sentiment3", thresholds=cuts, multi_label=True
    )
    assert per_class["negative"]["f1"] == 1
    assert per_class["neutral"]["recall"] == 0.5
    assert scores["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert confusion == []


def test_temperature_undoes_a_known_scale():
    random = np.random.default_rng(0)
    logits = random.normal(size=(4000, 3)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    drawn = np.array([random.choice(3, p=row) for row in shares])
    found = fit_temperature(logits * 3, np.eye(3)[drawn], "softmax")
    assert found == pytest.approx(3, rel=0.1)
    sigmoid = (random.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)
    assert fit_temperature(logits / 2, sigmoid, "sigmoid") == pytest.approx(0.5, rel=0.1)


def test_confidence_matches_accuracy():
    random = np.random.default_rng(0)
    logits = random.normal(size=(500, 4)) * 5
    targets = np.eye(4)[np.where(random.random(500) < 0.6, logits.argmax(axis=1), random.integers(0, 4, 500))]
    found = match_confidence(logits, targets)
    confidence = probabilities_of(logits, found, "softmax").max(axis=1).mean()
    assert confidence == pytest.approx((logits.argmax(axis=1) == targets.argmax(axis=1)).mean(), abs=1e-6)
    assert match_confidence(logits, np.eye(4)[logits.argmax(axis=1)]) == 0.1
    assert match_confidence(logits, np.eye(4)[logits.argmin(axis=1)]) == 10


def test_probabilities():
    np.testing.assert_allclose(probabilities_of(np.array([[0.0, 0.0]]), 2.0, "softmax"), [[0.5, 0.5]])
    np.testing.assert_allclose(probabilities_of(np.array([[2.0]]), 2.0, "sigmoid"), 1 / (1 + np.exp(-1)))


def test_thresholds_maximise_f1():
    probabilities = np.array([[0.1, 0.3], [0.2, 0.2], [0.6, 0.1], [0.9, 0.0]])
    targets = np.array([[0, 0], [0, 0], [1, 0], [1, 0]])
    thresholds = choose_thresholds(probabilities, targets, ["a", "b"])
    assert 0.2 < thresholds["a"] < 0.6
    assert thresholds["b"] == 0.5


def test_text_bundle_on_corpora(text_bundle, tmp_path):
    make_emotion(tmp_path)
    bundle = load_bundle(text_bundle)
    mapped = evaluate_bundle(bundle, "emotion", tmp_path)
    assert (mapped.samples, mapped.taxonomy) == (2, "emotion6")
    assert sum(map(sum, mapped.confusion)) == 2
    make_goemotions(tmp_path)
    several = evaluate_bundle(bundle, "goemotions", tmp_path)
    assert several.taxonomy == "goemotions28"
    assert "micro_f1" in several.scores


def test_unreadable_texts_are_listed(text_bundle, tmp_path):
    make_emotion(tmp_path)
    (tmp_path / "test.txt").write_text(" ;joy\nfine;joy\n")
    result = evaluate_bundle(load_bundle(text_bundle), "emotion", tmp_path)
    assert result.samples == 1
    assert result.unreadable == {"test:1": "empty_text"}


def test_face_bundle_on_ferplus(face_bundle, tmp_path):
    make_fer(tmp_path)
    assert evaluate_bundle(load_bundle(face_bundle), "ferplus", tmp_path).samples == 2


def test_a_bundle_that_cannot_answer_says_so(face_bundle, tmp_path):
    rows = "".join(f"{i}\tneutral\tthe day {i}\n" for i in range(60))
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "twitter-2016train-A.tsv").write_text(rows)
    with pytest.raises(ConfigError, match="ferplus8"):
        evaluate_bundle(load_bundle(face_bundle), "semeval2017", tmp_path)


def test_iou_by_hand():
    overlap = iou_matrix(np.array([[0, 0, 10, 10.0]]), np.array([[5, 0, 10, 10.0], [20, 20, 1, 1]]))
    np.testing.assert_allclose(overlap, [[50 / 150, 0]])


def test_detection_counts_by_hand():
    reference = np.array([[0, 0, 60, 60, 0.95], [100, 0, 60, 60, 0.7], [200, 0, 20, 20, 0.99]])
    ours = np.array([[2, 0, 60, 60], [101, 0, 60, 60], [300, 0, 60, 60], [0, 5, 60, 60.0]])
    counts = count_detections([(ours, reference)], sizes_px=(48, 1e9))
    # One sure reference face, found once; the box at 300 is false, the second box on the first face is not.
    assert (counts.reference, counts.found, counts.boxes, counts.false) == (1, 1, 4, 1)
    assert counts.recall == 1
    assert counts.false_share == 0.25


def test_clear_rows_have_a_majority():
    targets = np.array([[0.5, 0.5], [0.6, 0.4], [1.0, 0.0], [0.4, 0.3]], dtype=np.float32)
    assert clear_rows(targets).tolist() == [False, True, True, False]


def test_other_labels_of_a_corpus(text_bundle, tmp_path):
    make_meld(tmp_path)
    bundle = load_bundle(text_bundle)
    assert evaluate_bundle(bundle, "meld", tmp_path).taxonomy == "ekman7"
    assert evaluate_bundle(bundle, "meld", tmp_path, taxonomy="sentiment3").taxonomy == "sentiment3"
    with pytest.raises(ConfigError, match=r"not labelled in 'fer7'\. Valid: ekman7, sentiment3"):
        evaluate_bundle(bundle, "meld", tmp_path, taxonomy="fer7")


def test_confidence_scores_by_hand():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7], [0.2, 0.2, 0.6]])
    scores, per_class, _ = score(probabilities, np.eye(3)[[0, 1, 2, 2]], "sentiment3")
    # By falling confidence: right, right, wrong, right.
    assert scores["risk_coverage_area"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert scores["accuracy_at_80_coverage"] == 0.75
    assert scores["balanced_accuracy"] == scores["macro_recall"]
    assert scores["macro_precision"] == pytest.approx((1 / 2 + 0 + 1) / 3)
    assert per_class["positive"]["auc"] == 1
    assert per_class["neutral"]["average_precision"] == 1


def test_scores_where_several_labels_hold_by_hand():
    probabilities = np.array([[0.9, 0.9, 0.1], [0.2, 0.6, 0.4]])
    scores, _, _ = score(probabilities, np.array([[1, 1, 0], [1, 0, 0]]), "sentiment3", multi_label=True)
    assert scores["exact_match"] == 0.5
    assert scores["hamming_loss"] == pytest.approx(2 / 6)
    assert scores["jaccard"] == pytest.approx((1 + 0) / 2)
    assert scores["brier"] == pytest.approx((0.03 + 0.64 + 0.36 + 0.16) / 2)


def test_coverage_steps_answer_the_surest_first(text_bundle, tmp_path):
    make_emotion(tmp_path)
    rows = "".join(f"feeling number {i};{label}\n" for i, label in enumerate(["joy", "fear"] * 10))
    (tmp_path / "test.txt").write_text(rows)
    result = evaluate_bundle(load_bundle(text_bundle), "emotion", tmp_path)
    steps = result.risk_coverage
    assert [round(step["coverage"], 6) for step in steps] == [i / 10 for i in range(1, 11)]
    assert steps[-1]["accuracy"] == pytest.approx(result.scores["accuracy"])
    confidences = [step["confidence"] for step in steps]
    assert confidences == sorted(confidences, reverse=True)


def test_regression_by_hand():
    truth, guess = np.array([-1.0, 0.0, 1.0]), np.array([-0.5, 0.0, 0.5])
    found = bootstrap_regression(truth, guess)
    assert found["pearson"].value == pytest.approx(1)
    assert found["spearman"].value == pytest.approx(1)
    assert found["mean_absolute_error"].value == pytest.approx(1 / 3)
    assert found["root_mean_squared_error"].value == pytest.approx((0.5 / 3) ** 0.5)
    assert found["r2"].value == pytest.approx(1 - 0.5 / 2)
    assert bootstrap_regression(truth, np.zeros(3))["pearson"].value == 0
    assert "r2" not in bootstrap_regression(np.zeros(4), np.ones(4))


def test_valence_is_positive_less_negative(text_bundle, tmp_path):
    make_emobank(tmp_path)
    bundle = load_bundle(text_bundle)
    answers = answer_corpus(bundle, "emobank", tmp_path)
    texts = open_text_model(bundle).predict([sample.text for sample in answers.samples])
    expected = [own.probabilities["sentiment3"][2] - own.probabilities["sentiment3"][0] for own in texts]
    np.testing.assert_allclose(answers.probabilities[:, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(answers.truth[:, 0], [-1, 0.25, 1])
    assert set(evaluate_bundle(bundle, "emobank", tmp_path).scores) >= {"pearson", "spearman", "r2"}
    with pytest.raises(ConfigError, match="number"):
        answer_corpus(bundle, "emobank", tmp_path, labels=["joy"])


def test_labels_that_were_not_to_be_chosen_do_not_flatter_calibration():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]])
    scores, _, _ = score(probabilities, np.eye(3)[[0, 1]], "sentiment3")
    assert scores["classwise_ece"] == pytest.approx(0.4)


def test_one_valence_is_not_enough(text_bundle, tmp_path):
    (tmp_path / "emobank.csv").write_text("id,split,V,text\na,test,3,Fine\n")
    with pytest.raises(CorpusFormatError, match="two samples"):
        evaluate_bundle(load_bundle(text_bundle), "emobank", tmp_path)
