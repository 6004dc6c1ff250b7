"""Random changes of training faces, on the batch, by kornia."""

from __future__ import annotations

from torch import Tensor, nn

from emofuse.train.recipe import AugmentConfig

__all__ = ["FaceAugment"]


class FaceAugment(nn.Module):
    """Mirror, tilt, shift, zoom, light and erase grey crops."""

    def __init__(self, config: AugmentConfig) -> None:
        super().__init__()
        from kornia import augmentation as kornia  # noqa: PLC0415 - slow to import, only for faces

        self.changes = kornia.AugmentationSequential(
            kornia.RandomHorizontalFlip(p=config.flip),
            kornia.RandomAffine(
                degrees=config.rotate_deg,
                translate=(config.shift, config.shift),
                scale=(1 - config.zoom, 1 + config.zoom),
                padding_mode="border",
                p=0.9,
            ),
            kornia.ColorJiggle(brightness=config.light, contrast=config.light, p=0.8),
            kornia.RandomErasing(scale=(0.02, 0.2), value=0.5, p=config.erase),
            data_keys=["input"],
        )

    def forward(self, crops: Tensor) -> Tensor:
        """Change each crop on its own.

        Args:
            crops: (batch, side, side) uint8 grey.

        Returns:
            (batch, side, side) float32, 0-255.
        """
        changed: Tensor = self.changes(crops[:, None].float() / 255)
        scaled: Tensor = changed[:, 0] * 255
        return scaled
