"""`/v1/models`: what answers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from emofuse.serve.access import needs
from emofuse.serve.openapi import refusals
from emofuse.serve.service import ServiceDep

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["models"], dependencies=[needs("predict")])


class ModelSummary(BaseModel):
    """A model in use."""

    kind: str
    name: str
    version: str
    description: str
    sha256: str
    outputs: list[str]
    metrics: list[dict[str, Any]]


@router.get("/models", responses=refusals(401, 403, 429))
async def models(service: ServiceDep) -> list[ModelSummary]:
    """The model of each kind that is in use: version, outputs and figures."""
    return [
        ModelSummary(
            kind=bundle.kind,
            name=bundle.name,
            version=bundle.version,
            description=bundle.description,
            sha256=bundle.sha256,
            outputs=list(bundle.outputs),
            metrics=[dict(metric) for metric in bundle.metrics],
        )
        for bundle in service.engine.bundles
    ]
