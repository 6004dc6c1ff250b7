"""`/v1/predict`, `/v1/predict/batch` and `/v1/explain`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from emofuse.runtime.evidence import BASE
from emofuse.serve.access import needs
from emofuse.serve.engine import ExplainOptions, PredictOptions
from emofuse.serve.openapi import answers, takes
from emofuse.serve.problems import problem_of
from emofuse.serve.requests import BatchBody, ExplainBody, PredictBody, read_body
from emofuse.serve.service import ServiceDep
from emofuse.taxonomy import load_mapping

__all__ = ["router"]

JSON = "application/json"
REFUSALS = (400, 401, 403, 408, 413, 415, 422, 429, 503)
PREDICTION = {"$ref": "#/components/schemas/Prediction"}
PREDICTIONS = {
    "type": "object",
    "required": ["predictions"],
    "properties": {"predictions": {"type": "array", "items": PREDICTION}},
}
EXPLANATION = {
    "type": "object",
    "required": ["schema", "prediction", "explanations"],
    "properties": {
        "schema": {"type": "string"},
        "prediction": PREDICTION,
        "explanations": {"type": "array", "items": {"type": "object"}},
    },
}
router = APIRouter(prefix="/v1", tags=["predict"])


@router.post(
    "/predict",
    openapi_extra=takes(PredictBody, form=True),
    responses=answers(PREDICTION, *REFUSALS),
    dependencies=[needs("predict")],
)
async def predict(request: Request, service: ServiceDep) -> Response:
    """Read emotion and sentiment from a text, an image, or both.

    The answer is the JSON that the command line prints with `--json`. A sample that cannot be read is a
    problem of status 422.
    """
    body = await read_body(request, PredictBody)
    sample = body.to_sample("0")
    load_mapping(BASE, body.taxonomy)
    options = PredictOptions(body.taxonomy, body.crop, sample.image is not None)
    [answer] = (await service.predict(request, options, [sample])).results
    if (error := answer.prediction.error) is not None:
        return problem_of(error, request)
    await service.remember(request, body.subject, [sample], [answer])
    return Response(answer.body, media_type=JSON)


@router.post(
    "/predict/batch",
    openapi_extra=takes(BatchBody),
    responses=answers(PREDICTIONS, *REFUSALS),
    dependencies=[needs("predict")],
)
async def predict_batch(request: Request, service: ServiceDep) -> Response:
    """Read many samples: one prediction per sample in order.

    A sample that cannot be read has `error` set and disturbs no other.
    """
    body = await read_body(request, BatchBody)
    samples = [sample.to_sample(str(number)) for number, sample in enumerate(body.samples)]
    load_mapping(BASE, body.taxonomy)
    options = PredictOptions(body.taxonomy, body.crop, any(sample.image for sample in samples))
    found = await service.predict_many(request, options, samples)
    await service.remember(request, body.subject, samples, found)
    content = b",".join(answer.body for answer in found)
    return Response(b'{"predictions":[' + content + b"]}", media_type=JSON)


@router.post(
    "/explain",
    openapi_extra=takes(ExplainBody, form=True),
    responses=answers(EXPLANATION, *REFUSALS),
    dependencies=[needs("explain")],
)
async def explain(request: Request, service: ServiceDep) -> Response:
    """Show which words and which parts of a picture an answer comes from."""
    body = await read_body(request, ExplainBody)
    sample = body.to_sample("0")
    options = ExplainOptions(body.crop, body.method, body.label)
    return Response(await service.explain(request, options, sample), media_type=JSON)
