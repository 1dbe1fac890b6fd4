"""RSKP as a method: two branches, a third through the memory, and when the memory is filled, read and emptied.

Source: RSKP (Huang et al., CVPR 2022, arXiv 2203.02925), the base of Zhou et al., CVPR 2023; docs/method.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from wtal.methods.batch import Batch
from wtal.methods.contract import Losses, Method, Scores, Use
from wtal.methods.label_loss import BatchLabels
from wtal.methods.rskp.losses import video_losses
from wtal.methods.rskp.memory import MemoryBank, memory_rows, padded_slots
from wtal.methods.rskp.network import Network, NetworkOutput
from wtal.methods.rskp.settings import RskpSettings
from wtal.methods.rskp.walk import Slots
from wtal.suite.step_settings import EpochSettings
from wtal.suite.training_settings import at_epoch


class Rskp(Network, Method):
    """The network and its memory."""

    kind: ClassVar[str] = "rskp"
    loss_names: ClassVar[tuple[str, ...]] = ("foreground", "background", "attention", "consistency")

    def __init__(
        self, feature_size: int, n_classes: int, settings: RskpSettings, generator: torch.Generator | None
    ) -> None:
        super().__init__(feature_size, n_classes, settings, generator)
        self.memory = MemoryBank(n_classes, settings.memory_slots, settings.embedding_size)

    def losses(
        self, batch: Batch, epoch: EpochSettings, target: BatchLabels | None, dropout: torch.Generator | None
    ) -> Losses:
        """The losses of a batch, which where it is learnt from reads the memory and is put in. Axes: see `Method`."""
        first = self.settings.memory_from_epoch
        uses_memory = first is not None and epoch.epoch >= first and dropout is not None
        output: NetworkOutput = self(batch, dropout, partial(self._remembered, batch) if uses_memory else None)
        original, reallocated, memory = output.original, output.reallocated, output.memory
        found = video_losses(original, reallocated, memory, batch.labels, batch.mask, target, self.settings)
        return Losses(
            base=found.total(self.settings, at_epoch(self.settings.consistency_weight, epoch.epoch)),
            label=found.label,
            compared=found.compared,
            parts={name: getattr(found, name).detach() for name in self.loss_names},
            attention=original.attention,
            video_logits=original.agnostic_logits,
        )

    def _remembered(self, batch: Batch, prototypes: Tensor) -> Slots | None:
        """Each video reads the memory, and then puts its own prototypes [V, P, D] in, before the next one reads.

        None where no video of the batch has a class: background neither reads nor is remembered.
        """
        if not batch.present.any():
            return None
        probabilities = self._probabilities(prototypes)
        slots = []
        for index, label in enumerate(batch.present.tolist()):
            rows = memory_rows(label, self.settings.memory_index)
            slots.append(self.memory.read(rows))
            self.memory.update(rows, prototypes[index], probabilities[index])
        return padded_slots(slots)

    def scores(self, batch: Batch, use: Use, dropout: torch.Generator | None) -> Scores:
        """Class probabilities of both branches, mixed, times the original branch's attention. Axes: see `Scores`.

        Snippet: (c softmax(F_o) + (1 - c) softmax(F_m)) attention; video: the same mixture of the pooled scores.
        Source: docs/method.md#scores-proposals-fusion.
        """
        settings = self.settings
        output: NetworkOutput = self(batch, dropout)
        first, second = output.original, output.reallocated
        is_for_labels = use == "labels"
        share = settings.label_snippet_original_share if is_for_labels else settings.detection_snippet_original_share
        mixed = share * torch.softmax(first.logits, dim=1)
        mixed = mixed + (1 - share) * torch.softmax(second.logits, dim=1)
        pooled = settings.video_original_share * torch.softmax(first.agnostic_logits, dim=-1)
        pooled = pooled + (1 - settings.video_original_share) * torch.softmax(second.agnostic_logits, dim=-1)
        return Scores(
            snippet=batch.concatenated((mixed * first.attention[:, None, :]).transpose(1, 2)),
            video=pooled,
            attention=batch.concatenated(first.attention),
        )

    def begin_round(self) -> None:
        """Empty the memory."""
        self.memory.clear()

    @torch.no_grad()
    def end_epoch(self, epoch: EpochSettings, batches: Iterable[Batch]) -> None:
        """Before the first epoch that uses the memory, put every video into the rows of its own classes."""
        if self.settings.memory_from_epoch != epoch.epoch + 1:
            return
        for batch in batches:
            prototypes = self(batch).prototypes
            probabilities = self._probabilities(prototypes)
            for index, label in enumerate(batch.present.tolist()):
                self.memory.update(memory_rows(label, "label"), prototypes[index], probabilities[index])

    def _probabilities(self, prototypes: Tensor) -> Tensor:
        """Class probabilities [V, P, K] of prototypes, without gradient."""
        return torch.softmax(self.prototype_logits(prototypes), dim=-1).detach()
