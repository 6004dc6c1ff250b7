"""What befalls real pairs, done to training pairs at random: halves that are missing, wrong or empty."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from emofuse.train.fusion.network import FusionInputs, MemberLayout
from emofuse.types import Sample

__all__ = ["Mispairing", "ModalityDropout", "Noise", "empty_samples"]

EMPTY_TEXTS, EMPTY_PICTURES = 200, 60


class ModalityDropout(nn.Module):
    """Masks whole modalities of training samples at random; never the last one of a sample."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, inputs: FusionInputs) -> FusionInputs:
        """Mask each modality with the same probability.

        Args:
            inputs: The batch.

        Returns:
            The batch with a sparser mask.
        """
        kept = inputs.present * (torch.rand_like(inputs.present) >= self.rate)
        # Where nothing is left, the modality with the highest draw among those that were there comes back.
        draw = torch.rand_like(inputs.present) * inputs.present
        rescued = torch.nn.functional.one_hot(draw.argmax(dim=1), draw.shape[1]).to(kept)
        return inputs._replace(present=torch.where(kept.sum(dim=1, keepdim=True) > 0, kept, rescued))


class Mispairing(nn.Module):
    """Gives some pairs the picture of another pair of the batch; the label stays that of the text."""

    def __init__(self, members: Sequence[MemberLayout], text: int, rate: float) -> None:
        super().__init__()
        self.members, self.text, self.rate = members, text, rate

    def forward(self, inputs: FusionInputs) -> FusionInputs:
        """Replace pictures, whole ones: face and scene together.

        Args:
            inputs: The batch.

        Returns:
            The batch with other readings and masks.
        """
        chosen = _pairs(inputs.present, self.text) & (torch.rand_like(inputs.present[:, 0]) < self.rate)
        own = torch.arange(len(chosen), device=chosen.device)
        rows = torch.where(chosen, torch.randperm(len(chosen), device=chosen.device), own)
        return _take(inputs, inputs, self.members, _pictures(inputs.present, self.text), chosen, rows)


class Noise(nn.Module):
    """Gives some pairs a text without a word, and as many a picture without anything on it.

    Args:
        members: Layouts of the members.
        text: Column of the text.
        rate: Share of each of the two.
        empty: What the members read in `empty_samples`.
    """

    def __init__(self, members: Sequence[MemberLayout], text: int, rate: float, empty: FusionInputs) -> None:
        super().__init__()
        self.members, self.text, self.rate = members, text, rate
        for index, vectors in enumerate(empty.vectors):
            self.register_buffer(f"vectors_{index}", vectors, persistent=False)
        for index, states in enumerate(empty.states):
            self.register_buffer(f"states_{index}", states, persistent=False)
        self.register_buffer("present", empty.present, persistent=False)
        self.counts = (len(empty.vectors), len(empty.states))

    def forward(self, inputs: FusionInputs) -> FusionInputs:
        """Replace texts or pictures, never both of a pair.

        Args:
            inputs: The batch.

        Returns:
            The batch with other readings and masks.
        """
        vectors, states = self.counts
        empty = FusionInputs(
            tuple(self.get_buffer(f"vectors_{index}") for index in range(vectors)),
            tuple(self.get_buffer(f"states_{index}") for index in range(states)),
            self.get_buffer("present"),
        )
        pair = _pairs(inputs.present, self.text)
        draw = torch.rand_like(inputs.present[:, 0])
        which = torch.rand_like(draw)
        picture = _pictures(inputs.present, self.text)
        begin, end = (which * EMPTY_TEXTS).long(), EMPTY_TEXTS + (which * EMPTY_PICTURES).long()
        wordless = _take(inputs, empty, self.members, ~picture, pair & (draw < self.rate), begin)
        return _take(wordless, empty, self.members, picture, pair & (draw > 1 - self.rate), end)


def empty_samples(seed: int) -> list[Sample]:
    """Texts and pictures that hold nothing: random consonants; plain, shaded and noisy fields.

    Args:
        seed: Of everything random.

    Returns:
        The texts, then the pictures.
    """
    letters = random.Random(seed)
    consonants = sorted(set(string.ascii_lowercase) - set("aeiouy"))
    texts = [
        " ".join(
            "".join(letters.choices(consonants, k=letters.randint(2, 8)))
            for _ in range(letters.randint(1, 10))
        )
        for _ in range(EMPTY_TEXTS)
    ]
    draw = np.random.default_rng(seed)
    fields = []
    for index in range(EMPTY_PICTURES):
        field = np.broadcast_to(draw.integers(0, 256, 3).astype(np.float64), (240, 320, 3))
        if index % 3 == 1:
            field = field + draw.normal(0, draw.uniform(5, 80), field.shape)
        if index % 3 == 2:
            field = field + draw.uniform(-80, 80) * np.linspace(-1, 1, 320)[None, :, None]
        fields.append(field.clip(0, 255).astype(np.uint8))
    return [Sample(text=text) for text in texts] + [Sample(image=field) for field in fields]


def _pictures(present: Tensor, text: int) -> Tensor:
    # Every column but that of the text comes from the picture.
    return torch.arange(present.shape[1], device=present.device) != text


def _pairs(present: Tensor, text: int) -> Tensor:
    return (present[:, text] > 0) & (present[:, _pictures(present, text)].sum(dim=1) > 0)


def _take(
    inputs: FusionInputs,
    source: FusionInputs,
    members: Sequence[MemberLayout],
    columns: Tensor,
    chosen: Tensor,
    rows: Tensor,
) -> FusionInputs:
    # Replaces some modalities (columns) of the chosen samples with those in rows of the source.
    vectors, states = list(inputs.vectors), list(inputs.states)
    for index, member in enumerate(members):
        if not columns[member.modality]:
            continue
        vectors[index] = torch.where(chosen[:, None], source.vectors[index][rows], vectors[index])
        if states:
            states[index] = torch.where(chosen[:, None, None], source.states[index][rows], states[index])
    present = torch.where(chosen[:, None] & columns, source.present[rows], inputs.present)
    return FusionInputs(tuple(vectors), tuple(states), present)
