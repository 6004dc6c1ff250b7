"""Write the figures of benchmarks/*.json into the tables of README.md and docs/.

    python benchmarks/tables.py [--check]

A table stands between `<!-- table:NAME -->` and `<!-- /table -->`; NAME is a key of `TABLES`,
`robustness.MODEL.CORPUS.SPLIT`, or `system.RECIPE.CORPUS` for a comparison that `benchmarks/systems.sh`
wrote. `--check` only tells whether all are up to date.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from emofuse.evaluate.checklist import PUBLISHED

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

GATES = (
    ("text_bert_bilstm", "goemotions_ekman.test", "macro_f1"),
    ("text_bert_bilstm", "goemotions.test", "macro_f1"),
    ("text_bert_bilstm", "semeval2017.test", "macro_recall"),
    ("text_bert_bilstm", "emotion.test", "accuracy"),
    ("text_bert_bilstm", "meld.test", "weighted_f1"),
    ("text_bert_bilstm", "sentiment140.test", "accuracy"),
    ("text_bert_bilstm", "sentiment140_polarity.test", "accuracy"),
    ("text_bert_bilstm", "imdb.test", "accuracy"),
    ("text_bilstm", "goemotions_ekman.test", "macro_f1"),
    ("text_bilstm", "goemotions.test", "macro_f1"),
    ("text_bilstm", "semeval2017.test", "macro_recall"),
    ("text_bilstm", "emotion.test", "accuracy"),
    ("text_bilstm", "sentiment140_polarity.test", "accuracy"),
    ("text_bilstm", "imdb.test", "accuracy"),
    ("text_bilstm_open", "goemotions_ekman.test", "macro_f1"),
    ("text_bilstm_open", "goemotions.test", "macro_f1"),
    ("text_bilstm_open", "semeval2017.test", "macro_recall"),
    ("text_bilstm_open", "sentiment140_polarity.test", "accuracy"),
    ("text_bilstm_open", "imdb.test", "accuracy"),
    ("face_ferplus", "ferplus.test", "accuracy"),
    ("face_ferplus", "ferplus.test_clean", "accuracy"),
    ("face_ferplus", "ferplus_five.test", "accuracy"),
    ("scene_image", "msed.test_clean", "accuracy"),
    ("scene_image", "msed.test_clean", "macro_f1"),
    ("fusion_default", "msed.test_clean", "accuracy"),
    ("fusion_default", "msed.test_clean", "macro_f1"),
    ("fusion_default", "msed_sentiment.test_clean", "macro_f1"),
)


# What was aimed at: task, figures, measure, published figures and peers, aim.
LARGE, SMALL, FACE = "text_bert_bilstm", "text_bilstm", "face_ferplus"
TARGETS = (
    ("dair-ai emotion, 6 labels", f"{LARGE}.emotion.test", "accuracy", ".69 report, .927–.931 peers", 0.938),
    ("dair-ai emotion, 6 labels", f"{LARGE}.emotion.test", "macro_f1", "", 0.90),
    ("GoEmotions, 28 labels", f"{LARGE}.goemotions.test", "macro_f1", ".46 paper, .49–.50 peers", 0.50),
    ("GoEmotions, Ekman's 7", f"{LARGE}.goemotions_ekman.test", "macro_f1", ".62–.64 BERT-base", 0.63),
    ("Sentiment140, polarity", f"{LARGE}.sentiment140_polarity.test", "accuracy", "", 0.87),
    ("Sentiment140, polarity", f"{SMALL}.sentiment140_polarity.test", "accuracy", ".83 BiLSTM", 0.83),
    ("IMDB", f"{LARGE}.imdb.test", "accuracy", ".89 BiLSTM", 0.90),
    ("FER+, 8 labels", f"{FACE}.ferplus.test", "accuracy", ".850 VGG13, .894 SCN", 0.88),
    ("FER+, 8 labels, clean", f"{FACE}.ferplus.test_clean", "accuracy", "", 0.88),
    ("FER+, 5 labels", f"{FACE}.ferplus_five.test", "accuracy", ".883 report", 0.90),
    ("FER+, 8 labels, ensemble", "face_ensemble.ferplus.test", "accuracy", "", 0.89),
    ("FER+, 5 labels, ensemble", "face_ensemble.ferplus_five.test", "accuracy", ".883 report", 0.90),
    ("FER-2013, 7 labels, single", "face_resnet.fer2013.test", "accuracy", ".574 deepface", 0.72),
    ("FER-2013, 7 labels, ensemble", "face_ensemble.fer2013.test", "accuracy", "", 0.74),
    ("neutral faces of FER+", f"{FACE}.ferplus.test", "neutral recall", ".52 most used peer", 0.80),
    ("sad faces of FER+", f"{FACE}.ferplus.test", "sadness recall", ".52 most used peer", 0.70),
    ("MSED pairs, leak-free", "fusion_default.msed.test_clean", "macro_f1", ".749 TF-IDF", 0.83),
    ("MSED pairs, sentiment", "fusion_default.msed_sentiment.test_clean", "macro_f1", "", 0.88),
    ("calibration on SemEval-2017", f"{LARGE}.semeval2017.test", "ece", ".03–.23 peers", 0.03),
    ("calibration on SemEval-2017", f"{SMALL}.semeval2017.test", "ece", "", 0.03),
    ("calibration on FER+", f"{FACE}.ferplus.test", "ece", "", 0.03),
    ("calibration on FER+", "face_ferplus_cnn.ferplus.test", "ece", "", 0.03),
    ("calibration on FER-2013", "face_fer2013.fer2013.test", "ece", "", 0.03),
    ("calibration on MSED", "scene_image.msed.test", "ece", "", 0.03),
    ("calibration on MSED", "fusion_default.msed.test", "ece", "", 0.03),
    ("calibration on pairs made by label", "fusion_mlp.label_matched.test", "ece", "", 0.03),
)

# Model, figures, whether it learned from that corpus.
HOME, AWAY = "learned from it", "never saw it"
CALIBRATION = (
    (LARGE, "semeval2017.test", HOME),
    (LARGE, "emotion.test", HOME),
    (LARGE, "meld.test", HOME),
    (LARGE, "imdb.test", HOME),
    (LARGE, "sentiment140.test", AWAY),
    (LARGE, "semeval2007_sentiment.test", AWAY),
    (LARGE, "semeval2007.test", AWAY),
    (SMALL, "semeval2017.test", HOME),
    (SMALL, "sentiment140.test", HOME),
    (SMALL, "imdb.test", AWAY),
    (SMALL, "semeval2007_sentiment.test", AWAY),
    (SMALL, "semeval2007.test", AWAY),
    ("text_bilstm_open", "semeval2017.test", AWAY),
    ("text_bilstm_open", "emotion.test", AWAY),
    ("text_bilstm_open", "semeval2007_sentiment.test", AWAY),
    (FACE, "ferplus.test", HOME),
    (FACE, "msed.test_clean", AWAY),
    ("face_ferplus_cnn", "ferplus.test", HOME),
    ("face_ferplus_cnn", "msed.test_clean", AWAY),
    ("face_fer2013", "fer2013.test", HOME),
    ("face_fer2013", "msed.test_clean", AWAY),
    ("scene_image", "msed.test", HOME),
    ("fusion_default", "msed.test", HOME),
    ("fusion_mlp", "label_matched.test", HOME),
)


def read(name: str) -> Any:
    """One JSON file of this folder."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def read_current(name: str) -> Any:
    """One JSON file of this folder, measured on the embedded models of today."""
    record = read(name)
    for model, digest in record["model_sha256"].items():
        path = ROOT / "src" / "emofuse" / "models" / model / "model.onnx"
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            sys.exit(f"{name}.json stands beside another {model}: run `make benchmarks DATA=...`.")
    return record


