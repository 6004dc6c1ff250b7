import csv
import errno
import json
import shutil
from functools import partial

import numpy as np
import pytest
from PIL import Image

from emofuse import Predictor, Sample
from emofuse.errors import ConfigError, ScoringError
from emofuse.scale.fields import DEFAULT_FIELDS, FIELDS, choose_columns
from emofuse.scale.job import Job, score
from emofuse.scale.local import score_here
from emofuse.scale.source import ReadOptions
from emofuse.scale.worker import PartitionScorer

SMALL = ("text_bilstm",)
here = partial(score_here, workers=1)
pytestmark = pytest.mark.usefixtures("small_partitions")


def run(place, out, engine=here, *, resume=False, **options):
    return score(Job(place, out, models=SMALL, **options), engine, resume=resume)


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_answers_are_those_of_the_predictor(table, texts, tmp_path):
    fields = ("emotion", "emotion_probabilities", "fine_emotions", "text", "faces", "prediction", "error")
    summary = run(table, tmp_path / "out.jsonl", fields=fields)
    predictions = Predictor.load(SMALL).predict(Sample(id=str(i), text=t) for i, t in enumerate(texts, 1))
    rows = read_lines(tmp_path / "out.jsonl")
    assert [row["emofuse_prediction"] for row in rows] == [own.to_dict() for own in predictions]
    assert [row["n"] for row in rows] == [str(n) for n in range(len(texts))]
    whole = predictions[0].to_dict()
    assert rows[0]["emofuse_emotion"] == whole["emotion"]["label"]
    assert rows[0]["emofuse_emotion_joy"] == whole["emotion"]["probabilities"]["joy"]
    assert rows[0]["emofuse_fine_emotions"] == whole["fine_emotions"]
    assert (rows[0]["emofuse_text_weight"], rows[0]["emofuse_faces"]) == (1.0, 0)
    assert rows[4]["emofuse_error"] == "empty_text"
    assert rows[4]["emofuse_emotion"] is rows[4]["emofuse_faces"] is None
    assert (summary.rows, summary.bad, summary.repeated, summary.scored) == (7, 1, 1, 7)
    [error] = read_lines(summary.errors)
    assert (error["row"], error["code"]) == (5, "empty_text")
    assert "Give it some words" in error["reason"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_all_formats_hold_the_same(table, tmp_path, suffix):
    run(table, tmp_path / f"out{suffix}")
    run(tmp_path / "in.csv", tmp_path / "plain.jsonl")
    expected = read_lines(tmp_path / "plain.jsonl")
    if suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == expected
    elif suffix == ".jsonl":
        assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "plain.jsonl").read_bytes()
    else:
        text = (tmp_path / f"out{suffix}").read_text()
        rows = list(csv.DictReader(text.splitlines(), delimiter="\t" if suffix == ".tsv" else ","))
        shown = {None: "", True: "true", False: "false"}
        assert rows == [
            {key: shown.get(v, v) if isinstance(v, bool | None) else str(v) for key, v in row.items()}
            for row in expected
        ]


def test_a_table_of_json_lines_becomes_csv_with_all_keys(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "fine"}\n{"text": "sad", "tags": ["x", 1]}\nbroken\n')
    run(tmp_path / "in.jsonl", tmp_path / "out.csv", fields=("emotion", "error"))
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "text,tags,emofuse_emotion,emofuse_error",
        "fine,,neutral,",
        'sad,"[""x"", 1]",sadness,',
        ",,,bad_row",
    ]


def test_bytes_of_another_encoding_are_kept(tmp_path):
    (tmp_path / "in.csv").write_bytes(b"text\ncaf\xe9\nfine\n")
    summary = run(tmp_path / "in.csv", tmp_path / "out.csv", fields=("error",))
    assert (tmp_path / "out.csv").read_bytes() == b"text,emofuse_error\ncaf\xe9,bad_row\nfine,\n"
    assert read_lines(summary.errors)[0]["item"] == "caf\udce9"


def test_pictures_that_cannot_be_read_are_named(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "abc":
        Image.fromarray(np.random.default_rng(1).integers(0, 255, (48, 48), np.uint8)).save(
            folder / f"{name}.png"
        )
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:100])
    (folder / "d.png").touch()
    summary = score(Job(folder, tmp_path / "out.csv", fields=("emotion", "error"), crop=True), here)
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [row["path"] for row in rows] == ["a.png", "b.png", "c.png", "d.png"]
    assert [row["emofuse_error"] for row in rows] == ["", "image_truncated", "", "image_empty_file"]
    assert [own["item"] for own in read_lines(summary.errors)] == [
        str(folder / "b.png"),
        str(folder / "d.png"),
    ]
    assert not (tmp_path / "out.csv.parts").exists()


class Stopping:
    """Scores some partitions and stops, as a kill would."""

    def __init__(self, count):
        self.count = count
        self.scored = []

    def __call__(self, task, partitions):
        scorer = PartitionScorer(task)
        for partition in partitions:
            if len(self.scored) == self.count:
                raise KeyboardInterrupt
            self.scored.append(partition.index)
            yield scorer.score(partition)


@pytest.mark.parametrize("count", range(4))
def test_what_was_stopped_goes_on_and_ends_the_same(table, tmp_path, count):
    run(table, tmp_path / "whole.csv")
    out = tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt):
        run(table, out, Stopping(count))
    assert not out.exists()
    with pytest.raises(ConfigError, match="--resume"):
        run(table, out)
    rest = Stopping(None)
    summary = run(table, out, rest, resume=True)
    assert rest.scored == list(range(count, 4))
    assert (summary.rows, summary.scored, summary.bad) == (7, 7 - 2 * count, 1)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert summary.errors.read_bytes() == (tmp_path / "whole.csv.errors.jsonl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == [
        "out.csv",
        "out.csv.errors.jsonl",
    ]


