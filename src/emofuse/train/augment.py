"""Random changes of training pictures, on the batch, by kornia."""

from __future__ import annotations

from torch import Tensor, nn

from emofuse.train.recipe import AugmentConfig

__all__ = ["ImageAugment"]


class ImageAugment(nn.Module):
    """Mirror, tilt, shift, zoom, light and erase grey crops or pictures in colour."""

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

    def forward(self, pictures: Tensor) -> Tensor:
        """Change each picture on its own.

        Args:
            pictures: (batch, side, side) uint8 grey, or (batch, side, side, 3) uint8 RGB.

        Returns:
            The same shape, float32, 0-255.
        """
        planes = pictures[:, None] if pictures.ndim == 3 else pictures.permute(0, 3, 1, 2)
        changed: Tensor = self.changes(planes.float() / 255) * 255
        return changed[:, 0] if pictures.ndim == 3 else changed.permute(0, 2, 3, 1)
