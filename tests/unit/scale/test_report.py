import csv
import json
import pickle
import re
from html.parser import HTMLParser

import pytest
from scipy.stats import binomtest

from emofuse.errors import ConfigError, CorpusFormatError, CorpusNotFoundError
from emofuse.scale import report_dates
from emofuse.scale.report import write_report
from emofuse.scale.report_dates import Timeline, read_days
from emofuse.scale.report_tally import GROUPS, LABELS, OTHER, Columns, Tally

ANSWER = (
    "emofuse_emotion",
    "emofuse_emotion_confidence",
    "emofuse_sentiment",
    "emofuse_sentiment_confidence",
    "emofuse_mixed",
    "emofuse_conflict",
    "emofuse_abstained",
    "emofuse_error",
)
HEADER = ("date", "store", "text", *ANSWER)
ROWS = [
    ("2024-01-01", "Berlin", "good", "joy", "0.9", "positive", "0.8", "false", "", "false", ""),
    ("2024-01-02", "Berlin", "bad", "anger", "0.7", "negative", "0.6", "true", "", "false", ""),
    ("2024-01-02", "Graz", "good", "joy", "0.9", "positive", "0.8", "false", "", "false", ""),
    ("2024-01-05", "", "so so", "neutral", "0.31", "neutral", "0.5", "false", "", "true", ""),
    ("some day", "Graz", "fine", "joy", "0.5", "positive", "1.0", "false", "", "false", ""),
    ("", "Graz", "", "", "", "", "", "", "", "", "empty_text"),
]


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.names, self.loads = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "xlink:href", "action")]


def write_table(path, rows, header=HEADER):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\n")
        writer.writerows([header, *rows])
    return path


def as_values(rows):
    """The same rows as JSON and Parquet hold them."""
    kinds = {"true": True, "false": False, "": None}
    numbers = {name for name in ANSWER if name.endswith(("confidence", "conflict"))}
    for row in rows:
        cells = {name: kinds.get(cell, cell) for name, cell in zip(HEADER, row, strict=True)}
        yield {k: float(v) if k in numbers and v is not None else v for k, v in cells.items()}


def report(path, folder, **columns):
    write_report(path, folder, **columns)
    return json.loads((folder / "report.json").read_text()), (folder / "report.html").read_text()


def everything(path, folder):
    return report(path, folder, date_column="date", group_columns=["store"], show_columns=["text"])


def answer(sentiment="positive", confidence=0.5, emotion="joy", **more):
    own = {"emofuse_emotion": emotion, "emofuse_sentiment": sentiment}
    return own | {"emofuse_sentiment_confidence": str(confidence)} | more


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("table") / "scored.csv", ROWS)


@pytest.fixture(scope="module")
def small(table):
    return everything(table, table.parent / "out")


def test_the_figures_of_a_small_table(small):
    figures, page = small
    total = figures["total"]
    assert (total["rows"], total["errors"], total["abstained"], total["mixed"]) == (6, 1, 1, 1)
    assert total["emotion"]["labels"] == {"joy": 3, "anger": 1, "neutral": 1}
    assert total["sentiment"]["labels"] == {"positive": 3, "negative": 1, "neutral": 1}
    assert total["emotion"]["mean_confidence"] == pytest.approx((0.9 + 0.7 + 0.9 + 0.31 + 0.5) / 5)
    assert figures["errors"] == {"empty_text": {"rows": 1, "first_row": 6}}
    assert figures["confidence"]["sentiment"] == [0] * 10 + [1, 0, 1, 0, 0, 0, 2, 0, 0, 1]
    assert "3 (60.0 %)" in page
    assert "1 (16.7 %)" in page  # errors
    assert "texts, paths or names out of your data" in page


def test_the_figures_of_groups(small):
    figures, page = small
    (store,) = figures["groups"]
    assert [(own["name"], own["rows"], own["errors"]) for own in store["groups"]] == [
        ("Graz", 3, 1),
        ("Berlin", 2, 0),
        (None, 1, 0),
    ]
    assert store["groups"][0]["sentiment"]["labels"] == {"positive": 2}
    assert store["groups"][1]["sentiment"]["mean_confidence"] == pytest.approx(0.7)
    assert store["pooled"] is None
    ends = binomtest(1, 2).proportion_ci(method="wilson")
    assert f"50 % ({100 * ends.low:.0f}–{100 * ends.high:.0f})" in page


