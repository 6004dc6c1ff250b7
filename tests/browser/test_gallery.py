import json

import pytest
from playwright.sync_api import Page, expect

from emofuse.demo.pairs import SHIPPED, draw_samples, open_corpus
from emofuse.types import Sample


@pytest.fixture
def gallery(page: Page) -> Page:
    page.get_by_role("tab", name="Gallery").click()
    expect(page.locator("#gallery-cards .ef-card")).to_have_count(16)
    return page


def choose(page: Page, field: str, name: str) -> None:
    page.locator(f"{field} input").click()
    page.get_by_role("option", name=name, exact=True).click()


def ask_for(page: Page, count: int, seed: int) -> None:
    page.fill("#gallery-count input[type=number]", str(count))
    page.fill("#gallery-seed input", str(seed))
    page.click("#gallery-go")


def expect_samples(page: Page, samples: list[Sample]) -> None:
    expect(page.locator("#gallery-cards h3")).to_have_text([str(sample.id) for sample in samples])


def draw(count: int, seed: int) -> list[Sample]:
    return draw_samples(SHIPPED.iter_samples(), count, seed)


def test_opening_the_tab_shows_samples_that_a_filter_narrows(gallery: Page):
    cards = gallery.locator("#gallery-cards .ef-card")
    summary = gallery.locator("#gallery-summary").inner_html()
    gallery.get_by_role("radio", name="wrong").click()
    expect(cards.first).to_contain_text("✗ wrong")
    expect(cards).not_to_have_count(16)
    wrong = cards.count()
    gallery.get_by_role("radio", name="right").click()
    expect(cards).to_have_count(16 - wrong)
    expect(cards.filter(has_text="✗ wrong")).to_have_count(0)
    choose(gallery, "#gallery-emotion", "disgust")
    gallery.get_by_role("radio", name="all").click()
    expect(cards.filter(has_text="hair")).to_have_count(1)
    expect(cards.filter(has_not_text="disgust")).to_have_count(0)
    assert gallery.locator("#gallery-summary").inner_html() == summary


def test_seed_decides_what_is_shown(gallery: Page):
    for seed in (3, 4, 3):
        ask_for(gallery, 8, seed)
        expect(gallery.locator("#gallery-summary h2")).to_contain_text(f"8 samples of Examples, seed {seed}")
        expect_samples(gallery, draw(8, seed))
    gallery.fill("#gallery-seed input", "")
    gallery.click("#gallery-go")
    expect(gallery.locator("#gallery-summary .ef-note-wrong")).to_contain_text("Give a whole number")
    expect(gallery.locator("#gallery-cards .ef-card")).to_have_count(0)


def test_other_models_read_the_same_samples(gallery: Page):
    choose(gallery, "#models", "Published late fusion")
    expect(gallery.locator("#gallery-summary h2")).to_contain_text("read by Published late fusion")
    expect_samples(gallery, draw(16, 7))


def test_corpus_of_the_command_line_is_shown_as_it_is(gallery: Page, corpus):
    choose(gallery, "#gallery-source", "jsonl test")
    ask_for(gallery, 200, 7)
    expect(gallery.locator("#gallery-summary h2")).to_contain_text("3 samples of jsonl test")
    expect_samples(gallery, draw_samples(open_corpus("jsonl", corpus, "test").iter_samples(), 200, 7))
    trap = json.loads(corpus.read_text().splitlines()[0])["text"]
    expect(gallery.locator("#gallery-cards .ef-caption", has_text="alert")).to_have_text(trap)
    expect(gallery.locator("#gallery-cards .ef-note-wrong")).to_contain_text("none.jpg")
    expect(gallery.locator("#gallery-summary .ef-note")).to_contain_text("1 of the samples could not be read")


def test_two_visitors_on_a_desktop_and_a_phone_see_their_own_samples(visit):
    desktop, phone = visit(), visit(viewport={"width": 390, "height": 844}, color_scheme="dark")
    for page, seed in ((desktop, 3), (phone, 4)):
        page.get_by_role("tab", name="Gallery", exact=True).click()
        ask_for(page, 4, seed)
    for page, seed in ((desktop, 3), (phone, 4)):
        expect(page.locator("#gallery-summary h2")).to_contain_text(f"4 samples of Examples, seed {seed}")
        expect_samples(page, draw(4, seed))

    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    cards = phone.get_by_role("region", name="Samples")
    cards.focus()
    phone.keyboard.press("End")
    expect(cards.locator(".ef-card").last).to_be_in_viewport()
