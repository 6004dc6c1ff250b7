"""Plain YAML data with overrides, and frozen dataclasses built from it."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from emofuse.errors import ConfigError

__all__ = [
    "Amount",
    "Count",
    "Positive",
    "Range",
    "Share",
    "apply_overrides",
    "build_config",
    "read_yaml",
    "set_key",
]

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The numbers that a field takes, as an annotation of its type.

    Attributes:
        low: Smallest value.
        high: Largest value.
    """

    low: float
    high: float = inf

    def __str__(self) -> str:
        return f"at least {self.low}" if self.high == inf else f"from {self.low} to {self.high}"


Count = Annotated[int, Range(1)]
Amount = Annotated[float, Range(0)]
Share = Annotated[float, Range(0, 1)]
Positive = Annotated[float, Range(1e-9)]


def read_yaml(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a recipe file as plain data.

    Args:
        path: YAML file.
        overrides: `key.sub=value` strings, values in YAML syntax; applied in order.

    Returns:
        The mapping in the file with the overrides applied.

    Raises:
        ConfigError: The file is missing, is not YAML or holds no mapping; an override has no `=`.
    """
    import yaml  # noqa: PLC0415 - an extra

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read the recipe {path}: {error.strerror}.", item=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"The recipe {path} is not valid YAML: {error}", item=str(path)) from error
    if not isinstance(data, dict):
        raise ConfigError(f"The recipe {path} must be a YAML mapping.", item=str(path))
    return apply_overrides(data, overrides)


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Set dotted keys in nested dicts, in place.

    Args:
        data: Nested mapping.
        overrides: `train.lr=3e-5` and the like; the value is read as YAML.

    Returns:
        `data`.

    Raises:
        ConfigError: An override has no `=`, or its key leads through something that is no mapping.
    """
    import yaml  # noqa: PLC0415 - an extra

    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise ConfigError(f"--set takes key=value, not {override!r}.", item=override)
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {key}: {value!r} is not valid YAML.", item=override) from error
        set_key(data, key.strip(), _number(parsed) if isinstance(parsed, str) else parsed)
    return data


def set_key(data: dict[str, Any], key: str, value: Any) -> None:
    """Set one dotted key in nested dicts, in place.

    Args:
        data: Nested mapping.
        key: `train.lr` and the like.
        value: Plain data.

    Raises:
        ConfigError: The key leads through something that is no mapping.
    """
    node = data
    *parents, leaf = key.split(".")
    for parent in parents:
        child = node.setdefault(parent, {})
        if not isinstance(child, dict):
            raise ConfigError(f"{key}: {parent!r} is a value, not a group of keys.", item=key)
        node = child
    node[leaf] = value


def build_config(cls: type[T], data: Mapping[str, Any], where: str = "") -> T:
    """Build a frozen dataclass from plain data, refusing anything it does not know.

    Args:
        cls: A dataclass with annotated fields.
        data: Plain mapping.
        where: Dotted path for messages.

    Returns:
        An instance of `cls`.

    Raises:
        ConfigError: Unknown or missing key (the message lists the valid ones), wrong type or choice, or a
            number out of range.
    """
    fields = {item.name: item for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls, include_extras=True)
    if unknown := sorted(set(data) - set(fields)):
        raise ConfigError(
            f"Unknown key {where}{unknown[0]!r}. Valid: {', '.join(sorted(fields))}.", item=unknown[0]
        )
    missing = [
        name
        for name, item in fields.items()
        if name not in data
        and item.default is dataclasses.MISSING
        and item.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"The key {where}{missing[0]!r} is missing.", item=missing[0])
    return cls(**{key: _convert(hints[key], value, f"{where}{key}") for key, value in data.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _within(hint.__metadata__[0], _convert(arguments[0], value, where), where)
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return build_config(typing.cast("type[Any]", hint), value, f"{where}.")
    if origin in (types.UnionType, typing.Union):
        inner = next(a for a in arguments if a is not type(None))
        return None if value is None else _convert(inner, value, where)
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Mapping and isinstance(value, Mapping):
        return {key: _convert(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return _convert_scalar(hint, value, where)


def _within(limits: Range, value: Any, where: str) -> Any:
    # Said so that NaN, for which every comparison is false, is refused as well.
    if not limits.low <= value <= limits.high:
        raise ConfigError(f"{where} must be {limits}, not {value!r}.", item=where)
    return value


def _convert_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is Any:
        return value
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise ConfigError(f"{where} must be one of {', '.join(choices)}, not {value!r}.", item=where)
        return value
    if hint is float and isinstance(value, int | str) and not isinstance(value, bool):
        value = _number(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise ConfigError(f"{where} must be {getattr(hint, '__name__', hint)}, not {value!r}.", item=where)


def _number(value: Any) -> Any:
    # YAML 1.1 reads 3e-5 as a string because it has no dot.
    try:
        return float(value)
    except ValueError:
        return value
