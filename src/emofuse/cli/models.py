"""`emofuse models`: what is inside, what it is made of, whether it is intact."""

from __future__ import annotations

import json
from typing import Any

import click

from emofuse.errors import BundleError, EmofuseError, UnknownModelError
from emofuse.runtime.bundle import ModelBundle, list_bundles, load_bundle, verify_bundle

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")


@click.group()
def models() -> None:
    """Look at the models inside emofuse."""


@models.command(name="list")
@_JSON
def list_(as_json: bool) -> None:
    """Name, version, kind and size of every embedded model."""
    for name in list_bundles():
        bundle = load_bundle(name)
        if as_json:
            click.echo(json.dumps(_summary(bundle)))
        else:
            size = f"{bundle.size_bytes / 1e6:.1f} MB"
            click.echo(f"{name:18} {bundle.version:7} {bundle.kind:14} {size:>8}  {bundle.description}")


@models.command()
@click.argument("name")
@_JSON
def show(name: str, as_json: bool) -> None:
    """Outputs, figures, training data and licences of a model."""
    bundle = load_bundle(name)
    if as_json:
        click.echo(json.dumps(_summary(bundle)))
        return
    card = bundle.path / "MODEL_CARD.md"
    click.echo(card.read_text(encoding="utf-8"))


@models.command()
@click.argument("names", nargs=-1)
@_JSON
def verify(names: tuple[str, ...], as_json: bool) -> int:
    """Compare the files of NAMES, or of all embedded models, with their checksums."""
    failed = False
    for name in names or list_bundles():
        error = _verify(name)
        failed |= error is not None
        if as_json:
            found = {"code": error.code, "message": error.message, "item": error.item} if error else None
            click.echo(json.dumps({"name": name, "intact": error is None, "error": found}))
        elif error:
            click.echo(f"{name}: error[{error.code}]: {error.message}", err=True)
        else:
            click.echo(f"{name}: intact")
    return int(failed)


def _verify(name: str) -> EmofuseError | None:
    try:
        verify_bundle(load_bundle(name).path)
    except (BundleError, UnknownModelError) as error:
        return error
    return None


def _summary(bundle: ModelBundle) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "version": bundle.version,
        "kind": bundle.kind,
        "description": bundle.description,
        "size_bytes": bundle.size_bytes,
        "outputs": list(bundle.outputs),
        "metrics": list(bundle.metrics),
        "data": list(bundle.data),
        "recipe": bundle.recipe,
    }
