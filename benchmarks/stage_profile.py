"""Where the time of a text, a face and a photo goes, stage by stage, and what the session's settings do.

    git worktree add ../before REVISION
    python benchmarks/stage_profile.py --before ../before/src -o docs/throughput_profile.txt

The column "before" may be left out.

Each source tree is profiled in processes of its own that take turns, so that a slow moment meets them all.
Times are those of the thread, not of the clock: what else runs on the machine disturbs them less. A stage's
time leaves out the stages within it; reading the clock costs under 1 us a stage.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from machine import describe_machine
from numpy.typing import NDArray
from PIL import Image

from emofuse import Prediction, Predictor, Sample, load_bundle
from emofuse.preprocess import WordPieceTokenizer, normalize_text
from emofuse.runtime import reader, text_model
from emofuse.runtime.reader import SampleReader
from emofuse.runtime.session import load_onnxruntime
from emofuse.runtime.text_model import TextModel

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
PHOTOS = HERE.parent / "src" / "emofuse" / "demo" / "examples"
SMALL = "text_bilstm"
TEXTS, FACES, IMAGES = 2048, 128, 25
ROUNDS, TURNS, SECONDS = 3, 2, 1.5
PATHS = ("text", "face", "photo")
FLOOR = ("normalise", "tokenise", "session")
MODELS = (SMALL, "face_ferplus", "scene_image", "face_detector")
VARIANTS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "spinning": {"spinning": "1"},
    "no arena": {"enable_cpu_mem_arena": False},
    "no memory pattern": {"enable_mem_pattern": False},
}
LAYOUTS = ((1, 1), (1, 2), (2, 1))  # processes, threads of each


class Stages:
    """Adds up the thread's time in functions that are wrapped, each without those that it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = [0.0]

    def wrap(self, owner: Any, name: str, stage: str) -> None:
        """Take a method's or a module's function into account from now on."""
        function = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            self._within.append(0.0)
            started = time.thread_time()
            try:
                return function(*args, **options)
            finally:
                spent = time.thread_time() - started
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent - self._within.pop()
                self._within[-1] += spent

        setattr(owner, name, timed)


class TimedSession:
    """A session whose runs are a stage."""

    def __init__(self, session: Any, stages: Stages, stage: str) -> None:
        self._session = session
        self.run = session.run
        stages.wrap(self, "run", stage)

    def get_outputs(self) -> Any:
        """Those of the session."""
        return self._session.get_outputs()


def profile(predictor: Predictor, samples: Sequence[Sample]) -> dict[str, float]:
    """Stage -> us a sample, with `to_json` last; the predictor has seen the samples before."""
    predictor.predict(samples)
    stages = Stages()
    opened = predictor._models._opened
    for kind, model in opened.items():
        if hasattr(model, "_session"):
            name = "" if kind.startswith("text") else f", {kind.split()[0].replace('_', ' ')}"
            model._session = TimedSession(model._session, stages, f"session{name}")
    for owner, name, stage in (
        (text_model, "normalize_text", "normalise"),
        (WordPieceTokenizer, "encode", "tokenise"),
        (text_model, "activate", "activate"),
        (TextModel, "predict", "batch, rest of TextModel"),
        (reader, "load_image", "decode"),
        (reader, "prepare_scene", "shrink, scene"),
        (reader, "prepare_crop", "shrink, crop"),
        (reader, "cut_face", "cut faces"),
        (SampleReader, "read", "rest of SampleReader, detector and image models"),
        (Predictor, "_conclude", "fuse and conclude"),
        (Predictor, "predict", "rest of Predictor"),
        (Prediction, "to_json", "to_json"),
    ):
        stages.wrap(owner, name, stage)
    rounds = []
    for _ in range(ROUNDS):
        stages.seconds.clear()
        for prediction in predictor.predict(samples):
            prediction.to_json()
        rounds.append({stage: 1e6 * spent / len(samples) for stage, spent in stages.seconds.items()})
    return {stage: median(own[stage] for own in rounds) for stage in rounds[0]}


def bare_texts(texts: Sequence[str]) -> dict[str, float]:
    """The least that texts need, us a text: normalise, tokenise, and the session on texts of one length."""
    bundle = load_bundle(SMALL)
    tokenizer = WordPieceTokenizer.from_file(bundle.path / "tokenizer.json")
    session, heads = open_session(bundle.model_path), list(bundle.outputs)
    rounds = []
    for _ in range(ROUNDS):
        clock = [time.thread_time()]
        cleaned = [normalize_text(text)[0] for text in texts]
        clock.append(time.thread_time())
        windows = [[1, *tokenizer.encode(text)[:126], 2] for text in cleaned]
        clock.append(time.thread_time())
        for batch in batches(windows):
            session.run(heads, {"input_ids": batch})
        clock.append(time.thread_time())
        rounds.append([1e6 * (end - start) / len(texts) for start, end in pairwise(clock)])
    return dict(zip(FLOOR, map(median, zip(*rounds, strict=True)), strict=True))


