import pytest
from playwright.sync_api import Page, expect

from emofuse.demo.pairs import EXAMPLES

LONG = "what a wonderful and terrible day it was when we went to the sea " * 120
SLOW_MS = 60_000  # packages are imported first


@pytest.fixture
def write():
    def write(page: Page, text: str, *methods: str) -> None:
        page.get_by_role("tab", name="Explain", exact=True).click()
        page.fill("#explain-text textarea", text)
        for method in methods:
            page.get_by_role("checkbox", name=method).check()

    return write


def test_methods_stand_side_by_side_with_the_photo_below_the_text(page: Page, write):
    write(page, "I am so proud of you <b>{{7*7}} ${1+1}", "Shapley values")
    page.set_input_files("#explain-photo input[type=file]", EXAMPLES / "eileen_collins.jpg")
    expect(page.locator("#explain-photo img")).to_be_visible()
    page.click("#explain-go")

    columns = page.locator("#explain-result .ef-methods section")
    expect(columns.locator(".ef-time")).to_have_count(2, timeout=SLOW_MS)
    expect(columns.nth(0).locator("h3")).to_have_text(["Text", "Face", "Scene"])
    expect(columns.nth(0).locator("img")).to_have_count(2)
    expect(columns.nth(1).locator("h3")).to_have_text(["Text"])
    for word in ("<b>{{7*7}}", "${1+1}"):
        expect(columns.nth(1).locator(".text")).to_contain_text(word)
    first, second = (columns.nth(i).bounding_box() for i in (0, 1))
    assert first is not None
    assert second is not None
    assert first["y"] == second["y"]
    assert first["x"] + first["width"] <= second["x"]


def test_a_chosen_label_is_explained(page: Page, write):
    write(page, "I am so proud of you")
    page.click("#explain-label input")
    page.get_by_role("option", name="sentiment: negative").click()
    page.click("#explain-go")

    result = page.locator("#explain-result")
    expect(result.locator("b", has_text="negative")).to_be_visible()
    expect(result.locator(".key")).to_contain_text("against negative")


def test_what_takes_long_can_be_stopped_and_asked_anew(page: Page, write):
    write(page, LONG, "Shapley values")
    result = page.locator("#explain-result")
    page.click("#explain-go")
    expect(result.locator(".ef-waiting")).not_to_have_count(0)
    page.click("#explain-stop")
    expect(result.get_by_text("Stopped.")).to_have_count(2, timeout=SLOW_MS)

    page.click("#explain-go")
    expect(result.locator(".ef-waiting")).not_to_have_count(0)
    page.fill("#explain-text textarea", "what a day")
    page.click("#explain-go")
    expect(result.locator(".text")).to_have_count(2, timeout=SLOW_MS)
    expect(result.get_by_text("Stopped.")).to_have_count(0)

    page.fill("#explain-text textarea", LONG)
    page.click("#explain-go")
    expect(result.locator(".ef-waiting")).not_to_have_count(0)
    page.click("#explain-clear")
    expect(result).to_contain_text("then press Explain")
    expect(page.locator("#explain-text textarea")).to_have_value("")


def test_columns_are_stacked_on_a_phone(visit, write):
    page = visit(viewport={"width": 390, "height": 844})
    write(page, "Antidisestablishmentarianism" * 6 + " is so sad", "Shapley values")
    page.click("#explain-go")

    columns = page.locator("#explain-result .ef-methods section")
    expect(columns.locator(".text")).to_have_count(2, timeout=SLOW_MS)
    first, second = (columns.nth(i).bounding_box() for i in (0, 1))
    assert first["x"] == second["x"]
    assert first["y"] + first["height"] <= second["y"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_an_example_is_explained(page: Page):
    page.get_by_role("tab", name="Explain", exact=True).click()
    for text in ("Nobody came to my birthday", "There was a hair in my cup. Revolting"):
        page.get_by_text(text).locator("visible=true").click()
        words = page.locator("#explain-result .text ruby")
        expect(words).to_have_count(len(text.split()))
        expect(words.last).to_contain_text(text.split()[-1])
