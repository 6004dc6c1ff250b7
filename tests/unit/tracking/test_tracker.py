import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emofuse import Emotion, ErrorEntry, Prediction, Sentiment, Tracker, load_taxonomy
from emofuse.errors import BadTurnError, ConfigError, TrackerStateError
from emofuse.tracking import Alarms, Hysteresis

LABELS = load_taxonomy("ekman7").labels


def sure(label, p=1.0):
    return {own: p if own == label else (1 - p) / 6 for own in LABELS}


def prediction(label, *, abstained=False, sentiment="neutral"):
    emotion = Emotion(label, 1.0, "ekman7", sure(label))
    signs = dict.fromkeys(("negative", "neutral", "positive"), 0.0) | {sentiment: 1.0}
    return Prediction("0", emotion, Sentiment(sentiment, 1.0, "sentiment3", signs), abstained=abstained)


FAILED = Prediction("0", error=ErrorEntry("empty_text", "No text."))


def feed(tracker, labels, **named):
    return [tracker.update(sure(label), **named) for label in labels]


distributions = st.lists(st.floats(0.001, 1), min_size=7, max_size=7).map(
    lambda own: dict(zip(LABELS, (np.array(own) / sum(own)).tolist(), strict=True))
)
turns = st.lists(
    st.tuples(distributions, st.floats(0, 100), st.sampled_from([None, "ann", "bob", "cem"])), max_size=25
)


@pytest.mark.parametrize(("unit", "times"), [("turns", [None] * 4), ("seconds", [10.0, 13.0, 16.0, 19.0])])
def test_after_a_half_life_half_of_the_weight_is_left(unit, times):
    tracker = Tracker(half_life=3.0, unit=unit)
    tracker.update(sure("joy"), time=times[0])
    states = [tracker.update(sure("anger"), time=time) for time in times[1:]]
    # Turn by turn three turns halve; in seconds each of the steps is a half-life.
    expected = [2 ** (-(i + 1) / 3) if unit == "turns" else 0.5 ** (i + 1) for i in range(3)]
    assert [state.emotion["joy"] for state in states] == pytest.approx(expected)
    assert [state.emotion["anger"] for state in states] == pytest.approx([1 - own for own in expected])


def test_uneven_steps_weigh_as_one_would_over_the_same_time():
    uneven, even = (Tracker(half_life=4.0, unit="seconds") for _ in range(2))
    for tracker, times in ((uneven, (0.5, 3.0, 3.1, 8.0)), (even, (8.0,))):
        tracker.update(sure("joy"), time=0)
        for time in times:
            state = tracker.update(sure("fear"), time=time)
        assert state.emotion["joy"] == pytest.approx(0.25)


def test_the_same_second_again_changes_nothing():
    tracker = Tracker(unit="seconds")
    tracker.update(sure("joy"), time=5)
    assert tracker.update(sure("fear"), time=5).emotion == sure("joy")


def test_an_abstained_prediction_counts_half_and_a_failed_one_not_at_all():
    tracker = Tracker(half_life=1.0)
    tracker.update(prediction("joy"))
    assert tracker.update(prediction("anger", abstained=True)).emotion["anger"] == pytest.approx(0.25)
    failed = tracker.update(FAILED)
    assert (failed.turn, failed.raw, failed.events) == (3, None, ())
    assert failed.emotion["anger"] == pytest.approx(0.25)
    # Two turns have passed since anything was read: the next one counts 3/4.
    assert tracker.update(prediction("anger")).emotion["anger"] == pytest.approx(0.25 / 4 + 0.75)


def test_nothing_read_yet_is_none():
    state = Tracker().update(FAILED, speaker="ann")
    assert (state.label, state.emotion, state.sentiment, state.trend) == (None, None, None, None)
    assert state.conversation == type(state.conversation)(None, None, None, None, ())


@given(turns)
def test_mass_is_conserved(stream):
    tracker = Tracker()
    for emotion, _, speaker in stream:
        state = tracker.update(emotion, speaker=speaker)
        for mood in (state, state.conversation):
            for values in (mood.emotion, mood.sentiment):
                assert sum(values.values()) == pytest.approx(1)
                assert min(values.values()) >= 0


@given(turns, st.integers(0, 24), st.sampled_from(["turns", "seconds"]))
def test_saved_in_the_midst_it_goes_on_as_if_it_had_not_been(stream, at, unit):
    time, whole = 0.0, Tracker(unit=unit, window=3, max_speakers=2, hysteresis=Hysteresis(0.02, 2))
    other = whole
    for number, (emotion, wait, speaker) in enumerate(stream):
        time += wait
        if number == at:
            other = Tracker.restore(json.loads(json.dumps(whole.save())))
        expected = whole.update(emotion, time=time, speaker=speaker)
        if other is not whole:
            assert other.update(emotion, time=time, speaker=speaker) == expected
    assert other.save() == whole.save()


