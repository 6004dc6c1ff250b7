"""A run from input to finished output, which can be killed at any time and gone on with."""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from emofuse import __version__
from emofuse.errors import ConfigError, ScoringError
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.predictor import Predictor
from emofuse.scale.fields import DEFAULT_FIELDS, PREFIX, choose_columns
from emofuse.scale.files import Done, PartFiles, read_marks, remove_run, replacing
from emofuse.scale.open_source import open_source
from emofuse.scale.places import WEB, Place, brought_here, explain, reaching, storage_errors
from emofuse.scale.source import Partition, ReadOptions
from emofuse.scale.table import open_format
from emofuse.scale.worker import Task

__all__ = ["Engine", "Job", "Progress", "Summary", "score"]

RECORD = "job.json"
# What back ends call that which changes when a file is replaced.
VERSIONS = (
    "ETag",
    "etag",
    "md5Hash",
    "Content-MD5",
    "mtime",
    "LastModified",
    "Last-Modified",
    "last_modified",
    "updated",
    "modified",
    "created",
)

Engine: TypeAlias = Callable[[Task, Iterator[Partition]], Iterator[Done]]
"""Scores partitions of a task, in any order."""

Progress: TypeAlias = Callable[[int, int, int], None]
"""Told the share that is done, as part and whole in one unit, and the number of rows of this run."""


