"""The service as a process of its own."""

from __future__ import annotations

import math
from collections.abc import Callable

import uvicorn

from emofuse.errors import ConfigError
from emofuse.serve.app import create_app
from emofuse.serve.settings import Settings

__all__ = ["run_service"]


def run_service(settings: Settings, announce: Callable[[str], None]) -> None:
    """Answer requests until the process is told to stop; those that have begun are finished then.

    Args:
        settings: What the operator decided.
        announce: Called with the address once the port is taken.

    Raises:
        ConfigError: The port cannot be had.
    """
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.batch_deadline_s),
    )
    try:
        listening = config.bind_socket()
    except SystemExit as error:  # how uvicorn reports it
        raise ConfigError(
            f"Cannot listen on {settings.host} port {settings.port}. Choose another with --port.",
            item=str(settings.port),
        ) from error
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    announce(f"http://{host}:{listening.getsockname()[1]}")
    uvicorn.Server(config).run(sockets=[listening])
