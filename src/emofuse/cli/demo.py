"""`emofuse demo`: the page that people try."""

from __future__ import annotations

from pathlib import Path

import click

from emofuse.cli.address import bind_address
from emofuse.cli.extras import needs_extra

__all__ = ["demo"]


@click.command()
@click.option(
    "--port", default=7860, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--models", metavar="A,B", help="Bundles that come before the embedded ones.")
@click.option("--corpus", metavar="NAME", help="What the gallery also shows; see `emofuse data list`.")
@click.option("--root", type=click.Path(path_type=Path), help="Folder of the corpus.")
@click.option("--split", default="test", show_default=True)
def demo(*, port: int, models: str | None, corpus: str | None, root: Path | None, split: str) -> None:
    """Show a page in the browser that reads text, photos and streams.

    The page is for this machine alone, and nothing leaves it.
    """
    if (corpus is None) != (root is None):
        raise click.UsageError("Give --corpus and --root together.")
    with needs_extra("demo"):
        from emofuse.demo import open_corpus, run_demo  # noqa: PLC0415 - an extra

    shown = open_corpus(corpus, root, split) if corpus is not None and root is not None else None
    names = [name for name in (models or "").split(",") if name]
    listening = bind_address("127.0.0.1", port)
    run_demo(listening, lambda address: click.echo(f"Open {address}", err=True), names, shown)
