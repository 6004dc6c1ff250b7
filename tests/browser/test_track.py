import csv
import json
from itertools import pairwise

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.unit.demo.test_clip import make_clip, picture

from emofuse import Predictor, Sample, Tracker
from emofuse.demo.conversation import parse_line
from emofuse.demo.pairs import EXAMPLES

TALK = "ann: I am so happy!\nbob: I hate you, how dare you.\nbob: Leave me alone, I am furious."
# Whether any camera of the page still films.
FILMING = "() => window.cameras.some(own => own.getTracks().some(track => track.readyState === 'live'))"
WATCH_CAMERA = """() => {
window.cameras = [];
const ask = MediaDevices.prototype.getUserMedia;
MediaDevices.prototype.getUserMedia = async function (what) {
  const camera = await ask.call(this, what);
  window.cameras.push(camera);
  return camera;
};
}"""

STOP_WHILE_CONNECTING = """() => {
const Own = window.WebSocket;
window.WebSocket = class extends Own {
  constructor(address) {
    super(address);
    queueMicrotask(() => {
      document.querySelector('#track-camera button').click();
      window.line = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'][this.readyState];
    });
  }
};
}"""


def _open(page: Page, tab: str) -> Page:
    page.get_by_role("tab", name="Track").click()
    page.get_by_role("tab", name=tab, exact=True).click()
    return page


@pytest.fixture
def talk(page: Page):
    return _open(page, "Conversation")


@pytest.fixture
def film(visit):
    def film(**options: object) -> Page:
        page = visit(permissions=["camera"], **options)
        page.evaluate(WATCH_CAMERA)
        return _open(page, "Camera")

    return film


def _track(page: Page, text: str) -> None:
    page.fill("#track-text textarea", text)
    page.click("#track-go")


def _download(page: Page, button: str) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.click(button)
    text = download.value.path().read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_pasted_conversation_is_tracked_as_the_library_does(talk: Page):
    _track(talk, TALK)
    expect(talk.locator("#track-timeline .ef-strip b")).to_have_text(["joy", "anger"])

    rows = _download(talk, "#track-csv")
    turns, tracker = [parse_line(line) for line in TALK.splitlines()], Tracker()
    predictions = Predictor.load().predict(Sample(text=turn["text"]) for turn in turns)
    for row, turn, prediction in zip(rows, turns, predictions, strict=True):
        state = tracker.update(prediction, speaker=turn["speaker"])
        assert (row["turn"], row["speaker"], row["text"]) == (str(state.turn), state.speaker, turn["text"])
        assert (row["raw"], row["label"], row["conversation_label"]) == (
            state.raw,
            state.label,
            state.conversation.label,
        )
        assert float(row["emotion_anger"]) == pytest.approx(state.emotion["anger"], abs=1e-3)
        assert row["conversation_events"].split() == list(state.conversation.events)


def test_example_turns_to_anger_and_says_when(talk: Page):
    talk.click("#track-example")

    chart = talk.locator("#track-timeline")
    expect(chart.locator(".ef-answer")).to_contain_text("anger")
    expect(chart.locator(".ef-changes")).to_contain_text("turn 8, Ben: shift to anger")
    expect(chart.locator(".ef-lanes svg")).to_have_count(8)
    chart.locator("summary").click()
    expect(chart.locator("tbody tr")).to_have_count(12)


def test_turns_typed_quickly_all_arrive_in_order(talk: Page):
    talk.locator("#track-line input").focus()
    lines = ["ann: I am so happy", "bob: I hate this", "ann: what a day", "I am sad"]
    for line in lines:
        talk.keyboard.type(line)
        talk.keyboard.press("Enter")

    expect(talk.locator("#track-text textarea")).to_have_value("\n".join(lines))
    words = talk.locator("#track-timeline .ef-words")
    expect(words).to_have_text(["I am so happy", "I hate this", "what a day", "I am sad"])

    # A table that was opened stays so.
    talk.locator("#track-timeline summary").click()
    talk.locator("#track-line input").fill("so be it")
    talk.locator("#track-line input").press("Enter")
    expect(words).to_have_count(5)
    expect(words.last).to_be_visible()


def test_clear_empties_the_field_and_the_timeline(talk: Page):
    _track(talk, TALK)
    expect(talk.locator("#track-csv")).to_be_visible()
    talk.click("#track-clear")

    expect(talk.locator("#track-text textarea")).to_have_value("")
    expect(talk.locator("#track-timeline")).to_contain_text("Nothing is tracked yet")
    expect(talk.locator("#track-csv")).to_be_hidden()