def batches(windows: Sequence[Sequence[int]]) -> Iterator[NDArray[np.int64]]:
    """Texts of one length together, at most 64 at a time."""
    groups: dict[int, list[Sequence[int]]] = {}
    for window in windows:
        groups.setdefault(len(window), []).append(window)
    for group in groups.values():
        for start in range(0, len(group), 64):
            yield np.array(group[start : start + 64], dtype=np.int64)


def open_session(path: Path, **settings: Any) -> Any:
    """A session as the package opens it with one thread, but for some settings."""
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = settings.pop("intra_op_num_threads", 1)
    options.add_session_config_entry("session.intra_op.allow_spinning", settings.pop("spinning", "0"))
    for name, value in settings.items():
        setattr(options, name, value)
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


def read_texts(path: Path) -> list[str]:
    """Enough lines of a file, which are taken again where it is short."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return (lines * -(-TEXTS // len(lines)))[:TEXTS]


def crops() -> list[bytes]:
    """Squares of 48 px around the face of an example, grey, as PNG."""
    grey = Image.open(PHOTOS / "eileen_collins.jpg").convert("L")
    random, made = np.random.default_rng(0), []
    for left, top in random.integers(60, 180, (FACES, 2)):
        file = io.BytesIO()
        grey.crop((left, top, left + 250, top + 250)).resize((48, 48)).save(file, "PNG")
        made.append(file.getvalue())
    return made


def photos() -> list[bytes]:
    """The example photographs, 451 x 300 to 640 x 558 px, over and over."""
    files = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))]
    return (files * -(-IMAGES // len(files)))[:IMAGES]


def profile_path(path: str, texts: Path) -> dict[str, dict[str, float]]:
    """The stages of one path through the package that this process imports, and the bare loop of texts."""
    if path == "text":
        lines = read_texts(texts)
        stages = profile(Predictor.load([SMALL], threads=1), [Sample(text=line) for line in lines])
        return {"stages": stages, "bare": bare_texts(lines)}
    images = crops() if path == "face" else photos()
    predictor = Predictor.load(threads=1, crop=path == "face")
    return {"stages": profile(predictor, [Sample(image=image) for image in images]), "bare": {}}


def ask(source: Path, *arguments: str) -> Any:
    """What this command prints as JSON in a process that imports another source tree."""
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def compare(path: str, sources: Mapping[str, Path], texts: Path) -> list[str]:
    """The table of one path, one column for each source tree."""
    runs: dict[str, list[Any]] = {name: [] for name in sources}
    for _ in range(TURNS):
        for name, source in sources.items():
            runs[name].append(ask(source, "--path", path, "--texts", str(texts)))
    columns = [average([run["stages"] for run in own]) for own in runs.values()]
    stages = sorted(set().union(*columns), key=columns[-1].get, reverse=True)
    lines = [heading(f"us per {path}", list(sources))]
    lines += [row(stage, [f"{column[stage]:.0f}" for column in columns]) for stage in stages]
    lines.append(row("predict, all but to_json", [f"{own_time(column):.0f}" for column in columns]))
    rates = [f"{1e6 / own_time(column):.0f}" for column in columns]
    lines.append(row("a second on a core of its own", rates))
    if path == "text":
        bare = [average([run["bare"] for run in own]) for own in runs.values()]
        lines.append(row("bare loop beside it", [f"{sum(column.values()):.0f}" for column in bare]))
        shares = [
            median(sum(run["bare"].values()) / own_time(run["stages"]) for run in own)
            for own in runs.values()
        ]
        lines.append(row("speed as a share of the bare loop's", [f"{share:.2f}" for share in shares]))
    return lines


def own_time(stages: Mapping[str, float]) -> float:
    """What `predict` takes, us."""
    return sum(stages.values()) - stages["to_json"]


def average(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each stage."""
    return {stage: median(row[stage] for row in rows) for stage in rows[0]}


def feeds(model: str, texts: Path) -> list[dict[str, Any]]:
    """Inputs of a model as `predict` groups them."""
    random = np.random.default_rng(0)
    if model == SMALL:
        tokenizer = WordPieceTokenizer.from_file(load_bundle(SMALL).path / "tokenizer.json")
        lines = read_texts(texts)[:1024]
        windows = [[1, *tokenizer.encode(normalize_text(line)[0])[:126], 2] for line in lines]
        return [{"input_ids": batch} for batch in batches(windows)]
    shape = {
        "face_ferplus": (32, 48, 48),
        "scene_image": (8, 160, 160, 3),
        "face_detector": (1, 320, 416, 3),
    }
    return [{"images": random.integers(0, 256, shape[model], dtype=np.uint8)} for _ in range(3)]


