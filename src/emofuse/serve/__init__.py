"""The service: the same predictions over HTTP.

from emofuse.serve import Settings, create_app

app = create_app(Settings())  # any ASGI server runs it; `emofuse serve` brings its own
"""

from emofuse.serve.app import create_app
from emofuse.serve.settings import Settings

__all__ = ["Settings", "create_app"]