def render(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def accuracy_table() -> str:
    """Each model on the test split of a corpus."""
    rows = []
    for model, split, metric in GATES:
        record = read(f"{model}.{split}")
        scores = record["scores"]
        calibration = f"{scores['ece']:.3f}" if "ece" in scores else "–"
        rows.append(
            [
                f"`{model}`",
                split,
                metric,
                f"{scores[metric]:.3f}",
                calibration,
                record["samples"],
                record["date"],
            ]
        )
    return render(["model", "corpus and split", "measure", "value", "ECE", "n", "date"], rows)


def latency_table() -> str:
    """Each path beside its floor."""
    record = read("latency")
    rows = [
        [r["path"], r["p50_ms"], r["p95_ms"], r["floor_p50_ms"], f"{r['overhead']:.2f} ×"]
        for r in record["rows"]
    ]
    return render(["path, one thread", "p50 ms", "p95 ms", "floor p50 ms", "overhead"], rows)


def footprint_table() -> str:
    """Size, start and memory."""
    record = read("footprint")
    names = {
        "installed_mb": "core install with everything it needs, MB",
        "installed_with_bytecode_mb": "the same with the bytecode that pip compiles, MB",
        "embedded_models_mb": "of which models, MB",
        "import_s": "`import emofuse`, s",
        "cold_start_s": '`emofuse predict "I am so proud of you"` from cold, s',
        "resident_all_default_models_mb": "memory with every default model loaded, MB",
    }
    return render(["measure", "value"], [[label, record[key]] for key, label in names.items()])


def detector_table() -> str:
    """The face detector beside its reference."""
    record = read("detector")
    rows = []
    for name in ("held_back", "upright", "upright_leak_free", "rotated_30_degrees"):
        for size, row in record[name]["sizes"].items():
            rows.append(_detector_row(f"{name.replace('_', ' ')}, {size}", row))
    header = ["faces", "sure reference boxes found", "likely ones found", "false boxes"]
    return render(header, rows)


def _detector_row(label: str, row: dict[str, float]) -> list[str]:
    found = f"{row['recall']:.3f} of {row['reference_boxes']}"
    return [
        label,
        found,
        f"{row['recall_of_score_0.6']:.3f}",
        f"{row['false_share']:.3f} of {row['our_boxes']}",
    ]


def behaviour_table() -> str:
    """Share of the behavioural sentences and CheckList cases that each text model passes."""
    models = read("behaviour")["models"]
    first = next(iter(models.values()))
    parts = [
        (f"sentences: {name.replace('_', ' ')}", ("categories", name, "all")) for name in first["categories"]
    ]
    parts.insert(0, ("all sentences", ("overall", "all")))
    parts += [(f"CheckList {name}", ("checklist", "types", name)) for name in first["checklist"]["types"]]
    rows = []
    for label, keys in parts:
        found = [_follow(model, keys) for model in models.values()]
        rows.append([label, *(f"{own['pass_rate']:.2f} of {own['n']}" for own in found)])
    return render(["part", *(f"`{name}`" for name in models)], rows)


def _follow(record: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        record = record[key]
    return record


def targets_table() -> str:
    """What was aimed at beside what was measured; a figure that misses its aim says so."""
    rows = []
    for task, name, measure, published, aim in TARGETS:
        model = name.partition(".")[0]
        row = [task, f"`{model}`", measure.replace("_", " "), published or "–", f"{aim:.3f}"]
        if not (FOLDER / f"{name}.json").exists():
            rows.append([*row, "not measured", "–", "–", "–", "–"])
            continue
        record = read(name)
        label, _, column = measure.partition(" ")
        value = record["per_class"][label][column] if column else record["scores"][measure]
        met = value <= aim if measure == "ece" else value >= aim
        found = f"**{value:.3f}**" if met else f"{value:.3f}, missed"
        seed = re.search(r"^seed: (\d+)", (ROOT / "recipes" / f"{model}.yaml").read_text(), re.MULTILINE)
        command = f"`{record['command']}`"
        rows.append([*row, found, record["samples"], seed[1] if seed else "–", record["date"], command])
    header = ["task", "model", "measure", "published", "aim", "measured", "n", "seed", "date", "command"]
    return render(header, rows)


def faces_and_words_table() -> str:
    """The fused answer beside faces that agree, say nothing or contradict."""
    record = read_current("faces_and_words")
    measures = ("kept", "face's", "text's share", "conflict", "mixed", "abstained", "confidence")
    rows = [
        [row["sentence"], row["face"], row["n"]]
        + ["–" if row[name] is None else f"{row[name]:.2f}" for name in measures]
        for row in record["rows"]
    ]
    return render(["sentence", "face", "n", *measures], rows)


def halves_table() -> str:
    """The default fusion on pairs with a half missing, wrong or empty."""
    rows = []
    for kind, row in read_current("fusion")["corrupted"].items():
        figures = [f"{row[name]:.3f}" for name in ("accuracy", "macro_f1", "abstained")]
        rows.append([kind, row["n"], *figures, row["unreadable"]])
    return render(["pairs", "n", "accuracy", "macro-F1", "abstained", "unreadable"], rows)


def coverage_table() -> str:
    """Accuracy of the default fusion on the pairs of which it is surest."""
    found = read_current("fusion")["corrupted"]["intact"]["accuracy_at_coverage"]
    return render(["answered", *found], [["accuracy", *(f"{value:.3f}" for value in found.values())]])


def fusion_heads_table() -> str:
    """Each head without interaction, on re-paired pictures, and with a half gone."""
    heads = read_current("fusion")["heads"]
    kinds = list(next(iter(heads.values())))
    rows = [
        [f"`{name}`", *(f"{found[kind]['accuracy']:.3f}" for kind in kinds)] for name, found in heads.items()
    ]
    return render(["accuracy", *kinds], rows)


def checklist_table() -> str:
    """Share of the cases of each CheckList test that fail, beside what was published."""
    models = read_current("checklist")["models"]
    systems = list(next(iter(PUBLISHED.values())))
    rows = []
    for capability in next(iter(models.values()))["capabilities"]:
        pooled = [_failed(model["capabilities"][capability]) for model in models.values()]
        rows.append([f"**{capability}**", "", *pooled, *("" for _ in systems)])
        for test, own in next(iter(models.values()))["tests"].items():
            if own["capability"] == capability:
                found = [_failed(model["tests"][test]) for model in models.values()]
                known = PUBLISHED.get(test, {})
                published = [f"{known[name]:.3f}" if known else "–" for name in systems]
                rows.append([test, own["type"], *found, *published])
    return render(["test", "type", *(f"`{name}`" for name in models), *systems], rows)


def _failed(rates: Mapping[str, Any]) -> str:
    low, high = rates["interval"]
    return f"{1 - rates['pass_rate']:.3f} ({1 - high:.3f}–{1 - low:.3f}) of {rates['n']}"


def robustness_table(key: str) -> str:
    """Accuracy of a model as its samples get worse; macro-F1 where several labels may hold."""
    found = read_current("robustness")["results"][key]
    most = max(len(curve["levels"]) for curve in found["curves"])
    rows = []
    for curve in found["curves"]:
        cells = [f"{_value(level)}{_accuracy(level)}" for level in curve["levels"]]
        cells += ["–"] * (most - len(cells))
        flipped = f"{curve['levels'][-1]['flipped']:.2f}"
        rows.append([f"{curve['corruption']}: {curve['unit']}", curve["samples"], *cells, flipped])
    header = ["corruption: unit", "n", "clean", *(f"level {i}" for i in range(1, most)), "answers changed"]
    return render(header, rows)


def _value(level: Mapping[str, Any]) -> str:
    return "" if level["value"] is None else f"{level['value']:g}: "


def _accuracy(level: Mapping[str, Any]) -> str:
    value, low, high = level["scores"].get("accuracy", level["scores"]["macro_f1"])
    return f"{value:.3f} ({low:.2f}–{high:.2f})"


# What the models are known to be bad at: words, file, and the keys that lead to the figure.
GAPS = (
    ("sarcasm meant negatively read so, `text_bert_bilstm`", "irony", ("readings", LARGE, "pairs")),
    (
        "sarcastic sentences read right",
        "behaviour",
        ("models", LARGE, "categories", "sarcasm"),
    ),
    ("idioms", "behaviour", ("models", LARGE, "categories", "idiom")),
    (
        "sad or happy facts without an emotion word",
        "behaviour",
        ("models", LARGE, "categories", "emotional_fact"),
    ),
    ("negations", "behaviour", ("models", LARGE, "categories", "negation")),
    ("disgusted comments found, `text_bert_bilstm`", f"{LARGE}.goemotions_ekman.test", ("disgust",)),
    ("sad comments found", f"{LARGE}.goemotions_ekman.test", ("sadness",)),
    ("sad lines of a television series found", f"{LARGE}.meld.test", ("sadness",)),
    ("frightened lines of a television series found", f"{LARGE}.meld.test", ("fear",)),
    ("negative tweets found", f"{LARGE}.semeval2017.test", ("negative",)),
    ("frightened faces found, `face_ferplus`", f"{FACE}.ferplus.test", ("fear",)),
    ("disgusted faces found", f"{FACE}.ferplus.test", ("disgust",)),
    ("sad faces found", f"{FACE}.ferplus.test", ("sadness",)),
    ("angry photographs found, `scene_image`", "scene_image.msed.test_clean", ("anger",)),
    ("sad photographs found", "scene_image.msed.test_clean", ("sadness",)),
)


def gaps_table() -> str:
    """Known weak spots, share found or right."""
    rows = []
    for words, name, keys in GAPS:
        record = read(name)
        if name == "irony":
            own = _follow(record, keys)
            figure = f"{own['meant_negative_read_negative']:.2f}"
            rows.append([words, figure, own["meant_negative"], f"`benchmarks/{name}.json`"])
        elif name == "behaviour":
            own = _follow(record, (*keys, "all"))
            rows.append([words, f"{own['pass_rate']:.2f}", own["n"], f"`benchmarks/{name}.json`"])
        else:
            own = _follow(record["per_class"], keys)
            rows.append([words, f"{own['recall']:.2f}", int(own["support"]), f"`benchmarks/{name}.json`"])
    return render(["what", "share", "n", "measured in"], rows)


def irony_readings_table() -> str:
    """What each text model reads in sarcastic tweets and in what their authors mean."""
    rows = []
    for name, own in read_current("irony")["readings"].items():
        for label, part in (("all", "pairs"), ("rephrase read surely", "pairs_with_a_sure_rephrase")):
            found = own[part]
            keys = (
                "differ",
                "positive_for_negative",
                "negative_for_positive",
                "meant_negative_read_negative",
            )
            figures = [f"{found[key]:.3f}" for key in keys]
            rows.append([f"`{name}`", label, found["n"], *figures])
    header = ["model", "pairs", "n", "differ", "positive for negative", "negative for positive"]
    return render([*header, "of those meant negatively read so"], rows)


def irony_confidence_table() -> str:
    """How sure the text models are of sarcastic and of literal tweets."""
    rows = []
    for name, own in read_current("irony")["readings"].items():
        for kind, found in own["test"].items():
            keys = ("positive", "negative", "confidence", "emotion_confidence", "abstained")
            rows.append([f"`{name}`", kind, found["n"], *(f"{found[key]:.3f}" for key in keys)])
    header = [
        "model",
        "tweets",
        "n",
        "read positive",
        "read negative",
        "confidence",
        "emotion's",
        "abstained",
    ]
    return render(header, rows)


def irony_heads_table() -> str:
    """Whether sarcasm can be found."""
    rows = []
    for row in read_current("irony")["heads"]:
        low, high = row["f1_interval"]
        figures = [f"{row[key]:.3f}" for key in ("precision", "recall")]
        pairs = "–" if row["pairs"] is None else f"{row['pairs']:.3f}"
        rows.append(
            [row["name"], *figures, f"{row['f1']:.3f} ({low:.3f}–{high:.3f})", f"{row['auc']:.3f}", pairs]
        )
    header = ["head", "precision", "recall", "F1 of sarcastic", "AUC", "ahead of its rephrase"]
    return render(header, rows)


def irony_warnings_table(rule: str) -> str:
    """Whether a warning points at wrong sentiments, by one of its rules."""
    rows = []
    for row in (own for own in read_current("irony")["warnings"] if own["rule"] == rule):
        for kind in ("warning", "unsure"):
            found = row[kind]
            label = row["head"] if kind == "warning" else "as many of least confidence"
            if found["difference"] is None:
                rows.append([row["texts"], label, f"{found['warned']} of {row['n']}", "–", "–", "–"])
                continue
            low, high = found["interval"]
            rows.append(
                [
                    row["texts"],
                    label,
                    f"{found['warned']} of {row['n']}",
                    f"{found['wrong_warned']:.3f}",
                    f"{found['wrong_others']:.3f}",
                    f"{found['difference']:+.3f} ({low:+.3f} to {high:+.3f})",
                ]
            )
    return render(["texts", "warned by", "warned", "wrong if warned", "wrong otherwise", "difference"], rows)


def redact_texts_table() -> str:
    """What must vanish from texts and does, what must stay and does."""
    rows = []
    for kind, row in read("redact")["texts"].items():
        wrong = ", ".join(f"`{part}`" for part in row["wrong"]) or "–"
        rows.append([kind, row["must"], f"{row['right']} of {row['n']}", wrong])
    return render(["kind", "must", "right", "wrong"], rows)


def redact_faces_table() -> str:
    """Faces of the reference detector that are masked."""
    photos = read_current("redact")["photos"]
    rows = []
    for row in photos["rows"]:
        hidden = [f"{own['share']:.3f} of {own['n']}" for own in row["hidden"].values()]
        again = f"{row['seen_again']} of {photos['photos_with_a_face']}"
        rows.append([row["threshold"], *hidden, again, f"{row['area_masked']:.3f}"])
    header = ["threshold", *(f"hidden, {size}" for size in photos["rows"][0]["hidden"])]
    return render([*header, "photos with a face seen again", "area masked"], rows)


def calibration_table() -> str:
    """Confidence beside accuracy, on corpora that a model learned from and on others."""
    rows = []
    for model, name, seen in CALIBRATION:
        record = read(f"{model}.{name}")
        found = record["scores"]
        confidence = sum(own["n"] * own["confidence"] for own in record["calibration"]) / record["samples"]
        figures = [f"{confidence:.3f}", f"{found['accuracy']:.3f}", f"{found['ece']:.3f}"]
        rows.append([f"`{model}`", name, seen, *figures, record["samples"]])
    return render(["model", "corpus and split", "the model", "mean confidence", "accuracy", "ECE", "n"], rows)


def valence_table() -> str:
    """How well the probabilities of sentiment order texts by valence."""
    rows = []
    for name in ("emobank.test", "semeval2007_valence.test"):
        for model in (LARGE, SMALL, "text_bilstm_open"):
            record = read(f"{model}.{name}")
            figures = []
            for measure in ("pearson", "spearman", "mean_absolute_error"):
                low, high = record["intervals"][measure]
                figures.append(f"{record['scores'][measure]:.3f} ({low:.3f}–{high:.3f})")
            rows.append([f"`{model}`", name, *figures, record["samples"]])
    header = ["model", "corpus and split", "Pearson", "Spearman", "mean absolute error", "n"]
    return render(header, rows)


def reports_table() -> str:
    """The pages of `docs/reports`."""
    pages = sorted((ROOT / "docs" / "reports").glob("*.html"))
    rows = [[f"`{page.name.split('.')[0]}`", f"[{page.name}](reports/{page.name})"] for page in pages]
    return render(["model", "page"], rows)


def explanations_table() -> str:
    """How much better than chance each method orders the parts of a sample."""
    rows = []
    for row in read_current("explanations")["rows"]:
        gains = (row["deletion_gain"], row["insertion_gain"])
        rows.append(
            [
                f"`{row['model']}`",
                f"`{row['method']}`",
                row["n"],
                f"{row['deletion']:.3f}",
                f"{row['insertion']:.3f}",
                *(f"{own['value']:+.3f} ({own['low']:+.3f} to {own['high']:+.3f})" for own in gains),
                "yes" if row["beats_random"] else "**no**",
                f"{row['cpu_p50_ms']:.0f}",
                f"{row['cpu_p95_ms']:.0f}",
            ]
        )
    header = ["model", "method", "n", "deletion", "insertion", "deletion against chance"]
    header += ["insertion against chance", "beats chance", "p50 ms", "p95 ms"]
    return render(header, rows)


def explanation_times_table() -> str:
    """How long the core takes for one sample of the default models."""
    rows = []
    for row in read_current("explanations")["targets"]:
        aim = row["target_p50_ms"]
        met = "–" if aim is None else "met" if row["p50_ms"] <= aim else "missed"
        figures = [f"{row[name]:.0f}" for name in ("cpu_p50_ms", "cpu_p95_ms", "p50_ms", "p95_ms")]
        rows.append([row["what"], *figures, "–" if aim is None else aim, met])
    header = [
        "sample",
        "processor p50 ms",
        "p95 ms",
        "wall clock p50 ms",
        "p95 ms",
        "aim p50 ms",
        "by the clock",
    ]
    return render(header, rows)


def eec_table() -> str:
    """The largest gap of each pair of groups on the Equity Evaluation Corpus, by strength of the change."""
    rows = []
    for name, found in read_current("eec")["models"].items():
        audits = {"0": found["as_it_is"], f"{found['neutral']['strength']:g}": found["neutral"]["audit"]}
        for strength, gaps in found["ladder"].items():
            figures = [f"**{value:.4f}**" if value <= 0.02 else f"{value:.4f}" for value in gaps.values()]
            single = "–"
            if strength in audits:
                single = f"{max(gap['one_to_one'] for gap in audits[strength]['gaps']):.4f}"
            verdict = "met" if max(gaps.values()) <= 0.02 else "missed"
            row = [f"`{name}`", "as it is" if strength == "0" else strength, *figures, verdict, single]
            rows.append(row)
    return render(["model", "strength", *gaps, "at most 0.02", "one to one"], rows)


def eec_labels_table() -> str:
    """Every label of every pair of groups, for each text model as it is."""
    models = read_current("eec")["models"]
    audits = [found["as_it_is"]["gaps"] for found in models.values()]
    rows = []
    for gaps in zip(*audits, strict=True):
        row = [f"{gaps[0]['group']} ({gaps[0]['pairs']})", f"{gaps[0]['label']} ({gaps[0]['taxonomy']})"]
        for gap in gaps:
            span = gap["absolute"]
            row.append(f"{gap['mean']:+.3f}{'*' if gap['p'] < 0.05 else ''}")
            row.append(f"{span['value']:.3f} ({span['low']:.3f}–{span['high']:.3f})")
            row.append(f"{gap['one_to_one']:.3f}")
        rows.append(row)
    header = ["groups (pairs)", "label"]
    for name in models:
        header += [f"`{name}` mean", "absolute", "one to one"]
    return render(header, rows)


def eec_price_table() -> str:
    """Accuracy and time before and after the heads are changed."""
    rows = []
    for name, found in read_current("eec")["models"].items():
        neutral = found["neutral"]
        model = f"`{name}`, strength {neutral['strength']:g}"
        for corpus, before in neutral["accuracy"]["before"].items():
            after = neutral["accuracy"]["after"][corpus]
            change = f"{after['value'] - before['value']:+.4f}"
            figures = [f"{before['value']:.4f}", f"{after['value']:.4f}", change, before["n"]]
            rows.append([model, f"{corpus}, {before['measure']}", *figures])
        times = neutral["latency_ms"]
        change = f"{times['after'] - times['before']:+.3f}"
        rows.append([model, "median ms a text", times["before"], times["after"], change, 300])
    return render(["model", "test split and measure", "as it is", "changed heads", "change", "n"], rows)


TABLES = {
    "accuracy": accuracy_table,
    "behaviour": behaviour_table,
    "checklist": checklist_table,
    "calibration": calibration_table,
    "reports": reports_table,
    "valence": valence_table,
    "explanation_times": explanation_times_table,
    "explanations": explanations_table,
    "faces_and_words": faces_and_words_table,
    "targets": targets_table,
    "detector": detector_table,
    "eec": eec_table,
    "eec_labels": eec_labels_table,
    "eec_price": eec_price_table,
    "footprint": footprint_table,
    "fusion_coverage": coverage_table,
    "fusion_halves": halves_table,
    "fusion_heads": fusion_heads_table,
    "gaps": gaps_table,
    "irony_confidence": irony_confidence_table,
    "irony_heads": irony_heads_table,
    "irony_readings": irony_readings_table,
    "irony_warnings_loose": partial(irony_warnings_table, "loose"),
    "irony_warnings_strict": partial(irony_warnings_table, "strict"),
    "irony_warnings_sure": partial(irony_warnings_table, "sure"),
    "latency": latency_table,
    "redact_faces": redact_faces_table,
    "redact_texts": redact_texts_table,
}


def system_table(name: str) -> str:
    """A published system beside simple models and ours; says so where it has not been measured."""
    if not (FOLDER / f"{name}.json").exists():
        return "Not measured yet: `make benchmarks DATA=...` does."
    record = read_current(name)
    measures = list(record["rows"][0]["scores"])
    rows = []
    for row in record["rows"]:
        figures = [
            f"{own['value']:.3f} ({own['low']:.3f}–{own['high']:.3f})" for own in row["scores"].values()
        ]
        ece = "–" if row["ece"] is None else f"{row['ece']:.3f}"
        test = row["mcnemar"]
        chance = "–" if test is None else f"{test['only_this']} : {test['only_first']}, p = {test['p']:.2g}"
        rows.append([row["name"], *figures, f"{row['auc']:.3f}", ece, chance])
    table = render(["model", *measures, "AUC", "ECE", "McNemar against the first"], rows)
    about = f"`{record['command']}`, {record['samples']} samples, {record['date']}, 95 % bootstrap intervals."
    return f"{table}\n\n{about}"


def fill(text: str) -> str:
    """A page with every table rendered anew."""

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        kind, _, rest = name.partition(".")
        if kind == "robustness":
            table = robustness_table(rest)
        else:
            table = system_table(name) if kind == "system" else TABLES[name]()
        return f"<!-- table:{name} -->\n{table}\n<!-- /table -->"

    return re.sub(r"<!-- table:([\w.]+) -->\n.*?<!-- /table -->", replace, text, flags=re.DOTALL)


def main() -> None:
    """Fill or check the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        filled = fill(text)
        if check and filled != text:
            sys.exit(f"{page.name} is out of date: run `make tables`.")
        page.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