def count(given: Sequence[Mapping[str, Any]]) -> int:
    """Items in some inputs."""
    return sum(len(values) for feed in given for values in feed.values())


def settings_table(texts: Path) -> list[str]:
    """Time of each setting beside the shipped ones, in one process and one thread, in turns."""
    lines = [heading("session, one thread", [*VARIANTS, "optimised ahead"])]
    for model in MODELS:
        path, given = load_bundle(model).model_path, feeds(model, texts)
        with TemporaryDirectory() as folder:
            ahead = Path(folder) / "ahead.onnx"
            open_session(path, optimized_model_filepath=str(ahead))
            places = [(path, settings) for settings in VARIANTS.values()]
            places.append((ahead, {"graph_optimization_level": load_onnxruntime().GraphOptimizationLevel(0)}))
            sessions, opening = [], []
            for place, settings in places:
                started = time.thread_time()
                sessions.append(open_session(place, **settings))
                opening.append(1e3 * (time.thread_time() - started))
            times: list[list[float]] = [[] for _ in sessions]
            for _ in range(2 * ROUNDS):
                for own, session in zip(times, sessions, strict=True):
                    started = time.thread_time()
                    for feed in given:
                        session.run(None, feed)
                    own.append(1e6 * (time.thread_time() - started) / count(given))
        lines.append(row(f"{model}, us an item", [f"{median(own):.0f}" for own in times]))
        lines.append(row(f"{model}, ms to open", [f"{value:.0f}" for value in opening]))
    return lines


def rate(model: str, threads: int, texts: Path) -> float:
    """Items a second by the clock, with some threads in this process."""
    session = open_session(load_bundle(model).model_path, intra_op_num_threads=threads)
    given, done = feeds(model, texts), 0
    session.run(None, given[0])
    started = time.perf_counter()
    while time.perf_counter() < started + SECONDS:
        for feed in given:
            session.run(None, feed)
        done += count(given)
    return done / (time.perf_counter() - started)


def layout_table(texts: Path) -> list[str]:
    """Items a second for threads within a process and for processes, in turns."""
    lines = [heading("items/s by the clock", [f"{p} x {t}" for p, t in LAYOUTS])]
    for model in MODELS:
        rates: list[list[float]] = [[] for _ in LAYOUTS]
        for _ in range(TURNS):
            for own, (processes, threads) in zip(rates, LAYOUTS, strict=True):
                call = partial(ask, SOURCE, "--rate", model, str(threads), "--texts", str(texts))
                with ThreadPoolExecutor(processes) as pool:
                    own.append(
                        sum(future.result() for future in [pool.submit(call) for _ in range(processes)])
                    )
        lines.append(row(model, [f"{median(own):.1f}" for own in rates]))
    return lines


def heading(title: str, columns: Sequence[str]) -> str:
    """First lines of a table."""
    line = row(title, columns)
    return f"\n{line}\n{'-' * len(line)}"


def row(name: str, cells: Sequence[str]) -> str:
    """One line of a table."""
    return name.ljust(50) + "".join(cell.rjust(18) for cell in cells)


def main() -> None:
    """Profile the paths and the settings and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, default=HERE / "load_tweets.txt", help="one text a line")
    parser.add_argument("--before", type=Path, help="another source tree to compare with")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--path", choices=PATHS, help="only print the stages of a path as JSON")
    parser.add_argument("--rate", nargs=2, help="only print a model's items a second with some threads")
    options = parser.parse_args()
    if options.path:
        print(json.dumps(profile_path(options.path, options.texts)))
        return
    if options.rate:
        print(rate(options.rate[0], int(options.rate[1]), options.texts))
        return
    sources = {"before": options.before, "now": SOURCE} if options.before else {"now": SOURCE}
    load = os.getloadavg()[0]
    machine = ", ".join(f"{name} {value}" for name, value in describe_machine().items())
    lines = [
        "Time per stage and per setting; benchmarks/stage_profile.py says how it is measured.",
        f"Command: python benchmarks/stage_profile.py {' '.join(sys.argv[1:])}",
        f"Machine: {machine}; load average before the run {load:.1f}",
        f"Given: {TEXTS} texts of {options.texts.name} to {SMALL}; {FACES} PNG crops, 48 px; {IMAGES} photos",
    ]
    for path in PATHS:
        lines += compare(path, sources, options.texts)
    lines += settings_table(options.texts)
    lines += layout_table(options.texts)
    lines.append("\n2 x 1 is two processes with one thread each.")
    report = "\n".join(lines) + "\n"
    print(report, end="")
    if options.output:
        options.output.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
