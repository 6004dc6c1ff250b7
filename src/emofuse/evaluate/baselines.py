"""What simple models reach on a text corpus: the floor under every other figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from emofuse.datasets import load_adapter
from emofuse.errors import ConfigError, CorpusFormatError, EmptyTextError
from emofuse.evaluate.answers import Answers
from emofuse.evaluate.calibration import choose_thresholds
from emofuse.preprocess import normalize_text
from emofuse.taxonomy import load_taxonomy
from emofuse.types import FloatArray, Sample

__all__ = ["fit_baselines"]

SEED = 7
FOREST_SAMPLES = 10_000  # texts a tree; all of a large corpus would take hours


def _classifiers(samples: int) -> dict[str, Any]:
    return {
        "most frequent label": DummyClassifier(strategy="prior"),
        "TF-IDF + naive Bayes": MultinomialNB(alpha=0.1),
        "TF-IDF + linear SVM": CalibratedClassifierCV(LinearSVC(random_state=SEED), cv=3),
        "TF-IDF + logistic regression": LogisticRegression(C=5.0, max_iter=1000),
        "TF-IDF + random forest": RandomForestClassifier(
            max_samples=min(FOREST_SAMPLES, samples), random_state=SEED, n_jobs=-1
        ),
    }


def fit_baselines(
    corpus: str, root: Path, taxonomy: str, *, split: str = "test", labels: Sequence[str] = ()
) -> dict[str, Answers]:
    """Fit the classical baselines on a corpus's training split and ask them about another.

    Args:
        corpus: Name of a text adapter with a split `train`.
        root: Folder of the corpus.
        taxonomy: One of the adapter's label sets.
        split: Split to answer.
        labels: Only samples with one of these labels, in either split; empty takes all.

    Returns:
        Name -> answers: the most frequent label, and naive Bayes, linear SVM, logistic regression and random
        forest over TF-IDF of words and pairs of words. A multi-label corpus gets one classifier per label,
        with the threshold of the highest F1 on its validation split, as our own models do.

    Raises:
        ConfigError: The corpus has no texts with these labels.
        CorpusFormatError: It has too few of them.
        DatasetError: The corpus is missing or malformed.
    """
    adapter = load_adapter(corpus)
    _, texts, learned = _read(adapter.iter_samples(root, "train"), taxonomy, labels)
    asked, questions, truth = _read(adapter.iter_samples(root, split), taxonomy, labels)
    if not texts or not questions:
        raise ConfigError(f"{corpus} holds no labelled texts, which the baselines need.", item=corpus)
    tuning = adapter.iter_samples(root, "validation") if adapter.multi_label else ()
    _, trials, outcomes = _read(tuning, taxonomy, labels)
    answers = {}
    for name, classifier in _classifiers(len(texts)).items():
        features = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        model = make_pipeline(
            features, OneVsRestClassifier(classifier) if adapter.multi_label else classifier
        )
        target: NDArray[Any] = learned > 0.5 if adapter.multi_label else learned.argmax(axis=1)
        try:
            model.fit(texts, target)
        except ValueError as error:
            raise CorpusFormatError(
                f"The training split of {corpus} is too small for the baseline {name}: {error}.", item=corpus
            ) from error
        thresholds = None
        if trials:
            names = load_taxonomy(taxonomy).labels
            thresholds = choose_thresholds(_probabilities(model, trials, outcomes), outcomes > 0.5, names)
        probabilities = _probabilities(model, questions, truth)
        answers[name] = Answers(taxonomy, asked, truth, probabilities, thresholds, adapter.multi_label, {})
    return answers


def _probabilities(model: Any, texts: Sequence[str], truth: FloatArray) -> FloatArray:
    probabilities = np.zeros(truth.shape, dtype=np.float32)
    probabilities[:, model.classes_] = model.predict_proba(texts)
    return probabilities


def _read(
    samples: Iterable[Sample], taxonomy: str, chosen: Sequence[str]
) -> tuple[list[Sample], list[str], FloatArray]:
    labels = load_taxonomy(taxonomy).labels
    kept, texts, rows = [], [], []
    for sample in samples:
        weights: Mapping[str, float] = sample.labels.get(taxonomy) or {}
        if not weights or sample.text is None:
            continue
        if chosen and max(weights, key=weights.__getitem__) not in chosen:
            continue
        try:
            text, _ = normalize_text(sample.text)
        except EmptyTextError:
            continue
        kept.append(sample)
        texts.append(text)
        rows.append([weights.get(label, 0.0) for label in labels])
    return kept, texts, np.array(rows, dtype=np.float32)
