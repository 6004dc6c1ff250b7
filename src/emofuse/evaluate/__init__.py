"""Score bundles on corpora."""

from emofuse.evaluate.evaluator import Evaluation, evaluate_bundle

__all__ = ["Evaluation", "evaluate_bundle"]