def test_the_figures_over_time(small):
    figures, page = small
    timeline = figures["timeline"]
    assert timeline["width"] == "day"
    assert [(own["start"], own["n"]) for own in timeline["bins"]] == [
        ("2024-01-01", 1),
        ("2024-01-02", 2),
        ("2024-01-05", 1),
    ]
    assert timeline["bins"][1]["sentiment"] == {"negative": 1, "positive": 1}
    assert (timeline["dated"], timeline["unreadable"], timeline["empty"]) == (4, 1, 0)
    assert "1 row has a date that cannot be read, such as &#39;some day&#39;." in page


def test_the_lists_of_rows(small):
    figures, _ = small
    positive = figures["most_confident"]["positive"]
    assert [(own["row"], own["shown"]) for own in positive] == [(5, {"text": "fine"}), (1, {"text": "good"})]
    assert figures["most_conflicted"]["by"] == "mixed"
    assert [own["row"] for own in figures["most_conflicted"]["rows"]] == [2, 4, 1, 5]


def test_conflict_leads_where_modalities_disagree(tmp_path):
    tally = Tally(Columns())
    for number, conflict in enumerate(["0.2", "0.9", "", "0.0"], 1):
        tally.add(number, answer(emofuse_conflict=conflict, emofuse_mixed="true"))
    found = tally.to_dict()["most_conflicted"]
    assert (found["by"], [own["row"] for own in found["rows"]]) == ("conflict", [2, 1])


def test_lists_keep_the_best_of_many_in_order():
    tally = Tally(Columns(shown=["text"]))
    for number in range(1, 1001):
        tally.add(number, answer(confidence=number * 617 % 1000 / 1000, text=f"text {number}"))
    found = tally.to_dict()["most_confident"]["positive"]
    assert [own["sentiment_confidence"] for own in found] == [(999 - i) / 1000 for i in range(20)]


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet", ".CSV"])
def test_every_format_gives_the_same_figures(table, small, tmp_path, suffix):
    other = tmp_path / f"scored{suffix}"
    if suffix == ".jsonl":
        other.write_text("".join(json.dumps(row) + "\n" for row in as_values(ROWS)))
    elif suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist(list(as_values(ROWS))), other)
    else:
        write_table(other, ROWS) if suffix == ".tsv" else other.write_bytes(table.read_bytes())
    if suffix == ".tsv":
        assert "\t" in other.read_text()
    figures, page = everything(other, tmp_path / "other")
    expected, expected_page = small
    assert figures | {"table": ""} == expected | {"table": ""}
    assert page.replace(other.name, "") == expected_page.replace(table.name, "")


