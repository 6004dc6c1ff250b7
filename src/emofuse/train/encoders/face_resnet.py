"""The ResNet-29 of dlib's face recognition, whose weights know faces before they see an expression."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from emofuse.errors import ConfigError, MissingExtraError
from emofuse.train.encoders.face import FaceEncoder, enlarge
from emofuse.train.recipe import EncoderConfig
from emofuse.types import FloatArray

__all__ = ["FaceResNetEncoder"]

# Width of a stage and its blocks; the first block of every stage but the first halves the picture.
STAGES = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
SMALLEST_PX = 80  # below it the last features are of one patch, which batch norm cannot take of one face
MEAN, SCALE = 114.7, 256.0  # the mean of the colour means that dlib takes off, and its divisor
_PACKAGE = "face_recognition_models"
_FILE = "models/dlib_face_recognition_resnet_model_v1.dat"


class FaceResNetEncoder(FaceEncoder):
    """Residual blocks of 3 x 3 convolutions, started from face recognition, its stem summed over colours.

    dlib's affine layers are folded into the convolutions, and a fresh batch norm follows each of them; see
    `settle`.

    Source: King 2017, `dlib_face_recognition_resnet_model_v1`, after He et al. 2016, "Deep Residual Learning
    for Image Recognition". Weights CC0, as the package `face-recognition-models` states.
    """

    def __init__(self, config: EncoderConfig, *, pretrained: bool = True) -> None:
        super().__init__()
        if config.image_px < SMALLEST_PX:
            raise ConfigError(
                f"encoder.image_px must be at least {SMALLEST_PX} for face_resnet, not {config.image_px}.",
                item="encoder.image_px",
            )
        self.image_px = config.image_px
        self.backbone = _FaceResNet()
        if pretrained:
            self.backbone.load_dlib()
        self.backbone.to(memory_format=torch.channels_last)  # faster on CPUs
        self.backbone.requires_grad_(not config.frozen)
        self.frozen = config.frozen
        self.dropout = nn.Dropout(config.dropout)
        self.dim = STAGES[-1][0]

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Encode.

        Args:
            inputs: (batch, side, side) uint8 or float grey crops, 0-255.

        Returns:
            (batch, 256) float embeddings, and the features of each patch of the picture that they pool,
            (batch, patches, 256) float.
        """
        grey = (inputs.float() - MEAN) / SCALE
        features = self.backbone(enlarge(grey, self.image_px))
        return self.dropout(features.mean(dim=(2, 3))), features.flatten(2).transpose(1, 2)

    def settle(self, crops: Tensor) -> None:
        """Let each batch norm give back the spread that it takes, so that it changes nothing at first.

        A frozen backbone needs none of it: its batch norms hand on what they get.

        Args:
            crops: (batch, side, side) uint8 training crops, some hundreds.

        Source: the idea of Salimans and Kingma 2016, "Weight Normalization", section 3.
        """
        if self.frozen:
            return
        hooks = [
            module.register_forward_pre_hook(_give_back)
            for module in self.modules()
            if isinstance(module, nn.BatchNorm2d)
        ]
        before = self.training
        with torch.no_grad():
            self.train()(crops)
        self.train(before)
        for hook in hooks:
            hook.remove()


def _give_back(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    if isinstance(norm, nn.BatchNorm2d):
        norm.weight.copy_(inputs[0].std(dim=(0, 2, 3)))
        norm.bias.copy_(inputs[0].mean(dim=(0, 2, 3)))


class _FaceResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, STAGES[0][0], 7, stride=2)
        blocks, before = [], STAGES[0][0]
        for stage, (width, count) in enumerate(STAGES):
            for index in range(count):
                blocks.append(_Block(before, width, halve=stage > 0 and index == 0))
                before = width
        self.blocks = nn.Sequential(*blocks)

    def forward(self, pictures: Tensor) -> Tensor:
        features = functional.max_pool2d(functional.relu(self.stem(pictures)), 3, stride=2)
        encoded: Tensor = self.blocks(features)
        return encoded

    def load_dlib(self) -> None:
        layers = _read_dlib(_find_weights())
        with torch.no_grad():
            # Modules come in the order in which they were made, which is that of the file.
            for convolution in self.modules():
                if not isinstance(convolution, nn.Conv2d) or convolution.bias is None:
                    continue
                kernel, affine = (torch.from_numpy(next(layers)) for _ in range(2))
                width = convolution.out_channels
                weights = kernel[:-width].reshape(width, -1, *convolution.kernel_size)
                bias, scale, shift = kernel[-width:], affine[:width], affine[width:]
                if convolution is self.stem:
                    weights = weights.sum(dim=1, keepdim=True)
                convolution.weight.copy_(weights * scale[:, None, None, None])
                convolution.bias.copy_(bias * scale + shift)


class _Block(nn.Module):
    def __init__(self, before: int, width: int, *, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        self.widen = width - before
        # dlib's windows start at the upper left corner, so what they lack is below and to the right; dlib
        # itself leaves that out and adds a row and a column of zeros to the sum instead.
        self.first = nn.Conv2d(before, width, 3, stride=2 if halve else 1, padding=0 if halve else 1)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.second_norm = nn.BatchNorm2d(width)

    def forward(self, features: Tensor) -> Tensor:
        shortcut, inputs = features, features
        if self.halve:
            shortcut = functional.avg_pool2d(features, 2, ceil_mode=True)
            height, width = features.shape[-2:]
            inputs = functional.pad(features, (0, 1 + width % 2, 0, 1 + height % 2))
        if self.widen:
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, self.widen))
        changed = functional.relu(self.first_norm(self.first(inputs)))
        return functional.relu(self.second_norm(self.second(changed)) + shortcut)


def _find_weights() -> Path:
    found = importlib.util.find_spec(_PACKAGE)  # not imported: it needs a long gone part of setuptools
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("train", "face-recognition-models")
    return Path(found.submodule_search_locations[0]) / _FILE


def _read_dlib(path: Path) -> Iterator[FloatArray]:
    """The parameters of each convolution and affine layer, from the input on."""
    data = path.read_bytes()
    position = 0
    marks = (b"\x05con_4", b"\x07affine_")
    for layer in range(2 * (1 + 2 * sum(count for _, count in STAGES))):
        mark = marks[layer % 2]
        position = data.find(mark, position)
        if position < 0:
            raise ConfigError(f"{path} is not dlib's face recognition network.", item=str(path))
        position += len(mark)
        shape = []
        for _ in range(5):  # the version, then four dimensions
            value, position = _read_integer(data, position)
            shape.append(value)
        count = int(np.prod(shape[1:]))
        yield np.frombuffer(data, dtype="<f4", count=count, offset=position).copy()
        position += 4 * count


def _read_integer(data: bytes, position: int) -> tuple[int, int]:
    # One byte with the number of bytes that follow, the highest bit being the sign.
    end = position + 1 + (data[position] & 0x7F)
    return int.from_bytes(data[position + 1 : end], "little"), end
