"""Logs that hold nothing of what was sent: one JSON object per line on standard error."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

__all__ = ["LOGGING", "JsonLines"]

# What every record has; whatever else it has was given as `extra`.
_USUAL = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "color_message"}
_OWN = ("emofuse", "uvicorn")
# `json.dumps` with options builds an encoder for each line.
_ENCODE = json.JSONEncoder(default=str).encode


class JsonLines(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message, what was given as `extra`.

    Of an exception there are its type and the places in the code, not its message, which may quote a text. Of
    the messages of other libraries there is the first line of the template, for the same reason.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format a record.

        Args:
            record: What happened.

        Returns:
            One line.
        """
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in _USUAL}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _exceptions(record.exc_info[1])
        return _ENCODE(line)


def _message(record: logging.LogRecord) -> str:
    template = str(record.msg).strip()
    # A WebSocket's line holds its path with the query.
    if record.name.partition(".")[0] in _OWN and "WebSocket" not in template:
        return record.getMessage().strip()
    return template.partition("\n")[0]


def _exceptions(error: BaseException) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    own: BaseException | None = error
    while own is not None and len(chain) < 8:
        frames = traceback.extract_tb(own.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        chain.append({"type": type(own).__qualname__, "at": places})
        own = own.__cause__ or own.__context__
    return chain


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "emofuse.serve.logs.JsonLines"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "emofuse.serve": {"level": "INFO"},
        "uvicorn": {"level": "INFO"},
        # Their lines hold raw paths; the service writes its own.
        "uvicorn.access": {"level": "CRITICAL", "propagate": False},
    },
}
"""For `logging.config.dictConfig`, or uvicorn's `log_config`."""
