"""`emofuse feedback`: what people corrected."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from emofuse.cli.database import database_option, opened_store
from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder


@click.group()
def feedback() -> None:
    """Use what people corrected."""


@feedback.command()
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder; train.jsonl, validation.jsonl and pictures go into it.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    metavar="MOMENT",
    help="Only corrections stored then or later, such as 2026-05-01 or 2026-05-01T12:00:00+0200; without a "
    "zone it is UTC.",
)
@database_option
def export(out: Path, since: datetime | None, database: str | None) -> None:
    """Write the corrections as a corpus, which recipes/feedback_text.yaml learns from.

    Of several by one subject about the same text and picture the latest label counts; all without a subject
    count. The corpus is called `jsonl`.
    """
    prepare_folder(out)
    if since is not None and since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    with opened_store(database) as store:
        with needs_extra("serve"):
            from emofuse.serve.store.export import export_corrections  # noqa: PLC0415 - an extra
        summary = export_corrections(store, out, since=since)
    click.echo(f"{out}: {summary.train} samples to learn from, {summary.validation} to choose by")
    for count, what in (
        (summary.replaced, "corrections were left out, since the same subject corrected the same text later"),
        (summary.without_picture, "samples are without their picture, which is not stored"),
        (summary.left_out, "corrections of a picture alone were left out, since it is not stored"),
    ):
        if count:
            click.echo(f"{count} {what}.", err=True)
