"""`/healthz` and `/readyz`, for whatever watches over the process."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

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
    """Whether requests are answered now: the models are open and the database is there."""
    await run_in_threadpool(service.store.check)
    return Health()