def test_one_speaker_and_other_models_can_be_looked_at(talk: Page):
    _track(talk, TALK)
    talk.locator("#track-speaker input").click()
    talk.get_by_role("option", name="ann").click()
    chart = talk.locator("#track-timeline")
    expect(chart.locator(".ef-answer")).to_contain_text("joy stable, ann")
    expect(chart.locator(".ef-strip b")).to_have_text(["joy"])

    lanes = chart.locator(".ef-lanes")
    before = lanes.text_content()
    talk.locator("#models input").click()
    talk.get_by_role("option", name="Small text model from open corpora").click()
    expect(lanes).not_to_have_text(before)
    expect(chart.locator(".ef-answer")).to_contain_text("joy stable, ann")


def test_nonsense_and_traps_are_shown_as_they_were_written(talk: Page):
    trap = "<script>alert(1)</script> {{x}} ${value} <b>it</b>"
    _track(talk, f"=cmd: I am so happy\n<i>: {trap}\n{{\n" + json.dumps({"text": "=1+1 \ud83d"}))

    expect(talk.locator("#track-notes")).to_contain_text("1 line was left out.")
    expect(talk.locator("#track-notes")).to_contain_text("Line 3: The line is not JSON")
    talk.locator("#track-timeline summary").click()
    expect(talk.locator("#track-timeline .ef-words").nth(1)).to_have_text(trap)
    rows = _download(talk, "#track-csv")
    assert [row["speaker"] for row in rows] == ["'=cmd", "<i>", ""]
    assert rows[2]["text"] == "'=1+1 ?"
    _track(talk, " \n ")
    expect(talk.locator("#track-timeline")).to_contain_text("Nothing is tracked yet")
    expect(talk.locator("#track-csv")).to_be_hidden()


def test_clip_is_followed_and_another_file_answered_in_words(page: Page, tmp_path):
    _open(page, "Clip")
    page.set_input_files("#track-clip input[type=file]", EXAMPLES / "cat.jpg")
    expect(page.locator("#track-clip-status .ef-note-wrong")).to_contain_text("cat.jpg is no video")
    page.locator("#track-clip").get_by_label("Clear").click()
    expect(page.locator("#track-clip-status")).to_contain_text("Give a video")

    faces = [picture("drawn_happy.png")] * 20 + [picture("drawn_angry.png")] * 40
    page.set_input_files("#track-clip input[type=file]", make_clip(tmp_path / "mood.mp4", faces))

    chart = page.locator("#track-clip-timeline")
    expect(page.locator("#track-clip-status")).to_contain_text("30 frames read.")
    expect(chart.locator(".ef-strip b")).to_have_text(["joy", "anger"])
    expect(chart.locator(".ef-changes img")).to_be_visible()
    times = [float(row["time_s"]) for row in _download(page, "#track-clip-csv")]
    assert times == pytest.approx(np.arange(30) / 5, abs=0.01)

    page.locator("#track-clip").get_by_label("Clear").click()
    expect(page.locator("#track-clip-status")).to_contain_text("Give a video")
    expect(chart).to_contain_text("Nothing is tracked yet")


def test_clip_that_is_taken_away_while_it_is_read_is_an_invitation_again(page: Page, tmp_path):
    _open(page, "Clip")
    clip = make_clip(tmp_path / "long.mp4", [picture("drawn_happy.png")] * 1500)
    page.set_input_files("#track-clip input[type=file]", clip)
    status = page.locator("#track-clip-status")
    expect(status.locator("progress")).to_be_visible()

    page.locator("#track-clip").get_by_label("Clear").click()
    expect(status).to_contain_text("Give a video")
    expect(status).not_to_contain_text("Error")
    expect(page.locator("#track-clip-timeline")).to_contain_text("Nothing is tracked yet")


