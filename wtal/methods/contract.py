"""The contract of a base network: what training and scoring ask of a method, and all that they know of one.

Axes: V videos of a batch, T snippets of the longest, N snippets of all, F features, K = C + 1 classes with background
last. How to add a method: docs/methods.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from wtal.methods.batch import Batch
from wtal.methods.label_loss import BatchLabels
from wtal.suite.step_settings import EpochSettings

Use = Literal["labels", "detection"]


@dataclass(frozen=True, slots=True)
class Losses:
    """What a method says of a batch in training; every value of a video is its own, whatever it is batched with.

    One exception: what a loss of pairs says of a video depends on its partner too (`Batch.partner`).
    """

    base: Tensor  # [V] the method's own losses, weighted, with gradient
    label: Tensor  # [V] the loss against the pseudo labels, unweighted; zeros where there are none
    compared: Tensor  # [V] what early stopping compares: classification alone, the same in every epoch
    parts: Mapping[str, Tensor]  # [V] each, detached, by the names of `Method.loss_names`
    attention: Tensor  # [V, T] in [0, 1], 0 beyond the video
    video_logits: Tensor  # [V, K]


@dataclass(frozen=True, slots=True)
class Scores:
    """What labels and detections are made from."""

    snippet: Tensor  # [N, K] in [0, 1]
    video: Tensor  # [V, K] in [0, 1]
    attention: Tensor  # [N] in [0, 1]; ones where a method has none


class Method(nn.Module, ABC):
    """A base network with its losses and scores, made by the `network` of its settings.

    Its state is parameters and persistent buffers alone, so that `state_dict()` is all a checkpoint needs of it. Chance
    comes from the generators that are passed in, drawn video by video, so that it does not matter which are batched.
    """

    kind: ClassVar[str]  # method.base.kind in YAML
    loss_names: ClassVar[tuple[str, ...]]  # columns loss_<name> of training.csv

    @abstractmethod
    def losses(
        self, batch: Batch, epoch: EpochSettings, target: BatchLabels | None, dropout: torch.Generator | None
    ) -> Losses:
        """The losses of a batch that is learnt from, or only looked at, without dropout.

        target: the pseudo labels, or None; `label_loss` is their loss. dropout: the generator it is drawn from;
        None where nothing is learnt from the batch, and then the state stays as it is.
        """

    @abstractmethod
    def scores(self, batch: Batch, use: Use, dropout: torch.Generator | None) -> Scores:
        """The scores of a batch for labels or for detection; with a generator, dropout stays on."""

    def begin_round(self) -> None:
        """Make ready for another round: by default nothing is to be done."""

    def end_epoch(self, epoch: EpochSettings, batches: Iterable[Batch]) -> None:
        """End an epoch: by default nothing is to be done. batches: the videos learnt from, whole, read as needed."""

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return next(self.parameters()).device
