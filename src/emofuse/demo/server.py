"""The page behind an address of this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount

from emofuse.demo.guard import Guard
from emofuse.demo.models import Choices, build_choices
from emofuse.demo.page import build_demo
from emofuse.demo.pairs import Corpus
from emofuse.demo.uploads import keep_uploads
from emofuse.demo.webcam import MAX_BYTES, answer_camera

__all__ = ["create_app", "run_demo"]

MAX_UPLOAD = "64mb"
VISITORS = 32  # whose last answers are kept, some megabytes each
STYLES = sorted((Path(__file__).parent / "style").glob("*.css"))


def create_app(demo: gr.Blocks, choices: Choices) -> FastAPI:
    """Put the page into an application that talks to this machine alone.

    Args:
        demo: From `build_demo`.
        choices: What reads the frames of a camera.

    Returns:
        An ASGI application with the page at `/`.
    """
    app = FastAPI()
    app.add_middleware(Guard)
    # A name elsewhere that is pointed at this machine would let its pages read what is shown here.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    demo.state_session_capacity = VISITORS
    app.add_api_websocket_route("/camera", answer_camera(choices))
    gr.mount_gradio_app(
        app,
        demo,
        path="/",
        server_name="127.0.0.1",
        footer_links=[],
        # It would keep what was typed in the browser.
        run_history=False,
        max_file_size=MAX_UPLOAD,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        theme=_theme(),
        css_paths=STYLES,
    )
    # Only then does Gradio refuse files of this machine that nobody uploaded.
    demo.has_launched = True
    return app


def run_demo(
    listening: socket.socket,
    announce: Callable[[str], None],
    models: Sequence[str] = (),
    corpus: Corpus | None = None,
) -> None:
    """Show the page until the process is told to stop.

    Args:
        listening: Bound to an address of this machine.
        announce: Called with the page's address once it can be opened.
        models: As for `build_choices`.
        corpus: As for `build_demo`.

    Raises:
        UnknownModelError: No such bundle.
        BundleError: A bundle cannot be trusted.
    """
    choices = build_choices(models)
    with keep_uploads():
        app = create_app(build_demo(choices, corpus), choices)
        listening.listen()
        announce(f"http://127.0.0.1:{listening.getsockname()[1]}")
        config = uvicorn.Config(app, log_level="warning", access_log=False, ws_max_size=MAX_BYTES)
        _Server(config, app).run(sockets=[listening])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Gradio keeps a stream open to every page, until long after Ctrl-C unless it is told.
        for route in self._app.routes:
            if isinstance(route, Mount) and isinstance(route.app, gr.routes.App):
                route.app.stop_event.set()
        await super().shutdown(sockets)


def _theme() -> gr.themes.Base:
    return gr.themes.Default(
        primary_hue="indigo",
        secondary_hue="indigo",
        neutral_hue="slate",
        # Those of the reader's system: nothing to load.
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )
