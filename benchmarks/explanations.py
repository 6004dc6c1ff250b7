"""How faithful explanations are, and how long they take.

    python benchmarks/explanations.py --data DATA --json benchmarks/explanations.json [MODEL...]

Deletion takes the parts of a sample away, those first that an explanation calls the most important, and
averages the probability of the label on the way: the lower, the more faithful. Insertion starts from nothing
and brings the parts back in that order: the higher, the better (Petsiuk et al. 2018, "RISE"). Both are
compared with random orders of the same sample, five of words and two of squares. Parts are words, which are
left out, and squares of a 24 x 24 grid over a picture, in whose place a blurred copy of the picture stands;
random orders of squares come from smooth random maps as coarse as the explanations, since scattered squares
spoil a picture in another way than patches do.

Texts: 100 of GoEmotions' and 100 of SemEval-2017's test split with 4 to 24 words, of which the large model
gets 30 each; faces: 150 of FER+'s test split; photographs: 60 of MSED's leak-free test. What is explained is
the answer of the model alone, its most probable emotion. Rows of models that are not named stay as they are
in the file.

Times are those of one thread: wall clock, and processor time, which depends less on what else runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe_machine
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from emofuse import Sample, load_bundle
from emofuse.datasets import load_adapter
from emofuse.errors import ConfigError
from emofuse.explain import Explanation, SubjectReader, build_explainer, methods_of
from emofuse.explain.picture import areas_of
from emofuse.explain.subject import Subject, Target
from emofuse.explain.words import keep_words, split_words
from emofuse.runtime.model_set import ModelSet
from emofuse.types import Modality

SEED, RESAMPLES = 7, 2000
ORDERS = {Modality.TEXT: 5, Modality.FACE: 2, Modality.SCENE: 2}
TEXTS, FACES, SCENES = 100, 150, 60
FEWER = {"text_bert_bilstm": 30}
WORDS = range(4, 25)
GRID, STEPS = 24, 16
TWEET = "Just got the keys to our first home and I can't stop smiling, thank you all so much for the help!"
PHOTO = Path(__file__).parent.parent / "src" / "emofuse" / "demo" / "examples" / "eileen_collins.jpg"
ROUNDS = 40
Array = NDArray[Any]
Score = Callable[[Array], Array]  # (k, parts) bool, which parts are there -> (k,) probability

MODELS = {
    "text_bert_bilstm": Modality.TEXT,
    "text_bilstm": Modality.TEXT,
    "face_ferplus": Modality.FACE,
    "face_ferplus_cnn": Modality.FACE,
    "scene_image": Modality.SCENE,
}


def main() -> None:
    """Measure the models named, or all, and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    record: dict[str, Any] = {"rows": [], "model_sha256": {}}
    if arguments.json.exists():
        record = json.loads(arguments.json.read_text(encoding="utf-8"))
    for model in arguments.models:
        rows = measure(model, MODELS[model], arguments.data)
        rows += [row for row in record["rows"] if row["model"] != model]
        record["rows"] = sorted(rows, key=lambda row: list(MODELS).index(row["model"]))
        graph = load_bundle(model).model_path.read_bytes()
        record["model_sha256"][model] = hashlib.sha256(graph).hexdigest()
        record |= {
            "command": "python benchmarks/explanations.py --data DATA --json benchmarks/explanations.json",
            "machine": describe_machine(),
            "seed": SEED,
            "threads": 1,
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    record["targets"] = time_targets()
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def measure(model: str, modality: Modality, data: Path) -> list[dict[str, Any]]:
    """Every method of one model, on the same samples."""
    samples = list(choose(modality, data, FEWER.get(model, TEXTS)))
    models = ModelSet([model], detector=None, threads=1).only(modality)
    reader = SubjectReader(models, crop=modality is Modality.FACE)
    explainers = {name: build_explainer(name, modality, reader) for name in methods_of(modality)}
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in explainers}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in explainers}
    for explainer in explainers.values():
        explainer.explain(samples[0])  # opens what it needs
    for number, sample in enumerate(samples):
        subject = reader.read(sample)
        score, parts = game(reader, subject, modality)
        random = np.random.default_rng((SEED, number))
        chance = [areas_under(score, shuffle(random, parts, modality)) for _ in range(ORDERS[modality])]
        for name, explainer in explainers.items():
            started = time.perf_counter(), time.process_time()
            try:
                explanation = explainer.explain(sample)
            except ConfigError as error:
                print(model, name, error.message)
                continue
            times[name].append((time.perf_counter() - started[0], time.process_time() - started[1]))
            own = areas_under(score, order_of(explanation))
            found[name].append((*own, *np.mean(chance, axis=0)))
    return [
        {"model": model, "modality": str(modality), "method": name, **summarise(np.array(found[name])),
         **percentiles(times[name])}
        for name in explainers
    ]  # fmt: skip


