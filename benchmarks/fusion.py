"""What a fusion makes of intact, missing, wrong and shuffled halves of real pairs.

    python benchmarks/fusion.py BUNDLE... --root DATA/msed --json benchmarks/fusion.json

Read on MSED's leak-free test pairs; the first BUNDLE is the one whose corruptions are measured. For each
BUNDLE: accuracy and macro-F1 on the pairs as they are; EMAP, the best answer without any interaction between
text and picture (Hessel and Lee 2020, "Does my multimodal model learn cross-modal interactions?", on 400
pairs); the control in which each text keeps its label but gets another picture of that label; and what
happens when an absent half is passed as zeros, as published toolkits do, instead of being masked.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from emofuse import Predictor, Sample, load_bundle
from emofuse.datasets import load_adapter
from emofuse.evaluate.selective import accuracy_at_coverage
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.evidence import feature_vector
from emofuse.runtime.fusion import FusionMember, fusion_members
from emofuse.runtime.model_set import ModelSet
from emofuse.runtime.reader import Reading, SampleReader
from emofuse.runtime.session import open_session
from emofuse.taxonomy import load_taxonomy

LABELS = load_taxonomy("ekman7").labels
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
EMAP_PAIRS = 400
GIBBERISH = "qzxv wkjh plmr tgbn ydfc vbxz"
Array = NDArray[Any]


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundles", nargs="+")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    samples = list(load_adapter("msed").iter_samples(arguments.root, "test_clean"))
    truth = np.array([LABELS.index(next(iter(sample.labels["ekman7"]))) for sample in samples])
    bundles = [load_bundle(name) for name in arguments.bundles]
    record: dict[str, Any] = {
        "command": "python benchmarks/fusion.py "
        + " ".join(bundle.name for bundle in bundles)
        + " --root MSED --json benchmarks/fusion.json",
        "machine": describe_machine(),
        "model_sha256": {bundle.name: bundle.sha256 for bundle in bundles},
        "samples": len(samples),
        "corrupted": corrupt(bundles[0], samples, truth),
        "heads": {},
    }
    readings: dict[str, list[Reading]] = {}
    for bundle in bundles:
        members = fusion_members(bundle)
        if any(member.states for member in members):
            continue  # hundreds of thousands of pairs of token lists do not fit
        key = " ".join(member.sha256 for member in members)
        if key not in readings:
            readings[key] = read(bundle, samples)
        record["heads"][bundle.name] = study(bundle, readings[key], truth)
    print(json.dumps(record, indent=1))
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def corrupt(bundle: ModelBundle, samples: Sequence[Sample], truth: Array) -> dict[str, Any]:
    """Accuracy of the predictor with parts of the pairs missing or wrong, and when it may abstain."""
    order = np.random.default_rng(7).permutation(len(samples))
    blank = np.full((360, 480, 3), 127, dtype=np.uint8)
    kinds = {
        "intact": list(samples),
        "text alone": [replace(sample, image=None) for sample in samples],
        "picture alone": [replace(sample, text=None) for sample in samples],
        "picture of another pair": [
            replace(sample, image=samples[other].image) for sample, other in zip(samples, order, strict=True)
        ],
        "blank picture": [replace(sample, image=blank) for sample in samples],
        "gibberish text": [replace(sample, text=GIBBERISH) for sample in samples],
    }
    predictor, found = Predictor.load([bundle.path]), {}
    for kind, changed in kinds.items():
        answers = predictor.predict(changed)
        probabilities = np.array(
            [list(p.emotion.probabilities.values()) if p.emotion else [np.nan] * 7 for p in answers]
        )
        read_rows = ~np.isnan(probabilities[:, 0])
        found[kind] = score(probabilities[read_rows], truth[read_rows]) | {
            "unreadable": int((~read_rows).sum()),
            "abstained": round(float(np.mean([p.abstained for p in answers])), 4),
        }
        if kind == "intact":
            right, confidence = probabilities.argmax(axis=1) == truth, probabilities.max(axis=1)
            found["intact"]["accuracy_at_coverage"] = {
                str(share): round(accuracy_at_coverage(confidence, right, share), 4) for share in COVERAGES
            }
    return found


def read(bundle: ModelBundle, samples: Sequence[Sample]) -> list[Reading]:
    """Let the members of a fusion read the pairs once."""
    reader = SampleReader(ModelSet([bundle.path], detector=None, threads=None))
    readings = []
    for start in range(0, len(samples), 64):
        readings += reader.read(samples[start : start + 64], deep=True)
    return readings


def study(bundle: ModelBundle, readings: Sequence[Reading], truth: Array) -> dict[str, Any]:
    """A head on the pairs, without interaction, on re-paired pictures, and with zeros for what is absent."""
    members = fusion_members(bundle)
    modalities = list(dict.fromkeys(member.modality for member in members))
    vectors = {member.model: collect(member, readings) for member in members}
    present = np.array(
        [[modality in reading.evidence for modality in modalities] for reading in readings], dtype=np.float32
    )
    session = open_session(bundle.model_path)
    output = next(iter(bundle.outputs))

    def run(text: Array, picture: Array, mask: Array | None = None) -> Array:
        """Logits of the texts of some rows with the pictures of others."""
        rows = {member.model: text if member.modality == "text" else picture for member in members}
        feeds = {name: vectors[name][own] for name, own in rows.items()}
        columns = [
            present[text if modality == "text" else picture, i] for i, modality in enumerate(modalities)
        ]
        feeds["present"] = np.stack(columns, axis=1) if mask is None else mask
        logits: Array = session.run([output], feeds)[0]
        return logits

    everything = np.arange(len(truth))
    random = np.random.default_rng(7)
    other = everything.copy()
    for label in np.unique(truth):
        rows = np.flatnonzero(truth == label)
        other[rows] = random.permutation(rows)
    few = random.choice(everything, min(EMAP_PAIRS, len(truth)), replace=False)
    found = {
        "intact": score(run(everything, everything), truth),
        "re-paired within the label": score(run(everything, other), truth),
        "EMAP pairs, intact": score(run(few, few), truth[few]),
        "EMAP pairs, without interaction": score(project(run, few), truth[few]),
    }
    for gone in ("text", "picture"):
        columns = [i for i, modality in enumerate(modalities) if (modality == "text") == (gone == "text")]
        mask = present.copy()
        mask[:, columns] = 0
        kept = mask.any(axis=1)
        found[f"{gone} masked"] = score(run(everything, everything, mask)[kept], truth[kept])
        stored = dict(vectors)
        for member in members:
            if (member.modality == "text") == (gone == "text"):
                vectors[member.model] = np.zeros_like(stored[member.model])
        found[f"{gone} as zeros"] = score(run(everything, everything)[kept], truth[kept])
        vectors.update(stored)
    return found


def project(run: Any, rows: Array) -> Array:
    """Logits of the best additive model: mean over all pictures, plus mean over all texts, less the mean."""
    count = len(rows)
    total = np.stack([run(np.full(count, text), rows) for text in rows])
    additive: Array = total.mean(axis=1) + total.mean(axis=0) - total.mean(axis=(0, 1))
    return additive


def collect(member: FusionMember, readings: Sequence[Reading]) -> Array:
    """The vectors of a member; zeros where it read nothing."""
    filled = np.zeros((len(readings), member.size), dtype=np.float32)
    for row, reading in enumerate(readings):
        for evidence in reading.evidence.values():
            for own in evidence.readings:
                if own.model == member.model:
                    filled[row] = feature_vector(own, member.gives)
    return filled


def score(answers: Array, truth: Array) -> dict[str, float | int]:
    """Accuracy and macro-F1 over the labels that occur."""
    guess = answers.argmax(axis=1)
    labels = sorted(set(truth.tolist()))
    return {
        "n": len(truth),
        "accuracy": round(float((guess == truth).mean()), 4),
        "macro_f1": round(float(f1_score(truth, guess, labels=labels, average="macro", zero_division=0)), 4),
    }


if __name__ == "__main__":
    main()
