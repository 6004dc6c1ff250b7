"""The OpenAPI description: bodies from their models, answers from the dataclasses that become JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, params
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from emofuse.serve.problems import MEDIA_TYPE, PROBLEM_SCHEMA
from emofuse.serve.requests import BatchBody, ExplainBody, FeedbackBody, PredictBody
from emofuse.types import PREDICTION_SCHEMA, Prediction

__all__ = ["answers", "describe", "refusals", "takes"]

BODIES: tuple[type[BaseModel], ...] = (PredictBody, BatchBody, ExplainBody, FeedbackBody)
PLACE = "#/components/schemas/{model}"


def takes(body: type[BaseModel], *, form: bool = False) -> dict[str, Any]:
    """Describe the body of a route, for `openapi_extra`.

    Args:
        body: Its model, one of `BODIES`.
        form: Whether it may also come as `multipart/form-data`.

    Returns:
        The part of the operation that describes it.
    """
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": PLACE.format(model=body.__name__)}}}
    if form:
        fields = body.model_json_schema()
        parts = {name: _part(field) for name, field in fields["properties"].items()}
        parts["image"] = {"type": "string", "format": "binary"}
        content["multipart/form-data"] = {"schema": {**fields, "properties": parts, "examples": []}}
    return {"requestBody": {"required": True, "content": content}}


def _part(field: dict[str, Any]) -> dict[str, Any]:
    # A form has no null: what is not there is left out.
    kept = {name: value for name, value in field.items() if name != "anyOf" and value is not None}
    [kind, *_] = [own for own in field.get("anyOf", [{}]) if own.get("type") != "null"]
    return {**kept, **kind}


def answers(schema: Mapping[str, Any], *problems: int) -> dict[int | str, dict[str, Any]]:
    """Describe what a route answers, for `responses`.

    Args:
        schema: JSON schema of the answer.
        *problems: The statuses with which it may refuse.

    Returns:
        Status -> description.
    """
    good = {"description": "The answer.", "content": {"application/json": {"schema": schema}}}
    return {200: good, **refusals(*problems)}


def refusals(*problems: int) -> dict[int | str, dict[str, Any]]:
    """Describe with which statuses a route may refuse, for `responses`."""
    refusal = {
        "description": "Why there is no answer.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": PLACE.format(model="Problem")}}},
    }
    return dict.fromkeys(problems, refusal)


def describe(app: FastAPI, routers: Iterable[APIRouter]) -> dict[str, Any]:
    """Describe an application.

    Args:
        app: It; the description is built once.
        routers: Its routes.

    Returns:
        The description.
    """
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = found.setdefault("components", {}).setdefault("schemas", {})
        schemas |= models_json_schema([(body, "validation") for body in BODIES], ref_template=PLACE)[1][
            "$defs"
        ]
        schemas |= _prediction()
        schemas["Problem"] = dict(PROBLEM_SCHEMA)
        _secure(found, routers)
        app.openapi_schema = found
    return app.openapi_schema


def _prediction() -> dict[str, Any]:
    form = TypeAdapter(Prediction).json_schema(ref_template=PLACE, mode="serialization")
    parts: dict[str, Any] = form.pop("$defs")
    form["properties"] = {"schema": {"const": PREDICTION_SCHEMA}, **form["properties"]}
    form["required"] = list(form["properties"])
    return {**parts, "Prediction": form}


def _secure(found: dict[str, Any], routers: Iterable[APIRouter]) -> None:
    found["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key. A service without any, on a loopback address, asks for none.",
        },
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for route in (own for router in routers for own in router.routes if isinstance(own, APIRoute)):
        asked = [own.scopes or () for own in route.dependencies if isinstance(own, params.Security)]
        scopes = [scope for some in asked for scope in some]
        for method in (route.methods or ()) if scopes else ():
            operation = found["paths"][route.path_format][method.lower()]
            operation["security"] = [{"bearer": scopes}, {"header": scopes}]
