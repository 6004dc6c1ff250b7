"""One module per group of paths."""

from emofuse.serve.routes import feedback, health, models, predict, subjects, track

__all__ = ["ROUTERS"]

ROUTERS = (feedback.router, health.router, models.router, predict.router, subjects.router, track.router)
