import pytest
from playwright.sync_api import Page, expect

from emofuse.demo.pairs import EXAMPLES


@pytest.fixture
def ask():
    def ask(page: Page, text: str) -> None:
        page.get_by_role("tab", name="Compare", exact=True).click()
        page.set_input_files("#compare-photo input[type=file]", EXAMPLES / "drawn_happy.png")
        page.fill("#compare-text textarea", text)
        page.click("#compare-go")  # while the photo may still be read alone
        expect(page.locator("#compare-result .ef-side .ef-answers")).to_have_count(4)

    return ask


def test_each_part_stands_beside_the_whole_in_the_same_rows(page: Page, ask):
    ask(page, "So sorry for your loss <i>{{7*7}} ${1+1}")

    sides = page.locator("#compare-result .ef-side")
    expect(sides.locator("h3")).to_have_text(["Text alone", "Face alone", "Scene alone", "All together"])
    expect(sides.nth(0).locator(".ef-answer").first).to_contain_text("sadness")
    expect(sides.nth(1).locator(".ef-answer").first).to_contain_text("joy")
    expect(page.locator("#compare-result .ef-verdict")).to_contain_text("contradict each other")
    tops = [box["y"] for own in sides.locator(".ef-bars").all() if (box := own.bounding_box())]
    assert len(tops) == 8
    assert len({round(top) for top in tops}) == 2


def test_other_models_stand_beside_them(page: Page, ask):
    ask(page, "So sorry for your loss")
    page.click("#compare-beside input")
    page.get_by_role("option", name="Small text model", exact=True).click()
    result = page.locator("#compare-result")
    expect(result.locator("h2")).to_have_text(["Default models", "Small text model"])

    page.click("#models input")
    page.get_by_role("option", name="Published late fusion").click()
    expect(result.locator("h2")).to_have_text(["Published late fusion", "Small text model"])
    expect(result.locator(".ef-missing")).to_have_text("These models read no scene.")

    page.click("#compare-clear")
    expect(result).to_contain_text("then press Compare")


def test_an_example_is_compared(page: Page):
    page.get_by_role("tab", name="Compare", exact=True).click()
    page.get_by_text("Nobody came to my birthday").locator("visible=true").click()

    answer = page.locator("#compare-result .ef-side").first.locator(".ef-answer").first
    expect(answer).to_contain_text("sadness")


def test_sides_are_stacked_on_a_phone(visit, ask):
    page = visit(viewport={"width": 390, "height": 844})
    ask(page, "So sorry for your loss")

    lefts = [box["x"] for own in page.locator("#compare-result h3").all() if (box := own.bounding_box())]
    assert len(set(lefts)) == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 390