def test_nothing_of_the_data_becomes_markup(tmp_path):
    script, image = "<script>alert(1)</script>", "<img src=x onerror=alert(1)>"
    answer = ("joy", "0.9", "positive", "0.8", "true", "0.5", "false", "")
    rows = [
        (script, script, script, *answer),
        (image, image, image, *answer),
        ("", "", "", *[""] * 7, script),
    ]
    rows.append(("2024-01-01", "東京 🙂", "x", image, "0.4", script, "0.4", "false", "", "false", ""))
    figures, page = everything(write_table(tmp_path / "<b>.csv", rows), tmp_path / "out")
    tags = Tags(page)
    assert not tags.names & {"script", "img", "b", "link", "iframe", "object"}
    assert all(value.startswith("#") for value in tags.loads)
    assert not re.search(r"url\((?!#)|@import", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert figures["total"]["sentiment"]["labels"][script] == 1


def test_bytes_that_could_not_be_decoded_are_replaced(tmp_path):
    path = write_table(tmp_path / "scored.csv", ROWS[:1])
    path.write_bytes(path.read_bytes().replace(b"Berlin", b"K\xf6ln"))
    figures, page = everything(path, tmp_path / "out")
    assert figures["groups"][0]["groups"][0]["name"] == "K\ufffdln"
    assert "K\ufffdln" in page


def test_half_a_surrogate_pair_is_written(tmp_path):
    path = tmp_path / "scored.jsonl"
    path.write_text(json.dumps(answer(store="\ud800", text="\ud800")) + "\n")
    figures, _ = report(path, tmp_path / "out", group_columns=["store"], show_columns=["text"])
    assert figures["groups"][0]["groups"][0]["name"] == "?"


def test_groups_beyond_the_bound_are_pooled_and_memory_stays_flat():
    def fill(tally, first, last):
        for i in range(first, last):
            date = f"{1900 + i % 200}-{i % 12 + 1:02}-{i % 28 + 1:02}"
            more = {"user": f"user {i}", "date": date, "text": f"{i} " + "x" * 1000}
            tally.add(i, answer(confidence=i % 997 / 1000, **more))

    tally = Tally(Columns("date", ["user"], ["text"]))
    fill(tally, 1, 50_001)
    half = len(pickle.dumps(tally))
    fill(tally, 50_001, 100_001)
    assert len(pickle.dumps(tally)) < 1.1 * half
    (user,) = tally.to_dict()["groups"]
    assert len(user["groups"]) == GROUPS
    assert user["pooled"]["rows"] == 100_000 - GROUPS
    assert sum(own["rows"] for own in user["groups"]) == GROUPS


def test_labels_beyond_the_bound_are_pooled():
    tally = Tally(Columns())
    for i in range(LABELS + 5):
        tally.add(i + 1, answer(emotion=f"label {i}"))
    labels = tally.to_dict()["total"]["emotion"]["labels"]
    assert (len(labels), labels[OTHER]) == (LABELS + 1, 5)


def test_the_page_says_that_groups_were_pooled(tmp_path):
    rows = [("", f"store {i:04}", "x", *ROWS[0][3:]) for i in range(GROUPS + 7)]
    path = write_table(tmp_path / "scored.csv", rows)
    _, page = report(path, tmp_path / "out", group_columns=["store"])
    assert f"(rows of values beyond the first {GROUPS:,})" in page
    assert f"The 50 largest of {GROUPS:,} groups are listed" in page


@pytest.mark.parametrize("content", ["", ",".join(HEADER) + "\n"])
def test_a_table_without_rows(tmp_path, content):
    path = tmp_path / "scored.csv"
    path.write_text(content)
    figures, page = everything(path, tmp_path / "out")
    assert figures["total"]["rows"] == 0
    assert "The table holds no row" in page


def test_a_table_of_errors_alone(tmp_path):
    rows = [("2024-01-01", "Graz", "", *[""] * 7, "empty_text")] * 3
    figures, page = everything(write_table(tmp_path / "scored.csv", rows), tmp_path / "out")
    assert figures["errors"] == {"empty_text": {"rows": 3, "first_row": 1}}
    assert figures["total"]["sentiment"] == {"n": 0, "labels": {}, "mean_confidence": None}
    assert "No row has a label of emotion." in page
    assert "0 (0.0 %)" in page


def test_a_column_without_any_date(tmp_path):
    rows = [("soon", *row[1:]) for row in ROWS]
    figures, page = everything(write_table(tmp_path / "scored.csv", rows), tmp_path / "out")
    assert figures["timeline"]["bins"] == []
    assert figures["timeline"]["unreadable"] == 5
    assert "No row has a date in &#39;date&#39; that can be read." in page


def test_missing_columns_are_named(table, tmp_path):
    with pytest.raises(ConfigError, match=r"no column when, shop; it has date, store, text, emofuse_"):
        write_report(table, tmp_path, date_column="when", group_columns=["store", "shop"])
    plain = write_table(tmp_path / "plain.csv", [("1", "2")], header=("a", "b"))
    with pytest.raises(ConfigError, match="no column of `emofuse score`; it has a, b"):
        write_report(plain, tmp_path)


def test_columns_to_be_shown_that_are_not_there_are_left_out(table, tmp_path):
    figures, _ = report(table, tmp_path / "out", show_columns=["words", "text"])
    assert figures["columns"]["shown"] == ["text"]


def test_missing_parquet_columns_are_named(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "scored.parquet"
    parquet.write_table(pa.Table.from_pylist([answer()]), path)
    with pytest.raises(ConfigError, match="no column store; it has emofuse_emotion"):
        write_report(path, tmp_path, group_columns=["store"])


def test_outputs_that_were_not_chosen_leave_their_sections_out(tmp_path):
    path = write_table(tmp_path / "scored.csv", [("joy",), ("anger",)], header=("emofuse_emotion",))
    figures, page = report(path, tmp_path / "out")
    assert figures["total"]["emotion"]["labels"] == {"anger": 1, "joy": 1}
    assert "Left out, since the table has no column emofuse_sentiment." in page
    assert "Left out, since the table has no column emofuse_error." in page
    assert "privacy" not in page


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("emofuse_sentiment_confidence", "high", "a number from 0 to 1, not 'high'"),
        ("emofuse_sentiment_confidence", "1.5", "a number from 0 to 1, not '1.5'"),
        ("emofuse_mixed", "yes", "true or false, not 'yes'"),
    ],
)
def test_cells_that_emofuse_does_not_write(column, value, said):
    with pytest.raises(CorpusFormatError, match=rf"Row 3: {column} must be {said}"):
        Tally(Columns()).add(3, answer() | {column: value})


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("scored.jsonl", b"{}\n{", "line 2: not valid JSON"),
        ("scored.jsonl", b"[1]\n", "line 1: expected a JSON object"),
        ("scored.csv", b'emofuse_emotion\n"joy', "line 2: not a CSV row"),
        ("scored.parquet", b"no", "is no Parquet file"),
    ],
)
def test_damaged_tables(tmp_path, name, content, error):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CorpusFormatError, match=error):
        write_report(path, tmp_path)


