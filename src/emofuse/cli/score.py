"""`emofuse score`: a table or a folder of any size in, the same rows with answers out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from emofuse.cli.extras import needs_extra
from emofuse.scale.fields import DEFAULT_FIELDS, FIELDS
from emofuse.scale.job import Engine, Job, Progress, Summary
from emofuse.scale.job import score as run
from emofuse.scale.local import score_here
from emofuse.scale.source import ReadOptions


@click.command()
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help=".csv, .tsv, .jsonl, .parquet"
)
@click.option("--text-column", metavar="C", help="Column of the text; `text` unless given.")
@click.option("--image-column", metavar="C", help="Column of the picture's path; `image` unless given.")
@click.option("--fields", metavar="A,B", default=",".join(DEFAULT_FIELDS), help=f"Of {', '.join(FIELDS)}.")
@click.option("--models", metavar="A,B", default="", help="Bundles that replace the defaults of their kind.")
@click.option("--taxonomy", default="ekman7", show_default=True, metavar="NAME", help="Labels of the answer.")
@click.option("--crop", is_flag=True, help="Take each whole picture as one face.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of CSV, TSV and line files.")
@click.option("--delimiter", metavar="D", help="Between the cells of the input.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes; one per core unless given."
)
@click.option("--resume", is_flag=True, help="Go on where a run that was killed stopped.")
def score(  # noqa: PLR0913 - one parameter per option of the command
    source: Path,
    *,
    out: Path,
    text_column: str | None,
    image_column: str | None,
    fields: str,
    models: str,
    taxonomy: str,
    crop: bool,
    encoding: str,
    delimiter: str | None,
    workers: int | None,
    resume: bool,
) -> int:
    """Read emotion and sentiment of every row of INPUT.

    INPUT is a table (.csv, .tsv, .jsonl, .parquet), a file of lines (.txt), or a folder of pictures or of
    tables.
    All columns are kept; those of the answers begin with `emofuse_`. A row that cannot be read keeps its
    place without answers, and OUT.errors.jsonl says why; the exit code is then 1. A run that was killed goes
    on with --resume.
    """
    if resume and out.exists() and not out.with_name(f"{out.name}.parts").exists():
        click.echo(f"{out} is complete; there is nothing to go on with.", err=True)
        return 0
    job = Job(
        place=source,
        out=out,
        read=ReadOptions(text_column, image_column, encoding, delimiter),
        fields=tuple(name for name in fields.split(",") if name),
        models=tuple(name for name in models.split(",") if name),
        taxonomy=taxonomy,
        crop=crop,
    )
    here: Engine = lambda task, partitions: score_here(task, partitions, workers or _cores())  # noqa: E731
    with _showing_progress() as progress, needs_extra("scale"):
        summary = run(job, here, resume=resume, progress=progress)
    _say(summary, out)
    return int(summary.bad > 0)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@contextmanager
def _showing_progress() -> Iterator[Progress | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task("", total=None, rows=0, rate=0.0)

        def progress(done: int, total: int, rows: int) -> None:
            took = bar.tasks[0].elapsed or 0.0
            bar.update(shown, completed=done, total=total, rows=rows, rate=rows / took if took else 0.0)

        yield progress


def _say(summary: Summary, out: Path) -> None:
    rate = summary.scored / summary.seconds if summary.seconds else 0.0
    earlier = (
        f" ({summary.rows - summary.scored:,} were there already)" if summary.scored < summary.rows else ""
    )
    click.echo(f"{out}: {summary.rows:,} rows{earlier} in {summary.seconds:.1f} s, {rate:,.0f}/s.", err=True)
    if summary.repeated:
        click.echo(f"{summary.repeated:,} rows were like others before them and not read again.", err=True)
    if summary.errors:
        click.echo(f"{summary.bad:,} rows have no answer; {summary.errors} says why.", err=True)
