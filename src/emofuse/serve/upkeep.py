"""What the service does beside answering: it follows promoted models and deletes what has expired."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from emofuse.errors import BundleError, EmofuseError
from emofuse.runtime.bundle import load_bundle
from emofuse.runtime.model_set import DEFAULT_MODELS
from emofuse.serve.service import Service
from emofuse.serve.settings import Settings

__all__ = ["follow_promotions", "keep_up", "open_service"]

LOG = logging.getLogger("emofuse.serve")
PURGE_S = 3600.0


def open_service(settings: Settings) -> Service:
    """Open a service with the models of the settings and those that are promoted in its store.

    Args:
        settings: What the operator decided.

    Returns:
        The service.

    Raises:
        UnknownModelError: No such bundle in the settings.
        BundleError: A bundle of the settings cannot be trusted; a promoted one is logged and left out.
        StoreError: The store cannot be used.
    """
    service = Service(settings)
    _attempt(service, follow_promotions)
    return service


async def keep_up(service: Service) -> None:
    """Look after a service until cancelled; what fails is tried again, and logged when it changes.

    Args:
        service: To look after.
    """
    loop = asyncio.get_running_loop()
    purge_at = loop.time()
    while True:
        await asyncio.to_thread(_attempt, service, follow_promotions)
        if loop.time() >= purge_at and await asyncio.to_thread(_attempt, service, _purge):
            purge_at = loop.time() + PURGE_S
        await asyncio.sleep(service.settings.refresh_s)


def follow_promotions(service: Service) -> None:
    """Put the models in place that are promoted in the store, beside those of the settings.

    Args:
        service: Whose models; all stay as they are when one of the new ones cannot be opened.

    Raises:
        StoreUnavailableError: The store does not answer.
        BundleError: A promoted bundle cannot be trusted, or is not the one that was promoted.
    """
    promoted = {kind: service.store.active_version(kind) for kind in DEFAULT_MODELS}
    if promoted == service.promoted:
        return
    chosen = {load_bundle(name).kind: name for name in service.settings.models}
    for kind, version in promoted.items():
        if version is None:
            continue
        if load_bundle(version.path).sha256 != version.sha256:
            raise BundleError(
                f"{version.path} is not the {kind} model that was promoted. Promote it again, or roll back.",
                item=version.path,
            )
        chosen[kind] = version.path
    service.exchange(tuple(chosen.values()))
    service.promoted = promoted
    LOG.info("models", extra={"models": {own.name: own.version for own in service.engine.bundles}})


def _purge(service: Service) -> None:
    service.store.purge_expired(datetime.now(UTC))


def _attempt(service: Service, work: Callable[[Service], None]) -> bool:
    # Whatever it is must not end the upkeep, since nobody would notice.
    try:
        work(service)
    except Exception as error:
        reason = error.message if isinstance(error, EmofuseError) else type(error).__name__
        if service.troubles.get(work.__name__) != reason:
            code = error.code if isinstance(error, EmofuseError) else "internal"
            unexpected = None if isinstance(error, EmofuseError) else error
            LOG.warning("upkeep", exc_info=unexpected, extra={"code": code, "reason": reason})
        service.troubles[work.__name__] = reason
        return False
    service.troubles.pop(work.__name__, None)
    return True
