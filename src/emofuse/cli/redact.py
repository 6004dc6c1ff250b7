"""`emofuse redact`: texts, tables and pictures in, the same without what leads to a person out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from emofuse.errors import ConfigError, InputError
from emofuse.redact import FaceRedactor, mask_text, redact_csv, redact_jsonl, redact_lines, write_picture
from emofuse.redact.image import FORMATS

TABLES: dict[str, Callable[..., tuple[bytes, Counter[str]]]] = {
    ".csv": redact_csv,
    ".tsv": partial(redact_csv, separator="\t"),
    ".jsonl": redact_jsonl,
    ".ndjson": redact_jsonl,
}


@click.command()
@click.argument("source", metavar="[INPUT]", required=False)
@click.option("--text", "texts", metavar="T", multiple=True, help="A text; may be repeated.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File, or folder for a folder.")
@click.option(
    "--columns", metavar="A,B", default="", help="Columns or keys of a table to mask. Default: all."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per text or file, with counts.")
def redact(
    source: str | None, *, texts: tuple[str, ...], out: Path | None, columns: str, as_json: bool
) -> int:
    """Mask faces, handles, web and mail addresses, phone, card and account numbers.

    INPUT is a picture, a folder of pictures, a table (.csv, .tsv, .jsonl), a text (.txt), or `-` for lines
    of standard input. Texts and lines are printed; files are written to --out, pictures without any metadata.
    Names and street addresses stay, and what the face detector misses; docs/redact.md measures it.
    """
    if bool(texts) == (source is not None):
        raise click.UsageError("Give an INPUT, or --text, or `-` to read standard input.")
    if texts or source == "-":
        if out is not None or columns:
            raise ConfigError("Texts and lines are printed: leave out --out and --columns.", item="--out")
        for text in texts or _lines():
            _print_text(text, as_json=as_json)
        return 0
    if out is None:
        raise click.UsageError("Say where to write: -o OUT.")
    place = Path(source or "")
    if not place.exists():
        raise ConfigError(f"There is no {place}. Check the path.", item=str(place))
    if columns and place.suffix.lower() not in TABLES:
        raise ConfigError("Only tables have columns: leave out --columns.", item="--columns")
    try:
        if place.is_dir():
            return _redact_folder(place, out, as_json=as_json)
        _redact_file(place, out, [name for name in columns.split(",") if name], as_json=as_json)
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}.", item=str(error.filename)) from error
    return 0


def _redact_file(source: Path, out: Path, columns: list[str], *, as_json: bool) -> None:
    target = out / source.name if out.is_dir() else out
    _check_target(source, target)
    suffix = source.suffix.lower()
    if suffix in FORMATS:
        _redact_picture(FaceRedactor(), source, target, as_json=as_json)
        return
    if suffix not in (".txt", *TABLES):
        known = ", ".join((*TABLES, ".txt", *FORMATS))
        raise ConfigError(f"{source} is neither table, text nor picture. Valid: {known}.", item=suffix)
    data = source.read_bytes()
    if suffix == ".txt":
        masked, counts = redact_lines(data)
    else:
        masked, counts = TABLES[suffix](data, columns, name=str(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(masked)
    part.replace(target)
    _report(source, target, counts, as_json=as_json)


def _redact_folder(source: Path, out: Path, *, as_json: bool) -> int:
    if out.resolve().is_relative_to(source.resolve()) or source.resolve().is_relative_to(out.resolve()):
        raise ConfigError(f"{out} and {source} lie in each other. Write to a folder outside.", item=str(out))
    pictures = [
        path for path in sorted(source.rglob("*")) if path.is_file() and path.suffix.lower() in FORMATS
    ]
    if not pictures:
        raise ConfigError(f"{source} holds no picture ({', '.join(FORMATS)}).", item=str(source))
    redactor = FaceRedactor()
    failed = False
    for picture in pictures:
        target = out / picture.relative_to(source)
        _check_target(picture, target)
        try:
            _redact_picture(redactor, picture, target, as_json=as_json)
        except (InputError, ConfigError) as error:
            failed = True
            click.echo(f"error[{error.code}]: {error.message}", err=True)
    others = sum(path.is_file() for path in source.rglob("*")) - len(pictures)
    if others:
        click.echo(f"{others} other file(s) below {source} were not copied.", err=True)
    return int(failed)


def _redact_picture(redactor: FaceRedactor, source: Path, target: Path, *, as_json: bool) -> None:
    pixels, faces, notices = redactor.redact(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_picture(pixels, target)
    for notice in notices:
        click.echo(f"{source}: {notice.message}", err=True)
    _report(source, target, Counter({"face": faces} if faces else {}), as_json=as_json)


def _check_target(source: Path, target: Path) -> None:
    if target.is_dir():
        raise ConfigError(f"{target} is a folder. Give a file.", item=str(target))
    if target.exists() and target.samefile(source):
        raise ConfigError(f"{target} is the input itself, which is never overwritten.", item=str(target))


def _report(source: Path, target: Path, counts: Counter[str], *, as_json: bool) -> None:
    if as_json:
        line = {"input": str(source), "output": str(target), "masked": dict(sorted(counts.items()))}
        click.echo(json.dumps(line).encode())
        return
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing"
    click.echo(f"{target}: masked {found}")


def _print_text(text: str, *, as_json: bool) -> None:
    masked, counts = mask_text(text)
    if as_json:
        line = {"text": masked.rstrip("\r\n"), "masked": dict(sorted(counts.items()))}
        click.echo(json.dumps(line, ensure_ascii=False).encode("utf-8", errors="backslashreplace"))
        return
    # What was read from a pipe keeps its line end; its stray bytes go out as they came in.
    ended = masked if masked.endswith("\n") else masked + "\n"
    click.echo(ended.encode("utf-8", errors="surrogateescape"), nl=False)


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", errors="surrogateescape")
