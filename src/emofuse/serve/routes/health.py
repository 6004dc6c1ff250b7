"""`/healthz`, `/readyz` and `/metrics`, for whatever watches over the process."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from emofuse.serve.access import needs
from emofuse.serve.monitoring import CONTENT_TYPE
from emofuse.serve.openapi import refusals
from emofuse.serve.service import ServiceDep

__all__ = ["router"]

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """That it is well."""

    status: str = "ok"


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> Health:
    """Whether the process runs."""
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses=refusals(503))
async def readyz(service: ServiceDep) -> Health:
    """Whether requests are answered now: the models are open and the database is there."""
    await service.checks.run(service.store.check)
    return Health()


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses=refusals(401, 403, 429, 503),
    dependencies=[needs("metrics")],
)
async def metrics(service: ServiceDep) -> Response:
    """What Prometheus scrapes: times, counts, classes, confidence and drift; no content."""
    return Response(await run_in_threadpool(service.monitor.render), headers={"content-type": CONTENT_TYPE})
