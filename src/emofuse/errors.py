"""Everything emofuse raises.

The tree, with the exit code that the command line gives to each branch:

EmofuseError
├── UsageError (2)         a name or an option that does not exist
│   ├── UnknownTaxonomyError
│   ├── UnknownMappingError
│   ├── UnknownLabelError
│   ├── UnknownModelError
│   ├── UnknownCorpusError
│   ├── UnknownScopeError
│   ├── ConfigError
│   └── MissingExtraError
├── InputError (1)         one sample that cannot be read
│   ├── BadRowError
│   ├── EmptySampleError
│   ├── EmptyTextError
│   ├── TextTooLongError
│   ├── ImageError
│   │   ├── ImageNotFoundError
│   │   ├── ImageIsDirectoryError
│   │   ├── EmptyImageFileError
│   │   ├── NotAnImageError
│   │   ├── TruncatedImageError
│   │   ├── ImageTooLargeError
│   │   └── ImageTooSmallError
│   ├── VideoError
│   ├── NoFaceError
│   ├── NoModalityError
│   ├── BadTurnError
│   └── TrackerStateError
├── StoreError (1)         what a service keeps cannot be read or written
│   ├── StoreUnavailableError
│   ├── StoreSchemaError
│   ├── BadRecordError
│   ├── CorrectionConflictError
│   ├── KeyExistsError
│   ├── KeyNotFoundError
│   └── VersionNotFoundError
├── BundleError (1)        a model folder that cannot be trusted
│   ├── BundleFileMissingError
│   ├── BundleChecksumError
│   └── BundleSchemaError
├── DatasetError (1)       a corpus that is not where or what it should be
│   ├── CorpusNotFoundError
│   └── CorpusFormatError
├── ScoringError (1)       a table or folder that is scored no further
├── StoppedError (1)       work that its caller called off
└── ServiceError (1)       a request that the service does not answer; each has an HTTP status
    ├── BadRequestError (400)
    ├── UnauthorizedError (401)
    ├── ForbiddenError (403)
    ├── BodyTimeoutError (408)
    ├── BodyTooLargeError (413)
    ├── UnsupportedMediaTypeError (415)
    ├── RateLimitedError (429)
    └── UnavailableError (503)
        ├── OverloadedError
        └── DeadlineError
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "BadRecordError",
    "BadRequestError",
    "BadRowError",
    "BadTurnError",
    "BodyTimeoutError",
    "BodyTooLargeError",
    "BundleChecksumError",
    "BundleError",
    "BundleFileMissingError",
    "BundleSchemaError",
    "ConfigError",
    "CorpusFormatError",
    "CorpusNotFoundError",
    "CorrectionConflictError",
    "DatasetError",
    "DeadlineError",
    "EmofuseError",
    "EmptyImageFileError",
    "EmptySampleError",
    "EmptyTextError",
    "ForbiddenError",
    "ImageError",
    "ImageIsDirectoryError",
    "ImageNotFoundError",
    "ImageTooLargeError",
    "ImageTooSmallError",
    "InputError",
    "KeyExistsError",
    "KeyNotFoundError",
    "MissingExtraError",
    "NoFaceError",
    "NoModalityError",
    "NotAnImageError",
    "OverloadedError",
    "RateLimitedError",
    "ScoringError",
    "ServiceError",
    "StoppedError",
    "StoreError",
    "StoreSchemaError",
    "StoreUnavailableError",
    "TextTooLongError",
    "TrackerStateError",
    "TruncatedImageError",
    "UnauthorizedError",
    "UnavailableError",
    "UnknownCorpusError",
    "UnknownLabelError",
    "UnknownMappingError",
    "UnknownModelError",
    "UnknownScopeError",
    "UnknownTaxonomyError",
    "UnsupportedMediaTypeError",
    "UsageError",
    "VersionNotFoundError",
    "VideoError",
]


class EmofuseError(Exception):
    """Base of every error raised on purpose.

    Args:
        message: One or two sentences: what is wrong, and what to do about it.
        item: The offending value as a short string (a path, a name, a row), or None.
    """

    code: ClassVar[str] = "emofuse_error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, item: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.item = item


class UsageError(EmofuseError):
    """The caller asked for something that does not exist."""

    code = "usage"
    exit_code = 2


class _UnknownNameError(UsageError):
    """A name outside a closed registry; the message lists the valid ones."""

    kind: ClassVar[str] = "name"

    def __init__(self, name: str, valid: Iterable[str]) -> None:
        super().__init__(f"Unknown {self.kind} {name!r}. Valid: {', '.join(sorted(valid))}.", item=name)


class UnknownTaxonomyError(_UnknownNameError):
    """No label set of that name."""

    code = "unknown_taxonomy"
    kind = "taxonomy"


class UnknownMappingError(_UnknownNameError):
    """No table leads from one label set to the other."""

    code = "unknown_mapping"
    kind = "label mapping"


class UnknownLabelError(_UnknownNameError):
    """A label outside its taxonomy."""

    code = "unknown_label"
    kind = "label"


class UnknownModelError(_UnknownNameError):
    """No embedded bundle of that name."""

    code = "unknown_model"
    kind = "model"


class UnknownCorpusError(_UnknownNameError):
    """No dataset adapter of that name."""

    code = "unknown_corpus"
    kind = "corpus"


class UnknownScopeError(_UnknownNameError):
    """No scope of that name can be given to an API key."""

    code = "unknown_scope"
    kind = "scope"


class ConfigError(UsageError):
    """A recipe or setting with an unknown key or a value out of range."""

    code = "config"


class MissingExtraError(UsageError):
    """An optional dependency is not installed.

    Args:
        extra: Name of the extra that brings it, such as "train".
        package: The import that failed.
    """

    code = "missing_extra"

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(
            f"This needs the package {package!r}. Install it with: pip install 'emofuse[{extra}]'",
            item=package,
        )


class InputError(EmofuseError):
    """One sample that cannot be read; the other samples of its batch are unaffected."""

    code = "input"


class BadRowError(InputError):
    """A row of a table that does not follow the table's form."""

    code = "bad_row"


