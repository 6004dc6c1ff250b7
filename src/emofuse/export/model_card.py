"""The model card of a bundle, written from its manifest so that the two never differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["render_model_card"]

_USE = """\
An expression or a wording is not an inner state: the model names what annotators would see in it. It was
not made for, and must not be used for, judging people at work, in education, in policing or in medicine.
Scores differ between groups of people and kinds of text; measure on your own data before relying on them."""
_DETECTOR_USE = """\
It finds faces and infers nothing about them; what is done with a face found is up to whoever finds it."""
_FACES = """\
Reading emotions from pictures of people is, as we understand it, emotion recognition in the sense of the
European Union's AI Act (Regulation (EU) 2024/1689): prohibited at work and in education except for medical or
safety reasons (Article 5(1)(f)), high-risk elsewhere (Annex III point 1(c)), and to be disclosed to those
exposed to it (Article 50(3))."""
_WORDS = """\
A text alone is no biometric data in the sense of the European Union's AI Act, but it is personal data of
whoever wrote it, and of whom it tells."""
_PAGE = (
    "More, with the law and the known gaps: "
    "[docs/RESPONSIBLE_USE.md](../../../../docs/RESPONSIBLE_USE.md) in the source of emofuse."
)
_OF_KIND = {
    "text": (_USE, _WORDS),
    "face": (_USE, _FACES),
    "scene": (_USE, _FACES),
    "fusion": (_USE, _FACES),
    "face_detector": (_DETECTOR_USE,),
}


def render_model_card(manifest: Mapping[str, Any]) -> str:
    """Write the card.

    Args:
        manifest: Content of `bundle.json`.

    Returns:
        Markdown.
    """
    evaluations = manifest.get("evaluations", [])
    return "\n".join(
        [
            f"# {manifest['name']} {manifest['version']}",
            "",
            f"{manifest['description']}.",
            "",
            *_outputs(manifest["outputs"]),
            "## Measured while it was made",
            "",
            *_metrics(manifest["metrics"]),
            "",
            *[line for evaluation in evaluations for line in _evaluation(evaluation)],
            *_data(manifest["data"]),
            f"Recipe {manifest['recipe']}, code revision `{manifest['code_revision']}`, "
            f"{manifest['created']}. {_effort(manifest.get('effort'))}",
            "",
            *_limits(manifest.get("limits", [])),
            "## Responsible use",
            "",
            *[line for part in _OF_KIND[manifest["kind"]] for line in (part, "")],
            _PAGE,
            "",
        ]
    )


def _limits(limits: Sequence[str]) -> list[str]:
    return ["## Limits", "", *[f"- {limit}" for limit in limits], ""] if limits else []


def _outputs(outputs: Mapping[str, Any]) -> list[str]:
    if not outputs:
        return []
    rows = [
        f"- `{name}` ({output['activation']}, temperature {output['temperature']:.3f}): "
        f"{', '.join(output['labels'])}"
        for name, output in outputs.items()
    ]
    return ["## Outputs", "", *rows, ""]


def _metrics(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [[row["corpus"], row["split"], row["metric"], f"{row['value']:.4f}", row["n"]] for row in metrics]
    return _table(["corpus", "split", "measure", "value", "n"], rows)


def _evaluation(evaluation: Mapping[str, Any]) -> list[str]:
    _, _, chosen = evaluation["command"].partition(" --labels ")
    only = f", only {chosen.replace(',', ', ')}" if chosen else ""
    title = f"## {evaluation['corpus']} {evaluation['split']}{only}: {evaluation['samples']} samples"
    about = f"`{evaluation['command']}`, {evaluation['date']}; 95 % bootstrap intervals over the samples."
    scores = [
        [name, f"{value:.3f}", _span(evaluation["intervals"].get(name))]
        for name, value in evaluation["scores"].items()
    ]
    classes = [
        [
            label,
            f"{row['precision']:.3f}",
            f"{row['recall']:.3f}",
            f"{row['f1']:.3f}",
            _span((row["f1_low"], row["f1_high"]) if "f1_low" in row else None),
            int(row["support"]),
        ]
        for label, row in evaluation["per_class"].items()
    ]
    lines = [title, "", about, "", *_table(["measure", "value", "interval"], scores), ""]
    if classes:
        lines += [*_table(["label", "precision", "recall", "F1", "interval", "n"], classes), ""]
    if bins := evaluation["calibration"]:
        rows = [
            [
                f"{row['confidence']:.2f}",
                f"{row['accuracy']:.2f}",
                row["n"],
                "█" * round(20 * row["accuracy"]),
            ]
            for row in bins
        ]
        lines += ["Calibration: how often an answer of this confidence is right.", ""]
        lines += [*_table(["mean confidence", "accuracy", "n", ""], rows), ""]
    return lines


def _span(ends: Sequence[float] | None) -> str:
    return "–" if ends is None else f"{ends[0]:.3f}–{ends[1]:.3f}"


def _effort(effort: Mapping[str, Any] | None) -> str:
    if not effort:
        return "The CPU time of its training was not recorded."
    before = f", after those of `{effort['init_from']}`" if "init_from" in effort else ""
    return f"Trained in {effort['cpu_hours']:.1f} CPU hours over {effort['epochs']:.0f} epochs{before}."


def _data(data: Sequence[Mapping[str, Any]]) -> list[str]:
    if not data:
        return []
    rows = [f"- {row['name']}: {row['licence']} (commercial use: {row['commercial_use']})" for row in data]
    return ["## Trained on", "", *rows, ""]


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines: list[Sequence[object]] = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]