def test_camera_films_only_between_start_and_stop(film):
    page = film()
    camera, sign = page.locator("#track-camera"), page.locator("#track-camera .ef-sign")
    expect(sign).to_be_hidden()
    assert not page.evaluate(FILMING)

    camera.get_by_role("button", name="Start camera").click()
    expect(sign).to_be_visible()
    box = camera.locator(".ef-overlay .ef-box")
    expect(box).to_contain_text("joy")
    expect(camera.locator(".ef-now")).to_contain_text("frames/s")
    expect(camera.locator(".ef-strip b")).to_have_text(["joy"])
    expect(camera.locator("[data-part=label]")).to_have_text("Stable emotion: joy")
    # The face moves, and the box with it.
    expect(box).not_to_have_attribute("style", box.get_attribute("style"))

    camera.get_by_role("button", name="Stop camera").click()
    expect(sign).to_be_hidden()
    expect(box).to_have_count(0)
    assert not page.evaluate(FILMING)
    rows = _download(page, "#track-camera a")
    assert {row["raw"] for row in rows} <= {"joy", ""}
    expect(camera.locator("summary")).to_be_visible()


def test_leaving_the_tab_ends_the_film(film):
    page = film()
    page.click("#track-camera button")
    expect(page.locator("#track-camera .ef-sign")).to_be_visible()

    page.get_by_role("tab", name="Analyse", exact=True).click()

    page.wait_for_function(f"!({FILMING})()")


def test_leaving_the_tab_of_the_browser_ends_the_film(film):
    page = film()
    page.click("#track-camera button")
    expect(page.locator("#track-camera .ef-sign")).to_be_visible()

    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {value: true}); "
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )

    expect(page.locator("#track-camera [data-part=status]")).to_have_text("The camera is off.")
    assert not page.evaluate(FILMING)


def test_a_stop_before_the_page_answers_closes_the_line(film):
    page = film()
    page.evaluate(STOP_WHILE_CONNECTING)
    page.click("#track-camera button")

    page.wait_for_function("window.line !== undefined")
    assert page.evaluate("line") == "CLOSING"
    expect(page.locator("#track-camera [data-part=status]")).to_have_text("The camera is off.")
    expect(page.locator("#track-camera .ef-sign")).to_be_hidden()
    assert not page.evaluate(FILMING)


def test_whoever_stops_at_once_is_not_filmed(film):
    page = film()
    page.evaluate("for (let i = 0; i < 6; i++) document.querySelector('#track-camera button').click()")
    page.wait_for_function(f"cameras.length === 3 && !({FILMING})()")
    expect(page.locator("#track-camera .ef-sign")).to_be_hidden()

    page.click("#track-camera button")
    expect(page.locator("#track-camera .ef-overlay .ef-box")).to_contain_text("joy")
    page.evaluate(
        "() => { const [own] = cameras.at(-1).getVideoTracks(); own.stop(); own.dispatchEvent(new Event('ended')); }"
    )
    expect(page.locator("#track-camera [data-part=status]")).to_have_text("The camera was switched off.")
    expect(page.locator("#track-camera a")).to_be_visible()


def test_camera_that_is_refused_is_answered_in_words(film):
    page = film()
    page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError')); }"
    )
    page.click("#track-camera button")

    expect(page.locator("#track-camera [data-part=status]")).to_contain_text("The camera was not allowed")
    expect(page.get_by_role("button", name="Start camera")).to_be_visible()


def test_two_visitors_do_not_meet(film):
    first, second = film(), film(color_scheme="dark")
    for page in (first, second):
        page.click("#track-camera button")
    for page in (first, second):
        expect(page.locator("#track-camera .ef-now")).to_contain_text("frames/s")
    first.click("#track-camera button")
    expect(first.locator("#track-camera a")).to_be_visible()
    expect(second.locator("#track-camera .ef-sign")).to_be_visible()

    _track(_open(first, "Conversation"), "ann: I am so happy")
    _track(_open(second, "Conversation"), "bob: I hate you")
    for page, label in ((first, "joy"), (second, "anger")):
        expect(page.locator("#track-timeline .ef-answer")).to_contain_text(label)


def test_narrow_screen_needs_no_sideways_scrolling(visit):
    page = _open(visit(viewport={"width": 390, "height": 800}), "Conversation")
    page.click("#track-example")
    page.locator("#track-timeline summary").click()

    expect(page.locator("#track-timeline tbody tr")).to_have_count(12)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    names = page.locator("#track-timeline .ef-events > span")
    boxes = [names.nth(i).bounding_box() for i in range(3)]
    gaps = [below["y"] - above["y"] - above["height"] for above, below in pairwise(boxes)]
    assert min(gaps) > 6
    width = page.locator("#track-timeline .ef-lanes svg").first.bounding_box()["width"]
    assert width > 150
