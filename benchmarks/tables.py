"""Write the figures of benchmarks/*.json into the tables of README.md and docs/.

    python benchmarks/tables.py [--check]

A table stands between `<!-- table:NAME -->` and `<!-- /table -->`; NAME is a key of `TABLES`,
`robustness.MODEL.CORPUS.SPLIT`, or `system.RECIPE.CORPUS` for a comparison that `benchmarks/systems.sh`
wrote. `--check` only tells whether all are up to date.
"""

from __future__ import annotations

import argparse
import re
import sys

import audit_tables
import drift_tables
import page_tables
import scaling_tables
import score_tables
import service_tables
import tracking_tables
from figures import FACE, FOLDER, LARGE, ROOT, SMALL, read, read_current, render

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


def calibration_table() -> str:
    """Confidence beside accuracy, on corpora that a model learned from and on others."""
    rows = []
    for model, name, seen in CALIBRATION:
        record = read(f"{model}.{name}")
        found = record["scores"]
        confidence = sum(own["n"] * own["confidence"] for own in record["calibration"]) / record["samples"]
        missed = ", missed" if seen == HOME and found["ece"] > 0.03 else ""
        figures = [f"{confidence:.3f}", f"{found['accuracy']:.3f}", f"{found['ece']:.3f}{missed}"]
        rows.append([f"`{model}`", name, seen, *figures, record["samples"], len(record["unreadable"])])
    header = ["model", "corpus and split", "the model", "mean confidence", "accuracy", "ECE", "n"]
    return render([*header, "unreadable"], rows)


def valence_table() -> str:
    """How well the probabilities of sentiment order texts by valence."""
    rows = []
    for name in ("emobank.test", "semeval2007_valence.test"):
        for model in (LARGE, SMALL, "text_bilstm_open"):
            record = read(f"{model}.{name}")
            figures = []
            for measure in ("pearson", "spearman", "mean_absolute_error", "r2"):
                low, high = record["intervals"][measure]
                figures.append(f"{record['scores'][measure]:.3f} ({low:.3f}–{high:.3f})")
            rows.append([f"`{model}`", name, *figures, record["samples"]])
    header = ["model", "corpus and split", "Pearson", "Spearman", "mean absolute error", "R²", "n"]
    return render(header, rows)


def reports_table() -> str:
    """The pages of `docs/reports`."""
    pages = sorted((ROOT / "docs" / "reports").glob("*.html"))
    rows = [[f"`{page.name.split('.')[0]}`", f"[{page.name}](reports/{page.name})"] for page in pages]
    return render(["model", "page"], rows)


TABLES = {
    **audit_tables.TABLES,
    **drift_tables.TABLES,
    **page_tables.TABLES,
    **scaling_tables.TABLES,
    **score_tables.TABLES,
    **service_tables.TABLES,
    **tracking_tables.TABLES,
    "accuracy": accuracy_table,
    "calibration": calibration_table,
    "detector": detector_table,
    "faces_and_words": faces_and_words_table,
    "footprint": footprint_table,
    "fusion_coverage": coverage_table,
    "fusion_halves": halves_table,
    "fusion_heads": fusion_heads_table,
    "latency": latency_table,
    "reports": reports_table,
    "targets": targets_table,
    "valence": valence_table,
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
            table = audit_tables.robustness_table(rest)
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
