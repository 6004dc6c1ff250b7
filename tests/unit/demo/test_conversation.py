import json

import pytest

from emofuse import Predictor, Sample, Tracker
from emofuse.demo.conversation import Conversation, parse_line
from emofuse.demo.pairs import EXAMPLES
from emofuse.demo.record import KEPT
from emofuse.errors import BadTurnError


@pytest.fixture(scope="module")
def predictor():
    return Predictor.load(["text_bilstm"], threads=1)


def talk(predictor, text):
    conversation = Conversation()
    conversation.read(predictor, text)
    return conversation


@pytest.mark.parametrize(
    ("line", "speaker", "text"),
    [
        ("ann: I am happy", "ann", "I am happy"),
        ("  Dr. Ann Lee :  well: yes ", "Dr. Ann Lee", "well: yes"),
        ("I am happy", None, "I am happy"),
        ("What I mean to say is: no", None, "What I mean to say is: no"),
        ("see https://example.org: it is good", None, "see https://example.org: it is good"),
        ("https://example.org", None, "https://example.org"),
        ("12:30 lunch", None, "12:30 lunch"),
        ("ann:", None, "ann:"),
        (f"{'a' * 41}: no", None, f"{'a' * 41}: no"),
        ("Зоя: привет", "Зоя", "привет"),
        ('{"text": "hi", "speaker": "bob", "time": 3}', "bob", "hi"),
        ('{"text": "half \\ud83d", "speaker": "\\ud83d"}', "?", "half ?"),
    ],
)
def test_lines(line, speaker, text):
    turn = parse_line(line)
    assert (turn.get("speaker"), turn["text"]) == (speaker, text)


@pytest.mark.parametrize("line", ["{", "{}", '{"text": 5}', '{"text": "hi", "time": NaN}'])
def test_what_begins_like_json_must_be_a_turn(line):
    with pytest.raises(BadTurnError):
        parse_line(line)


def test_the_example_turns_and_stays_there():
    found = talk(
        Predictor.load(threads=1), (EXAMPLES / "conversation.txt").read_text(encoding="utf-8")
    ).record

    assert (len(found.entries), found.speakers) == (12, ("Ann", "Ben"))
    labels = [entry.state.conversation.label for entry in found.entries]
    assert labels == ["joy"] * 7 + ["anger"] * 5


def test_pasted_streamed_and_tracked_by_hand_are_one(predictor):
    lines = ["ann: I am so happy", "I hate you", "bob: what a day", " "]
    pasted, streamed, tracker = talk(predictor, "\n".join(lines)), Conversation(), Tracker()
    for count in range(1, len(lines) + 1):
        assert streamed.is_begun_by("\n".join(lines[:count]))
        streamed.read(predictor, "\n".join(lines[:count]))
    for line, one, other in zip(lines, pasted.record.entries, streamed.record.entries, strict=False):
        turn = parse_line(line)
        [prediction] = predictor.predict([Sample(text=turn["text"])])
        state = tracker.update(prediction, speaker=turn.get("speaker"))
        assert state.to_dict() == other.state.to_dict()
        assert one.state.label == state.label
        assert one.state.emotion == pytest.approx(state.emotion, abs=1e-3)
    assert len(pasted.record.entries) == len(streamed.record.entries) == 3


def test_lines_that_are_no_turns_are_named_and_the_others_read(predictor):
    lines = [
        "fine",
        "{",
        '{"text": "fine", "speaker": 5}',
        '{"text": "a", "time": 2}',
        '{"text": "b", "time": 1}',
    ]
    conversation = talk(predictor, "\n".join([*lines, "", "{}"]))

    assert (conversation.refused, len(conversation.record.entries)) == (4, 2)
    assert [words.partition(":")[0] for words in conversation.problems] == [
        "Line 2",
        "Line 6",
        "Line 3",
        "Line 5",
    ]
    assert "Time goes backwards" in conversation.problems[-1]


def test_predictions_are_taken_as_they_are(predictor):
    [own] = predictor.predict([Sample(text="I am so happy")])
    failed = json.dumps({"error": "gone"}), json.dumps({"error": {"message": "half \ud83d"}})
    conversation = talk(predictor, "\n".join([json.dumps(own.to_dict() | {"speaker": "ann"}), *failed]))

    first, *others = conversation.record.entries
    assert (first.state.raw, first.state.speaker, first.error) == (own.emotion.label, "ann", None)
    assert [entry.error for entry in others] == ["gone", "half ?"]


def test_a_text_that_cannot_be_read_is_a_turn_all_the_same(predictor):
    first, second = talk(predictor, "I am so happy\nann: \x00").record.entries

    assert "no visible character" in second.error
    assert second.state.conversation.emotion == first.state.emotion


def test_lines_count_as_read_once_they_were(predictor):
    class Broken:
        def predict(self, samples):
            raise MemoryError

    conversation = talk(predictor, "fine")
    with pytest.raises(MemoryError):
        conversation.read(Broken(), "fine\nbetter")

    conversation.read(predictor, "fine\nbetter")
    assert [entry.text for entry in conversation.record.entries] == ["fine", "better"]


def test_of_too_many_lines_the_last_are_read(predictor):
    conversation = talk(predictor, "\n".join(f"ok {i}" for i in range(KEPT + 7)))
    assert (len(conversation.record.entries), conversation.record.dropped) == (KEPT, 7)
    assert conversation.record.entries[0].text == "ok 7"

    conversation.read(predictor, "\n".join(f"ok {i}" for i in range(KEPT + 8)))
    assert (len(conversation.record.entries), conversation.record.dropped) == (KEPT, 8)


def test_a_text_goes_on_where_every_line_that_was_read_still_stands(predictor):
    conversation = talk(predictor, "ann: yes\n\n{\nbob: no")

    assert conversation.is_begun_by("ann: yes\n{\nbob: no\nmore\n")
    assert not conversation.is_begun_by("ann: yes\n{")
    assert not conversation.is_begun_by("ann: yes!\n{\nbob: no")
    conversation.read(predictor, "ann: yes\n{\nbob: no\n{")
    assert (conversation.refused, [own[:7] for own in conversation.problems]) == (2, ["Line 2:", "Line 4:"])
    assert len(conversation.record.entries) == 2
