"""The address on which a command listens."""

from __future__ import annotations

import socket

from emofuse.errors import ConfigError

__all__ = ["bind_address"]


def bind_address(host: str, port: int) -> socket.socket:
    """Take a port.

    Args:
        host: Name or address of an interface of this machine.
        port: 0 takes a free one.

    Returns:
        The socket, which does not listen yet.

    Raises:
        ConfigError: The port cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # With the protocol named: only then asyncio sends small answers without delay.
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Choose another host or port.",
            item=f"{host}:{port}",
        ) from error
    return bound
