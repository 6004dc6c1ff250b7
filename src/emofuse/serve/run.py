"""The service as a process of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from emofuse.serve.access import check_exposure
from emofuse.serve.app import create_app
from emofuse.serve.connections import uvicorn_options
from emofuse.serve.settings import Settings
from emofuse.serve.upkeep import open_service

__all__ = ["run_service"]

BACKLOG = 2048


def run_service(settings: Settings, listening: socket.socket, announce: Callable[[str], None]) -> None:
    """Answer requests until the process is told to stop; those that have begun are finished then.

    Args:
        settings: What the operator decided.
        listening: Bound to the address that they name.
        announce: Called with the address once requests are taken.

    Raises:
        ConfigError: Others could connect while there is no API key.
        UnknownModelError: No such bundle.
        BundleError: A bundle cannot be trusted.
        StoreError: The store cannot be used.
    """
    service = open_service(settings)
    check_exposure(settings, service.store)
    config = uvicorn.Config(create_app(settings, service), backlog=BACKLOG, **uvicorn_options(settings))
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{listening.getsockname()[1]}"
    _Server(config, lambda: announce(address)).run(sockets=[listening])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()
