"""The report of an evaluation: figures, plots, and the worst mistakes with their inputs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from emofuse.datasets import VALENCE, load_adapter
from emofuse.errors import InputError
from emofuse.evaluate import plots
from emofuse.evaluate.answers import Answers
from emofuse.evaluate.evaluator import Evaluation
from emofuse.evaluate.page import Picture, Section, render_page
from emofuse.preprocess import load_image
from emofuse.runtime.bundle import ModelBundle
from emofuse.taxonomy import load_taxonomy
from emofuse.types import ImageSource, Sample

__all__ = ["Mistake", "find_mistakes", "render_report"]

MISTAKES = 20
THUMBNAIL_PX = 96
TEXT_LENGTH = 400

_READ = {
    "shares": "How often each label is right in the data, and how often the model answers it.",
    "f1": "F1 is the harmonic mean of precision and recall; the whiskers are 95 % bootstrap intervals.",
    "lines": "Labels from the most frequent to the rarest.",
    "confusion": "Numbers are samples; the darker a field, the larger its share of the row.",
    "roc": "Each label against the others, by its probability. The area is 0.5 for chance and 1 for perfect.",
    "reliability": "Where the line runs below the diagonal, the model is surer than it is right. "
    "The larger a dot, the more samples.",
    "coverage": "What accuracy becomes when the model answers only the samples it is surest about.",
    "history": "Training logged this; the best epoch by validation was kept.",
}


@dataclass(frozen=True)
class Mistake:
    """An answer that is far from the truth.

    Attributes:
        sample: What was read.
        truth: Its label, its labels joined by commas, or its valence.
        answer: The same of the answer.
        size: How wrong: the confidence of the wrong answer; where several labels may hold, the summed squared
            error of the probabilities; of a valence, the absolute error.
    """

    sample: Sample
    truth: str
    answer: str
    size: float


def find_mistakes(answers: Answers, count: int = MISTAKES) -> list[Mistake]:
    """The worst mistakes, largest first.

    Args:
        answers: Of `answer_corpus`.
        count: How many at most.

    Returns:
        Mistakes; fewer than `count` where there are fewer.
    """
    if answers.taxonomy == VALENCE:
        sizes = np.abs(answers.probabilities - answers.truth)[:, 0]
        names = [[f"{row[0]:+.2f}" for row in side] for side in (answers.truth, answers.probabilities)]
        wrong = sizes > 0
    else:
        truth, guess = answers.decide()
        labels = load_taxonomy(answers.taxonomy).labels
        names = [_name(side, labels) for side in (truth, guess)]
        if answers.multi_label:
            sizes = ((answers.probabilities - truth) ** 2).sum(axis=1)
            wrong = (truth != guess).any(axis=1)
        else:
            sizes, wrong = answers.probabilities.max(axis=1), truth != guess
    order = [int(i) for i in np.argsort(-sizes, kind="stable") if wrong[i]][:count]
    return [Mistake(answers.samples[i], names[0][i], names[1][i], float(sizes[i])) for i in order]


def render_report(
    evaluation: Evaluation,
    answers: Answers,
    bundle: ModelBundle,
    *,
    command: str = "",
    inputs: bool = True,
) -> str:
    """Write the report of an evaluation.

    Args:
        evaluation: Of `score_answers`.
        answers: What it was computed from.
        bundle: Who gave the answers.
        command: That repeats it; empty leaves it out.
        inputs: Show texts and pictures of the worst mistakes; False for corpora that may not be passed on.

    Returns:
        One HTML page that loads nothing else.
    """
    licence = load_adapter(evaluation.corpus).licence
    facts = {
        "model": f"{bundle.name} {bundle.version}: {bundle.description}",
        "model sha256": bundle.sha256,
        "corpus": f"{evaluation.corpus}, split {evaluation.split} (licence: {licence})",
        "labels": evaluation.taxonomy,
        "samples": f"{evaluation.samples} read, {len(evaluation.unreadable)} unreadable",
        "data sha256": evaluation.data_sha256,
        "trained on": ", ".join(row["name"] for row in bundle.data),
        "made on": datetime.now(UTC).date().isoformat(),
    }
    if command:
        facts["command"] = command
    sections = [_scores(evaluation)]
    sections += _plot_valence(answers) if answers.taxonomy == VALENCE else _plot_labels(evaluation, answers)
    if bundle.history:
        sections.append(Section("Training", _READ["history"], plots.plot_history(bundle.history)))
    sections += _mistakes(answers, inputs=inputs)
    if evaluation.unreadable:
        rows = list(evaluation.unreadable.items())
        sections.append(Section("Unreadable samples", header=("sample", "error"), rows=rows))
    return render_page(f"{bundle.name} on {evaluation.corpus}", facts, sections)


def _scores(evaluation: Evaluation) -> Section:
    rows = []
    for name, value in evaluation.scores.items():
        interval = evaluation.intervals.get(name)
        rows.append((name, value, f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""))
    return Section(
        "Scores",
        "Measured as users run the model. Intervals are 95 % bootstrap intervals over the samples.",
        header=("measure", "value", "interval"),
        rows=rows,
    )


def _plot_labels(evaluation: Evaluation, answers: Answers) -> list[Section]:
    labels, per_class = list(evaluation.per_class), evaluation.per_class
    truth, guess = _as_flags(answers)
    shares = [dict(zip(labels, side.sum(axis=0).tolist(), strict=True)) for side in (truth, guess)]
    columns = ("precision", "recall", "f1", "support", "auc", "average_precision")
    rows = [(label, *(row.get(name, "") for name in columns)) for label, row in per_class.items()]
    rows = [(label, p, r, f, int(n), *rest) for label, p, r, f, n, *rest in rows]
    sections = [
        Section("Labels", header=("label", *columns), rows=rows),
        Section("F1 by label", _READ["f1"], plots.plot_class_bars(per_class)),
        Section("Precision, recall and F1", _READ["lines"], plots.plot_class_lines(per_class)),
    ]
    if all(any(side.values()) for side in shares):
        pies = plots.plot_class_shares(*shares)
        sections.append(Section("Shares of the labels", _READ["shares"], pies))
    if any("auc" in row for row in per_class.values()):
        curves = plots.plot_roc(truth, answers.probabilities, per_class)
        sections.append(Section("ROC curves", _READ["roc"], curves))
    if evaluation.confusion:
        confusion = plots.plot_confusion(evaluation.confusion, labels)
        reliability = plots.plot_reliability(evaluation.calibration)
        coverage = plots.plot_risk_coverage(evaluation.risk_coverage)
        sections += [
            Section("Confusion", _READ["confusion"], confusion),
            Section("Calibration", _READ["reliability"], reliability),
            Section("Answering only when sure", _READ["coverage"], coverage),
        ]
    return sections


def _plot_valence(answers: Answers) -> list[Section]:
    picture = plots.plot_valence(answers.truth[:, 0], answers.probabilities[:, 0])
    return [Section("Answers against the truth", "", picture)]


def _mistakes(answers: Answers, *, inputs: bool) -> list[Section]:
    found = find_mistakes(answers)
    if not found:
        return []
    lead = "" if inputs else "Texts and pictures are left out, since the corpus may not be passed on."
    header = ["sample", "truth", "answer", "how wrong"]
    texts = inputs and any(mistake.sample.text is not None for mistake in found)
    pictures = inputs and any(mistake.sample.image is not None for mistake in found)
    rows = []
    for own in found:
        row: list[str | float] = [str(own.sample.id), own.truth, own.answer, own.size]
        row += [(own.sample.text or "")[:TEXT_LENGTH]] * texts + [_thumbnail(own.sample.image)] * pictures
        rows.append(row)
    header += ["text"] * texts + ["picture"] * pictures
    return [Section("Worst mistakes", lead, header=header, rows=rows)]


def _thumbnail(image: ImageSource | None) -> str:
    if image is None:
        return ""
    try:
        pixels, _ = load_image(image)
    except InputError as error:
        return error.code
    small = Image.fromarray(pixels)
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=80)
    return Picture(f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}")


def _as_flags(answers: Answers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    truth, guess = answers.decide()
    if answers.multi_label:
        return truth, guess
    columns = np.arange(answers.truth.shape[1])
    return truth[:, None] == columns, guess[:, None] == columns


def _name(decided: NDArray[np.generic], labels: Sequence[str]) -> list[str]:
    if decided.ndim == 1:
        return [labels[int(i)] for i in decided]
    return [", ".join(np.array(labels)[row.astype(bool)]) or "none" for row in decided]
