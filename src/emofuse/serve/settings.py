"""What an operator decides about the service."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from emofuse.errors import ConfigError

__all__ = ["Settings", "read_settings"]

MAX_DAYS = 36_500

Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Settings of the service; each is read from an environment variable `EMOFUSE_NAME`.

    Attributes:
        host: Address to listen on; any but a loopback address needs an API key.
        port: Port to listen on; 0 takes a free one.
        models: Bundles that replace the defaults of their kind, joined by commas in the environment.
        database_url: Where keys and corrections are kept; None takes a SQLite file in the user's data folder.
        history_days: Days for which answers are kept; 0 keeps none.
        correction_days: Days for which corrections are kept; None keeps them for good.
        refresh_s: Seconds between two looks for promoted models.
        threads: Requests that are computed at the same time.
        batch_size: Samples of different requests that share a run; 1 reads each alone.
        queue_size: Samples, and requests, that may wait; one beyond them is refused at once.
        deadline_s: Seconds in which a request is answered or refused.
        batch_deadline_s: The same for requests of many samples and for explanations.
        cors_origins: Origins, such as https://example.org, whose pages may call the service; `*` for all.
        rate_per_s: Requests a second of one API key, in each process; 0 does not count them.
        burst: Requests that a key may send at once after a pause.
        max_connections: Connections at the same time, in each process.
        idle_s: Seconds after which a connection is closed on which no request, or no turn of a stream, comes.
        body_timeout_s: Seconds in which the body of a request has to arrive.
        max_body_bytes: Largest request body.
        max_pixels: Largest picture.
        max_characters: Longest text.
        max_samples: Most samples in one request.
    """

    model_config = SettingsConfigDict(env_prefix="EMOFUSE_", frozen=True, extra="forbid", allow_inf_nan=False)

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    models: Names = ()
    database_url: str | None = None
    history_days: float = Field(0.0, ge=0, le=MAX_DAYS)
    correction_days: float | None = Field(None, ge=0, le=MAX_DAYS)
    refresh_s: float = Field(2.0, gt=0)
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    batch_size: int = Field(8, ge=1)
    queue_size: int = Field(64, ge=1)
    deadline_s: float = Field(2.0, gt=0)
    batch_deadline_s: float = Field(30.0, gt=0)
    cors_origins: Names = ()
    rate_per_s: float = Field(0.0, ge=0)
    burst: int = Field(20, ge=1)
    max_connections: int = Field(500, ge=1)
    idle_s: float = Field(60.0, gt=0)
    body_timeout_s: float = Field(30.0, gt=0)
    max_body_bytes: int = Field(16_000_000, ge=1024)
    max_pixels: int = Field(16_000_000, ge=64)
    max_characters: int = Field(100_000, ge=1)
    max_samples: int = Field(256, ge=1)

    @field_validator("models", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(name for name in value.split(",") if name) if isinstance(value, str) else value


def read_settings(**given: object) -> Settings:
    """Settings from the environment.

    Args:
        **given: Values that go before it; None leaves a value to the environment.

    Returns:
        The settings.

    Raises:
        ConfigError: A value is out of range; the message names it.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        raise ConfigError(
            f"The setting {name} (EMOFUSE_{name.upper()}) does not fit: {first['msg']}.", item=name
        ) from error