def choose(modality: Modality, data: Path, texts_each: int) -> Iterator[Sample]:
    """A fixed sample of a test split."""
    random = np.random.default_rng(SEED)
    if modality is Modality.TEXT:
        for corpus, folder in (("goemotions", "goemotions"), ("semeval2017", "semeval2017_4a")):
            texts = [
                sample.text
                for sample in load_adapter(corpus).iter_samples(data / "text" / folder, "test")
                if sample.text and len(split_words(sample.text)) in WORDS
            ]
            chosen = random.choice(len(texts), TEXTS, replace=False)[:texts_each]
            yield from (Sample(text=texts[i]) for i in chosen)
        return
    corpus, root, split, count = (
        ("ferplus", data / "faces", "test", FACES)
        if modality is Modality.FACE
        else ("msed", data / "msed", "test_clean", SCENES)
    )
    pictures = [sample.image for sample in load_adapter(corpus).iter_samples(root, split)]
    yield from (Sample(image=pictures[i]) for i in random.choice(len(pictures), count, replace=False))


def game(reader: SubjectReader, subject: Subject, modality: Modality) -> tuple[Score, int]:
    """Probability of the answer when only some parts are there, and how many parts there are."""
    target = subject.choose(None)
    if subject.text is None:
        return picture_game(reader, subject, modality, target), GRID * GRID
    text, spans = subject.text, split_words(subject.text)
    known: dict[str, float] = {}

    def score(masks: Array) -> Array:
        texts = [keep_words(text, spans, mask) for mask in masks]
        new = list(dict.fromkeys(own for own in texts if own not in known))
        known.update(zip(new, reader.score_texts(subject, target, new).tolist(), strict=True))
        return np.array([known[own] for own in texts])

    return score, len(spans)


def picture_game(reader: SubjectReader, subject: Subject, modality: Modality, target: Target) -> Score:
    """The same for the squares of a picture, whose place a blurred copy takes."""
    assert subject.image is not None
    height, width = subject.image.shape[:2]
    [(left, top, right, bottom)] = areas_of(subject, modality, crop=reader.crop)
    blurred = np.asarray(
        Image.fromarray(subject.image).filter(ImageFilter.GaussianBlur(max(height, width) / 8))
    )
    rows = np.clip(((np.arange(height) + 0.5 - top) / (bottom - top) * GRID).astype(int), 0, GRID - 1)
    columns = np.clip(((np.arange(width) + 0.5 - left) / (right - left) * GRID).astype(int), 0, GRID - 1)

    def score(masks: Array) -> Array:
        there = (mask.reshape(GRID, GRID)[rows][:, columns, None] for mask in masks)
        pictures = (np.where(mask, subject.image, blurred) for mask in there)
        return reader.score_pictures(subject, target, modality, pictures)

    return score


def order_of(explanation: Explanation) -> Array:
    """The parts, the most important first."""
    if explanation.words:
        return np.argsort([-word.attribution for word in explanation.words], kind="stable")
    return np.argsort(-enlarge(explanation.maps[0].values), kind="stable")


