"""A face detector that learns from a reference detector's boxes."""

from emofuse.train.face_detection.recipe import DetectorRecipe
from emofuse.train.face_detection.training import load_detector_run, train_detector

__all__ = ["DetectorRecipe", "load_detector_run", "train_detector"]
