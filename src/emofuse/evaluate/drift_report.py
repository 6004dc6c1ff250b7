"""A file of predictions beside what its models are used to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError
from emofuse.evaluate.page import Section, render_page
from emofuse.evaluate.reference import count_reference
from emofuse.runtime.bundle import ModelBundle, list_bundles, load_bundle
from emofuse.runtime.drift import MIN_SAMPLES, DriftWatch, FeatureDrift, judge, read_values
from emofuse.runtime.input_features import TextMeter
from emofuse.runtime.reference import parse_reference
from emofuse.types import Emotion, Modality, ModalityPrediction, Prediction, Sentiment

__all__ = ["DriftReport", "count_predictions", "render_drift", "report_drift"]

FIGURES = ("feature", "n", "PSI", "by chance", "KS", "p", "verdict", "largest change")
WORDS = {
    "stable": "stable: nothing moved that matters",
    "watch": "watch: something moved; see whether it goes on",
    "shifted": "shifted: this is not what the models were measured on; measure them anew",
    "too few": "too few samples to tell",
}
LEAD = (
    "Inputs and answers beside the reference. PSI is the population stability index: below .1 stable, from "
    ".1 watch, from .25 shifted; by chance is what it comes to when nothing has changed. KS is the largest "
    "gap between the cumulative shares, p how often chance alone makes it that large."
)


@dataclass(frozen=True)
class DriftReport:
    """How far the inputs and answers of a file have moved.

    Attributes:
        file: Its name.
        reference: What it stands beside, in words.
        lines: Predictions read.
        errors: Those that are error entries.
        features: Every feature of every model.
        notes: What could not be compared, and why.
    """

    file: str
    reference: str
    lines: int
    errors: int
    features: Sequence[FeatureDrift]
    notes: Sequence[str]

    @property
    def verdict(self) -> str:
        """The worst verdict of all features."""
        return judge(self.features)

    @property
    def words(self) -> str:
        """The verdict in words."""
        return WORDS[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "file": self.file,
            "reference": self.reference,
            "lines": self.lines,
            "errors": self.errors,
            "verdict": self.verdict,
            "features": [own.to_dict() for own in self.features],
            "notes": list(self.notes),
        }


@dataclass
class _Line:
    prediction: Prediction
    text: str | None
    inputs: dict[str, dict[str, float]] = field(default_factory=dict)


def report_drift(
    predictions: Path, *, models: Sequence[str] = (), baseline: Path | None = None
) -> DriftReport:
    """Compare predictions with the references of their models, or with other predictions.

    Where lines have a `text` beside the prediction, the texts are measured, too.

    Args:
        predictions: `.jsonl` with one `Prediction.to_dict()` per line.
        models: Folders of bundles that are not embedded.
        baseline: Predictions of a time when all was well, which take the place of the references.

    Returns:
        The comparison.

    Raises:
        CorpusNotFoundError: A file is not there.
        CorpusFormatError: A line is no prediction.
        ConfigError: No answer of the file can be compared.
    """
    bundles = {bundle.name: bundle for bundle in map(load_bundle, models)}
    lines = list(_read_lines(predictions))
    named: dict[str, str] = {}
    for line in lines:
        named |= line.prediction.models
    for name in named.keys() & set(list_bundles()) - bundles.keys():
        bundles[name] = load_bundle(name)
    bundles = {name: bundle for name, bundle in bundles.items() if name in named}
    notes = _notes(bundles, named, lines, baseline)
    _measure(lines, bundles)
    if baseline is not None:
        before = list(_read_lines(baseline))
        _measure(before, bundles)
        bundles = _take_as_reference(before, bundles, baseline.name)
    watch = DriftWatch(list(bundles.values()))
    for line in lines:
        watch.add(line.prediction, line.inputs)
    features = watch.compare()
    if not features:
        raise ConfigError(
            f"No model that answered in {predictions} has a reference. Name bundles with --models, or give a "
            "--baseline.",
            item=str(predictions),
        )
    errors = sum(line.prediction.emotion is None for line in lines)
    beside = f"predictions of {baseline.name}" if baseline else "validation samples of the models"
    return DriftReport(predictions.name, beside, len(lines), errors, features, notes)


def count_predictions(bundle: ModelBundle, predictions: Path) -> dict[str, Any]:
    """A reference from predictions of a time when all was well.

    Args:
        bundle: Whose answers are counted.
        predictions: As for `report_drift`.

    Returns:
        What `bundle.json` says under `reference`.

    Raises:
        CorpusNotFoundError: The file is not there.
        CorpusFormatError: A line is no prediction.
        ConfigError: The bundle gave too few of the answers.
    """
    lines = list(_read_lines(predictions))
    _measure(lines, {bundle.name: bundle})
    samples = _samples(lines, [bundle]).get(bundle.name, [])
    if len(samples) < MIN_SAMPLES:
        raise ConfigError(
            f"{bundle.name} gave {len(samples)} of the answers in {predictions}; {MIN_SAMPLES} are needed.",
            item=str(predictions),
        )
    return count_reference(samples, predictions.name)


def render_drift(report: DriftReport) -> str:
    """Write the page of a report.

    Args:
        report: The comparison.

    Returns:
        HTML that needs nothing else.
    """
    facts = {
        "file": report.file,
        "beside": report.reference,
        "predictions": f"{report.lines}, of which errors {report.errors}",
        "verdict": report.words,
    }
    sections: list[Section] = []
    for model in dict.fromkeys(own.model for own in report.features):
        own = [found for found in report.features if found.model == model]
        sections.append(Section(model, LEAD if not sections else "", "", FIGURES, list(map(_row, own))))
        sections += [
            Section(
                f"{model}: {found.feature}, {found.verdict}",
                "",
                "",
                ("bin", "reference", "now", ""),
                _bars(found),
            )
            for found in own
            if found.verdict in ("watch", "shifted")
        ]
    if report.notes:
        sections.append(Section("Not compared", " ".join(report.notes)))
    return render_page(f"Drift of {report.file}", facts, sections)


def _row(found: FeatureDrift) -> list[Any]:
    ks = ["–", "–"] if found.ks is None or found.ks_p is None else [found.ks, f"{found.ks_p:.2g}"]
    figures = [found.n, found.psi, found.psi_by_chance, *ks]
    return [found.feature, *figures, found.verdict, found.largest_change]


def _bars(found: FeatureDrift) -> list[list[Any]]:
    triples = zip(found.bins, found.reference, found.current, strict=True)
    return [[name, was, now, "█" * round(30 * now)] for name, was, now in triples]


def _read_lines(path: Path) -> Iterator[_Line]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _read_line(path, number, line)
    except OSError as error:
        raise CorpusNotFoundError(
            f"{path} cannot be read: {error.strerror}. Check the path.", item=str(path)
        ) from error


def _read_line(path: Path, number: int, line: str) -> _Line:
    try:
        data = json.loads(line)
        text = data.get("text")
        return _Line(_prediction(data), text if isinstance(text, str) else None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusFormatError(
            f"Line {number} of {path} is no prediction as `emofuse predict --json` writes it ({error!r}).",
            item=f"{path}:{number}",
        ) from error


def _prediction(data: Mapping[str, Any]) -> Prediction:
    if data["emotion"] is None:
        return Prediction(str(data["id"]))
    parts = [
        ModalityPrediction(
            Modality(own["modality"]),
            str(own["model"]),
            own["weight"],
            Emotion(**own["emotion"]),
            Sentiment(**own["sentiment"]),
        )
        for own in data["modalities"]
    ]
    return Prediction(
        str(data["id"]),
        emotion=Emotion(**data["emotion"]),
        sentiment=Sentiment(**data["sentiment"]),
        modalities=tuple(parts),
        abstained=bool(data["abstained"]),
        models=dict(data["models"]),
    )


def _notes(
    bundles: Mapping[str, ModelBundle],
    named: Mapping[str, str],
    lines: Sequence[_Line],
    baseline: Path | None,
) -> list[str]:
    notes = [
        f"{name} is not embedded; name its folder with --models." for name in named.keys() - bundles.keys()
    ]
    for name, bundle in bundles.items():
        if bundle.version != named[name]:
            notes.append(f"{name} answered in version {named[name]}; its reference is of {bundle.version}.")
        if bundle.reference is None and bundle.kind != "face_detector" and baseline is None:
            notes.append(f"The bundle of {name} has no reference.")
    if not any(line.text for line in lines):
        notes.append("The lines hold no `text`, so that inputs were not measured.")
    return sorted(notes)


def _measure(lines: Sequence[_Line], bundles: Mapping[str, ModelBundle]) -> None:
    meters = {name: TextMeter(bundle) for name, bundle in bundles.items() if bundle.kind == "text"}
    for line in lines:
        if line.text is not None:
            line.inputs = {name: meter.measure(line.text) for name, meter in meters.items()}


def _take_as_reference(
    lines: Sequence[_Line], bundles: Mapping[str, ModelBundle], name: str
) -> dict[str, ModelBundle]:
    samples = _samples(lines, bundles.values())
    return {
        model: replace(bundle, reference=parse_reference(count_reference(samples[model], name)))
        for model, bundle in bundles.items()
        if model in samples
    }


def _samples(lines: Sequence[_Line], bundles: Iterable[ModelBundle]) -> dict[str, list[dict[str, Any]]]:
    fusions = {bundle.name for bundle in bundles if bundle.kind == "fusion"}
    samples: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        for model, values in read_values(line.prediction, fusions):
            samples.setdefault(model, []).append({**line.inputs.get(model, {}), **values})
    return samples
