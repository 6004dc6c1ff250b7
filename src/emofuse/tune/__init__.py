"""Search the settings of a recipe."""

from emofuse.tune.study import TuneResult, tune_recipe

__all__ = ["TuneResult", "tune_recipe"]
