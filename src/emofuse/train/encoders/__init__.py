"""Encoders by name: the networks below the heads."""

from emofuse.errors import ConfigError
from emofuse.train.encoders.face import CnnEncoder, EfficientNetLiteEncoder
from emofuse.train.encoders.face_resnet import FaceResNetEncoder
from emofuse.train.encoders.text import BiLstmEncoder, MiniLmBiLstmEncoder
from emofuse.train.recipe import Recipe

__all__ = ["FACE_ENCODERS", "TEXT_ENCODERS", "Encoder", "build_encoder"]

Encoder = CnnEncoder | EfficientNetLiteEncoder | FaceResNetEncoder | BiLstmEncoder | MiniLmBiLstmEncoder

TEXT_ENCODERS: dict[str, type[BiLstmEncoder | MiniLmBiLstmEncoder]] = {
    "minilm_bilstm": MiniLmBiLstmEncoder,
    "bilstm": BiLstmEncoder,
}
FACE_ENCODERS: dict[str, type[CnnEncoder | EfficientNetLiteEncoder | FaceResNetEncoder]] = {
    "cnn": CnnEncoder,
    "efficientnet_lite0": EfficientNetLiteEncoder,
    "face_resnet": FaceResNetEncoder,
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
    name = recipe.encoder.name
    if recipe.task == "text" and name in TEXT_ENCODERS:
        return TEXT_ENCODERS[name](recipe.encoder, vocabulary=vocabulary, pretrained=pretrained)
    if recipe.task == "face" and name in FACE_ENCODERS:
        return FACE_ENCODERS[name](recipe.encoder, pretrained=pretrained)
    valid = TEXT_ENCODERS if recipe.task == "text" else FACE_ENCODERS
    raise ConfigError(f"No {recipe.task} encoder {name!r}. Valid: {', '.join(sorted(valid))}.", item=name)
