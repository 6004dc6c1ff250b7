"""The training step: encoder, one linear head per taxonomy, a loss per head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_f1_score,
    multilabel_average_precision,
)
from torchmetrics.utilities.distributed import gather_all_tensors

from emofuse.train.data import Batch
from emofuse.train.encoders import Encoder
from emofuse.train.fusion.network import FusionNetwork
from emofuse.train.fusion.recipe import FusionRecipe
from emofuse.train.losses import LOSSES
from emofuse.train.persons import PersonPairing
from emofuse.train.recipe import Recipe
from emofuse.train.schedule import warmup_cosine
from emofuse.train.shared_norm import set_copied
from emofuse.types import FloatArray

__all__ = ["Classifier", "EmotionNetwork"]


class EmotionNetwork(nn.Module):
    """An encoder with one linear head per taxonomy."""

    def __init__(self, encoder: Encoder, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict({head: nn.Linear(encoder.dim, size) for head, size in sizes.items()})

    @property
    def backbone(self) -> Any:
        """The pretrained part, or None."""
        return self.encoder.backbone

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Logits of every head.

        Args:
            inputs: What the encoder takes.

        Returns:
            One (batch, labels) float tensor per head, in the order of `heads`.
        """
        return self.read(inputs)[: len(self.heads)]

    def read(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Logits of every head, then what they came from.

        Args:
            inputs: What the encoder takes.

        Returns:
            The logits, the (batch, dim) embeddings, and the (batch, tokens or patches, width) states that
            the embeddings pool, all float.
        """
        embedding, states = self.encoder(inputs)
        return (*(head(embedding) for head in self.heads.values()), embedding, states)

    def read_mirrored(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """The mean of what is read in grey pictures and in their mirror images.

        Args:
            pictures: What the encoder takes.

        Returns:
            As for `read`; the states are those of the upright pictures.
        """
        views = self.read(torch.cat([pictures, pictures.flip(-1)]))
        *read, states = (both.reshape(2, -1, *both.shape[1:]) for both in views)
        return (*(both.mean(dim=0) for both in read), states[0])


class Classifier(lightning.LightningModule):
    """Trains a network on batches in which each sample is labelled for some heads.

    Args:
        network: Gives the logits of each head.
        recipe: Heads, optimisation and seed.
        label_weights: Head -> (labels,) weights, for the heads that ask for them.
        augment: Changes the inputs of a training batch at random.
        persons: Adds how differently persons are read, where the recipe asks for it.
    """

    def __init__(
        self,
        network: EmotionNetwork | FusionNetwork,
        recipe: Recipe | FusionRecipe,
        label_weights: Mapping[str, FloatArray] | None = None,
        *,
        augment: nn.Module | None = None,
        persons: PersonPairing | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        for name, weights in (label_weights or {}).items():
            self.register_buffer(self._weights_of(name), torch.from_numpy(weights), persistent=False)
        self.augment = augment or nn.Identity()
        self.persons = persons
        self._validation: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def _weights_of(self, head: str) -> str:
        # A label of the user's own may hold any character, a buffer's name may not.
        return f"label_weights_{list(self.recipe.heads).index(head)}"

    def on_train_batch_start(self, *_: Any) -> None:
        """Tie dropout and augmentation to the step, so that a resumed run repeats an unbroken one."""
        torch.manual_seed(self.recipe.seed * 1_000_003 + self._own_step())

    def _own_step(self) -> int:
        # Processes that share a batch draw apart.
        return self.global_step * self.trainer.world_size + self.global_rank

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Sum the heads' losses over the samples that they label, per sample of the batch."""
        set_copied(self.network, batch.copied)
        logits = self.network(self.augment(batch.inputs))
        total = torch.zeros((), device=self.device)
        for (name, head), output in zip(self.recipe.heads.items(), logits, strict=True):
            targets = batch.targets[name]
            smooth = targets * (1 - head.smoothing) + head.smoothing / targets.shape[1]
            losses = LOSSES[head.loss](output, smooth, head.gamma)
            if head.class_weights != "none":
                losses = losses * (targets * self.get_buffer(self._weights_of(name))).sum(dim=-1)
            total = total + head.weight * (losses * batch.labelled[name]).mean() * batch.share
        if self.persons is not None:
            apart = self.persons.loss(
                self.network, self.global_step, rank=self.global_rank, ranks=self.trainer.world_size
            )
            self.log("train/persons", apart, on_step=False, on_epoch=True, batch_size=1, sync_dist=True)
            total = total + self.persons.config.weight * apart
        self.log("train/loss", total, prog_bar=True, batch_size=len(logits[0]), sync_dist=True)
        return total

    def on_validation_epoch_start(self) -> None:
        """Forget the last epoch's outputs."""
        self._validation = {name: [] for name in self.recipe.heads}

    def validation_step(self, batch: Batch, _: int) -> None:
        """Keep logits and targets; scores need the whole split."""
        for name, output in zip(self.recipe.heads, self.network(batch.inputs), strict=True):
            # One process speaks for all that have the same rows.
            mask = batch.labelled[name] & (not batch.copied or self.global_rank == 0)
            self._validation[name].append((output[mask].float(), batch.targets[name][mask]))

    def on_validation_epoch_end(self) -> None:
        """Log the score of each head, and their mean as `val/score`, which picks the checkpoint."""
        scores = []
        for name, parts in self._validation.items():
            logits, targets = (self._gather(torch.cat(column)) for column in zip(*parts, strict=True))
            if not len(targets):
                continue
            values = _scores(logits, targets, multi_label=self.recipe.heads[name].multi_label)
            short = name.partition(":")[0]
            self.log_dict({f"val/{short}_{key}": value for key, value in values.items()})
            scores.append(next(iter(values.values())))
        score = torch.stack(scores).mean()
        self.log("val/score", score, prog_bar=True)
        if self.recipe.train.schedule == "plateau":
            # Here, since Lightning would step it only after the checkpoint of the epoch was written.
            plateau: Any = self.lr_schedulers()
            plateau.step(score)

    def _gather(self, own: Tensor) -> Tensor:
        return own if self.trainer.world_size == 1 else torch.cat(gather_all_tensors(own))

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step a cosine; a plateau has had its step."""
        if self.recipe.train.schedule == "cosine":
            scheduler.step()

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Clip the norm of all gradients; Lightning itself refuses to with a fused optimizer."""
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.train.clip)

    def configure_optimizers(self) -> Any:
        """A gentler rate for the pretrained part; the rate follows a cosine by step or a plateau by epoch."""
        config = self.recipe.train
        backbone = self.network.backbone
        pretrained = set() if backbone is None else set(backbone.parameters())
        groups = []
        for is_pretrained, rate in ((True, config.backbone_lr), (False, config.lr)):
            own = [p for p in self.network.parameters() if (p in pretrained) is is_pretrained]
            # Biases and norms have one dimension; decay would only pull them to zero.
            groups += [
                {"params": [p for p in own if p.ndim > 1], "lr": rate},
                {"params": [p for p in own if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
            ]
        kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
        optimizer = kind(groups, weight_decay=config.weight_decay, fused=True)
        if config.schedule == "plateau":
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.5, patience=0)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val/score"}}
        total = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: warmup_cosine(step, total, config.warmup)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _scores(logits: Tensor, targets: Tensor, *, multi_label: bool) -> dict[str, Tensor]:
    labels = logits.shape[1]
    if multi_label:
        return {"map": multilabel_average_precision(logits.sigmoid(), targets.long(), num_labels=labels)}
    truth = targets.argmax(dim=1)
    return {
        "macro_f1": multiclass_f1_score(logits, truth, num_classes=labels, average="macro"),
        "accuracy": multiclass_accuracy(logits, truth, num_classes=labels, average="micro"),
    }
