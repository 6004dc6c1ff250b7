"""`emofuse models`: what is inside, what it is made of, whether it is intact."""

from __future__ import annotations

import json
from typing import Any

import click
import numpy as np

from emofuse.cli.database import database_option, opened_store
from emofuse.errors import BundleError, EmofuseError, UnknownModelError
from emofuse.runtime.bundle import ModelBundle, list_bundles, load_bundle, verify_bundle
from emofuse.runtime.predictor import Predictor
from emofuse.types import Sample

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


@models.command()
@click.argument("bundle")
@database_option
def promote(bundle: str, database: str | None) -> None:
    """Let a running service answer with BUNDLE, a folder or a name, in place of the model of its kind.

    No request is dropped; `roll-back` takes it out again.
    """
    own = load_bundle(bundle)
    # A bundle that cannot answer is refused here rather than by the service.
    Predictor.load([own.path]).predict([Sample(text="a"), Sample(image=np.zeros((64, 64, 3), np.uint8))])
    with opened_store(database) as store:
        store.promote(own.kind, str(own.path.resolve()), own.sha256)
    click.echo(f"Promoted {own.name} {own.version} as the {own.kind} model.")


@models.command("roll-back")
@click.argument("kind")
@database_option
def roll_back(kind: str, database: str | None) -> None:
    """Take the promoted model of a KIND, such as text, out of service again."""
    with opened_store(database) as store:
        before = store.roll_back(kind)
    if before is not None:
        _check_opens(before.path, before.sha256)
    click.echo(f"The {kind} model is {before.path if before else 'the one of the settings'} again.")


def _check_opens(path: str, sha256: str) -> None:
    reason = "it is another model than then."
    try:
        if load_bundle(path).sha256 == sha256:
            return
    except (BundleError, UnknownModelError) as error:
        reason = error.message
    raise BundleError(
        f"The model was taken out, but {path}, promoted before it, cannot be used: {reason} "
        "The service goes on as it is. Promote a model, or roll back once more.",
        item=path,
    )


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
