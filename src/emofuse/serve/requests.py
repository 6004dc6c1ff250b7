"""What callers send: JSON or a form, checked field by field."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from emofuse.errors import BadRequestError, EmofuseError, UnsupportedMediaTypeError
from emofuse.serve.store.records import check_name
from emofuse.types import Sample

__all__ = [
    "BatchBody",
    "ExplainBody",
    "FeedbackBody",
    "InvalidFieldsError",
    "PredictBody",
    "SampleBody",
    "TurnBody",
    "read_body",
    "read_json",
]

MAX_FIELDS = 16
IN_MEMORY = 2**30  # the limit on the body is far below

_SWITCHES = {"true": True, "false": False}

Body = TypeVar("Body", bound=BaseModel)


class InvalidFieldsError(EmofuseError):
    """A body with fields that are missing, unknown or out of range.

    Args:
        fields: Path of each such field, and what is wrong with it.
    """

    code = "invalid_fields"

    def __init__(self, fields: Mapping[str, str]) -> None:
        listed = "; ".join(f"{name}: {reason}" for name, reason in fields.items())
        super().__init__(f"The request does not fit: {listed}.", item=next(iter(fields), None))
        self.fields = fields


def _decode_image(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    _, _, encoded = value.rpartition(",") if value.startswith("data:") else ("", "", value)
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("must be base64") from error


Image = Annotated[
    bytes,
    BeforeValidator(_decode_image),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
    Field(description="An encoded picture (JPEG, PNG, WebP, GIF, BMP, TIFF) in base64."),
]


Subject = Annotated[
    str,
    Field(min_length=1, max_length=200, description="The person it is about, for export and erasure."),
    AfterValidator(partial(check_name, what="A subject")),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SampleBody(_Strict):
    """A text, an image, or both."""

    id: str | None = Field(None, max_length=200, description="Comes back in the answer.")
    text: str | None = None
    image: Image | None = None

    def to_sample(self, name: str) -> Sample:
        """The sample, under its id or else the given name."""
        return Sample(id=self.id if self.id is not None else name, text=self.text, image=self.image)


class PredictBody(SampleBody):
    """A sample to read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "I am so proud of you"}]})

    taxonomy: str = Field("ekman7", description="Label set of the emotions in the answer.")
    crop: bool = Field(False, description="Take the whole image as one face.")
    subject: Subject | None = None


class BatchBody(_Strict):
    """Samples to read."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"samples": [{"text": "What a day!"}, {"text": "Leave me alone."}]}]}
    )

    samples: tuple[SampleBody, ...] = Field(min_length=1)
    taxonomy: str = Field("ekman7", description="Label set of the emotions in the answers.")
    crop: bool = Field(False, description="Take every whole image as one face.")
    subject: Subject | None = None


class TurnBody(SampleBody):
    """A turn of a conversation, or a frame of a video."""

    speaker: str | None = Field(None, max_length=200)
    time: float | None = Field(None, allow_inf_nan=False, description="Seconds; never less than before.")


class FeedbackBody(_Strict):
    """What a person says is right about a text, an image or both."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "7f6c", "text": "Well, great.", "emotion": "anger"}]}
    )

    id: str | None = Field(None, max_length=200, description="The client's name for it: makes a repeat safe.")
    subject: Subject | None = None
    text: str | None = None
    image: Image | None = None
    keep_image: bool = Field(False, description="Store the picture too, not its digest alone.")
    emotion: str | None = Field(None, description="The right label of `ekman7`.")
    sentiment: str | None = Field(None, description="The right label of `sentiment3`.")
    predicted_emotion: str | None = Field(None, description="What was answered.")
    predicted_sentiment: str | None = Field(None, description="What was answered.")
    models: dict[str, str] = Field(default_factory=dict, description="Those that answered: name to version.")


class ExplainBody(SampleBody):
    """A sample to explain."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "I am so proud of you"}]})

    crop: bool = Field(False, description="Take the whole image as one face.")
    method: str | None = Field(None, description="Name of an explainer; by what is read otherwise.")
    label: str | None = Field(None, description="What to explain; the most probable label otherwise.")


async def read_body(request: Request, form: type[Body]) -> Body:
    """Read the body of a request.

    Args:
        request: With JSON, or with a form (`multipart/form-data`) whose fields are those of the JSON and
            whose image is a file.
        form: What it has to fit.

    Returns:
        The body.

    Raises:
        BadRequestError: It is malformed.
        UnsupportedMediaTypeError: It is neither.
        InvalidFieldsError: It does not fit.
        BodyTooLargeError: It has too many bytes.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind == "application/json":
        return read_json(await request.body(), form)
    if kind != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"Send application/json or multipart/form-data, not {kind[:80]}.", item=kind[:80]
        )
    fields = await _read_form(request, form)
    try:
        return form.model_validate(fields, strict=True)
    except ValidationError as error:
        raise _translate(error) from error


def read_json(data: str | bytes, form: type[Body]) -> Body:
    """Read JSON.

    Args:
        data: One document.
        form: What it has to fit.

    Returns:
        What it says.

    Raises:
        BadRequestError: It is no JSON.
        InvalidFieldsError: It does not fit.
    """
    try:
        return form.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _translate(error) from error


async def _read_form(request: Request, form: type[BaseModel]) -> dict[str, Any]:
    # Not by `request.form`, which writes pictures of a megabyte to a temporary file.
    parser = MultiPartParser(
        request.headers, request.stream(), max_files=1, max_fields=MAX_FIELDS, max_part_size=IN_MEMORY
    )
    parser.spool_max_size = IN_MEMORY
    try:
        parts = await parser.parse()
    except MultiPartException as error:
        raise BadRequestError(f"The form is malformed: {error.message}") from error
    try:
        return {name: await _field(form, name, parts) for name in parts}
    finally:
        await parts.close()


async def _field(form: type[BaseModel], name: str, parts: FormData) -> Any:
    value, *more = parts.getlist(name)
    if more:
        raise BadRequestError(f"The form has the field {name[:80]!r} twice.", item=name[:80])
    if isinstance(value, UploadFile):
        return await value.read()
    field = form.model_fields.get(name)
    return _SWITCHES.get(value, value) if field is not None and field.annotation is bool else value


def _translate(error: ValidationError) -> EmofuseError:
    # The values themselves stay out of the message: it may be logged.
    details = error.errors(include_url=False, include_context=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        return BadRequestError(f"The body is no JSON: {details[0]['msg']}.")
    return InvalidFieldsError({".".join(map(str, own["loc"])) or "body": own["msg"] for own in details[:20]})
