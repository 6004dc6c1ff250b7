"""Counterfactual logit pairing: sentences that differ only in the person spoken of get one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from emofuse.preprocess import WordPieceTokenizer
from emofuse.train.data import prepare_input
from emofuse.train.losses import spread
from emofuse.train.person_probe import NOUN_PAIRS, build_probe
from emofuse.train.recipe import PersonsConfig, Recipe
from emofuse.train.shares import own_rows
from emofuse.types import Sample

__all__ = ["PersonPairing"]

FILLINGS = 2000


class PersonPairing:
    """Draws groups of sentences and tells how far apart the answers of a group are.

    Args:
        config: Size of a step.
        recipe: Heads, seed, and how texts are prepared.
        tokenizer: Of the network.

    Source: Garg et al. 2019, "Counterfactual Fairness in Text Classification through Robustness", with the
    mean of a group in place of the other of a pair, and divergences in place of differences of logits.
    """

    def __init__(self, config: PersonsConfig, recipe: Recipe, tokenizer: WordPieceTokenizer) -> None:
        self.config, self.recipe, self.tokenizer = config, recipe, tokenizer
        rows = build_probe(FILLINGS)
        names = [[text for group in row.names for text in group] for row in rows]
        nouns = [pair for row in rows for pair in row.nouns]
        # Names come as often as nouns, of which there are more groups.
        self.groups: list[Sequence[str]] = [*names * NOUN_PAIRS, *nouns]

    def draw(self, step: int) -> list[list[Tensor]]:
        """The groups of one step.

        Args:
            step: Decides, with the recipe's seed, which groups come.

        Returns:
            Per group the token ids of its sentences, each (length,) int64.
        """
        random = np.random.default_rng((self.recipe.seed, step))
        chosen = random.choice(len(self.groups), self.config.groups, replace=False)
        return [[self._encode(text, random) for text in self.groups[index]] for index in chosen]

    def loss(self, network: nn.Module, step: int, *, rank: int = 0, ranks: int = 1) -> Tensor:
        """How far the answers to the sentences of a step are from the mean answers of their groups.

        Args:
            network: Gives a tensor of logits per head of the recipe.
            step: As for `draw`.
            rank: Of this process, 0-based.
            ranks: Number of processes that share the groups.

        Returns:
            A number >= 0: the mean over sentences, summed over the heads by their weights. Of several
            processes, their mean is that.
        """
        drawn = self.draw(step)
        groups = own_rows(drawn, rank, ranks)
        own, whole = (sum(len(group) for group in part) for part in (groups, drawn))
        share = own * ranks / whole if len(drawn) >= ranks else 1.0
        with _steady(network):
            answers = _read(network, [ids for group in groups for ids in group])
        total = torch.zeros((), device=answers[0].device)
        for head, logits in zip(self.recipe.heads.values(), answers, strict=True):
            parts = torch.split(logits, [len(group) for group in groups])
            losses = torch.cat([spread(part, multi_label=head.multi_label) for part in parts])
            total = total + head.weight * losses.mean() * share
        return total

    def _encode(self, text: str, random: np.random.Generator) -> Tensor:
        ids = prepare_input(self.recipe, Sample(text=text), self.tokenizer, random)
        return torch.from_numpy(ids).long()


@contextmanager
def _steady(network: nn.Module) -> Iterator[None]:
    # What dropout or a batch's own norm does would be taken for a difference between persons. An LSTM stays
    # in training, without which no gradients pass through it on graphics cards.
    changed = [module for module in network.modules() if module.training and not isinstance(module, nn.LSTM)]
    for module in changed:
        module.training = False
    yield
    for module in changed:
        module.training = True


def _read(network: nn.Module, sentences: Sequence[Tensor]) -> list[Tensor]:
    # Rows are never padded: one batch for each length.
    lengths: Mapping[int, list[int]] = {len(ids): [] for ids in sentences}
    for index, ids in enumerate(sentences):
        lengths[len(ids)].append(index)
    device = next(network.parameters()).device
    read = [network(torch.stack([sentences[i] for i in rows]).to(device)) for rows in lengths.values()]
    order = torch.tensor([i for rows in lengths.values() for i in rows], device=device).argsort()
    return [torch.cat(outputs).float()[order] for outputs in zip(*read, strict=True)]
