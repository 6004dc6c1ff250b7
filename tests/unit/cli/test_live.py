import os

import pytest
from click.testing import CliRunner

from emofuse.cli.live import KEPT, LONGEST, Conversation, live
from emofuse.cli.live_view import draw_answer, draw_mood
from emofuse.cli.render import line_length
from emofuse.errors import UnknownModelError
from emofuse.tracking import Mood
from emofuse.types import Emotion, ErrorEntry, Notice, Prediction, Sentiment

EMOTIONS = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
SENTIMENTS = ("negative", "neutral", "positive")
JOY = Prediction(
    id="0",
    emotion=Emotion("joy", 1.0, "ekman7", dict.fromkeys(EMOTIONS, 0.0) | {"joy": 1.0}),
    sentiment=Sentiment("positive", 1.0, "sentiment3", {"negative": 0.0, "neutral": 0.0, "positive": 1.0}),
)
ANGER = Prediction(
    id="0",
    emotion=Emotion("anger", 1.0, "ekman7", dict.fromkeys(EMOTIONS, 0.0) | {"anger": 1.0}),
    sentiment=Sentiment("negative", 1.0, "sentiment3", {"negative": 1.0, "neutral": 0.0, "positive": 0.0}),
)
TORN = Prediction(
    id="0",
    emotion=Emotion(
        "anger", 0.4, "ekman7", dict(zip(EMOTIONS, (0.4, 0.02, 0.06, 0.04, 0.3, 0.12, 0.06), strict=True))
    ),
    sentiment=Sentiment(
        "negative", 0.5, "sentiment3", dict(zip(SENTIMENTS, (0.5, 0.1, 0.4), strict=True)), mixed=True
    ),
    fine_emotions={"annoyance": 0.61, "grief": 0.33},
    abstained=True,
    reason="The most likely answer has a probability of only 0.40.",
    warnings=(Notice("text_windowed", "The text was read in 2 windows."), Notice("other", "Something else.")),
)
FAILED = Prediction(id="0", error=ErrorEntry("empty_text", "The text has no visible character."))


class Script:
    """A predictor that says what it is told, whatever the text."""

    def __init__(self, *predictions):
        self.predictions = list(predictions)

    def predict(self, samples):
        return [self.predictions.pop(0) for _ in samples]


def plain(lines):
    return ["".join(part if isinstance(part, str) else part[0] for part in line).rstrip() for line in lines]


def talk(*predictions, width=80):
    conversation = Conversation(Script(*predictions))
    return [plain(conversation.answer(f"line {i}", width)) for i in range(len(predictions))]