@given(turns)
def test_speakers_do_not_disturb_each_other(stream):
    together, alone = Tracker(), Tracker()
    for emotion, _, speaker in stream:
        state = together.update(emotion, speaker=speaker)
        if speaker == "ann":
            own = alone.update(emotion, speaker="ann")
            assert (state.emotion, state.label, state.trend, state.events) == (
                own.emotion,
                own.label,
                own.trend,
                own.events,
            )


@given(turns)
def test_the_conversation_is_one_stream_without_speakers(stream):
    named, nameless = Tracker(), Tracker()
    for emotion, _, speaker in stream:
        state = nameless.update(emotion)
        assert named.update(emotion, speaker=speaker).conversation == state.conversation
        assert state.emotion == state.conversation.emotion


def test_another_label_must_lead_by_the_margin_and_for_as_many_turns():
    quiet = Alarms(anger_level=1.0)
    tracker = Tracker(half_life=1.0, hysteresis=Hysteresis(margin=0.6, updates=2), alarms=quiet)
    states = feed(tracker, ["joy"] + ["anger"] * 5)
    # anger leads by 0, .5, .75, .875, ...: the third of them is the first lead that is large enough.
    assert [state.label for state in states] == ["joy"] * 4 + ["anger"] * 2
    assert [state.raw for state in states] == ["joy"] + ["anger"] * 5
    assert [state.events for state in states] == [()] * 4 + [("shift",), ()]


def test_a_single_outlier_is_no_shift():
    states = feed(Tracker(half_life=1.0, hysteresis=Hysteresis(0.1, 2)), ["joy", "joy", "fear", "joy", "joy"])
    assert {state.label for state in states} == {"joy"}
    assert not any(state.events for state in states)


def test_two_rivals_do_not_lead_together():
    tracker = Tracker(half_life=0.2, hysteresis=Hysteresis(0.1, 2))
    states = feed(tracker, ["joy", "fear", "anger", "fear", "anger", "anger"])
    assert [state.label for state in states] == ["joy"] * 5 + ["anger"]


def test_anger_that_rises_is_told_once():
    tracker = Tracker(half_life=1.0, window=3, alarms=Alarms(anger_level=0.6, anger_rise=0.3))
    states = feed(tracker, ["joy"] + ["anger"] * 6)
    assert ["escalating_anger" in state.events for state in states] == [False, False, True] + [False] * 4
    # After it has gone, .98 to .12, it may rise again.
    states = feed(tracker, ["joy"] * 3 + ["anger"] * 2)
    assert ["escalating_anger" in state.events for state in states][-1] is True


def test_an_alarm_with_a_low_level_sounds_again_too():
    tracker = Tracker(half_life=1.0, window=3, alarms=Alarms(anger_level=0.2, anger_rise=0.1))
    states = feed(tracker, ["joy", "anger", *["joy"] * 3, "anger", "joy", "anger"])
    # .5, .25, .125, .06 is below half of .2; .53, .27 is not.
    sounded = ["escalating_anger" in state.events for state in states]
    assert sounded == [False, True, False, False, False, True, False, False]


def test_anger_from_the_first_turn_on_does_not_rise():
    states = feed(Tracker(), ["anger"] * 10)
    assert not any(state.events for state in states)


def test_sadness_must_last_a_window():
    tracker = Tracker(half_life=1.0, window=3, alarms=Alarms(sadness_level=0.7))
    states = feed(tracker, ["joy"] + ["sadness"] * 5)
    # .5, .75, .875, .9375: three of them from the fourth sad turn on.
    assert ["sustained_sadness" in state.events for state in states] == [False] * 4 + [True, False]


def test_the_trend_is_the_slope_of_the_valence():
    tracker = Tracker(unit="seconds", window=3)
    signs = ["negative", "neutral", "positive", "positive"]
    states = [
        tracker.update(prediction("joy", sentiment=sign), time=time)
        for sign, time in zip(signs, (1.7e9, 1.7e9 + 2, 1.7e9 + 4, 1.7e9 + 10), strict=True)
    ]
    assert states[0].trend is None
    assert [state.trend for state in states[1:3]] == pytest.approx([0.5, 0.5])
    # (2, 0), (4, 1), (10, 1): times -10/3, -4/3, 14/3 around their mean.
    assert states[3].trend == pytest.approx((-4 / 3 + 14 / 3) / (100 + 16 + 196) * 9)


