"""The page in Debian's Chromium. Whatever a test does, the console stays clean and nothing is asked of elsewhere."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.service import running_demo

from emofuse.demo.pairs import EXAMPLES

CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the gallery shows beside the examples."""
    path = tmp_path_factory.mktemp("corpus") / "own.jsonl"
    rows = (
        {"id": "trap", "text": "I love <script>alert(1)</script> {{x}} ${value} <b>it</b>", "emotion": "joy"},
        {"id": "broken", "text": "So sad", "image": "none.jpg", "emotion": "sadness"},
        {"id": "own", "text": "The bill of March", "label": "invoice"},
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Iterator[str]:
    """Where `emofuse demo` shows the page."""
    with running_demo(tmp_path_factory.mktemp("demo"), "--corpus", "jsonl", "--root", str(corpus)) as address:
        yield address


# As long as it runs, its thread has an event loop, which tests of the service need for their own.
@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's Chromium with a camera before which somebody smiles, now further left and now further right."""
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    film.write_bytes(b"".join(_frame(x) * 30 for x in (40, 120)))
    camera = [*CAMERA, f"--use-file-for-fake-video-capture={film}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", *camera]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page as another visitor; options are those of a Playwright context."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def visit(**options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda own: None if _is_here(own.url, address) else wrong.append(own.url))
        page.goto(address)
        page.locator("#analyse-text textarea").wait_for()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    """The page on a desktop screen."""
    return visit()


def _is_here(url: str, address: str) -> bool:
    return url.startswith((address, "data:", f"blob:{address}"))


def _frame(x: int) -> bytes:
    whole, file = Image.new("RGB", (640, 480)), io.BytesIO()
    whole.paste(Image.open(EXAMPLES / "eileen_collins.jpg").resize((480, 480)), (x, 0))
    whole.save(file, "JPEG")
    return file.getvalue()
