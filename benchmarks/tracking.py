r"""What smoothing does to emotion shifts in dialogues, how often it cries wolf, and whether context helps.

    python benchmarks/tracking.py --root DATA/text/meld --json benchmarks/tracking.json

MELD, its turns read by `text_bert_bilstm`, which learned from the training split. Everything is chosen on
the validation split and reported on the test split.

`shifts`: a turn whose gold label differs from that of the turn before, of the same speaker (`speaker`) or
of anybody (`conversation`), in the same dialogue; `lasting` ones are those whose new label the next turn has
as well. A `shift` event finds a shift at the same turn (`at_once`) or up to two turns after it
(`within_two`), each event one shift and each shift once. `raw` are changes of the label of single turns.

`false_alarms`: events per 100 turns in streams in which nothing changes, 100 turns drawn with replacement,
seed 7. For `shift` they are drawn among the turns of one gold label, with as many streams of each label as
its share asks for; for the two alarms among all turns. Chosen are the half-life, margin and updates with the
best F1 of lasting shifts of a speaker within two turns, of those with at most 4 false shifts; the level of
each alarm is the smallest with at most 1 false alarm. `promised` is what docs/tracking.md states.

`alarms`: conversations in which an alarm sounds, against those with 2 turns of anger or 3 of sadness among
5 in a row.

`abstained`: what weight a prediction keeps which abstained, all else as chosen; validation split.

`context`: weighted F1 of single turns, with probabilities times the smoothed ones of the turns before to the
power of alpha, and with the turn before put in front of the text, alone or geometrically mixed; 95 %
intervals of the difference by 1,000 bootstraps over dialogues, seed 7.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from emofuse import Predictor, Sample, Tracker, load_bundle, load_taxonomy
from emofuse.datasets import load_adapter
from emofuse.datasets.adapter import find_file, read_table
from emofuse.tracking import Alarms, Hysteresis, TrackState

MODEL = "text_bert_bilstm"
LABELS = load_taxonomy("ekman7").labels
FILES = {"validation": "dev", "test": "test"}
LENGTH, SEED, RESAMPLES = 100, 7, 1000
CHOSEN_BELOW, PROMISED = {"shift": 4.0, "alarm": 1.0}, {"shift": 5.0, "alarm": 1.5}
HALF_LIVES, MARGINS, UPDATES = (0.5, 1.0, 2.0), (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4), (1, 2)
LEVELS = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))
ALPHAS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Turn:
    """A turn of a dialogue as it was read and as it is labelled; `joined` is read with the turn before."""

    dialogue: str
    speaker: str
    gold: str
    read: dict[str, Any]
    joined: dict[str, Any]


Turns = list[Turn]
Read = Callable[[Sequence[Turn]], NDArray[Any]]


def read_turns(root: Path, split: str) -> Turns:
    """All turns of a split in order, predicted alone and behind the turn before."""
    samples = list(load_adapter("meld").iter_samples(root, split))
    rows = read_table(find_file(root, f"{FILES[split]}_sent_emo.csv", folder="meld"), ["Speaker"])
    speakers = [row["Speaker"] for _, row in rows]
    dialogues = [str(sample.id).split(":")[1] for sample in samples]
    texts = [str(sample.text) for sample in samples]
    joined = [
        f"{texts[i - 1]} {text}" if i and dialogues[i] == dialogues[i - 1] else text
        for i, text in enumerate(texts)
    ]
    predictor = Predictor.load([MODEL])
    both = [
        [own.to_dict() for own in predictor.predict(Sample(text=text) for text in some)]
        for some in (texts, joined)
    ]
    golds = [next(iter(sample.labels["ekman7"])) for sample in samples]
    return [Turn(*own) for own in zip(dialogues, speakers, golds, *both, strict=True)]


def split_dialogues(turns: Turns) -> Iterator[Turns]:
    """The turns of each dialogue."""
    own: Turns = []
    for turn in turns:
        if own and turn.dialogue != own[-1].dialogue:
            yield own
            own = []
        own.append(turn)
    yield own


def follow(turns: Turns, per: str, **settings: Any) -> Iterator[list[tuple[str, TrackState]]]:
    """Per dialogue and speaker, or per dialogue: gold labels and states of the turns in order."""
    for dialogue in split_dialogues(turns):
        tracker, streams = Tracker(**settings), {}
        for turn in dialogue:
            name = turn.speaker if per == "speaker" else None
            state = tracker.update(turn.read, speaker=name)
            streams.setdefault(name, []).append((turn.gold, state))
        yield from streams.values()


def changes(labels: Sequence[str | None], *, lasting: bool = False) -> list[bool]:
    """Which labels differ from the one before; `lasting`: and equal the next."""
    differ = [i > 0 and label != labels[i - 1] for i, label in enumerate(labels)]
    return [
        own and (not lasting or labels[i : i + 1] == labels[i + 1 : i + 2]) for i, own in enumerate(differ)
    ]


def match(gold: Sequence[bool], found: Sequence[bool], delay: int) -> int:
    """How many events find a shift of their own, at most `delay` turns before."""
    left = set(np.flatnonzero(gold).tolist())
    hits = 0
    for turn in np.flatnonzero(found).tolist():
        near = [shift for shift in range(turn, turn - delay - 1, -1) if shift in left]
        left -= set(near[:1])
        hits += bool(near)
    return hits


def score_shifts(streams: list[list[tuple[str, TrackState]]], kind: str) -> dict[str, Any]:
    """Precision, recall and F1 of all and of lasting shifts, at once and within two turns."""
    record: dict[str, Any] = {}
    for name, (lasting, delay) in {
        "all_at_once": (False, 0),
        "all_within_two": (False, 2),
        "lasting_within_two": (True, 2),
    }.items():
        counts = np.zeros(3, dtype=int)
        for stream in streams:
            gold = changes([label for label, _ in stream], lasting=lasting)
            raw = changes([state.raw for _, state in stream])
            found = raw if kind == "raw" else ["shift" in state.events for _, state in stream]
            counts += match(gold, found, delay), sum(found), sum(gold)
        record[name] = _rates(*counts.tolist())
    return record


def _rates(hits: int, found: int, gold: int) -> dict[str, Any]:
    f1 = 2 * hits / (found + gold) if found + gold else 0.0
    rates = {"precision": hits / found if found else None, "recall": hits / gold if gold else None, "f1": f1}
    rounded = {name: None if rate is None else round(rate, 4) for name, rate in rates.items()}
    return {"gold": gold, "found": found, **rounded}


def still_streams(turns: Turns, count: int, *, mixed: bool) -> Iterator[tuple[str, Turns]]:
    """About `count` streams in which nothing changes, each with its gold label."""
    random = np.random.default_rng(SEED)
    for label in ("all",) if mixed else LABELS:
        own = [turn for turn in turns if mixed or turn.gold == label]
        for _ in range(max(1, round(count * len(own) / len(turns)))):
            yield label, [own[i] for i in random.integers(0, len(own), LENGTH)]


def false_alarms(
    streams: list[tuple[str, Turns]], event: str, **settings: Any
) -> tuple[float, dict[str, float]]:
    """Events per 100 turns of streams in which nothing changes, and the same per label."""
    counts: dict[str, list[int]] = {}
    for label, turns in streams:
        tracker = Tracker(**settings)
        states = [tracker.update(turn.read) for turn in turns]
        if event == "raw":
            found = sum(changes([state.raw for state in states]))
        else:
            found = sum(event in state.events for state in states)
        counts.setdefault(label, []).append(found)
    per_label = {label: round(100 * float(np.mean(own)) / LENGTH, 3) for label, own in counts.items()}
    return round(
        100 * float(np.mean([found for own in counts.values() for found in own])) / LENGTH, 3
    ), per_label


def choose_shifts(turns: Turns) -> dict[str, Any]:
    """Half-life and hysteresis by the validation split."""
    streams = list(still_streams(turns, 100, mixed=False))
    best: tuple[float, dict[str, Any]] = (-1.0, {})
    for half_life, margin, updates in product(HALF_LIVES, MARGINS, UPDATES):
        settings = {"half_life": half_life, "hysteresis": Hysteresis(margin, updates)}
        if false_alarms(streams, "shift", **settings)[0] > CHOSEN_BELOW["shift"]:
            continue
        found = score_shifts(list(follow(turns, "speaker", **settings)), "smoothed")
        best = max(best, (found["lasting_within_two"]["f1"], settings), key=lambda own: own[0])
    return best[1]


def choose_alarms(turns: Turns, settings: dict[str, Any]) -> Alarms:
    """The smallest level of each alarm with few false ones."""
    streams = list(still_streams(turns, 100, mixed=True))
    chosen = {}
    for event, name in (("escalating_anger", "anger_level"), ("sustained_sadness", "sadness_level")):
        for level in LEVELS:
            own = settings | {"alarms": Alarms(**{name: level})}
            if false_alarms(streams, event, **own)[0] <= CHOSEN_BELOW["alarm"]:
                break
        chosen[name] = level
    return Alarms(**chosen)


def measure_alarms(turns: Turns, settings: dict[str, Any]) -> dict[str, Any]:
    """False alarms, and how the alarms in dialogues stand to the gold labels."""
    mixed = list(still_streams(turns, 300, mixed=True))
    record = {}
    for event, label, run in (("escalating_anger", "anger", 2), ("sustained_sadness", "sadness", 3)):
        right, alarms, heard, runs = 0, 0, 0, 0
        for stream in follow(turns, "conversation", **settings):
            golds = [gold for gold, _ in stream]
            at = [i for i, (_, state) in enumerate(stream) if event in state.events]
            alarms += len(at)
            right += sum(golds[max(0, i - 4) : i + 1].count(label) >= run for i in at)
            starts = [i for i in range(len(golds)) if golds[max(0, i - 4) : i + 1].count(label) >= run]
            runs += bool(starts)
            heard += bool(starts) and bool(at)
        record[event] = {
            "false_per_100": false_alarms(mixed, event, **settings)[0],
            "alarms": alarms,
            "with_that_many_gold_turns_in_the_last_5": right,
            "dialogues_with_them": runs,
            "of_those_heard": heard,
            "gold_turns": run,
        }
    return record


def measure_abstained(turns: Turns, settings: dict[str, Any]) -> dict[str, Any]:
    """Lasting shifts with predictions that abstained taken fully, half (as shipped) or not at all."""
    changed: dict[str, dict[str, Any]] = {
        "1": {"abstained": False},
        "0.5": {},
        "0": {"error": {"code": "left"}},
    }
    record = {}
    for weight, change in changed.items():
        own = [
            Turn(t.dialogue, t.speaker, t.gold, t.read | (change if t.read["abstained"] else {}), t.joined)
            for t in turns
        ]
        streams = list(still_streams(own, 100, mixed=False))
        record[weight] = {
            "false_per_100": false_alarms(streams, "shift", **settings)[0],
            **score_shifts(list(follow(own, "speaker", **settings)), "smoothed")["lasting_within_two"],
        }
    return record


def smoothed_reader(per: str, half_life: float, alpha: float) -> Read:
    """Probabilities of single turns times those that the tracker had before, to the power of alpha."""

    def read(turns: Sequence[Turn]) -> NDArray[Any]:
        rows = []
        for dialogue in split_dialogues(list(turns)):
            tracker, before = Tracker(half_life=half_life), {}
            for turn in dialogue:
                name = turn.speaker if per == "speaker" else None
                own = probabilities(turn.read)
                rows.append(own * before[name] ** alpha if name in before else own)
                state = tracker.update(turn.read, speaker=name)
                before[name] = np.array(list((state.emotion or {}).values()))
        return np.array(rows)

    return read


def joined_reader(share: float) -> Read:
    """Geometric mixture of the turn alone and behind the turn before."""
    return lambda turns: np.array(
        [probabilities(turn.read) ** (1 - share) * probabilities(turn.joined) ** share for turn in turns]
    )


def probabilities(prediction: dict[str, Any]) -> NDArray[Any]:
    """(7,) probabilities of a prediction, none of them 0."""
    return np.maximum(list(prediction["emotion"]["probabilities"].values()), 1e-6)


def weighted_f1(turns: Sequence[Turn], scores: NDArray[Any]) -> float:
    """Support-weighted F1 over the seven labels."""
    found = [LABELS[i] for i in scores.argmax(axis=1)]
    return float(f1_score([turn.gold for turn in turns], found, average="weighted", zero_division=0))


def measure_context(validation: Turns, test: Turns) -> list[dict[str, Any]]:
    """Weighted F1 with and without the turns before."""
    plain = joined_reader(0.0)
    families: dict[str, dict[str, Read]] = {
        f"smoothed turns of the {per} before": {
            f"half-life {half_life:g}, alpha {alpha:g}": smoothed_reader(per, half_life, alpha)
            for half_life, alpha in product((0.5, 1.0, 2.0, 4.0), ALPHAS[1:])
        }
        for per in ("conversation", "speaker")
    }
    families["turn before, mixed in"] = {f"share {s:g}": joined_reader(s) for s in (0.1, 0.2, 0.3, 0.5)}
    families["turn before, in front of the text"] = {"": joined_reader(1.0)}
    alone = {"validation": weighted_f1(validation, plain(validation)), "test": weighted_f1(test, plain(test))}
    rows: list[dict[str, Any]] = [
        {"name": "the turn alone"} | {key: round(own, 4) for key, own in alone.items()}
    ]
    for name, readers in families.items():
        found = {key: weighted_f1(validation, read(validation)) for key, read in readers.items()}
        best = max(found, key=lambda key: found[key])
        scores = readers[best](test)
        rows.append(
            {
                "name": name,
                "chosen": best,
                "validation": round(found[best], 4),
                "test": round(weighted_f1(test, scores), 4),
                "test_difference": _bootstrap(test, plain(test), scores),
            }
        )
    return rows


def _bootstrap(turns: Turns, one: NDArray[Any], other: NDArray[Any]) -> list[float]:
    golds = np.array([LABELS.index(turn.gold) for turn in turns])
    dialogues = [
        np.flatnonzero(np.array([t.dialogue for t in turns]) == name)
        for name in {t.dialogue: 0 for t in turns}
    ]
    random, drawn = np.random.default_rng(SEED), []
    for _ in range(RESAMPLES):
        rows = np.concatenate([dialogues[i] for i in random.integers(0, len(dialogues), len(dialogues))])
        drawn.append(
            _f1(golds[rows], other[rows].argmax(axis=1)) - _f1(golds[rows], one[rows].argmax(axis=1))
        )
    return [round(float(end), 4) for end in np.percentile(drawn, [2.5, 97.5])]


def _f1(gold: NDArray[Any], found: NDArray[Any]) -> float:
    table = np.bincount(gold * 7 + found, minlength=49).reshape(7, 7)
    both = table.sum(axis=0) + table.sum(axis=1)
    return float((table.sum(axis=1) * 2 * table.diagonal() / np.maximum(both, 1)).sum() / len(gold))


def main() -> None:
    """Choose, measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="Folder of MELD.")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    validation, test = (read_turns(arguments.root, split) for split in ("validation", "test"))
    settings = choose_shifts(validation)
    settings["alarms"] = choose_alarms(validation, settings)
    still = list(still_streams(test, 300, mixed=False))
    rate, per_label = false_alarms(still, "shift", **settings)
    record = {
        "command": "benchmarks/tracking.py --root MELD --json benchmarks/tracking.json",
        "machine": describe_machine(),
        "model_sha256": {MODEL: load_bundle(MODEL).sha256},
        "n": {"validation": len(validation), "test": len(test), "still_turns": len(still) * LENGTH},
        "chosen": {
            "half_life": settings["half_life"],
            **vars(settings["hysteresis"]),
            **vars(settings["alarms"]),
        },
        "promised": PROMISED,
        "false_alarms": {
            "raw": false_alarms(still, "raw", **settings)[0],
            "shift": rate,
            "shift_by_label": per_label,
        },
        "shifts": {
            per: {
                kind: score_shifts(list(follow(test, per, **settings)), kind) for kind in ("raw", "smoothed")
            }
            for per in ("speaker", "conversation")
        },
        "alarms": measure_alarms(test, settings),
        "abstained": measure_abstained(validation, settings),
        "context": measure_context(validation, test),
    }
    print(json.dumps(record, indent=1))
    arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
