"""What a run starts from instead of fresh weights: another run, or a bundle."""

from __future__ import annotations

from pathlib import Path

from emofuse.errors import ConfigError
from emofuse.runtime.bundle import list_bundles, load_bundle
from emofuse.train.bundle_weights import load_bundle_weights
from emofuse.train.classifier import EmotionNetwork
from emofuse.train.runs import best_of, read_weights

__all__ = ["find_start", "is_bundle", "load_start"]


def is_bundle(init_from: str) -> bool:
    """Whether a recipe's `init_from` names an embedded bundle or a bundle's folder, not a run's."""
    return init_from in list_bundles() or (Path(init_from) / "bundle.json").is_file()


def find_start(init_from: str) -> Path:
    """Find the folder that a recipe's `init_from` stands for.

    Args:
        init_from: Name of an embedded bundle, a bundle folder or a run folder.

    Returns:
        The folder; that of a text model holds its `tokenizer.json`.

    Raises:
        ConfigError: It is none of these, or a bundle of another kind.
        BundleError: The bundle is incomplete or altered.
    """
    if is_bundle(init_from):
        bundle = load_bundle(init_from)
        if bundle.kind != "text":
            raise ConfigError(
                f"Training goes on from the bundles of text models; {bundle.name} is of the kind "
                f"{bundle.kind}, whose batch norms export melts into its convolutions. Name the folder of "
                "its run instead.",
                item=init_from,
            )
        return bundle.path
    if not (Path(init_from) / "checkpoints" / "best.ckpt").exists():
        raise ConfigError(
            f"{init_from} holds no finished epoch and is no bundle. Name the folder of a run or of a bundle, "
            f"or one of {', '.join(list_bundles())}.",
            item=init_from,
        )
    return Path(init_from)


def load_start(network: EmotionNetwork, init_from: str) -> None:
    """Give a network the weights that a recipe's `init_from` stands for, in place.

    Args:
        network: As the recipe builds it, before anything is pruned.
        init_from: As for `find_start`.

    Raises:
        ConfigError: The run or bundle holds another network, or none.
        BundleError: The bundle is incomplete or altered.
    """
    start = find_start(init_from)
    if is_bundle(init_from):
        load_bundle_weights(network, load_bundle(init_from))
        return
    try:
        network.load_state_dict(read_weights(best_of(start)))
    except RuntimeError as error:
        raise ConfigError(
            f"The run {init_from} holds another network than this recipe: {error}", item=init_from
        ) from error
