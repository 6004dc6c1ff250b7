"""`/v1/feedback`: what people say is right."""

from __future__ import annotations

from fastapi import APIRouter, Request, status
from pydantic import BaseModel

from emofuse.serve.access import needs
from emofuse.serve.openapi import refusals, takes
from emofuse.serve.requests import FeedbackBody, read_body
from emofuse.serve.service import ServiceDep
from emofuse.serve.store import Correction
from emofuse.types import Sample

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["feedback"], dependencies=[needs("feedback")])


class Receipt(BaseModel):
    """That a correction is stored."""

    id: str


@router.post(
    "/feedback",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=takes(FeedbackBody),
    responses=refusals(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
)
async def feedback(request: Request, service: ServiceDep) -> Receipt:
    """Store a correction; the answer comes once it would survive a crash.

    Sent again under the same `id` it changes nothing, so that a client that got no answer may repeat it. Of
    an image only the digest is kept, unless `keep_image` is set.
    """
    body = await read_body(request, FeedbackBody)
    correction = Correction(**dict(body))
    service.limits.check(Sample(id=body.id, text=body.text))
    return Receipt(id=await service.writes.run(service.store.add_correction, correction))