class EmptySampleError(InputError):
    """A sample with neither text nor image."""

    code = "empty_sample"


class EmptyTextError(InputError):
    """A text without any visible character."""

    code = "empty_text"


class TextTooLongError(InputError):
    """A text beyond the limit of what is read at all."""

    code = "text_too_long"


class ImageError(InputError):
    """An image that cannot be decoded."""

    code = "image"


class ImageNotFoundError(ImageError):
    """No file at that path."""

    code = "image_not_found"


class ImageIsDirectoryError(ImageError):
    """The path is a directory."""

    code = "image_is_directory"


class EmptyImageFileError(ImageError):
    """The file has zero bytes."""

    code = "image_empty_file"


class NotAnImageError(ImageError):
    """The bytes are in no supported image format."""

    code = "not_an_image"


class TruncatedImageError(ImageError):
    """The image ends before its last pixel, or its data are damaged."""

    code = "image_truncated"


class ImageTooLargeError(ImageError):
    """More pixels than the decompression limit."""

    code = "image_too_large"


class ImageTooSmallError(ImageError):
    """Fewer pixels than anything can be read from."""

    code = "image_too_small"


class VideoError(EmofuseError):
    """A video that cannot be read, or is longer or larger than what is read."""

    code = "video"


class NoFaceError(InputError):
    """An image without a usable face, in a sample with nothing else to go by."""

    code = "no_face"


class NoModalityError(InputError):
    """A fusion was asked for a row in which no modality is present."""

    code = "no_modality"


class StoreError(EmofuseError):
    """What a service keeps cannot be read or written."""

    code = "store"


class StoreUnavailableError(StoreError):
    """The database does not answer, or not in time; the same call may work later."""

    code = "store_unavailable"


class StoreSchemaError(StoreError):
    """The tables were made by a newer emofuse, or are none of emofuse's."""

    code = "store_schema"


class BadRecordError(StoreError):
    """A record that says nothing, or holds what no database takes."""

    code = "bad_record"


class CorrectionConflictError(StoreError):
    """The id of a correction was used before, for another one."""

    code = "correction_conflict"


class KeyExistsError(StoreError):
    """A valid API key of that name exists."""

    code = "key_exists"


class KeyNotFoundError(StoreError):
    """No valid API key has that name or id."""

    code = "key_not_found"


class VersionNotFoundError(StoreError):
    """No promoted model is there to go back from."""

    code = "version_not_found"


class BadTurnError(InputError):
    """A turn that a tracker cannot take in; it is as it was before."""

    code = "bad_turn"


class TrackerStateError(InputError):
    """What should be a saved tracker is none."""

    code = "tracker_state"


class BundleError(EmofuseError):
    """A model folder that cannot be trusted."""

    code = "bundle"


class BundleFileMissingError(BundleError):
    """A file that the bundle needs is not there."""

    code = "bundle_file_missing"


class BundleChecksumError(BundleError):
    """A file differs from the checksum recorded when the bundle was made."""

    code = "bundle_checksum"


class BundleSchemaError(BundleError):
    """`bundle.json` is malformed or was written by a newer emofuse."""

    code = "bundle_schema"


class DatasetError(EmofuseError):
    """A corpus that is not where or what it should be."""

    code = "dataset"


class CorpusNotFoundError(DatasetError):
    """The corpus files are not under the given root."""

    code = "corpus_not_found"


class CorpusFormatError(DatasetError):
    """A corpus file does not follow its official layout."""

    code = "corpus_format"


class ScoringError(EmofuseError):
    """A table or folder is scored no further, and what was done so far is kept."""

    code = "scoring"


class StoppedError(EmofuseError):
    """Work that its caller called off."""

    code = "stopped"


class ServiceError(EmofuseError):
    """A request that the service does not answer.

    Args:
        message: What is wrong, and what to do about it.
        item: The offending value as a short string, or None.
        retry_after_s: Seconds after which it is worth another try, or None.
    """

    code = "service"
    status: ClassVar[int] = 500

    def __init__(self, message: str, *, item: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, item=item)
        self.retry_after_s = retry_after_s


class BadRequestError(ServiceError):
    """A body that is not what its content type says, or lacks a field."""

    code = "bad_request"
    status = 400


class UnauthorizedError(ServiceError):
    """No API key, or one that is unknown or revoked."""

    code = "unauthorized"
    status = 401


class ForbiddenError(ServiceError):
    """An API key without the scope."""

    code = "forbidden"
    status = 403


class BodyTimeoutError(ServiceError):
    """A request body that did not arrive in time."""

    code = "body_timeout"
    status = 408


class BodyTooLargeError(ServiceError):
    """More bytes, samples or characters than one request may bring."""

    code = "body_too_large"
    status = 413


class UnsupportedMediaTypeError(ServiceError):
    """A body of a content type that is not read."""

    code = "unsupported_media_type"
    status = 415


class RateLimitedError(ServiceError):
    """More requests than the key may send."""

    code = "rate_limited"
    status = 429


class UnavailableError(ServiceError):
    """The service cannot answer now: it starts, stops, or its store is away."""

    code = "unavailable"
    status = 503


class OverloadedError(UnavailableError):
    """More requests wait than can be answered in time."""

    code = "overloaded"


class DeadlineError(UnavailableError):
    """The answer was not ready in time."""

    code = "deadline"