@dataclass(frozen=True)
class Job:
    """What is to be scored, and how.

    Attributes:
        place: A table, a file of lines, or a folder, on this machine or in a storage (`read_place`).
        out: The output; its suffix says the format.
        read: How tables are read.
        fields: What is written of a prediction.
        models: Bundles that replace the defaults of their kind.
        taxonomy: Label set of the emotions.
        crop: Whether each picture is one face.
        needed: Columns that the input must have beside those that are read.
    """

    place: Place
    out: Place
    read: ReadOptions = field(default_factory=ReadOptions)
    fields: Sequence[str] = DEFAULT_FIELDS
    models: Sequence[str] = ()
    taxonomy: str = "ekman7"
    crop: bool = False
    needed: Sequence[str] = ()


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes:
        rows: Of the output.
        bad: Of them, without an answer.
        repeated: Rows of this run that were like others and took their answers.
        scored: Rows of this run; the others were there from an earlier one.
        seconds: That this run took.
        errors: File with a line for each bad row; None where there is none.
    """

    rows: int
    bad: int
    repeated: int
    scored: int
    seconds: float
    errors: Place | None


def score(job: Job, engine: Engine, *, resume: bool = False, progress: Progress | None = None) -> Summary:
    """Score all rows of an input.

    Beside the output a folder `OUT.parts` holds what is done, until the output is there as a whole. A row
    that cannot be read keeps its place in the output, without answers, and is named in `OUT.errors.jsonl`.

    Args:
        job: What to do.
        engine: Who does it.
        resume: Go on where a run that was killed stopped; without one, begin.
        progress: Is told after each partition.

    Returns:
        What was done.

    Raises:
        ConfigError: The input, a column, a field or the output cannot be used, or an unfinished run lies
            there.
        ScoringError: The work could not go on, such as on a full disk or with a storage that is gone;
            it can be resumed.
    """
    started = time.monotonic()
    work = job.out.with_name(f"{job.out.name}.parts")
    with _own_folder(job, work, resume=resume), _keeping_parts(work, job.place):
        with reaching(job.place):
            task = _build_task(job, work)
            wanted = _fingerprint(job, task)
        _check_same(work / RECORD, wanted)
        tally = _Tally(task.source.size, progress)
        for done in engine(task, _missing(task, tally)):
            tally.add(done, fresh=True)
        errors = _merge(task, tally.partitions)
    with _keeping_parts(work):
        remove_run(work, RECORD)
    seconds = time.monotonic() - started
    return Summary(tally.rows, tally.bad, tally.repeated, tally.scored, seconds, errors)


@dataclass
class _Tally:
    total: int
    progress: Progress | None
    partitions: int = 0
    size: int = 0
    rows: int = 0
    bad: int = 0
    repeated: int = 0
    scored: int = 0

    def add(self, done: Done, *, fresh: bool) -> None:
        self.size, self.rows, self.bad = self.size + done.size, self.rows + done.rows, self.bad + done.bad
        if fresh:
            self.scored, self.repeated = self.scored + done.rows, self.repeated + done.repeated
        if self.progress:
            self.progress(self.size, self.total, self.scored)


def _missing(task: Task, tally: _Tally) -> Iterator[Partition]:
    marks = read_marks(task.parts)
    for partition in task.source.partitions():
        tally.partitions += 1
        done = marks.get(partition.index)
        if done is None:
            yield partition
        else:
            tally.add(done, fresh=False)


def _build_task(job: Job, work: Place) -> Task:
    Predictor.load(list(job.models) or None, taxonomy=job.taxonomy)
    answers = choose_columns(job.fields, job.taxonomy)
    if not answers:
        raise ConfigError("Name at least one field.", item="--fields")
    source = open_source(job.place, job.read, work / "pictures.txt")
    named = job.out.suffix.lower() in (".csv", ".tsv")
    columns = source.all_columns() if named else source.columns or ()
    if taken := [name for name in columns if name.startswith(PREFIX)]:
        raise ConfigError(
            f"{job.place} has a column {taken[0]!r}; names that begin with {PREFIX} are those of answers. "
            "Rename it.",
            item=taken[0],
        )
    if missing := [name for name in job.needed if source.columns and name not in source.columns]:
        has = ", ".join(source.columns or ())
        raise ConfigError(
            f"There is no column {missing[0]!r}: {job.place} has the columns {has}.", item=missing[0]
        )
    open_format(job.out, columns, answers, source.schema)
    return Task(
        source=source,
        out=job.out,
        parts=work,
        columns=columns,
        fields=tuple(job.fields),
        models=tuple(job.models),
        taxonomy=job.taxonomy,
        crop=job.crop,
    )


def _fingerprint(job: Job, task: Task) -> dict[str, Any]:
    return {
        "version": __version__,
        "input": str(job.place.resolve() if isinstance(job.place, Path) else job.place),
        "files": [[path.name, *_state(path)] for path in task.source.files],
        "read": asdict(job.read),
        "fields": list(job.fields),
        "models": {name: load_bundle(name).sha256 for name in job.models},
        "taxonomy": job.taxonomy,
        "crop": job.crop,
    }


def _state(place: Place) -> list[Any]:
    if isinstance(place, Path):
        state = place.stat()
        return [state.st_size, state.st_mtime_ns]
    info = place.fs.info(place.path)
    return [info.get("size"), next((str(info[key]) for key in VERSIONS if info.get(key)), None)]


def _check_same(place: Place, wanted: dict[str, Any]) -> None:
    if not place.exists():
        with replacing(place) as part:
            part.write_text(json.dumps(wanted), encoding="ascii")
        return
    begun = json.loads(place.read_bytes())
    if changed := [key for key, value in wanted.items() if begun.get(key) != value]:
        raise ConfigError(
            f"The run in {place.parent} was begun with other {changed[0]}. Go on as it was begun, or remove "
            "the folder to begin anew.",
            item=changed[0],
        )


def _merge(task: Task, count: int) -> Place | None:
    parts = [PartFiles(task.parts, index, task.suffix) for index in range(count)]
    errors = task.out.with_name(f"{task.out.name}.errors.jsonl")
    with (
        brought_here([own.errors for own in parts]) as places,
        replacing(errors) as part,
        part.open("wb") as file,
    ):
        for place in places:
            with place.open("rb") as lines:
                shutil.copyfileobj(lines, file)
    if not errors.stat().st_size:
        errors.unlink()
    columns = choose_columns(task.fields, task.taxonomy)
    with brought_here([own.rows for own in parts]) as places, replacing(task.out) as part:
        open_format(task.out, task.columns, columns, task.source.schema).merge(places, part)
    return errors if errors.exists() else None


@contextmanager
def _own_folder(job: Job, work: Place, *, resume: bool) -> Iterator[None]:
    with reaching(job.out):
        _check_out(job)
        begun = (work / RECORD).exists()
    if begun and not resume:
        raise ConfigError(
            f"{work} holds a run that was not finished. Go on with it by --resume, or remove the folder.",
            item=str(work),
        )
    with _locked(work) if isinstance(work, Path) else _taken_over(work, begun=begun):
        try:
            yield
        finally:
            # Refused before any work was done; a storage that is gone has nothing to be removed.
            with suppress(OSError), storage_errors(work):
                if not (work / RECORD).exists():
                    remove_run(work, RECORD)


@contextmanager
def _locked(work: Path) -> Iterator[None]:
    try:
        work.mkdir(exist_ok=True)
        lock = (work / "lock").open("w")
    except OSError as error:
        raise ConfigError(f"Cannot write to {work}: {error.strerror}.", item=str(work)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f"Another run is writing to {work}.", item=str(work)) from error
        for left in work.glob(".part-*"):
            left.unlink(missing_ok=True)
        yield


@contextmanager
def _taken_over(work: Place, *, begun: bool) -> Iterator[None]:
    # Storages have no locks: who comes last goes on, and who came first notices at its end.
    owner, own = work / "owner", secrets.token_hex(16)
    with reaching(work):
        if not begun:
            remove_run(work, RECORD)
        with replacing(owner) as part:
            part.write_text(own, encoding="ascii")
    yield
    with _keeping_parts(work):
        if owner.read_text(encoding="ascii") != own:
            raise ScoringError(f"Another run has taken over {work} meanwhile, and goes on.", item=str(work))


def _check_out(job: Job) -> None:
    out = job.out
    if not isinstance(out, Path):
        if out.protocol in WEB:
            raise ConfigError(f"{out} can only be read. Give another place.", item=str(out))
        if any(sign in str(out) for sign in "*?["):
            raise ConfigError(f"{out} must hold none of * ? [. Choose another name.", item=str(out))
    if out.is_dir():
        raise ConfigError(f"{out} is a folder. Give a file.", item=str(out))
    # A storage has no folders that could be missing.
    if isinstance(out, Path) and not out.parent.is_dir():
        raise ConfigError(f"There is no folder {out.parent}. Create it first.", item=str(out))
    if out == job.place or (
        isinstance(out, Path)
        and isinstance(job.place, Path)
        and out.exists()
        and job.place.exists()
        and out.samefile(job.place)
    ):
        raise ConfigError(f"{out} is the input itself, which is never overwritten.", item=str(out))


@contextmanager
def _keeping_parts(*places: Place) -> Iterator[None]:
    work = places[0]
    try:
        with storage_errors(*places):
            yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise ScoringError(
            f"{place}{explain(error)}. What was scored is kept in {work}; go on with --resume.",
            item=str(error.filename or work),
        ) from error