def test_half_a_part_is_done_again(table, tmp_path):
    out = tmp_path / "out.csv"
    run(table, tmp_path / "whole.csv")
    with pytest.raises(KeyboardInterrupt):
        run(table, out, Stopping(3))
    parts = tmp_path / "out.csv.parts"
    (parts / "part-0000001.done").unlink()
    (parts / "part-0000001.csv").write_text("half a")
    (parts / ".part-0000002.csv.77").write_text("left by a kill")

    def engine(task, partitions):
        assert not list(parts.glob(".part-*"))
        yield from here(task, partitions)

    run(table, out, engine, resume=True)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.write_text("n,text\n1,other\n"), "other files"),
        (lambda _: None, "other fields"),
    ],
)
def test_a_run_is_not_gone_on_with_as_another(table, tmp_path, change, words):
    with pytest.raises(KeyboardInterrupt):
        run(table, tmp_path / "out.csv", Stopping(1))
    change(table)
    fields = ("emotion",) if words == "other fields" else DEFAULT_FIELDS
    with pytest.raises(ConfigError, match=words):
        run(table, tmp_path / "out.csv", resume=True, fields=fields)
    assert (tmp_path / "out.csv.parts").exists()


def test_errors_of_an_earlier_output_go(table, tmp_path):
    out = tmp_path / "out.csv"
    run(table, out)
    table.write_text("text\nfine\n")
    assert run(table, out).errors is None
    assert not (tmp_path / "out.csv.errors.jsonl").exists()


def test_a_full_disk_keeps_what_was_done(table, tmp_path):
    def engine(task, partitions):
        yield PartitionScorer(task).score(next(partitions))
        raise OSError(errno.ENOSPC, "No space left on device", str(task.parts))

    with pytest.raises(ScoringError, match=r"No space left .* kept in .*out.csv.parts; go on with --resume"):
        run(table, tmp_path / "out.csv", engine)
    assert run(table, tmp_path / "out.csv", resume=True).scored == 5


def test_an_input_that_vanishes_stops_the_run(table, tmp_path):
    def engine(task, partitions):
        scorer = PartitionScorer(task)
        first = next(partitions)
        shutil.move(table, tmp_path / "elsewhere.csv")
        yield scorer.score(first)

    with pytest.raises(ScoringError, match=r"in.csv: No such file"):
        run(table, tmp_path / "out.csv", engine)
    shutil.move(tmp_path / "elsewhere.csv", table)
    assert run(table, tmp_path / "out.csv", resume=True).rows == 7


def test_two_runs_do_not_write_the_same(table, tmp_path):
    def engine(task, partitions):
        with pytest.raises(ConfigError, match="Another run"):
            run(table, tmp_path / "out.csv", resume=True)
        yield from here(task, partitions)

    assert run(table, tmp_path / "out.csv", engine).rows == 7


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("out.xlsx", {}, "must end in one of .csv"),
        ("nowhere/out.csv", {}, "There is no folder"),
        ("in.csv", {}, "input itself"),
        ("folder", {}, "is a folder"),
        ("out.csv", {"fields": ("emotions",)}, "no field 'emotions'. Valid: emotion,"),
        ("out.csv", {"fields": ("error", "error")}, "named twice"),
        ("out.csv", {"fields": ()}, "at least one field"),
        ("out.csv", {"read": ReadOptions(text_column="review")}, "no column 'review'"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(table, tmp_path, out, options, words):
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError) as error:
        run(table, tmp_path / out, **options)
    assert words in error.value.message
    assert sorted(tmp_path.iterdir()) == before


def test_columns_of_an_earlier_scoring_are_not_overwritten(tmp_path):
    (tmp_path / "in.csv").write_text("text,emofuse_emotion\nfine,joy\n")
    with pytest.raises(ConfigError, match="'emofuse_emotion'"):
        run(tmp_path / "in.csv", tmp_path / "out.csv")


def test_a_place_that_cannot_be_written_to_is_named(table, tmp_path):
    (tmp_path / "out.csv.parts").touch()
    with pytest.raises(ConfigError, match="Cannot write to"):
        run(table, tmp_path / "out.csv")


def test_names_of_the_columns_are_stable():
    names = [column.name.removeprefix("emofuse_") for column in choose_columns(tuple(FIELDS), "ekman7")]
    assert names == [
        "emotion",
        "emotion_confidence",
        *(f"emotion_{n}" for n in ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")),
        "sentiment",
        "sentiment_confidence",
        *(f"sentiment_{n}" for n in ("negative", "neutral", "positive")),
        "mixed",
        "category",
        "category_confidence",
        "fine_emotions",
        "conflict",
        "abstained",
        "reason",
        *(f"{m}_{n}" for m in ("text", "face", "scene") for n in ("emotion", "sentiment", "weight")),
        "faces",
        "warnings",
        "error",
        "prediction",
    ]


def test_a_column_that_the_report_needs_is_missed_before_any_work(table, tmp_path):
    with pytest.raises(ConfigError, match=r"no column 'when': .* has the columns n, text"):
        run(table, tmp_path / "out.csv", needed=["when"])
    assert not (tmp_path / "out.csv.parts").exists()
