"""Who may do what: API keys with scopes, and a service without keys that answers this machine alone."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Sequence
from typing import Any, Protocol

from fastapi import Security
from fastapi.security import SecurityScopes
from starlette.requests import HTTPConnection

from emofuse.errors import ConfigError, ForbiddenError, RateLimitedError, UnauthorizedError
from emofuse.serve.rate_limit import RateLimit
from emofuse.serve.settings import Settings
from emofuse.serve.waiting import Waiting

__all__ = ["Access", "ApiKey", "Keys", "check_exposure", "needs"]

TRUST_S = 3.0
LOOK_UPS = 4
# What proxies add; through one anybody may come.
_FORWARDED = ("forwarded", "via", "x-real-ip", "x-forwarded-")


class ApiKey(Protocol):
    """A key without its secret."""

    @property
    def id(self) -> str:
        """Its name in logs."""

    @property
    def scopes(self) -> Sequence[str]:
        """What it may do."""


class Keys(Protocol):
    """Where keys are kept; the methods may block."""

    def authenticate(self, key: str) -> ApiKey | None:
        """Find a key that is valid, in constant time."""

    def any_keys(self) -> bool:
        """Whether a key was ever made, revoked ones too: the last one's end must not open the service."""


class Access:
    """Lets requests in.

    A key is looked up in a thread and then trusted for `TRUST_S` seconds, hence a revoked one too. While no
    key was ever made, a service on a loopback address answers whoever is on the same machine, but no page of
    another site in a browser there.

    Args:
        keys: Where keys are kept.
        settings: What the operator decided.
    """

    def __init__(self, keys: Keys, settings: Settings) -> None:
        self._keys = keys
        self._look_ups = Waiting(LOOK_UPS)
        self._origins = settings.cors_origins
        self._rate = RateLimit(settings.rate_per_s, settings.burst)
        # Digest -> key and the second until which it is trusted. By digest, so that the time of a look-up
        # says nothing about a key; only keys that exist get in, so that strangers cannot fill it.
        self._trusted: dict[bytes, tuple[ApiKey, float]] = {}
        self._open, self._open_until = is_loopback(settings.host), 0.0

    async def admit(self, connection: HTTPConnection, scopes: Sequence[str]) -> None:
        """Let a request in, and note the id of its key for the log.

        Args:
            connection: With the key as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
            scopes: What the key must be allowed to do.

        Raises:
            UnauthorizedError: No key, or one that is unknown or revoked.
            ForbiddenError: The key lacks a scope, or the request comes from a page of another site.
            RateLimitedError: Too many requests.
        """
        if self._open and await self._is_open():
            _check_local(connection, self._origins)
            self._count(_address(connection))
            return
        key = await self._find(connection)
        self._count(key.id)
        connection.scope["key_id"] = key.id
        missing = [scope for scope in scopes if scope not in key.scopes]
        if missing:
            raise ForbiddenError(
                f"This API key may {' and '.join(key.scopes)}, not {missing[0]}. Use one with that scope.",
                item=missing[0],
            )

    async def _is_open(self) -> bool:
        if time.monotonic() >= self._open_until:
            self._open = not await self._look_ups.run(self._keys.any_keys)
            self._open_until = time.monotonic() + TRUST_S
        return self._open

    async def _find(self, connection: HTTPConnection) -> ApiKey:
        given = _given_key(connection)
        if given is None:
            raise UnauthorizedError("An API key is missing. Send it as `Authorization: Bearer KEY`.")
        digest = hashlib.sha256(given.encode("latin-1")).digest()
        trusted, until = self._trusted.get(digest, (None, 0.0))
        if trusted is not None and time.monotonic() < until:
            return trusted
        key = await self._look_ups.run(self._keys.authenticate, given)
        if key is None:
            self._trusted.pop(digest, None)
            # Counted by address, so that guessing is slow and slows nobody else.
            self._count(_address(connection))
            raise UnauthorizedError("This API key is unknown or revoked. Ask the operator for another.")
        self._trusted[digest] = (key, time.monotonic() + TRUST_S)
        return key

    def _count(self, client: str) -> None:
        if wait_s := self._rate.take(client):
            raise RateLimitedError("Too many requests. Send fewer a second.", retry_after_s=wait_s)


async def _admit(connection: HTTPConnection, scopes: SecurityScopes) -> None:
    access: Access = connection.app.state.access
    await access.admit(connection, scopes.scopes)


def needs(*scopes: str) -> Any:
    """The dependency of a route or a router that lets in only whom `Access` admits.

    Args:
        *scopes: What the key must be allowed to do.

    Returns:
        For `dependencies`.
    """
    return Security(_admit, scopes=scopes)


def check_exposure(settings: Settings, keys: Keys) -> None:
    """Refuse to listen where others could connect while no API key exists.

    Args:
        settings: What the operator decided.
        keys: Where keys are kept.

    Raises:
        ConfigError: Anybody could use the service.
    """
    if not is_loopback(settings.host) and not keys.any_keys():
        raise ConfigError(
            f"Listening on {settings.host} needs an API key. Make one with `emofuse serve keys add`, or "
            "listen on 127.0.0.1.",
            item=settings.host,
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from the same machine alone.

    Args:
        host: An IP address or a name; of names only `localhost` and what ends so is.

    Returns:
        Whether it is.
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return f".{host.lower()}".endswith(".localhost")


def _given_key(connection: HTTPConnection) -> str | None:
    kind, _, key = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and key.strip():
        return key.strip()
    return connection.headers.get("x-api-key")


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""


def _check_local(connection: HTTPConnection, origins: Sequence[str]) -> None:
    address = _address(connection)
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return  # no network: a Unix socket, or a call within the process
    if not is_loopback(address):
        raise UnauthorizedError("An API key is needed from another machine, and there is none yet.")
    for name in connection.headers:
        if name.startswith(_FORWARDED):
            raise ForbiddenError(
                f"This request came through a proxy ({name[:80]}), which needs an API key, and there is none "
                "yet. Make one with `emofuse serve keys add`.",
                item=name[:80],
            )
    # A browser on this machine lends its connection to any page: by name (which a stranger's may resolve to
    # 127.0.0.1), or across sites.
    host, origin = connection.headers.get("host", ""), connection.headers.get("origin")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if not is_loopback(name):
        raise ForbiddenError("Without API keys the service answers to localhost only, by that name.")
    if origin is not None and origin.partition("://")[2] != host and not {origin, "*"} & set(origins):
        raise ForbiddenError(f"Pages of {origin[:80]} may not call this service.", item=origin[:80])
