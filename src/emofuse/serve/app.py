"""The application: routes, errors and the life of the models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from operator import attrgetter

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from emofuse import __version__
from emofuse.errors import EmofuseError
from emofuse.serve.access import Access
from emofuse.serve.gateway import Gateway
from emofuse.serve.limits import Limits
from emofuse.serve.openapi import describe
from emofuse.serve.problems import render_error, render_http_error, render_invalid
from emofuse.serve.routes import ROUTERS
from emofuse.serve.service import Service
from emofuse.serve.settings import Settings
from emofuse.serve.upkeep import keep_up, open_service

__all__ = ["create_app"]


def create_app(settings: Settings, service: Service | None = None) -> FastAPI:
    """Build the service.

    Args:
        settings: What the operator decided.
        service: Models, queues and store; None opens them when the application starts.

    Returns:
        An ASGI application; its models are opened when it starts and closed, after all requests that wait
        are answered, when it stops.
    """

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        opened = service or open_service(settings)
        app.state.service = opened
        app.state.access = Access(opened.store, settings)
        upkeep = asyncio.create_task(keep_up(opened))
        try:
            yield
        finally:
            upkeep.cancel()
            await asyncio.to_thread(opened.close)

    def running() -> Service:
        found: Service = app.state.service
        return found

    app = FastAPI(
        title="emofuse",
        version=__version__,
        description="Emotion and sentiment from text, faces and photos, alone or fused.",
        lifespan=live,
        # Clients are generated from these names.
        generate_unique_id_function=attrgetter("name"),
        # Their pages would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        # They would lead to whatever the client sent as host.
        redirect_slashes=False,
    )
    _wrap(app, settings, running)
    app.add_exception_handler(EmofuseError, render_error)
    app.add_exception_handler(RequestValidationError, render_invalid)
    app.add_exception_handler(HTTPException, render_http_error)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = partial(describe, app, ROUTERS)  # type: ignore[method-assign]
    return app


def _wrap(app: FastAPI, settings: Settings, running: Callable[[], Service]) -> None:
    app.add_middleware(
        Limits,
        max_body_bytes=settings.max_body_bytes,
        body_timeout_s=settings.body_timeout_s,
        max_requests=settings.queue_size + settings.threads * settings.batch_size,
        is_full=lambda path: running().is_full(path),
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    # The last one added comes first.
    app.add_middleware(Gateway, monitor=lambda: running().monitor)
