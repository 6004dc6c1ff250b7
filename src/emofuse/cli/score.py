"""`emofuse score`: a table or a folder of any size in, the same rows with answers out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import click

from emofuse.cli.extras import needs_extra
from emofuse.cli.output import prepare_folder
from emofuse.errors import ConfigError
from emofuse.scale.fields import DEFAULT_FIELDS, FIELDS
from emofuse.scale.job import Engine, Job, Progress, Summary
from emofuse.scale.job import score as run
from emofuse.scale.local import score_here
from emofuse.scale.places import Place, reaching, read_place
from emofuse.scale.source import ReadOptions


@click.command()
@click.argument("source", metavar="INPUT")
@click.option("-o", "--out", "output", required=True, metavar="OUT", help=".csv, .tsv, .jsonl, .parquet")
@click.option("--text-column", metavar="C", help="Column of the text; `text` unless given.")
@click.option("--image-column", metavar="C", help="Column of the picture's path; `image` unless given.")
@click.option("--fields", metavar="A,B", default=",".join(DEFAULT_FIELDS), help=f"Of {', '.join(FIELDS)}.")
@click.option("--models", metavar="A,B", default="", help="Bundles that replace the defaults of their kind.")
@click.option("--taxonomy", default="ekman7", show_default=True, metavar="NAME", help="Labels of the answer.")
@click.option("--crop", is_flag=True, help="Take each whole picture as one face.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of CSV, TSV and line files.")
@click.option("--delimiter", metavar="D", help="Between the cells of the input.")
@click.option(
    "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who does it."
)
@click.option("--address", metavar="ADDR", help="Of a Ray cluster: auto or HOST:PORT; else this machine.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="At a time; one per core unless given."
)
@click.option("--resume", is_flag=True, help="Go on where a run that was killed stopped.")
@click.option("--report", metavar="DIR", help="Also write a summary page.")
@click.option("--date-column", metavar="C", help="Of the report: shares over time.")
@click.option("--group-column", "groups", metavar="C", multiple=True, help="Of the report; may be repeated.")
def score(  # noqa: PLR0913 - one parameter per option of the command
    source: str,
    *,
    output: str,
    text_column: str | None,
    image_column: str | None,
    fields: str,
    models: str,
    taxonomy: str,
    crop: bool,
    encoding: str,
    delimiter: str | None,
    engine: str,
    address: str | None,
    workers: int | None,
    resume: bool,
    report: str | None,
    date_column: str | None,
    groups: tuple[str, ...],
) -> int:
    """Read emotion and sentiment of every row of INPUT.

    INPUT is a table (.csv, .tsv, .jsonl, .parquet), a file of lines (.txt), or a folder of pictures or of
    tables; it and OUT may be addresses such as s3://bucket/key. All columns are kept; those of the answers
    begin with `emofuse_`. A row that cannot be read keeps its place without answers, and OUT.errors.jsonl
    says why; the exit code is then 1. A run that was killed goes on with --resume.
    """
    place, out = read_place(source), read_place(output)
    named = [own for own in (text_column, image_column) if own]
    write = _prepare_report(report, date_column, groups, named or ["text", "image", "path"])
    with reaching(out):
        if resume and out.exists() and not out.with_name(f"{out.name}.parts").exists():
            click.echo(f"{out} is complete; there is nothing to go on with.", err=True)
            write(out)
            return int(out.with_name(f"{out.name}.errors.jsonl").exists())
    job = Job(
        place=place,
        out=out,
        read=ReadOptions(text_column, image_column, encoding, delimiter),
        fields=tuple(name for name in fields.split(",") if name),
        models=tuple(name for name in models.split(",") if name),
        taxonomy=taxonomy,
        crop=crop,
        needed=[*([date_column] if date_column else []), *groups],
    )
    with _showing_progress() as progress, needs_extra("scale"), _nothing_printed():
        summary = run(job, _choose_engine(engine, address, workers), resume=resume, progress=progress)
    _say(summary, out)
    with reaching(out):
        write(out)
    return int(summary.bad > 0)


def _prepare_report(
    named: str | None, date_column: str | None, groups: Sequence[str], shown: Sequence[str]
) -> Callable[[Place], None]:
    if named is None:
        if date_column or groups:
            raise ConfigError("--date-column and --group-column belong to --report DIR.", item="--report")
        return lambda out: None
    folder = read_place(named)
    if not isinstance(folder, Path):
        raise ConfigError("--report takes a folder of this machine.", item=named)
    with needs_extra("eval"):
        from emofuse.scale.report import write_report  # noqa: PLC0415 - an extra
    prepare_folder(folder)

    def write(out: Place) -> None:
        write_report(out, folder, date_column=date_column, group_columns=groups, show_columns=shown)
        click.echo(f"{folder / 'report.html'} sums it up.", err=True)

    return write


def _choose_engine(name: str, address: str | None, workers: int | None) -> Engine:
    if name == "local":
        if address:
            raise click.UsageError("--address is that of a Ray cluster; add --engine ray.")
        return lambda task, partitions: score_here(task, partitions, workers or _cores())
    from emofuse.scale.ray_engine import RayEngine  # noqa: PLC0415 - an extra

    return RayEngine(address, workers or (None if address else _cores()))


@contextmanager
def _nothing_printed() -> Iterator[None]:
    # Ray writes what it hears of lost machines to standard output, pages of it.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        yield


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


def _say(summary: Summary, out: Place) -> None:
    rate = summary.scored / summary.seconds if summary.seconds else 0.0
    earlier = (
        f" ({summary.rows - summary.scored:,} were there already)" if summary.scored < summary.rows else ""
    )
    click.echo(f"{out}: {summary.rows:,} rows{earlier} in {summary.seconds:.1f} s, {rate:,.0f}/s.", err=True)
    if summary.repeated:
        click.echo(f"Rows like one before, not read again: {summary.repeated:,}.", err=True)
    if summary.errors:
        click.echo(f"Rows without an answer: {summary.bad:,}. {summary.errors} says why.", err=True)
