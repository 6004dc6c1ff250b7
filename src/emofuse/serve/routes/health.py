"""`/healthz` and `/readyz`, for whatever watches over the process."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from emofuse.errors import UnavailableError
from emofuse.serve.openapi import refusals
from emofuse.serve.service import ServiceDep

__all__ = ["router"]

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """That it is well."""

    status: str = "ok"


@router.get("/healthz")
async def healthz() -> Health:
    """Whether the process runs."""
    return Health()


@router.get("/readyz", responses=refusals(503))
async def readyz(service: ServiceDep) -> Health:
    """Whether requests are answered now: models are open, and the service is not stopping."""
    if service.stopping:
        raise UnavailableError("The service is stopping.", retry_after_s=1)
    return Health()
