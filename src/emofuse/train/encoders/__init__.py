"""Encoders by name: the networks below the heads."""

from collections.abc import Callable

from emofuse.errors import ConfigError
from emofuse.train.encoders.face import CnnEncoder, EfficientNetLiteEncoder, SceneEncoder
from emofuse.train.encoders.face_resnet import FaceResNetEncoder
from emofuse.train.encoders.text import BiLstmEncoder, MiniLmBiLstmEncoder
from emofuse.train.recipe import Recipe

__all__ = ["ENCODERS", "Encoder", "build_encoder"]

Encoder = CnnEncoder | EfficientNetLiteEncoder | FaceResNetEncoder | BiLstmEncoder | MiniLmBiLstmEncoder

ENCODERS: dict[str, dict[str, Callable[..., Encoder]]] = {
    "text": {"minilm_bilstm": MiniLmBiLstmEncoder, "bilstm": BiLstmEncoder},
    "face": {
        "cnn": CnnEncoder,
        "efficientnet_lite0": EfficientNetLiteEncoder,
        "face_resnet": FaceResNetEncoder,
    },
    "scene": {"efficientnet_lite0": SceneEncoder},
}


def build_encoder(recipe: Recipe, *, vocabulary: int = 0, pretrained: bool = True) -> Encoder:
    """Build the encoder that a recipe names.

    Args:
        recipe: The recipe.
        vocabulary: Number of tokens (text only).
        pretrained: Whether to load the backbone's published weights.

    Returns:
        A module that gives embeddings and what they pool, with `dim`, the width of an embedding, and
        `backbone`, its pretrained part or None.

    Raises:
        ConfigError: No such encoder for the recipe's task.
    """
    name, known = recipe.encoder.name, ENCODERS[recipe.task]
    if name not in known:
        raise ConfigError(f"No {recipe.task} encoder {name!r}. Valid: {', '.join(sorted(known))}.", item=name)
    if recipe.task == "text":
        return known[name](recipe.encoder, vocabulary=vocabulary, pretrained=pretrained)
    return known[name](recipe.encoder, pretrained=pretrained)
