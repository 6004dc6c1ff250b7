"""Everything emofuse raises.

The tree, with the exit code that the command line gives to each branch:

EmofuseError
├── UsageError (2)         a name or an option that does not exist
│   ├── UnknownTaxonomyError
│   ├── UnknownMappingError
│   ├── UnknownLabelError
│   ├── UnknownModelError
│   ├── UnknownCorpusError
│   ├── ConfigError
│   └── MissingExtraError
├── InputError (1)         one sample that cannot be read
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
│   ├── NoFaceError
│   ├── NoModalityError
│   ├── BadTurnError
│   └── TrackerStateError
├── BundleError (1)        a model folder that cannot be trusted
│   ├── BundleFileMissingError
│   ├── BundleChecksumError
│   └── BundleSchemaError
└── DatasetError (1)       a corpus that is not where or what it should be
    ├── CorpusNotFoundError
    └── CorpusFormatError
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "BadTurnError",
    "BundleChecksumError",
    "BundleError",
    "BundleFileMissingError",
    "BundleSchemaError",
    "ConfigError",
    "CorpusFormatError",
    "CorpusNotFoundError",
    "DatasetError",
    "EmofuseError",
    "EmptyImageFileError",
    "EmptySampleError",
    "EmptyTextError",
    "ImageError",
    "ImageIsDirectoryError",
    "ImageNotFoundError",
    "ImageTooLargeError",
    "ImageTooSmallError",
    "InputError",
    "MissingExtraError",
    "NoFaceError",
    "NoModalityError",
    "NotAnImageError",
    "TextTooLongError",
    "TrackerStateError",
    "TruncatedImageError",
    "UnknownCorpusError",
    "UnknownLabelError",
    "UnknownMappingError",
    "UnknownModelError",
    "UnknownTaxonomyError",
    "UsageError",
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


class NoFaceError(InputError):
    """An image without a usable face, in a sample with nothing else to go by."""

    code = "no_face"


class NoModalityError(InputError):
    """A fusion was asked for a row in which no modality is present."""

    code = "no_modality"


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
