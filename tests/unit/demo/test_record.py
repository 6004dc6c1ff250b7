import csv
import io

import pytest

from emofuse.demo.record import KEPT, Entry, Record, write_csv
from emofuse.tracking import Tracker

LABELS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")


def track(*turns):
    """Entries of turns that say one emotion each, given as (label, speaker)."""
    tracker = Tracker()
    for label, speaker in turns:
        yield Entry(tracker.update({own: float(own == label) for own in LABELS}, speaker=speaker))


def read_csv(entries):
    return list(csv.DictReader(io.StringIO(write_csv(entries), newline="")))


def test_one_row_for_each_turn_and_two_moods_in_each():
    first, second = read_csv(track(("joy", "ann"), ("anger", "bob")))

    assert (first["turn"], first["time_s"], first["speaker"], first["raw"]) == ("1", "", "ann", "joy")
    assert (second["label"], second["conversation_label"]) == ("anger", "joy")
    # Half a turn is the half-life: a reading one turn later weighs three quarters.
    assert (float(second["emotion_anger"]), float(second["conversation_emotion_anger"])) == (1, 0.75)
    assert (first["events"], second["conversation_events"]) == ("", "escalating_anger")
    shares = [float(second[f"conversation_sentiment_{own}"]) for own in ("negative", "neutral", "positive")]
    assert sum(shares) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1"])
def test_what_a_spreadsheet_takes_for_a_formula_is_none(text):
    [entry] = track(("joy", text))
    [row] = read_csv([Entry(entry.state, text=text, error=text)])

    assert [row[name] for name in ("speaker", "text", "error")] == [f"'{text}"] * 3
    assert float(row["emotion_anger"]) == 0


def test_every_text_comes_back(tmp_path):
    texts = ['He said "no", twice', "a;b,c", "two\nlines", "naïve 😀", "1 = 1"]
    [entry] = track(("joy", None))

    assert [row["text"] for row in read_csv(Entry(entry.state, text=own) for own in texts)] == texts


def test_a_failed_turn_has_no_label_of_its_own():
    tracker = Tracker()
    state = tracker.update({"error": {"message": "Empty."}})
    [row] = read_csv([Entry(state, error="Empty.")])

    assert (row["raw"], row["label"], row["emotion_joy"], row["error"]) == ("", "", "", "Empty.")


def test_the_last_are_kept_and_speakers_stand_in_order():
    record = Record("turns")
    for entry in track(*[("joy", "old")] * 3, *[("joy", None), ("joy", "cy")] * (KEPT // 2)):
        record.add(entry)

    assert (len(record.entries), record.dropped) == (KEPT, 3)
    assert record.speakers == ("cy",)
    assert record.entries[0].state.turn == 4
