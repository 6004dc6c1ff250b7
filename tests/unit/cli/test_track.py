import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from tests.conftest import read_json_lines

from emofuse import Predictor, Sample, Tracker
from emofuse.cli.track import track
from emofuse.errors import ConfigError, TrackerStateError, UnknownModelError


def run(turns, *options):
    lines = [turn if isinstance(turn, bytes) else json.dumps(turn).encode() for turn in turns]
    arguments = ["--models", "text_bilstm", *map(str, options)]
    done = CliRunner().invoke(track, arguments, input=b"\n".join(lines) + b"\n", standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value, read_json_lines(done.stdout)


TEXTS = ["I am so happy", "what a lovely day", "I hate you", "go away, I am furious", "leave me alone"]


@pytest.fixture(scope="module")
def predictions():
    return [own.to_dict() for own in Predictor.load(["text_bilstm"]).predict(Sample(text=t) for t in TEXTS)]


def test_texts_and_their_predictions_are_tracked_alike(predictions):
    tracker = Tracker(half_life=1.5)
    expected = [tracker.update(own, speaker="ann", time=i).to_dict() for i, own in enumerate(predictions)]
    texts = [{"text": text, "speaker": "ann", "time": i} for i, text in enumerate(TEXTS)]
    given = [own | {"speaker": "ann", "time": i} for i, own in enumerate(predictions)]
    # Batches of other sizes differ in the last bits, of which rounding can show one.
    code, found = run(texts, "--half-life", 1.5)
    assert code == 0
    for one, other in zip(found, expected, strict=True):
        assert one["emotion"] == pytest.approx(other["emotion"], abs=1e-3)
        assert (one["label"], one["turn"], one["time"]) == (other["label"], other["turn"], other["time"])
    assert run(given, "--half-life", 1.5) == (0, expected)


def test_what_predict_writes_is_read_as_it_is(predictions):
    code, found = run(predictions)
    assert (code, [line["turn"] for line in found]) == (0, [1, 2, 3, 4, 5])
    assert {line["speaker"] for line in found} == {None}


def test_a_bad_line_is_answered_in_its_place():
    lines = [
        b"nonsense",
        {"text": "fine"},
        [1],
        {"speaker": "ann"},
        {"text": 5},
        {"text": "fine", "speaker": 5},
        {"text": "fine", "time": 5},
        {"text": "fine", "time": 4},
        b'{"text": "fine", "time": NaN}',
        b'{"text": "caf\xe9"}',
        b"[" * 100_000,
        {"emotion": {"probabilities": {"joy": 1}}},
        {"text": "fine"},
    ]
    code, found = run(lines)
    assert code == 1
    assert [line["error"]["code"] if "error" in line else line["turn"] for line in found] == (
        ["bad_turn", 1, *["bad_turn"] * 4, 2, *["bad_turn"] * 5, 3]
    )


def test_a_text_that_cannot_be_read_is_a_turn_with_an_error(predictions):
    code, found = run([{"text": "I am so happy"}, {"text": " "}])
    assert code == 1
    assert (found[1]["error"]["code"], found[1]["turn"], found[1]["raw"]) == ("empty_text", 2, None)
    assert found[1]["emotion"] == found[0]["emotion"]
    code, found = run([predictions[0], {"id": "1", "emotion": None, "error": {"code": "no_face"}}])
    assert (code, found[1]["error"], found[1]["label"]) == (1, {"code": "no_face"}, found[0]["label"])


def test_the_state_goes_on_where_it_was_left(predictions, tmp_path):
    turns = [own | {"speaker": f"s{i % 2}", "time": i * 2} for i, own in enumerate(predictions)]
    options = ["--half-life", 3, "--unit", "seconds"]
    _, whole = run(turns, *options)
    state = tmp_path / "state.json"
    _, first = run(turns[:2], *options, "--state", state)
    _, second = run(turns[2:], "--state", state)
    assert [*first, *second] == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json"]
    with pytest.raises(ConfigError, match=r"begun with --half-life 3.0. Leave --half-life out"):
        run([], "--half-life", 4, "--state", state)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema": "emofuse.tracker/1"}', "NaN"])
def test_a_damaged_state_is_refused_and_kept(content, tmp_path):
    state = tmp_path / "state.json"
    state.write_text(content)
    with pytest.raises(TrackerStateError, match="Move it away"):
        run([{"text": "fine"}], "--state", state)
    assert state.read_text() == content


def test_bad_usage(tmp_path):
    with pytest.raises(ConfigError, match="no folder"):
        run([], "--state", tmp_path / "none" / "state.json")
    with pytest.raises(ConfigError, match="half_life must be"):
        run([], "--half-life", 0)
    with pytest.raises(UnknownModelError):
        CliRunner().invoke(track, ["--models", "nobody"], standalone_mode=False, catch_exceptions=False)


def test_a_line_is_answered_before_the_next_is_written(predictions):
    command = [sys.executable, "-m", "emofuse", "track"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for turn, own in enumerate(predictions[:2], 1):
            process.stdin.write(json.dumps(own).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["turn"] == turn
        process.stdin.close()
        assert process.wait(timeout=60) == 0
