"""The sections of a score report, from its figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from scipy.stats import binomtest

from emofuse.evaluate import plots
from emofuse.evaluate.page import Amount, Section
from emofuse.scale.report_tally import GROUPS, LISTED, TEXT_LENGTH
from emofuse.taxonomy import load_taxonomy

__all__ = ["build_sections", "list_facts"]

DRAWN_GROUPS, LISTED_GROUPS = 12, 50
FEW = 1000  # rows; shares of fewer are given with their interval
LINES = 7  # labels over time; more cannot be told apart

PRIVACY = (
    "This page and report.json hold texts, paths or names out of your data. Pass them on only to people who "
    "may see the data."
)
NUMBERED = "Rows are counted from 1, without the header."
_ANSWERS = ("sentiment", "emotion")
_SENTIMENTS = load_taxonomy("sentiment3").labels


def list_facts(figures: Mapping[str, Any]) -> dict[str, str]:
    """What was scored, for the head of the page.

    Args:
        figures: As `report.json` holds them.

    Returns:
        Name -> value in plain text.
    """
    total, outputs = figures["total"], figures["outputs"]
    scored = total["rows"] - total["errors"]
    facts = {"table": figures["table"], "rows": f"{total['rows']:,}"}
    if "emofuse_error" in outputs:
        facts["scored"] = _of(scored, total["rows"])
        facts["errors"] = _of(total["errors"], total["rows"])
    if "emofuse_abstained" in outputs:
        facts["too unsure to act on"] = _of(total["abstained"], scored)
    if "emofuse_mixed" in outputs:
        facts["mixed feelings"] = _of(total["mixed"], scored)
    for name in _ANSWERS:
        if (mean := total[name]["mean_confidence"]) is not None:
            facts[f"mean confidence of {name}"] = f"{mean:.3f}"
    if any(figures["columns"].values()):
        facts["privacy"] = PRIVACY
    return facts


def build_sections(figures: Mapping[str, Any]) -> list[Section]:
    """What the page shows.

    Args:
        figures: As `report.json` holds them.

    Returns:
        Sections in order; those without anything to show say why.
    """
    if not figures["total"]["rows"]:
        return [Section("No rows", "The table holds no row, so that there is nothing to sum up.")]
    sections = [_list_errors(figures)]
    sections += [_draw_shares(name, figures) for name in _ANSWERS]
    if figures["timeline"] is not None:
        sections += _draw_timeline(figures)
    for own in figures["groups"]:
        sections += [_compare_groups(own, name, figures["total"][name]["labels"]) for name in _ANSWERS]
    sections.append(_draw_confidence(figures))
    sections += _list_confident(figures)
    sections.append(_list_conflicted(figures))
    return sections


def _list_errors(figures: Mapping[str, Any]) -> Section:
    title, rows = "Errors", figures["total"]["rows"]
    if "emofuse_error" not in figures["outputs"]:
        return _left_out(title, "emofuse_error")
    if not figures["errors"]:
        return Section(title, "Every row was scored.")
    lead = (
        "Rows that could not be scored, by the code of their error. They are in no other figure of this page "
        f"but the rows and errors of groups. {NUMBERED}"
    )
    listed = [
        (code, _count(own["rows"]), _percent(own["rows"], rows), _count(own["first_row"]))
        for code, own in figures["errors"].items()
    ]
    return Section(title, lead, header=("error", "rows", "share of all", "first row"), rows=listed)


def _draw_shares(name: str, figures: Mapping[str, Any]) -> Section:
    title, own = name.capitalize(), figures["total"][name]
    if f"emofuse_{name}" not in figures["outputs"]:
        return _left_out(title, f"emofuse_{name}")
    if not own["n"]:
        return Section(title, f"No row has a label of {name}.")
    abstained = " Rows that were too unsure to act on count with their best guess." * (
        "emofuse_abstained" in figures["outputs"]
    )
    counts = {label: own["labels"][label] for label in _order(own["labels"])}
    lead = f"Shares of the {own['n']:,} rows with a label.{abstained}"
    return Section(title, lead, plots.plot_bars(counts))


def _draw_timeline(figures: Mapping[str, Any]) -> list[Section]:
    column, timeline = figures["columns"]["date"], figures["timeline"]
    bins, width = timeline["bins"], timeline["width"]
    lead = _tell_dates(timeline)
    if not bins:
        return [Section("Over time", f"No row has a date in {column!r} that can be read. {lead}")]
    sections: list[Section] = []
    starts = [date.fromisoformat(own["start"]) for own in bins]
    counts = [own["n"] for own in bins]
    for name in _ANSWERS:
        labels = figures["total"][name]["labels"]
        if not labels:
            continue
        chosen = sorted(labels, key=lambda label: -labels[label])[:LINES]
        drawn = _order({label: labels[label] for label in chosen})
        shares = {label: [_share(own[name], label) for own in bins] for label in drawn}
        rest = f" The {LINES} most frequent of {len(labels)} labels are drawn." * (len(labels) > LINES)
        title = f"{name.capitalize()} over time"
        told = (
            f"By {width}, by the dates in {column!r}.{rest} {lead}" if not sections else f"By {width}.{rest}"
        )
        picture = plots.plot_timeline(starts, counts, shares, width)
        sections.append(Section(title, told.strip(), picture))
    return sections


def _tell_dates(timeline: Mapping[str, Any]) -> str:
    parts = []
    if n := timeline["empty"]:
        parts.append(f"{_rows(n, 'has', 'have')} no date.")
    if n := timeline["unreadable"]:
        first = timeline["first_unreadable"]
        example = f", such as {first!r}" if first is not None else ""
        parts.append(f"{_rows(n, 'has', 'have')} a date that cannot be read{example}.")
    if n := timeline["outside"]:
        parts.append(f"{_rows(n, 'is', 'are')} dated so far from the others that no plot shows them.")
    if n := timeline["ambiguous"]:
        part = timeline["order"].removesuffix(" first")
        parts.append(f"{_rows(n, 'has', 'have')} a date such as 3/4/2024, read with the {part} first.")
    return " ".join(parts)


def _rows(n: int, one: str, several: str) -> str:
    return f"1 row {one}" if n == 1 else f"{n:,} rows {several}"


def _compare_groups(figures: Mapping[str, Any], name: str, counts: Mapping[str, int]) -> Section:
    title = f"{name.capitalize()} by {figures['column']}"
    groups = figures["groups"]
    named = [("(empty)" if own["name"] is None else own["name"], own) for own in groups]
    labels = _order(counts)
    if not labels:
        return Section(title, f"No row has a label of {name}.")
    shown = named[:LISTED_GROUPS]
    if figures["pooled"] is not None:
        shown.append((f"(rows of values beyond the first {GROUPS:,})", figures["pooled"]))
    rows = [_describe_group(label, own, name, labels) for label, own in shown]
    lead = (
        f"Largest groups first; confidence is the mean. Shares of fewer than {FEW:,} rows stand with their "
        "95 % Wilson interval."
    )
    if len(named) > LISTED_GROUPS:
        lead += f" The {LISTED_GROUPS} largest of {len(named):,} groups are listed; report.json has them all."
    drawn = [(label, own[name]["labels"]) for label, own in named if own[name]["n"]][:DRAWN_GROUPS]
    header = ("group", "rows", "errors", "confidence", *labels)
    return Section(title, lead, plots.plot_stacked_shares(drawn, labels) if drawn else "", header, rows)


def _describe_group(label: str, own: Mapping[str, Any], name: str, labels: Sequence[str]) -> list[Any]:
    answer, mean = own[name], own[name]["mean_confidence"]
    shares = [_interval(answer["labels"].get(of, 0), answer["n"]) for of in labels]
    confidence = Amount("–" if mean is None else f"{mean:.3f}")
    return [label, _count(own["rows"]), _count(own["errors"]), confidence, *shares]


def _draw_confidence(figures: Mapping[str, Any]) -> Section:
    title = "Confidence"
    if not figures["confidence"]:
        if any(name.endswith("_confidence") for name in figures["outputs"]):
            return Section(title, "No row has a confidence.")
        return _left_out(title, "emofuse_emotion_confidence", "emofuse_sentiment_confidence")
    lead = "How sure the models are of the label that they give, over all rows."
    bins = {name: figures["confidence"][name] for name in _ANSWERS if name in figures["confidence"]}
    return Section(title, lead, plots.plot_histogram(bins, "confidence"))


def _list_confident(figures: Mapping[str, Any]) -> list[Section]:
    if not figures["most_confident"]:
        missing = [
            name
            for name in ("emofuse_sentiment", "emofuse_sentiment_confidence")
            if name not in figures["outputs"]
        ]
        if missing:
            return [_left_out("Most confident rows", *missing)]
        return [Section("Most confident rows", "No row has a label with a confidence.")]
    lead = (
        f"At most {LISTED}; the same content is listed once. Texts are cut after {TEXT_LENGTH} characters. "
        f"{NUMBERED}"
    )
    return [
        Section(f"Most confident: {label}", lead, header=_header(figures), rows=_list_rows(figures, rows))
        for label in _order(dict.fromkeys(figures["most_confident"], 0))
        if (rows := figures["most_confident"][label])
    ]


def _list_conflicted(figures: Mapping[str, Any]) -> Section:
    by, rows = figures["most_conflicted"]["by"], figures["most_conflicted"]["rows"]
    title = "Most conflicted rows"
    if not rows:
        return Section(title, "No row has a conflict, or a label with a confidence.")
    if by == "conflict":
        lead = (
            "Rows whose modalities, such as text and face, disagree most. Conflict is the Jensen–Shannon "
            "divergence between their answers: 0 where they are the same, 1 where they share nothing."
        )
        return Section(
            title, lead, header=_header(figures, "conflict"), rows=_list_rows(figures, rows, "conflict")
        )
    lead = (
        "No row has modalities that disagree. These are the rows with mixed feelings, and then those whose "
        "label was the closest call, the least confident first."
    )
    return Section(title, lead, header=_header(figures), rows=_list_rows(figures, rows))


def _header(figures: Mapping[str, Any], *more: str) -> list[str]:
    answers = [name for name in _ANSWERS if f"emofuse_{name}" in figures["outputs"]]
    return ["row", *more, *figures["columns"]["shown"], *answers]


def _list_rows(figures: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *more: str) -> list[list[Any]]:
    answers = [name for name in _ANSWERS if f"emofuse_{name}" in figures["outputs"]]
    return [
        [
            _count(own["row"]),
            *(own[name] for name in more),
            *own["shown"].values(),
            *(_tell_answer(own, name) for name in answers),
        ]
        for own in rows
    ]


def _tell_answer(own: Mapping[str, Any], name: str) -> str:
    confidence = own.get(f"{name}_confidence")
    # A label and its figure stand on one line.
    answer = "\N{NO-BREAK SPACE}".join(
        [*([own[name]] if name in own else []), *([] if confidence is None else [f"{confidence:.3f}"])]
    )
    return f"{answer} (mixed)" if name == "sentiment" and own.get("mixed") else answer


def _order(labels: Mapping[str, int]) -> list[str]:
    if set(labels) <= set(_SENTIMENTS):
        return [label for label in _SENTIMENTS if label in labels]
    return sorted(labels, key=lambda label: (-labels[label], label))


def _share(counts: Mapping[str, int], label: str) -> float:
    total = sum(counts.values())
    return counts.get(label, 0) / total if total else math.nan


def _interval(n: int, total: int) -> Amount:
    if not total:
        return Amount("–")
    if total >= FEW:
        return _percent(n, total)
    ends = binomtest(n, total).proportion_ci(method="wilson")
    return Amount(f"{100 * n / total:.0f} % ({100 * ends.low:.0f}–{100 * ends.high:.0f})")


def _count(n: int) -> Amount:
    return Amount(f"{n:,}")


def _percent(n: int, total: int) -> Amount:
    return Amount(f"{100 * n / total:.1f} %")


def _of(n: int, total: int) -> str:
    return f"{n:,} ({100 * n / total:.1f} %)" if total else f"{n:,}"


def _left_out(title: str, *columns: str) -> Section:
    return Section(title, f"Left out, since the table has no column {' or '.join(columns)}.")
