import pytest
from markupsafe import escape

from emofuse.demo.record import Entry, Record
from emofuse.demo.track_view import show_record
from emofuse.tracking import Tracker

LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")


def make_record(turns, text="hello"):
    tracker, record = Tracker(), Record("turns")
    for label, speaker in turns:
        said = {own: float(own == label) for own in LABELS}
        record.add(Entry(tracker.update(said, speaker=speaker), text=text))
    return record


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '" onload="alert(1)', "'><img src=x>"])
def test_what_people_write_is_never_html(evil):
    shown = show_record(make_record([("joy", evil)] * 2 + [("anger", evil)] * 3, evil), evil)

    assert evil not in shown
    assert str(escape(evil)) in shown


def test_events_stand_in_the_chart_and_in_the_list():
    shown = show_record(make_record([("joy", "ann")] * 2 + [("anger", "ann")] * 2))

    assert "turn 3, ann: <strong>escalating anger</strong>" in shown
    assert "turn 4, ann: <strong>shift to anger</strong>" in shown
    assert shown.count("<svg") == shown.count("<title>") == 8
    assert ">none</em>" in shown.partition("sustained sadness")[2][:80]


def test_while_it_grows_there_is_no_table():
    record = make_record([("joy", None)] * 3)

    assert "<table" in show_record(record)
    assert "<table" not in show_record(record, live=True)


def test_what_was_dropped_is_said():
    record = make_record([("joy", None)] * 3)
    record.dropped = 5

    assert "Only the last 3 are shown; the 5 before them were dropped." in show_record(record)
    assert "dropped" not in show_record(make_record([("joy", None)]))