def test_tables_that_are_not_there_or_of_another_kind(tmp_path):
    with pytest.raises(CorpusNotFoundError, match="There is no file"):
        write_report(tmp_path / "none.csv", tmp_path)
    (tmp_path / "scored.xlsx").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"must end in one of \.csv"):
        write_report(tmp_path / "scored.xlsx", tmp_path)


def test_a_folder_that_cannot_be_written(table):
    with pytest.raises(ConfigError, match="Cannot write to"):
        write_report(table, table / "out")


@pytest.mark.parametrize(
    "cell",
    [
        "2024-03-04",
        "2024-03-04T23:59:59.5-05:00",
        "20240304",
        "2024/03/04 10:00",
        "4 March 2024",
        "March 4, 2024 3:04 PM",
        "Mon, 04 Mar 2024 08:12:31 +0200",
        "Mon Mar 04 22:19:45 PST 2024",
        "1709510400",
        "1709510400000",
    ],
)
def test_dates_that_can_be_read(cell):
    assert [day.isoformat() for day in read_days(cell)] == ["2024-03-04"] * 2


@pytest.mark.parametrize(
    "cell", ["12", "May", "Monday", "hello", "2024-02-30", "0.5", "x" * 100, "99/99/2024"]
)
def test_dates_that_cannot_be_read(cell):
    assert read_days(cell) == (None, None)


@pytest.mark.parametrize(
    ("cells", "order", "starts", "unreadable"),
    [
        (["3/4/2024"], "month first", ["2024-03-04"], 0),
        (["3/4/2024", "13/4/2024"], "day first", ["2024-04-03", "2024-04-13"], 0),
        (
            ["3.4.24", "4.13.24", "13.4.24", "5.13.24"],
            "month first",
            ["2024-03-04", "2024-04-13", "2024-05-13"],
            1,
        ),
    ],
)
def test_the_order_of_day_and_month_is_that_of_the_column(cells, order, starts, unreadable):
    timeline = Timeline()
    for cell in cells:
        timeline.add(cell, "joy", "positive")
    found = timeline.to_dict()
    assert (found["order"], found["unreadable"]) == (order, unreadable)
    assert sorted(own["start"] for own in found["bins"]) == starts or found["width"] != "day"
    assert sum(own["n"] for own in found["bins"]) == len(starts)


@pytest.mark.parametrize(
    ("last", "width", "bins"),
    [
        ("2024-03-02", "day", 2),
        ("2024-03-04", "week", 2),
        ("2025-06-01", "month", 2),
        ("2035-01-01", "year", 2),
    ],
)
def test_the_width_of_a_bin_follows_the_span(last, width, bins):
    timeline = Timeline()
    for cell in ("2024-01-01", last):
        timeline.add(cell, None, "positive")
    found = timeline.to_dict()
    assert (found["width"], len(found["bins"])) == (width, bins)


def test_rows_dated_far_away_do_not_stretch_the_plot():
    timeline = Timeline()
    for i in range(1000):
        timeline.add("1970-01-01" if i % 200 == 0 else f"2024-01-{i % 28 + 1:02}", "joy", "positive")
    found = timeline.to_dict()
    assert (found["width"], found["outside"], found["dated"]) == ("day", 5, 1000)


def test_days_become_months_beyond_the_bound(monkeypatch):
    monkeypatch.setattr(report_dates, "ENTRIES", 50)
    timeline = Timeline()
    for i in range(300):
        timeline.add(f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}", "joy", "positive")
    found = timeline.to_dict()
    assert found["width"] == "month"
    assert [own["n"] for own in found["bins"]] == [25] * 12
