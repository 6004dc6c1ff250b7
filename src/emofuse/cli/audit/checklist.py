"""`emofuse audit checklist`: the sentiment tests of CheckList, put to text models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder
from emofuse.errors import ConfigError
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import DEFAULT_MODELS
from emofuse.runtime.predictor import Predictor


@click.command()
@click.option("--root", required=True, type=click.Path(path_type=Path), help="Folder of the suite.")
@click.option("--models", default=DEFAULT_MODELS["text"], show_default=True, metavar="A,B")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Draw at most N cases of each test.")
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Also write a table as HTML.")
def checklist(
    root: Path, *, models: str, limit: int | None, output: Path | None, report: Path | None
) -> None:
    """Put the sentiment tests of CheckList to text models: the share of cases that each fails.

    The suite is sentiment_suite.jsonl.gz in the folder; see docs/robustness.md. All of its 86,420 cases take
    a quarter of an hour with the default model, a minute or two with the small one.
    """
    names = [name for name in models.split(",") if name]
    if not names:
        raise ConfigError("No model is named. Give --models one or more, such as text_bilstm.", item=models)
    bundles = [load_bundle(name) for name in names]
    for name, bundle in zip(names, bundles, strict=True):
        if bundle.kind != "text":
            raise ConfigError(f"{name} is a {bundle.kind} model; CheckList is about texts.", item=name)
    if len({bundle.name for bundle in bundles}) < len(bundles):
        raise ConfigError("Two of the models have one name; ask them one after the other.", item=models)
    for file in (output, report):
        if file is not None:
            prepare_folder(file.parent)
    with needs_extra("eval"):
        from emofuse.evaluate.checklist import read_cases, run_checklist  # noqa: PLC0415 - an extra
        from emofuse.evaluate.robustness_report import render_checklist  # noqa: PLC0415

        cases = read_cases(root, per_test=limit)
        results = {
            bundle.name: run_checklist(Predictor.load([name]), cases)
            for name, bundle in zip(names, bundles, strict=True)
        }
        if report is not None:
            report.write_text(render_checklist(results), encoding="utf-8")
    for name, result in results.items():
        _print(name, result)
    if output is not None:
        record = {
            "command": f"emofuse audit checklist --root ROOT --models {','.join(results)}"
            + (f" --limit {limit}" if limit else ""),
            "date": datetime.now(UTC).date().isoformat(),
            "model_sha256": {bundle.name: bundle.sha256 for bundle in bundles},
            "models": results,
        }
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _print(name: str, result: Mapping[str, Any]) -> None:
    click.echo(f"{name}: {result['cases']} cases, share failed with 95 % Wilson interval")
    for capability, pooled in result["capabilities"].items():
        click.echo(f"  {capability:34} {_failed(pooled)}")
        for test, own in result["tests"].items():
            if own["capability"] == capability:
                click.echo(f"    {own['type']} {test[:60]:60} {_failed(own)}")


def _failed(rates: Mapping[str, Any]) -> str:
    if rates["pass_rate"] is None:
        return "not judged"
    low, high = rates["interval"]
    return f"{1 - rates['pass_rate']:.3f} ({1 - high:.3f}-{1 - low:.3f}) of {rates['n']}"
