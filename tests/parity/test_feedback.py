"""A small text model learns a new sense from two hundred corrections, and little else changes."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.slang import write_slang

from emofuse.export import export_any
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import open_text_model
from emofuse.taxonomy import load_taxonomy
from emofuse.train import train_recipe

ROOT = Path(__file__).parents[2]
HEADS = {"emotion": "ekman7", "sentiment": "sentiment3"}


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feedback")
    rows = write_slang(200, held_back=False)
    for name, part in (("train", rows[:160]), ("validation", rows[160:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    train_recipe(ROOT / "recipes" / "feedback_text.yaml", folder, folder / "run", overrides=OVERRIDES)
    export_any(folder / "run", folder / "bundle")
    return load_bundle(folder / "bundle")


OVERRIDES = ["distill.rehearsal=2000"]  # less than the recipe, to be quick


def answers(bundle, part, texts):
    labels = load_taxonomy(HEADS[part]).labels
    readings = open_text_model(bundle).predict(texts)
    return [labels[int(np.argmax(reading.probabilities[HEADS[part]]))] for reading in readings]


def share(bundle, part, rows):
    found = answers(bundle, part, [row["text"] for row in rows])
    return np.mean([answer in row[part] for answer, row in zip(found, rows, strict=True)])


def test_new_sense_is_learned_for_sentences_never_seen(learned):
    held_back = [row | {part: [row[part]] for part in HEADS} for row in write_slang(100, held_back=True)]
    assert share(load_bundle("text_bilstm"), "emotion", held_back) < 0.2
    assert share(learned, "emotion", held_back) > 0.7
    assert share(learned, "sentiment", held_back) > 0.85


def test_what_it_knew_stays(learned):
    lines = (ROOT / "benchmarks" / "behaviour.jsonl").read_text().splitlines()
    for part in HEADS:
        rows = [row for row in map(json.loads, lines) if part in row]
        before = share(load_bundle("text_bilstm"), part, rows)
        assert share(learned, part, rows) > before - 0.03


def test_calibration_and_licences_are_handed_on(learned):
    before = load_bundle("text_bilstm")
    for head, output in learned.outputs.items():
        assert output.temperature == 1.0
        assert output.thresholds == before.outputs[head].thresholds
    assert {row["name"] for row in before.data} < {row["name"] for row in learned.data}
    assert {row["metric"].partition("/")[0] for row in learned.metrics} == set(HEADS.values())