def shuffle(random: np.random.Generator, parts: int, modality: Modality) -> Array:
    """A random order: of words, or of squares by a smooth random map."""
    if modality is Modality.TEXT:
        return random.permutation(parts)
    return np.argsort(-enlarge(random.normal(size=(8, 8)).astype(np.float32)), kind="stable")


def enlarge(values: Array) -> Array:
    """A map on the grid of squares, flat."""
    return np.asarray(Image.fromarray(values).resize((GRID, GRID), Image.Resampling.BILINEAR)).ravel()


def areas_under(score: Score, order: Array) -> tuple[float, float]:
    """Mean probability while parts go in this order, and while they come."""
    parts = len(order)
    counts = np.unique(np.linspace(0, parts, min(parts, STEPS) + 1).round().astype(int))
    ranks = np.empty(parts, dtype=int)
    ranks[order] = np.arange(parts)
    gone = ranks[None] >= counts[:, None]
    curves = score(np.concatenate([gone, ~gone]))
    deletion, insertion = np.split(curves, 2)
    return tuple(float(np.trapezoid(curve, counts / parts)) for curve in (deletion, insertion))


def summarise(values: Array) -> dict[str, Any]:
    """Means, and their distance to chance with 95 % intervals over the samples."""
    random = np.random.default_rng(SEED)
    draws = random.integers(len(values), size=(RESAMPLES, len(values)))
    deletion, insertion, by_chance, up_by_chance = values.T
    result: dict[str, Any] = {
        "n": len(values),
        "deletion": round(float(deletion.mean()), 4),
        "insertion": round(float(insertion.mean()), 4),
        "random_deletion": round(float(by_chance.mean()), 4),
        "random_insertion": round(float(up_by_chance.mean()), 4),
    }
    for name, gains in (
        ("deletion_gain", by_chance - deletion),
        ("insertion_gain", insertion - up_by_chance),
    ):
        low, high = np.percentile(gains[draws].mean(axis=1), [2.5, 97.5])
        result[name] = {
            "value": round(float(gains.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)
        }  # fmt: skip
    result["beats_random"] = bool(min(result["deletion_gain"]["low"], result["insertion_gain"]["low"]) > 0)
    return result


def percentiles(times: list[tuple[float, float]]) -> dict[str, float]:
    """Median and 95th percentile of wall clock and processor time, in ms."""
    return {
        f"{clock}p{rank}_ms": round(float(np.percentile(own, rank)) * 1000, 1)
        for clock, own in zip(("", "cpu_"), np.array(times).T, strict=True)
        for rank in (50, 95)
    }


def time_targets() -> list[dict[str, Any]]:
    """The core's explainers on fixed samples with the default models."""
    crop = np.asarray(Image.open(PHOTO).convert("RGB"))[60:174, 166:280]
    rows = []
    for name, modality, sample, whole, limit in (
        ("words of a tweet, occlusion", Modality.TEXT, Sample(text=TWEET), False, 250),
        ("map of a face crop, occlusion", Modality.FACE, Sample(image=crop), True, 1500),
        ("map of the face in a 512 px photo, occlusion", Modality.FACE, Sample(image=PHOTO), False, 1500),
        ("map of a 512 px photo, occlusion", Modality.SCENE, Sample(image=PHOTO), False, None),
    ):
        reader = SubjectReader(ModelSet(None, detector=None, threads=1), crop=whole)
        explainer = build_explainer("occlusion", modality, reader)
        explainer.explain(sample)
        times = []
        for _ in range(ROUNDS):
            started = time.perf_counter(), time.process_time()
            explainer.explain(sample)
            times.append((time.perf_counter() - started[0], time.process_time() - started[1]))
        rows.append({"what": name, "rounds": ROUNDS, "target_p50_ms": limit, **percentiles(times)})
    return rows


if __name__ == "__main__":
    main()
