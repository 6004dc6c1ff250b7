"""The service: the same predictions over HTTP.

from emofuse.serve import Settings, create_app

app = create_app(Settings())  # any ASGI server runs it; `emofuse serve` brings its own
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emofuse.serve.app import create_app
    from emofuse.serve.settings import Settings

__all__ = ["Settings", "create_app"]

# Loaded on first use: `emofuse serve keys` needs the store alone.
_LAZY = {"Settings": "emofuse.serve.settings", "create_app": "emofuse.serve.app"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'emofuse.serve' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
