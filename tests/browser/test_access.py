"""Reading the page without a mouse, without colours, on a phone."""

import time
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from emofuse.demo.pairs import EXAMPLES

SETTLED_S = 10
TABS = ("Analyse", "Explain", "Compare", "Gallery", "Track")


def _fill(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()
    if tab in {"Analyse", "Explain", "Compare"}:
        name = tab.lower()
        page.fill(f"#{name}-text textarea", "So sorry for your loss")
        page.set_input_files(f"#{name}-photo input[type=file]", EXAMPLES / "eileen_collins.jpg")
        page.click(f"#{name}-go")
        page.locator(f"#{name}-result .ef-answer").first.wait_for()
    elif tab == "Gallery":
        page.locator("#gallery-cards img").first.wait_for()


def _find_violations(page: Page) -> list[tuple[str, list[str]]]:
    until = time.monotonic() + SETTLED_S
    while found := Axe().run(page).response["violations"]:
        # An answer that is about to be replaced is paler for a moment.
        if time.monotonic() > until:
            return [(own["id"], [node["html"] for node in own["nodes"]]) for own in found]
    return []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Callable[..., Page], scheme: str):
    page = visit(color_scheme=scheme)

    for tab in TABS:
        _fill(page, tab)
        assert not _find_violations(page), tab


def test_everything_fits_on_a_phone(visit: Callable[..., Page]):
    page = visit(viewport={"width": 390, "height": 800})

    for tab in TABS:
        _fill(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
