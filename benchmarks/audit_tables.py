"""Tables of what models cannot cope with, whom they treat differently, and how answers are explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from figures import FACE, LARGE, read, read_current, render

from emofuse.evaluate.checklist import PUBLISHED


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
    rows, record = [], read_current("eec")
    for name, found in (record["models"] | record["teachers"]).items():
        audits = {"0": found["as_it_is"]}
        if neutral := found.get("neutral"):
            audits[f"{neutral['strength']:g}"] = neutral["audit"]
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
    """Accuracy and time before and after the heads, or all weights, are changed."""
    rows, record = [], read_current("eec")

    def compare(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        for corpus, own in before.items():
            values = own["value"], after[corpus]["value"]
            figures = [f"{value:.4f}" for value in values]
            change = f"{values[1] - values[0]:+.4f}"
            rows.append([name, f"{corpus}, {own['measure']}", *figures, change, own["n"]])

    for name, found in record["models"].items():
        if (neutral := found.get("neutral")) is None:
            continue
        model = f"`{name}`, strength {neutral['strength']:g}"
        compare(model, found["accuracy"], neutral["accuracy"])
        times = neutral["latency_ms"]
        change = f"{times['after'] - times['before']:+.3f}"
        rows.append([model, "median ms a text", times["before"], times["after"], change, 300])
    for name, found in record["teachers"].items():
        student = found["student"]
        compare(f"`{name}`, then `{student}`", found["accuracy"], record["models"][student]["accuracy"])
    return render(["model", "test split and measure", "before", "after", "change", "n"], rows)


def feedback_table() -> str:
    """A new sense learned from corrections, and what was known before."""
    record = read_current("feedback")
    rows = []
    for part, before in record["held_back"]["before"].items():
        after = record["held_back"]["after"][part]
        change = f"{after - before:+.3f}"
        name = f"held-back sentences of the new senses, {part}"
        rows.append(
            [name, "accuracy", f"{before:.3f}", f"{after:.3f}", change, record["held_back_sentences"]]
        )
    for corpus, before in record["kept"]["before"].items():
        after = record["kept"]["after"][corpus]
        for measure in sorted(set(before) - {"measure", "n"}):
            change = f"{after[measure] - before[measure]:+.3f}"
            figures = [f"{before[measure]:.3f}", f"{after[measure]:.3f}", change, before["n"]]
            rows.append([f"{corpus}, test", measure, *figures])
    return render(["judged by", "measure", "before", "after", "change", "n"], rows)


TABLES = {
    "behaviour": behaviour_table,
    "checklist": checklist_table,
    "eec": eec_table,
    "eec_labels": eec_labels_table,
    "eec_price": eec_price_table,
    "feedback": feedback_table,
    "explanation_times": explanation_times_table,
    "explanations": explanations_table,
    "gaps": gaps_table,
    "irony_confidence": irony_confidence_table,
    "irony_heads": irony_heads_table,
    "irony_readings": irony_readings_table,
    "irony_warnings_loose": partial(irony_warnings_table, "loose"),
    "irony_warnings_strict": partial(irony_warnings_table, "strict"),
    "irony_warnings_sure": partial(irony_warnings_table, "sure"),
    "redact_faces": redact_faces_table,
    "redact_texts": redact_texts_table,
}
