import pytest

from emofuse.demo.record import Entry, Record
from emofuse.demo.timeline import MOST_POINTS, MOST_ROWS, draw_timeline
from emofuse.tracking import Tracker

LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")


def record_turns(*turns, unit="turns"):
    """What a tracker makes of turns that say one emotion each: (label or None, speaker, time)."""
    tracker, record = Tracker(unit=unit), Record(unit)
    for label, speaker, time in turns:
        said = {own: float(own == label) for own in LABELS} if label else {"error": {"code": "no_face"}}
        record.add(Entry(tracker.update(said, speaker=speaker, time=time)))
    return record


TURN = record_turns(
    ("joy", "ann", None), ("joy", "bob", None), ("anger", "ann", None), ("anger", "ann", None)
)


def lane(timeline, name):
    return next(own for own in timeline.lanes if own.name == name)


def test_chart_of_four_turns():
    timeline = draw_timeline(TURN)

    # Joy falls from 1 to 1/4, then to 1/16; each turn is a quarter of the chart, and y points down.
    assert lane(timeline, "joy").line == "0,0.0 125,0.0 375,0.0 625,75.0 875,93.8 1000,93.8"
    assert (lane(timeline, "joy").now, lane(timeline, "joy").most) == (0.0625, 1)
    assert [(own.label, own.start, own.length) for own in timeline.segments] == [
        ("joy", 0, 0.75),
        ("anger", 0.75, 0.25),
    ]
    assert [(own.number, own.event, own.at, own.label) for own in timeline.marks] == [
        (1, "escalating_anger", 0.625, "joy"),
        (2, "shift", 0.875, "anger"),
    ]
    assert timeline.ticks == ((1, 0.125), (2, 0.375), (3, 0.625), (4, 0.875))
    assert [own.name for own in timeline.lanes] == [*LABELS, "trend"]
    assert (timeline.mood.label, timeline.direction, timeline.count) == ("anger", "darkening", 4)


def test_chart_of_a_speaker_keeps_the_places_of_the_turns():
    ann, bob = draw_timeline(TURN, "ann"), draw_timeline(TURN, "bob")

    assert lane(ann, "joy").line == "0,0.0 125,0.0 625,75.0 875,93.8 1000,93.8"
    assert lane(bob, "joy").line == "250,0.0 375,0.0 500,0.0"
    assert [(own.label, own.start, own.length) for own in bob.segments] == [("joy", 0.25, 0.75)]
    assert (bob.direction, bob.marks, bob.count) == ("no trend yet", (), 1)
    assert "trend" not in [own.name for own in bob.lanes]


def test_chart_in_seconds_is_to_scale():
    timeline = draw_timeline(
        record_turns(("joy", None, 10.0), ("joy", None, 11.0), ("joy", None, 13.0), unit="seconds")
    )

    # Two gaps of 1.5 s on average, and one more for the last frame: 4.5 s in all.
    assert lane(timeline, "joy").line == "0,0.0 111,0.0 444,0.0 833,0.0 1000,0.0"
    assert [value for value, _ in timeline.ticks] == [10, 11, 12, 13]
    assert [at for _, at in timeline.ticks] == pytest.approx([0, 2 / 9, 4 / 9, 6 / 9])


def test_only_the_end_is_shown_where_that_is_asked_for():
    frames = [("joy", None, float(i)) for i in range(100)]
    timeline = draw_timeline(record_turns(*frames, unit="seconds"), last_s=60)

    assert (timeline.count, [value for value, _ in timeline.ticks]) == (61, [40, 60, 80])


def test_nothing_read_is_no_chart():
    assert draw_timeline(Record("turns")) is None
    assert draw_timeline(record_turns((None, None, None))) is None
    assert draw_timeline(TURN, "cy") is None


def test_turns_before_the_first_reading_are_left_blank():
    timeline = draw_timeline(record_turns((None, None, None), ("joy", None, None)))

    assert lane(timeline, "joy").line == "500,0.0 750,0.0 1000,0.0"
    assert [row.state.raw for row, _ in timeline.rows] == [None, "joy"]


@pytest.mark.parametrize("time", [0.0, 7.5])
def test_frames_of_one_moment(time):
    frames = [("joy", None, time)] * 2
    timeline = draw_timeline(record_turns(*frames, unit="seconds"))

    assert lane(timeline, "joy").line == "0,0.0 250,0.0 750,0.0 1000,0.0"


def test_a_long_conversation_stays_a_small_page():
    timeline = draw_timeline(record_turns(*[("joy", "ann", None)] * 2000))

    assert len(lane(timeline, "joy").line.split()) <= MOST_POINTS + 2
    assert (len(timeline.rows), timeline.count) == (MOST_ROWS, 2000)
    assert [value for value, _ in timeline.ticks] == [500, 1000, 1500, 2000]
