"""`emofuse compare`: several models on one corpus, in one table."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder, show_model, show_task
from emofuse.errors import ConfigError
from emofuse.runtime.bundle import ModelBundle, load_bundle


@click.command()
@click.argument("models", metavar="RUN_OR_BUNDLE...", nargs=-1, required=True)
@click.option("--corpus", required=True, metavar="NAME", help="See `emofuse data list`.")
@click.option("--root", required=True, type=click.Path(path_type=Path), help="Folder of the corpus.")
@click.option("--split", default="test", show_default=True)
@click.option("--taxonomy", metavar="NAME", help="Which labels of the corpus; default: its main ones.")
@click.option("--labels", metavar="A,B", help="Only samples with these labels, chosen among these alone.")
@click.option("--baselines", is_flag=True, help="Add classical models fitted on the training split (text).")
@click.option("--json", "output", type=click.Path(dir_okay=False, path_type=Path), help="Also write JSON.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Also write Markdown.")
def compare(  # noqa: PLR0913 - one parameter per option of the command
    models: tuple[str, ...],
    corpus: str,
    root: Path,
    *,
    split: str,
    taxonomy: str | None,
    labels: str | None,
    baselines: bool,
    output: Path | None,
    markdown: Path | None,
) -> None:
    """Score runs and bundles on the same samples; the first is the one the others are tested against.

    Of a fusion, NAME@text+face looks at these modalities alone.
    """
    if len(set(models)) < len(models):
        raise ConfigError("A model is given twice.", item=models[0])
    for file in (output, markdown):
        if file is not None:
            prepare_folder(file.parent)
    with needs_extra("eval"), TemporaryDirectory() as scratch:
        from emofuse.evaluate.answers import answer_corpus  # noqa: PLC0415
        from emofuse.evaluate.comparison import compare_answers  # noqa: PLC0415 - an extra

        chosen = [label for label in (labels or "").split(",") if label]
        bundles = _open_all(models, Path(scratch))
        answer = partial(
            answer_corpus, corpus=corpus, root=root, split=split, labels=chosen, taxonomy=taxonomy
        )
        answers = {name: answer(bundle, modalities=_modalities(name)) for name, bundle in bundles.items()}
        if baselines:
            from emofuse.evaluate.baselines import fit_baselines  # noqa: PLC0415

            shared = next(iter(answers.values())).taxonomy
            answers |= fit_baselines(corpus, root, shared, split=split, labels=chosen)
        result = compare_answers(answers, corpus, split)
        digests = {name: bundle.sha256 for name, bundle in bundles.items()}
    if result.unreadable:
        click.echo(f"{result.unreadable} samples could not be read by every model.", err=True)
    if output is not None:
        command = ["emofuse compare", *map(show_model, models), *show_task(corpus, split, taxonomy, labels)]
        record = {
            "command": " ".join([*command, *["--baselines"] * baselines]),
            "date": datetime.now(UTC).date().isoformat(),
            "model_sha256": digests,
            **result.to_dict(),
        }
        output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if markdown is not None:
        markdown.write_text(result.to_markdown(), encoding="utf-8")
    click.echo(f"{corpus} {split}: {result.samples} samples, {result.taxonomy}, 95 % bootstrap intervals")
    click.echo(result.to_markdown(), nl=False)


def _open_all(models: tuple[str, ...], scratch: Path) -> dict[str, ModelBundle]:
    places = dict.fromkeys(_split(model)[0] for model in models)
    once = {place: _open(place, scratch / str(i)) for i, place in enumerate(places)}
    opened = {model: once[_split(model)[0]] for model in models}
    names = [_name(model, bundle) for model, bundle in opened.items()]
    # Two versions of one model differ in their place, not in their name.
    return {
        name if names.count(name) == 1 else model: bundle
        for name, (model, bundle) in zip(names, opened.items(), strict=True)
    }


def _name(model: str, bundle: ModelBundle) -> str:
    modalities = _split(model)[1]
    return f"{bundle.name}@{modalities}" if modalities else bundle.name


def _split(model: str) -> tuple[str, str]:
    place, _, modalities = model.rpartition("@")
    return (place, modalities) if place and not Path(model).exists() else (model, "")


def _modalities(name: str) -> list[str]:
    return [part for part in _split(name)[1].split("+") if part]


def _open(name: str, scratch: Path) -> ModelBundle:
    if (Path(name) / "recipe.yaml").exists():
        from emofuse.export import export_any  # noqa: PLC0415 - an extra

        export_any(Path(name), scratch)
        return load_bundle(str(scratch))
    return load_bundle(name)
