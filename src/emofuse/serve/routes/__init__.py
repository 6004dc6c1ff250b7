"""One module per group of paths."""

from emofuse.serve.routes import health, models, predict

__all__ = ["ROUTERS"]

ROUTERS = (health.router, models.router, predict.router)
