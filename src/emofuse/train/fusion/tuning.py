"""Members of a fusion that learn along with its head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emofuse.errors import ConfigError
from emofuse.runtime.bundle import ModelBundle
from emofuse.runtime.evidence import ModelReading
from emofuse.taxonomy import load_mapping
from emofuse.train.augment import ImageAugment
from emofuse.train.data import input_px, prepare_input
from emofuse.train.fusion.data import FusionTable, open_members
from emofuse.train.fusion.network import FusionInputs, FusionNetwork, MemberLayout
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.targets import head_sizes
from emofuse.train.trainer import load_run
from emofuse.types import Sample

__all__ = ["TunedFusion", "TunedMember", "open_tuned"]

NO_TOKEN = -1


class TunedMember(nn.Module):
    """The network of a member: hands over what `feature_vector` takes from its bundle.

    Heads that the fusion does not read get no gradient.

    Args:
        run_dir: Run of the network.
        bundle: Of that run; its temperatures are kept.
        gives: As for `feature_vector`.

    Raises:
        ConfigError: The run holds no finished epoch, or a network with other outputs than the bundle.
    """

    temperatures: Tensor

    def __init__(self, run_dir: Path, bundle: ModelBundle, gives: Sequence[str]) -> None:
        super().__init__()
        self.name = bundle.name
        self.recipe, self.network, self.tokenizer = load_run(run_dir)
        self.heads = list(self.recipe.heads)
        if (self.recipe.task, set(self.heads)) != (bundle.kind, set(bundle.outputs)):
            raise ConfigError(
                f"The run {run_dir} reads {self.recipe.task} and answers in {', '.join(self.heads)}; that is "
                f"not {bundle.name}. Name the run that the model was exported from.",
                item=str(run_dir),
            )
        temperatures = [bundle.outputs[head].temperature for head in self.heads]
        self.register_buffer("temperatures", torch.tensor(temperatures))
        self.read_heads: list[str | None] = []
        nothing = dict.fromkeys(bundle.outputs, np.empty(0, dtype=np.float32))
        reading = ModelReading(bundle.name, nothing, bundle.softmax)
        for index, part in enumerate(gives):
            head = None if part == "embedding" else reading.source_of(part)
            self.read_heads.append(head)
            table = torch.tensor(load_mapping(head, part).matrix) if head else torch.zeros(0)
            self.register_buffer(f"table_{index}", table, persistent=False)
        for head, layer in self.network.heads.items():
            layer.requires_grad_(head in self.read_heads)
        pictures = self.recipe.task != "text"
        self.augment = ImageAugment(self.recipe.augment) if pictures else nn.Identity()
        self.train()  # a run is loaded for use

    @property
    def kept_temperatures(self) -> dict[str, float]:
        """Temperatures of the heads that the fusion reads."""
        pairs = zip(self.heads, self.temperatures.tolist(), strict=True)
        return {head: temperature for head, temperature in pairs if head in self.read_heads}

    def prepare(self, samples: Sequence[Sample], present: NDArray[np.bool_]) -> NDArray[Any]:
        """What the network takes, in one array.

        Args:
            samples: With crops of single faces where there are pictures.
            present: (n,) bool, whether the sample holds what the member reads.

        Returns:
            (n, max_tokens) int32 token ids, -1 after the last, or (n, side, side) uint8 crops.
        """
        random = np.random.default_rng(self.recipe.seed)
        if self.recipe.task == "text":
            shape: tuple[int, ...] = (len(samples), self.recipe.tokenizer.max_tokens)
            inputs: NDArray[Any] = np.full(shape, NO_TOKEN, dtype=np.int32)
        else:
            side = input_px(self.recipe)
            inputs = np.zeros((len(samples), side, side), dtype=np.uint8)
        for row in np.flatnonzero(present).tolist():
            own = prepare_input(self.recipe, samples[row], self.tokenizer, random)
            inputs[row, : len(own)] = own
        return inputs

    def forward(self, inputs: Tensor) -> Tensor:
        """Read texts or faces.

        Args:
            inputs: As `prepare` gives them.

        Returns:
            (batch, width) float32, as `feature_vector`.
        """
        if self.recipe.task != "text":
            return self._read(self.augment(inputs) if self.training else inputs)
        lengths = (inputs != NO_TOKEN).sum(dim=1)
        rows, parts = [], []
        for length in sorted(set(lengths.tolist())):  # nothing is ever padded
            rows.append((lengths == length).nonzero()[:, 0])
            parts.append(self._read(inputs[rows[-1], :length].long()))
        return torch.cat(parts)[torch.cat(rows).argsort()]

    def _read(self, inputs: Tensor) -> Tensor:
        # A mirrored training crop is one of the augmentations.
        mirrored = self.recipe.export.mirror and not self.training
        *logits, embedding, _ = (self.network.read_mirrored if mirrored else self.network.read)(inputs)
        parts = []
        for index, head in enumerate(self.read_heads):
            if head is None:
                parts.append(embedding.float())
                continue
            place = self.heads.index(head)
            scaled = logits[place].float() / self.temperatures[place]
            several = self.recipe.heads[head].multi_label
            probabilities = scaled.sigmoid() if several else scaled.softmax(dim=1)
            mapped = (probabilities @ self.get_buffer(f"table_{index}")).float()
            parts.append(mapped if mapped.shape[1] > 2 else mapped[:, -1:])
        return torch.cat(parts, dim=1)


class TunedFusion(FusionNetwork):
    """A fusion whose members learn along, at the rate of pretrained layers.

    In its inputs, the vectors of those members are what their networks take.

    Args:
        recipe: The fusion; its members with a run learn along.
        members: Layouts of all members.
    """

    def __init__(self, recipe: FusionRecipe, members: Sequence[MemberLayout]) -> None:
        super().__init__(recipe.head, members, head_sizes(recipe.heads))
        self.tuned = open_tuned(recipe)
        self.backbone = nn.ModuleDict({str(index): member for index, member in self.tuned.items()})

    def prepare(self, table: FusionTable) -> FusionTable:
        """The inputs of the members' networks in the place of what their bundles read."""
        vectors: list[Any] = list(table.vectors)
        for index, member in self.tuned.items():
            present = table.present[:, self.members[index].modality] > 0
            vectors[index] = member.prepare(table.samples, present)
        return replace(table, vectors=tuple(vectors))

    def forward(self, inputs: FusionInputs) -> tuple[Tensor, ...]:
        """Logits of every output; see `FusionNetwork.forward`."""
        vectors = list(inputs.vectors)
        for index, member in self.tuned.items():
            there = inputs.present[:, self.members[index].modality] > 0.5
            read = torch.zeros(len(there), self.members[index].size, device=there.device)
            if there.any():
                read[there] = member(vectors[index][there])
            vectors[index] = read
        return super().forward(inputs._replace(vectors=tuple(vectors)))


def open_tuned(recipe: FusionRecipe) -> dict[int, TunedMember]:
    """The networks of the members that learn along.

    Args:
        recipe: The fusion.

    Returns:
        Position of the member -> `TunedMember`, as its run left it.

    Raises:
        ConfigError: See `TunedMember`.
    """
    bundles = open_members(recipe).values()
    return {
        index: TunedMember(Path(member.run), bundle, member.gives)
        for index, (member, bundle) in enumerate(zip(recipe.members, bundles, strict=True))
        if member.run
    }
