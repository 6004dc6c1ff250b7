"""Errors as problem JSON (RFC 9457)."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from emofuse.errors import (
    BadRecordError,
    BundleError,
    CorrectionConflictError,
    EmofuseError,
    ImageTooLargeError,
    ServiceError,
    StoreError,
    StoreUnavailableError,
    TextTooLongError,
)
from emofuse.serve.requests import InvalidFieldsError
from emofuse.types import ErrorEntry

__all__ = [
    "MEDIA_TYPE",
    "PROBLEM_SCHEMA",
    "problem_of",
    "public",
    "render_crash",
    "render_error",
    "render_http_error",
    "render_invalid",
]

MEDIA_TYPE = "application/problem+json"
PROBLEM_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "`urn:emofuse:problem:CODE`"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and what to do."},
        "code": {"type": "string", "description": "The stable code of the error."},
        "item": {"type": ["string", "null"], "description": "The offending value."},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
        "request_id": {"type": "string"},
    },
}
# `json.dumps` with options builds an encoder for each answer, which counts when most are refused.
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
LOG = logging.getLogger("emofuse.serve")
# What went wrong with the database or a model names hosts and files, which are the operator's alone.
_HIDDEN: Mapping[int, str] = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something is wrong with the service. Report the request's id.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database does not answer in time. Send the request again.",
}
_STATUSES: Mapping[str, int] = {
    TextTooLongError.code: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ImageTooLargeError.code: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    CorrectionConflictError.code: HTTPStatus.CONFLICT,
    BadRecordError.code: HTTPStatus.UNPROCESSABLE_ENTITY,
    StoreUnavailableError.code: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem_of(error: EmofuseError | ErrorEntry, request: Request) -> Response:
    """Build the response for an error.

    Args:
        error: What emofuse raised, or the entry in place of a prediction.
        request: That it answers.

    Returns:
        The response.
    """
    if isinstance(error, EmofuseError):
        request.scope["problem"] = error.code
        error = public(error, request.scope.get("request_id"))
    more = {"fields": error.fields} if isinstance(error, InvalidFieldsError) else {}
    response = _render(request, _status_of(error), error.code, error.message, item=error.item, **more)
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "1"
    if isinstance(error, ServiceError) and error.retry_after_s is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def public(error: EmofuseError, request_id: str | None) -> EmofuseError:
    """An error as clients may see it; what they may not is logged.

    Args:
        error: What emofuse raised.
        request_id: Of the request.

    Returns:
        The error, or one with the same code that does not say what happened in here.
    """
    status = _status_of(error)
    if not isinstance(error, BundleError | StoreError) or status not in _HIDDEN:
        return error
    LOG.error("failed", extra={"request_id": request_id, "code": error.code, "reason": error.message})
    return type(error)(_HIDDEN[status])


async def render_error(request: Request, error: Exception) -> Response:
    """Answer with an error that emofuse raised."""
    assert isinstance(error, EmofuseError)
    return problem_of(error, request)


async def render_http_error(request: Request, error: Exception) -> Response:
    """Answer with an error of the framework: no such path, or another method."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    message = f"{phrase}: {request.method} {request.url.path[:200]}."
    response = _render(request, error.status_code, phrase.lower().replace(" ", "_"), message)
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (route := request.scope.get("route")):
        # The framework names the methods of the first of several routes alone.
        methods = request.app.openapi()["paths"].get(route.path_format, {})
        response.headers["Allow"] = ", ".join(sorted(map(str.upper, methods))) or "GET"
    return response


async def render_invalid(request: Request, error: Exception) -> Response:
    """Answer where a part of the path or of the query does not fit."""
    assert isinstance(error, RequestValidationError)
    fields = {".".join(map(str, own["loc"])): str(own["msg"]) for own in error.errors()}
    return problem_of(InvalidFieldsError(fields), request)


def render_crash(request: Request) -> Response:
    """Answer where something failed that should not have; the log has the error under the request's id."""
    request.scope["problem"] = "internal"
    message = "Something went wrong here. Report the request's id."
    return _render(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", message)


def _render(request: Request, status: int, code: str, message: str, **more: Any) -> Response:
    content = {
        "type": f"urn:emofuse:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": message,
        "code": code,
        "request_id": request.scope.get("request_id"),
        **more,
    }
    body = _ENCODE(content).encode("utf-8", errors="backslashreplace")
    return Response(body, status, media_type=MEDIA_TYPE)


def _status_of(error: EmofuseError | ErrorEntry) -> int:
    if isinstance(error, ServiceError):
        return error.status
    if error.code in _STATUSES:
        return _STATUSES[error.code]
    ours = isinstance(error, BundleError | StoreError)
    return HTTPStatus.INTERNAL_SERVER_ERROR if ours else HTTPStatus.UNPROCESSABLE_ENTITY
