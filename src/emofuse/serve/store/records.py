"""What goes into the store and what comes out.

No `repr`, hence no log, shows subjects, texts or pictures.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from emofuse.errors import BadRecordError, UnknownLabelError
from emofuse.taxonomy import load_taxonomy

__all__ = ["SCOPES", "Correction", "HistoryEntry", "Key", "StoredCorrection", "Version", "check_name"]

SCOPES = ("predict", "explain", "feedback", "subjects", "metrics")

_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")
# PostgreSQL stores no NUL, and UTF-8 no lone surrogate.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check_name(name: str, what: str) -> str:
    """A name, id or subject as it was given.

    Args:
        name: 1-200 characters, none of them a control character.
        what: What the name is for, as the message says it.

    Returns:
        The name.

    Raises:
        BadRecordError: It is empty, too long or not printable.
    """
    if not _NAME.fullmatch(name) or not name.strip():
        raise BadRecordError(
            f"{what} must have 1 to 200 characters without control characters.", item=ascii(name[:40])
        )
    return name


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key without its secret.

    Attributes:
        id: The part of the key that is no secret; the key begins with `emofuse_<id>_`.
        name: What it is for.
        scopes: What it may do, out of `SCOPES`.
        created: When it was made.
        revoked: When it was revoked, or None while it is valid.
    """

    id: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    revoked: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a person says about an answer.

    Characters of the text that no database takes, NUL and lone surrogates, are stored as U+FFFD.

    Attributes:
        id: The client's name for it, which makes a repeat harmless; None takes a random UUID.
        subject: Whom it is about, for export and erasure; None for nobody.
        text: The text, or None.
        image: The encoded picture, or None; only its digest is stored unless `keep_image` is set.
        keep_image: Store the picture itself.
        emotion: The right label of `ekman7`, or None.
        sentiment: The right label of `sentiment3`, or None.
        predicted_emotion: What was answered, or None.
        predicted_sentiment: What was answered, or None.
        models: Bundle name -> version of the models that answered.

    Raises:
        BadRecordError: It has neither text nor image, no label, or a name that cannot be stored.
        UnknownLabelError: A label outside its taxonomy.
    """

    id: str | None = None
    subject: str | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    image: bytes | None = field(default=None, repr=False)
    keep_image: bool = False
    emotion: str | None = None
    sentiment: str | None = None
    predicted_emotion: str | None = None
    predicted_sentiment: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.text or "").strip() and not self.image:
            raise BadRecordError("A correction needs the text or the picture that it is about.")
        if self.emotion is None and self.sentiment is None:
            raise BadRecordError("A correction needs the right emotion or the right sentiment.")
        _check_labels("ekman7", self.emotion, self.predicted_emotion)
        _check_labels("sentiment3", self.sentiment, self.predicted_sentiment)
        for name, what in ((self.id, "The id of a correction"), (self.subject, "A subject")):
            if name is not None:
                check_name(name, what)
        object.__setattr__(self, "text", clean(self.text))

    @cached_property
    def image_sha256(self) -> str | None:
        """Digest of the picture, lower-case hexadecimal, or None without one."""
        return hashlib.sha256(self.image).hexdigest() if self.image else None


@dataclass(frozen=True, kw_only=True)
class StoredCorrection:
    """A correction as the store holds it; `Store.read_image` gives its picture.

    Attributes:
        id: Its name.
        subject: Whom it is about, or None.
        text: The text, or None.
        image_sha256: Digest of the picture, or None without one.
        has_image: True when the picture itself is stored.
        emotion: The right label of `ekman7`, or None.
        sentiment: The right label of `sentiment3`, or None.
        predicted_emotion: What was answered, or None.
        predicted_sentiment: What was answered, or None.
        models: Bundle name -> version of the models that answered.
        created: When it was stored.
        expires: When it will be deleted, or None for never.
    """

    id: str
    subject: str | None = field(repr=False)
    text: str | None = field(repr=False)
    image_sha256: str | None
    has_image: bool
    emotion: str | None
    sentiment: str | None
    predicted_emotion: str | None
    predicted_sentiment: str | None
    models: Mapping[str, str]
    created: datetime
    expires: datetime | None


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """An answer that was given.

    Attributes:
        request_id: Of the request; several samples may share it.
        prediction: `Prediction.to_dict()`.
        subject: Whom it is about, for export and erasure; None for nobody.
        text: The text, or None.

    Raises:
        BadRecordError: A name that cannot be stored.
    """

    request_id: str
    prediction: Mapping[str, Any] = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_name(self.request_id, "The id of a request")
        if self.subject is not None:
            check_name(self.subject, "A subject")
        object.__setattr__(self, "text", clean(self.text))


@dataclass(frozen=True, kw_only=True)
class Version:
    """A bundle that was put into service.

    Attributes:
        kind: What it answers, such as "text".
        path: Folder of the bundle.
        sha256: Digest of the bundle.
        promoted: When it was put into service.
        rolled_back: When it was taken out again, or None.
    """

    kind: str
    path: str
    sha256: str
    promoted: datetime
    rolled_back: datetime | None = None


def clean(text: str | None) -> str | None:
    """A text with U+FFFD for what no database takes; None stays None."""
    return None if text is None else _UNSTORABLE.sub("\ufffd", text)


def _check_labels(taxonomy: str, *labels: str | None) -> None:
    valid = load_taxonomy(taxonomy).labels
    for label in labels:
        if label is not None and label not in valid:
            raise UnknownLabelError(label, valid)
