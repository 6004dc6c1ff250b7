"""Settings of a face detector's training."""

from __future__ import annotations

from dataclasses import dataclass, field

from emofuse.train.recipe import TrainConfig

__all__ = ["DetectorRecipe", "SceneConfig"]


@dataclass(frozen=True, kw_only=True)
class SceneConfig:
    """How training canvases are made of photographs.

    Attributes:
        canvas_px: Side of the square canvas.
        face_px: Smallest and largest width at which the chosen face is drawn, log-uniform.
        whole: Share of the canvases that show the whole photograph.
        rotate_deg: Largest rotation either way of most canvases.
        steep_deg: Largest rotation of one canvas in ten.
    """

    canvas_px: int = 256
    face_px: tuple[float, ...] = (10.0, 230.0)
    whole: float = 0.25
    rotate_deg: float = 20.0
    steep_deg: float = 45.0


@dataclass(frozen=True, kw_only=True)
class DetectorRecipe:
    """A face detector that learns from the boxes of a reference detector.

    Attributes:
        name: Name of the bundle.
        task: Always `face_detector`.
        photos: Folder below the data root with `train`, `dev` and `test` photographs (MSED's layout).
        reference: Path of the reference detector (YuNet, ONNX), relative to the data root.
        positive_score: Reference boxes from this score on are faces, 0-1.
        ignore_score: Reference boxes from here up to `positive_score` are neither faces nor background.
        channels: Widths after the stem and at strides 4, 8, 16 and 32, then of the pyramid.
        input_px: Long side of the photograph at run time.
        scenes: Canvases.
        train: Optimisation.
        version: Version of the bundle.
        limits: Known failures, a sentence each, for the model card.
        seed: Of everything random.
    """

    name: str
    task: str
    photos: str
    reference: str
    positive_score: float = 0.6
    ignore_score: float = 0.3
    channels: tuple[int, ...] = (16, 32, 64, 96, 128, 64)
    input_px: int = 320
    scenes: SceneConfig = field(default_factory=SceneConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    version: str = "0.1.0"
    limits: tuple[str, ...] = ()
    seed: int = 7
