"""`/v1/subjects/{id}`: what is stored about a person, and its erasure."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel

from emofuse.serve.access import needs
from emofuse.serve.openapi import refusals
from emofuse.serve.service import ServiceDep

__all__ = ["router"]

router = APIRouter(prefix="/v1/subjects", tags=["subjects"], dependencies=[needs("subjects")])

Subject = Annotated[str, Path(min_length=1, max_length=200, description="As requests named the person.")]


class SubjectRecord(BaseModel):
    """All that is stored about a person."""

    subject: str
    history: list[dict[str, Any]]
    corrections: list[dict[str, Any]]


class Erasure(BaseModel):
    """What was deleted."""

    deleted: dict[str, int]


@router.get("/{subject:path}", responses=refusals(401, 403, 422, 429, 503))
async def export(subject: Subject, service: ServiceDep) -> SubjectRecord:
    """All that is stored about a person; empty lists for one who is unknown."""
    return SubjectRecord(**await service.writes.run(service.store.subject_export, subject))


@router.delete("/{subject:path}", responses=refusals(401, 403, 422, 429, 503))
async def erase(subject: Subject, service: ServiceDep) -> Erasure:
    """Delete all that is stored about a person, and say how many rows that were."""
    return Erasure(deleted=await service.writes.run(service.store.subject_erase, subject))
