"""The model card of a bundle, written from its manifest so that the two never differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["render_model_card"]

_LIMITS = """\
An expression or a wording is not an inner state: the model names what annotators would see in it. It was
not made for, and must not be used for, judging people at work, in education, in policing or in medicine.
Scores differ between groups of people and kinds of text; measure on your own data before relying on them."""


def render_model_card(manifest: Mapping[str, Any]) -> str:
    """Write the card.

    Args:
        manifest: Content of `bundle.json`.

    Returns:
        Markdown.
    """
    return "\n".join(
        [
            f"# {manifest['name']} {manifest['version']}",
            "",
            f"{manifest['description']}.",
            "",
            *_outputs(manifest["outputs"]),
            "## Measured",
            "",
            *_metrics(manifest["metrics"]),
            "",
            "Figures on test splits are in `benchmarks/` of the repository, each with its command.",
            "",
            *_data(manifest["data"]),
            f"Recipe {manifest['recipe']}, code revision `{manifest['code_revision']}`, "
            f"{manifest['created']}.",
            "",
            "## Limits",
            "",
            _LIMITS,
            "",
        ]
    )


def _outputs(outputs: Mapping[str, Any]) -> list[str]:
    if not outputs:
        return []
    rows = [
        f"- `{name}` ({output['activation']}, temperature {output['temperature']:.3f}): "
        f"{', '.join(output['labels'])}"
        for name, output in outputs.items()
    ]
    return ["## Outputs", "", *rows, ""]


def _metrics(metrics: list[Mapping[str, Any]]) -> list[str]:
    header = ["| corpus | split | measure | value | n |", "|---|---|---|---|---|"]
    rows = [
        f"| {row['corpus']} | {row['split']} | {row['metric']} | {row['value']:.4f} | {row['n']} |"
        for row in metrics
    ]
    return header + rows


def _data(data: list[Mapping[str, Any]]) -> list[str]:
    if not data:
        return []
    rows = [f"- {row['name']}: {row['licence']} (commercial use: {row['commercial_use']})" for row in data]
    return ["## Trained on", "", *rows, ""]