def run(data, *options):
    done = CliRunner().invoke(live, ["--models", "text_bilstm", *options], input=data, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


def test_the_strongest_labels_stand_side_by_side_with_bars_of_their_length():
    # 20 columns for a probability of 1; what is below 0.05 is left out, and no more than three rows are shown.
    assert plain(draw_answer(TORN, 80)) == [
        "emotion: anger  (confidence 0.40)       sentiment: negative  (confidence 0.50)",
        "  anger      ████████             0.40    negative   ██████████           0.50",
        "  sadness    ██████               0.30    positive   ████████             0.40",
        "  surprise   ██                   0.12    neutral    ██                   0.10",
        "mixed: positive and negative are both strong",
        "fine emotions: annoyance 0.61, grief 0.33",
        "unsure: too uncertain to act on",
        "note: long, read in pieces",
        "note: Something else.",
    ]


def test_a_narrow_terminal_stacks_them():
    shown = plain(draw_answer(JOY, 40))
    assert shown == [
        "emotion: joy  (confidence 1.00)",
        "  joy        ████████████████████ 1.00",
        "sentiment: positive  (confidence 1.00)",
        "  positive   ████████████████████ 1.00",
    ]


@pytest.mark.parametrize("width", [5, 21, 40, 79, 80, 81, 88, 200])
def test_bars_fit_and_end_in_one_column(width):
    lines = [line for line in draw_answer(TORN, width) if "".join(plain([line])).startswith("  ")]
    assert len(lines) == (3 if width >= 80 else 6)
    assert len({line_length(line) for line in lines}) == 1
    assert line_length(lines[0]) <= max(width, 19)


def test_a_category_of_the_models_own_comes_first():
    flat = {f"feeling {i:02}": 0.04 for i in range(25)}
    shown = plain(draw_answer(Prediction(id="0", category=Emotion("feeling 00", 0.04, "own", flat)), 80))
    assert shown[:2] == ["category: feeling 00  (confidence 0.04)", f"  feeling 00 █{' ' * 20}0.04"]
    assert len(shown) == 2


def test_the_mood_lags_behind_and_says_so():
    # Half-life 0.5 lines: each new reading weighs 1 - 2^-2 = 0.75.
    first, second, third, fourth = (lines[-3:] for lines in talk(JOY, ANGER, ANGER, ANGER))
    assert first[-2:] == ["mood: joy", "  joy        ████████████████████ 1.00"]
    assert second == [
        "mood: joy, darkening  [anger is rising]",
        "  joy        █████                0.25",
        "  anger      ███████████████      0.75",
    ]
    assert third[-2:] == ["mood: anger, darkening  [shift]", "  anger      ███████████████████  0.94"]
    assert fourth[-2:] == ["mood: anger, darkening", "  anger      ████████████████████ 0.98"]


@pytest.mark.parametrize(
    ("trend", "words"),
    [(None, ""), (0.09, ", steady"), (-0.09, ", steady"), (0.1, ", brightening"), (-0.1, ", darkening")],
)
def test_the_trend_in_words(trend, words):
    mood = Mood("joy", dict.fromkeys(EMOTIONS, 1 / 7) | {"joy": 0.5}, {}, trend, ("sustained_sadness",))
    assert plain(draw_mood(mood, 40))[0] == f"mood: joy{words}  [sadness goes on]"
    assert list(draw_mood(Mood(None, None, None, None, ()), 40)) == []


def test_the_time_is_that_of_the_reading():
    [[*_, took, _, _]] = talk(JOY)
    name, value, unit = took.rsplit(" ", 2)
    assert (name, unit) == ("read in", "ms")
    assert 0 <= float(value) < 1000


def test_a_line_that_cannot_be_read_is_no_part_of_the_conversation():
    conversation = Conversation(Script(JOY, FAILED, ANGER))
    for _ in range(3):
        lines = plain(conversation.answer("line", 80))
        if "error" in lines[0]:
            assert lines == ["error[empty_text]: The text has no visible character."]
    assert lines[-3:] == talk(JOY, ANGER)[1][-3:]
    assert len(conversation.answer("history", 80)) == 3


def test_history_keeps_the_last_lines_and_says_how_many():
    conversation = Conversation(Script(*[JOY] * (KEPT + 5)))
    assert plain(conversation.answer("history", 80)) == ["0 of 0 lines; the last 100 are kept."]
    for i in range(KEPT + 5):
        conversation.answer(f"this is line {i + 1}", 80)
    lines = plain(conversation.answer("History", 80))
    assert lines[0] == "  6  joy       positive  this is line 6"
    assert lines[-2] == "105  joy       positive  this is line 105"
    assert lines[-1] == "100 of 105 lines; the last 100 are kept."
    assert len(lines) == 101


def test_history_holds_one_printable_row_per_line():
    conversation = Conversation(Script(JOY, ANGER))
    conversation.answer("a \x1b[31m\x9b1m\u202e b\udce9", 40)
    conversation.answer("漢" * 1_000_000, 40)
    first, second, _ = plain(conversation.answer("history", 40))
    assert first == "1  joy       positive  a  [31m 1m  b"
    # An ideograph takes two columns.
    assert second == f"2  anger     negative  {'漢' * 8}…"


def test_a_pipe_is_answered_line_by_line_without_codes():
    shown = run(b"I am so happy\n\n  \nleave me alone\nhistory\nexit\nnever read\n")
    assert "\x1b" not in shown
    answers = shown.split("\n\n")
    assert [answer.splitlines()[0] for answer in answers[:-1]] == [
        "> I am so happy",
        "> leave me alone",
        "> history",
    ]
    assert answers[0].splitlines()[1].startswith("emotion: joy  (confidence 0.")
    assert answers[2].splitlines()[-1] == "2 of 2 lines; the last 100 are kept."
    assert answers[-1] == ""


def test_what_cannot_be_read_is_said_in_one_line_and_the_next_is_read():
    lines = [b"caf\xe9", b"\x1b\x07", b"x" * (LONGEST + 1), b"x" * 3 * LONGEST, b"I am so happy"]
    bad, empty, long, longer, good, end = run(b"\n".join(lines)).split("\n\n")
    assert "note: some characters were left out" in bad.splitlines()
    assert empty.splitlines()[1:] == [
        "error[empty_text]: The text has no visible character. Give it some words."
    ]
    assert long == longer == "error[text_too_long]: A line is longer than 1,000,000 bytes. Split it."
    assert good.startswith("> I am so happy\nemotion: joy")
    assert end == ""


def test_a_line_of_the_longest_kind_is_read():
    text = ("I am so happy " * (LONGEST // 14)).encode()
    assert "note: very long, read in part" in run(text + b"\n")
    assert run(b"") == run(b"quit\nfine\n") == run(os.linesep.encode()) == ""


def test_bad_usage():
    with pytest.raises(UnknownModelError):
        run(b"", "--models", "nobody")
