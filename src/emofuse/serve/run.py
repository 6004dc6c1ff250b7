"""The service as a process of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from emofuse.errors import ConfigError
from emofuse.serve.access import check_exposure
from emofuse.serve.app import create_app
from emofuse.serve.connections import uvicorn_options
from emofuse.serve.settings import Settings
from emofuse.serve.upkeep import open_service

__all__ = ["run_service"]

BACKLOG = 2048


def run_service(settings: Settings, announce: Callable[[str], None]) -> None:
    """Answer requests until the process is told to stop; those that have begun are finished then.

    Args:
        settings: What the operator decided.
        announce: Called with the address once requests are taken.

    Raises:
        ConfigError: The port cannot be had, or others could connect while there is no API key.
        UnknownModelError: No such bundle.
        BundleError: A bundle cannot be trusted.
        StoreError: The store cannot be used.
    """
    listening = _bind(settings)
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


def _bind(settings: Settings) -> socket.socket:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        # With the protocol named: only then asyncio sends small answers without delay.
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. Choose another --host "
            "or --port.",
            item=f"{settings.host}:{settings.port}",
        ) from error
    return bound
