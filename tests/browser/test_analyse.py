import json

import pytest
from playwright.sync_api import Page, expect

from emofuse import Predictor, Sample
from emofuse.demo.pairs import EXAMPLES

PORTRAIT = EXAMPLES / "eileen_collins.jpg"


@pytest.fixture
def write(page: Page):
    def write(text: str) -> None:
        page.fill("#analyse-text textarea", text)
        page.click("#analyse-go")

    return write


def _upload(page: Page, path) -> None:
    page.set_input_files("#analyse-photo input[type=file]", path)


def test_text_and_photo_read_as_the_library_reads_them(page: Page, write):
    _upload(page, PORTRAIT)
    result = page.locator("#analyse-result")
    expect(result.locator(".ef-box")).to_have_count(1)
    write("So sorry for your loss")
    expect(result.locator(".ef-parts tbody tr")).to_have_count(3)
    expect(result).to_contain_text("They contradict each other")

    page.get_by_role("tab", name="JSON", exact=True).click()
    with page.expect_download() as download:
        page.locator("#analyse-json").get_by_label("Download").click()
    [expected] = Predictor.load().predict([Sample(text="So sorry for your loss", image=PORTRAIT)])
    assert json.loads(download.value.path().read_text(encoding="utf-8")) == expected.to_dict()


def test_example_fills_the_fields_and_is_read(page: Page):
    page.get_by_text("Nobody came to my birthday").click()

    expect(page.locator("#analyse-text textarea")).to_have_value("Nobody came to my birthday")
    expect(page.locator("#analyse-result .ef-answer").first).to_contain_text("sadness")
    expect(page.locator("#analyse-result .ef-photo img")).to_be_visible()


def test_other_models_read_again(page: Page, write):
    write("What a day")
    expect(page.locator("#analyse-result")).to_contain_text("text_bert_bilstm")

    page.locator("#models input").click()
    page.get_by_role("option", name="Small text model", exact=True).click()

    expect(page.locator("#analyse-result")).to_contain_text("Models: text_bilstm")


def test_nothing_and_nonsense_are_answered_in_words(page: Page, write, tmp_path):
    write("   ")
    expect(page.locator("#analyse-result")).to_contain_text("Type a text, give a photo, or both")

    broken = tmp_path / "holiday.jpg"
    broken.write_bytes(b"no picture")
    _upload(page, broken)
    expect(page.locator("#analyse-result .ef-note-wrong")).to_contain_text("holiday.jpg is not a picture")
    write("I love it! <script>alert(1)</script>")
    expect(page.locator("#analyse-result .ef-answer").last).to_contain_text("positive")
    expect(page.locator("#analyse-result")).to_contain_text("holiday.jpg is not a picture")


def test_file_of_another_kind_is_refused(page: Page, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    _upload(page, other)

    expect(page.get_by_text("Invalid file type")).to_be_visible()
    expect(page.locator("#analyse-result .ef-empty")).to_be_visible()


def test_twenty_rapid_clicks_end_in_one_answer(page: Page):
    page.fill("#analyse-text textarea", "I am so happy")
    page.locator("#analyse-go").evaluate("button => { for (let i = 0; i < 20; i++) button.click(); }")
    expect(page.locator("#analyse-result .ef-answer").first).to_contain_text("joy")

    page.fill("#analyse-text textarea", "I am so angry with you")
    for _ in range(20):
        page.click("#analyse-go", no_wait_after=True)
    expect(page.locator("#analyse-result .ef-answer").first).to_contain_text("anger")
    expect(page.locator("#analyse-result .ef-result")).to_have_count(1)


def test_two_visitors_do_not_meet(visit):
    first, second = visit(), visit()
    first.fill("#analyse-text textarea", "I am so happy")
    second.fill("#analyse-text textarea", "I hate this, how dare you")
    first.click("#analyse-go")
    second.click("#analyse-go")

    expect(first.locator("#analyse-result .ef-answer").first).to_contain_text("joy")
    expect(second.locator("#analyse-result .ef-answer").first).to_contain_text("anger")


def test_clear_empties_everything(page: Page, write):
    _upload(page, PORTRAIT)
    write("I am so happy")
    expect(page.locator("#analyse-result .ef-parts tbody tr")).to_have_count(3)

    page.click("#analyse-clear")

    expect(page.locator("#analyse-text textarea")).to_have_value("")
    expect(page.locator("#analyse-result .ef-empty")).to_be_visible()
    expect(page.locator("#analyse-photo img")).to_have_count(0)


def test_camera_takes_a_photo(visit):
    page = visit(permissions=["camera"])
    page.locator("#analyse-photo").get_by_label("Capture from camera").click()
    page.locator("#analyse-photo").get_by_title("grant webcam access").click()
    page.wait_for_function("document.querySelector('#analyse-photo video')?.readyState >= 2")
    page.locator("#analyse-photo").get_by_label("capture photo").click()

    expect(page.locator("#analyse-result .ef-photo img")).to_be_visible()


def test_all_by_keyboard(page: Page):
    page.locator("#analyse-text textarea").focus()
    page.keyboard.type("I am so happy")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "analyse-go":
            break
    page.keyboard.press("Enter")

    expect(page.locator("#analyse-result .ef-answer").first).to_contain_text("joy")