def test_memory_is_bounded():
    tracker = Tracker(window=4, max_speakers=3)
    for turn in range(60):
        tracker.update(sure("joy"), speaker=f"s{turn % 20}" if turn < 40 else f"s{turn % 3}")
    assert tracker.speakers == ("s0", "s1", "s2")
    saved = tracker.save()
    assert len(saved["speakers"]) == 3
    assert {len(own[part]) for _, own in saved["speakers"] for part in ("valences", "levels")} == {4}


def test_a_long_stream_takes_no_more_memory_than_a_short_one():
    tracker = Tracker(max_speakers=10)
    emotions = [sure(label, 0.7) for label in LABELS]

    def go(start, end):
        for turn in range(start, end):
            tracker.update(emotions[turn % 7], time=turn, speaker=f"speaker {turn % 1000}")

    go(0, 500)
    tracemalloc.start()
    go(500, 1000)
    before, _ = tracemalloc.get_traced_memory()
    go(1000, 4000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Ten bytes a turn, less than any object; other threads of the process allocate some.
    assert after - before < 30_000


def test_whoever_was_silent_longest_is_forgotten():
    tracker = Tracker(max_speakers=2)
    for speaker in ("ann", "bob", "ann", "cem"):
        tracker.update(sure("joy"), speaker=speaker)
    assert tracker.speakers == ("ann", "cem")
    assert tracker.update(sure("fear"), speaker="bob").emotion == sure("fear")
    assert tracker.update(sure("fear"), speaker="cem").emotion != sure("fear")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"time": 4.0}, "backwards, from 5 to 4"),
        ({"time": math.nan}, "finite"),
        ({"time": math.inf}, "finite"),
        ({"time": 10**400}, "finite"),
        ({"time": "6"}, "finite"),
        ({"time": True}, "finite"),
        ({}, "in seconds needs the time"),
        ({"time": 6, "speaker": 3}, "a name, not 3"),
        ({"time": 6, "speaker": ""}, "a name"),
        ({"time": 6, "speaker": ["ann"]}, "a name"),
    ],
)
def test_a_bad_turn_is_refused_and_changes_nothing(named, said):
    tracker = Tracker(unit="seconds")
    tracker.update(sure("joy"), time=5, speaker="ann")
    before = tracker.save()
    with pytest.raises(BadTurnError, match=said):
        tracker.update(sure("anger"), **named)
    assert tracker.save() == before


@pytest.mark.parametrize(
    "settings",
    [
        {"half_life": 0},
        {"half_life": -1.0},
        {"half_life": math.nan},
        {"half_life": math.inf},
        {"unit": "hours"},
        {"window": 1},
        {"max_speakers": 0},
        {"hysteresis": Hysteresis(updates=0)},
        {"hysteresis": Hysteresis(margin=-0.1)},
        {"alarms": Alarms(anger_level=1.5)},
        {"alarms": Alarms(sadness_level=math.nan)},
    ],
)
def test_settings_out_of_range(settings):
    with pytest.raises(ConfigError):
        Tracker(**settings)


def damaged(**changes):
    tracker = Tracker()
    tracker.update(sure("joy"), speaker="ann")
    saved = tracker.save()
    return saved | {"conversation": saved["conversation"] | changes}


@pytest.mark.parametrize(
    "saved",
    [
        None,
        [],
        {},
        {"schema": "emofuse.tracker/99"},
        {"schema": "emofuse.tracker/1"},
        Tracker().save() | {"settings": {}},
        Tracker().save() | {"settings": Tracker().save()["settings"] | {"half_life": -1}},
        Tracker().save() | {"speakers": [["ann"]]},
        damaged(emotion=[1.0]),
        damaged(label="bored"),
        damaged(valences=[["a", "b"]]),
        damaged(clock=None),
    ],
)
def test_what_is_no_saved_tracker_is_refused(saved):
    with pytest.raises(TrackerStateError, match="Start anew"):
        Tracker.restore(saved)
    assert Tracker.restore(damaged()).save() == damaged()


def test_the_json_form():
    tracker = Tracker(half_life=1.0)
    tracker.update(sure("joy"), speaker="ann", time=1)
    found = json.loads(json.dumps(tracker.update(sure("anger", 0.4), speaker="ann", time=2.5).to_dict()))
    assert list(found)[:5] == ["schema", "turn", "time", "speaker", "raw"]
    assert (found["turn"], found["time"], found["speaker"], found["raw"]) == (2, 2.5, "ann", "anger")
    assert found["emotion"]["anger"] == 0.2
    assert found["emotion"]["joy"] == 0.55
    assert found["events"] == []
    assert set(found["conversation"]) == {"label", "emotion", "sentiment", "trend", "events"}
