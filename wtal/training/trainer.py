"""Training of one round of any method: epochs of samples, gradients summed over several videos, pseudo labels.

Source: docs/method.md#losses. A sample is a video as it is learnt from once; the samples of a step go through the
network together, which changes gradients by rounding alone. Steps are counted through epochs and rounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wtal.base.errors import CollapseError
from wtal.methods.batch import Batch, HeldFeatures, Videos, batch_of, groups_of, scoring_batches
from wtal.methods.contract import Losses, Method
from wtal.methods.label_loss import BatchLabels, LearnedWeight, RoundLabels, mean_over_snippets
from wtal.methods.sampling import pair_weight_of, paired_order, sampled_rows, seen_snippets
from wtal.suite.step_settings import EpochSettings, RoundSettings
from wtal.training.adam import Adam
from wtal.training.rng import RandomGenerators

STEP_SNIPPETS = 1500  # padded, that go through the network together in training: memory, not figures, depends on it


@dataclass(slots=True)
class EpochLog:
    """What one epoch says: the losses of every sample in their order."""

    losses: dict[str, list[float]] = field(default_factory=dict)  # `total`, those of the method, `label`
    compared: list[float] = field(default_factory=list)  # what early stopping compares, of each sample
    attention: list[float] = field(default_factory=list)  # mean of each sample
    spread: list[float] = field(default_factory=list)  # standard deviation of each sample's attention over time
    entropy: list[float] = field(default_factory=list)  # of each sample's attention over time, as a share of its most
    best_class: list[int] = field(default_factory=list)  # with the highest score, of each sample of a labelled video
    label_gradient_share: float = math.nan  # of the label loss in the gradient of the first batch with a label

    def mean(self, name: str) -> float:
        """Mean of one loss over the samples."""
        return float(np.mean(self.losses[name]))


@dataclass(slots=True)
class Progress:
    """Where training stands: the next epoch, the samples taken in it, and the count of all ever taken."""

    epoch: int = 0
    order: list[int] = field(default_factory=list)  # videos of the current epoch; empty between epochs
    position: int = 0  # samples taken in the current epoch
    samples: int = 0  # of all epochs and rounds; a step follows each videos_per_step of them
    log: EpochLog = field(default_factory=EpochLog)


@dataclass(frozen=True, slots=True)
class _Unread:
    """What a batch said, as long as the device has not been asked for it."""

    epoch: int
    videos: list[int]
    is_labelled: NDArray[np.bool_]  # [V]
    names: tuple[str, ...]  # of losses
    values: Tensor  # [n + 4, V] the losses, then what else the log has of each sample
    best_class: Tensor  # [V]


class Trainer:
    """The state of a training run and the only code that changes it."""

    def __init__(
        self,
        method: Method,
        videos: Videos,
        settings: RoundSettings,
        rng: RandomGenerators,
        held_out: Sequence[int] = (),
    ) -> None:
        """held_out: numbers of videos that are not learnt from."""
        self.method, self.videos, self.settings, self.rng = method, videos, settings, rng
        self.held_out = list(held_out)
        self.device = method.device
        self.optimiser = Adam(method.parameters(), settings.adam_betas, settings.weight_decay)
        self._begin_doubt()
        self.progress = Progress()
        self.held = HeldFeatures.where_they_fit(self.device)
        self.unread: list[_Unread] = []
        self.reads_at_once = self.device.type == "cpu"  # a graphics card is asked when the epoch ends

    def begin_round(self, settings: RoundSettings, rng: RandomGenerators) -> None:
        """Go on with another round: its settings and generators; parameters and optimiser stay."""
        self.settings, self.rng = settings, rng
        self.method.begin_round()
        self._begin_doubt()
        self.progress = Progress(epoch=settings.epochs[0].epoch, samples=self.progress.samples)

    def _begin_doubt(self) -> None:
        """A new learned weight of labels in each round that has one, with an optimiser of its own."""
        self.doubt: tuple[LearnedWeight, Adam] | None = None
        if self.settings.label_uncertainty:
            weight = LearnedWeight(self.videos.features(0).shape[1]).to(self.device)
            self.doubt = weight, Adam(weight.parameters(), self.settings.adam_betas, self.settings.weight_decay)

    def run(
        self,
        labels: RoundLabels | None = None,
        after_step: Callable[[], None] | None = None,
        after_epoch: Callable[[EpochSettings, EpochLog], bool] | None = None,
    ) -> None:
        """Train what is left of the round, until `after_epoch` says that it ends.

        Raises CollapseError where a loss is no longer a number.
        """
        for epoch in self.settings.epochs:
            if epoch.epoch < self.progress.epoch:
                continue
            self._epoch(epoch, labels, after_step)
            self._read_log()
            learnt = self._learnt_from(np.arange(self.videos.n_videos))
            self.method.end_epoch(epoch, scoring_batches(self.videos, learnt, self.device))
            log = self.progress.log
            self.progress = Progress(epoch=epoch.epoch + 1, samples=self.progress.samples)
            if after_epoch is not None and after_epoch(epoch, log):
                break

    def _epoch(self, epoch: EpochSettings, labels: RoundLabels | None, after_step: Callable[[], None] | None) -> None:
        progress, per_step = self.progress, self.settings.videos_per_step
        if not progress.order:
            progress.order = self._order()
        while progress.position < len(progress.order):
            done = progress.samples % per_step
            step = progress.order[max(0, progress.position - done) : progress.position + per_step - done]
            pairs_left = max(0, self.settings.pairs - done // 2)
            rest = progress.order[progress.position : progress.position + per_step - done]
            chosen = next(groups_of(self.videos, rest, STEP_SNIPPETS, self._seen, pairs_left))
            n_pairs = min(pairs_left, len(chosen) // 2)
            weight = pair_weight_of(self.videos.video_labels[step], self.settings.pairs) if n_pairs else 0.0
            self._learn(chosen, epoch, labels, n_pairs, weight)
            progress.position += len(chosen)
            progress.samples += len(chosen)
            if progress.samples % per_step == 0:
                for optimiser in (self.optimiser, *(self.doubt or ())[1:]):
                    optimiser.step(epoch.learning_rate)
                    optimiser.clear()
            if after_step is not None:
                after_step()

    def _order(self) -> list[int]:
        """The videos of an epoch, in the order of its samples."""
        settings, rng, n_videos = self.settings, self.rng.shuffle, self.videos.n_videos
        if not settings.pairs:
            return self._learnt_from(rng.permutation(n_videos) if settings.shuffle else np.arange(n_videos))
        return paired_order(
            self.videos.video_labels,
            self._learnt_from(np.arange(n_videos)),
            settings.videos_per_step,
            settings.pairs,
            rng,
            with_replacement=settings.pair_replacement,
        )

    def _seen(self, n_snippets: int) -> int:
        """How many snippets of a video is learnt from at once."""
        return seen_snippets(self.settings.sampling, n_snippets, self.settings.sampled_snippets)

    def _learnt_from(self, videos: NDArray[np.integer]) -> list[int]:
        """Those of some videos that are not held out, in their order."""
        order: list[int] = videos[~np.isin(videos, self.held_out)].tolist()
        return order

    def _learn(
        self, chosen: list[int], epoch: EpochSettings, labels: RoundLabels | None, n_pairs: int, pair_weight: float
    ) -> None:
        """Forward and backward of some videos as one batch, as if one came after the other; pairs come first."""
        sampling, sampled, rng = self.settings.sampling, self.settings.sampled_snippets, self.rng.sampling
        seen = [sampled_rows(sampling, len(self.videos.features(video)), sampled, rng) for video in chosen]
        batch = batch_of(self.videos, chosen, self.device, seen, n_pairs, pair_weight, self.held)
        target = None
        if epoch.label_weight and labels is not None:
            target = labels.of_batch(batch, chosen, seen, epoch)
        losses = self._losses(batch, epoch, target)
        total = losses.base + epoch.label_weight * losses.label
        self._note(losses, total.detach(), batch, chosen, epoch)
        is_first = math.isnan(self.progress.log.label_gradient_share) and bool(batch.present.any())
        if is_first and target is not None:
            self.progress.log.label_gradient_share = self._learn_with_share(losses.label.sum(), epoch, total.sum())
        else:
            total.sum().backward()  # type: ignore[no-untyped-call]

    def _losses(self, batch: Batch, epoch: EpochSettings, target: BatchLabels | None) -> Losses:
        """The losses of a batch; where labels are doubted, with the weight and the price of that."""
        if target is None or self.doubt is None:
            return self.method.losses(batch, epoch, target, self.rng.dropout)
        doubt = self.doubt[0](batch)
        losses = self.method.losses(batch, epoch, target.weighed(torch.exp(-doubt)), self.rng.dropout)
        price = self.settings.label_uncertainty * mean_over_snippets(doubt, batch.mask)
        return replace(losses, label=losses.label + price)

    def _learn_with_share(self, label_loss: Tensor, epoch: EpochSettings, total: Tensor) -> float:
        """Backward from the total; |gradient of the weighted label loss| / (that + |gradient of the rest|).

        Both are over the parameters of the method. The rest's is the difference of two: a third way back is spared.
        """
        own = list(self.method.parameters())
        parameters = own + ([] if self.doubt is None else list(self.doubt[0].parameters()))
        of_labels = torch.autograd.grad(epoch.label_weight * label_loss, own, retain_graph=True, allow_unused=True)
        found = torch.autograd.grad(total, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, found):
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)

        def length(gradients: Iterable[Tensor | None]) -> float:
            return math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients if gradient is not None))

        rest = (each if part is None else each - part for each, part in zip(found, of_labels) if each is not None)
        lengths = length(of_labels), length(rest)
        return lengths[0] / sum(lengths) if sum(lengths) > 0 else 0.0

    @torch.no_grad()
    def _note(self, losses: Losses, total: Tensor, batch: Batch, chosen: list[int], epoch: EpochSettings) -> None:
        """Put down what a batch says, to be read into the log."""
        each = {"total": total, **losses.parts, "label": losses.label}
        attention = losses.attention
        mean = attention.sum(dim=1) / batch.lengths
        variance = ((attention - mean[:, None]).square() * batch.mask).sum(dim=1) / batch.lengths
        share = attention / attention.sum(dim=1, keepdim=True).clamp(min=1e-12)
        entropy = torch.special.entr(share).sum(dim=1) / torch.log(batch.lengths.clamp(min=2).float())
        rows = [*each.values(), losses.compared, mean, variance.sqrt(), entropy]
        values = torch.stack([row.double() for row in rows])
        best = losses.video_logits[:, :-1].argmax(dim=1)
        self.unread.append(
            _Unread(epoch.epoch, chosen, np.asarray(batch.present.any(axis=1)), tuple(each), values, best)
        )
        if self.reads_at_once:
            self._read_log()

    def _read_log(self) -> None:
        """Take what was put down into the log. Raises CollapseError where a loss is no longer a number."""
        log, unread = self.progress.log, self.unread
        self.unread = []
        for said in unread:
            values = said.values.tolist()
            for video, value in zip(said.videos, values[0]):
                if not math.isfinite(value):
                    raise CollapseError(
                        f"epoch {said.epoch}: the loss of video number {video} is no longer a number; try a lower "
                        "learning rate or a lower label weight"
                    )
            for name, row in zip(said.names, values):
                log.losses.setdefault(name, []).extend(row)
            for entries, row in zip((log.compared, log.attention, log.spread, log.entropy), values[-4:]):
                entries.extend(row)
            best = zip(said.best_class.tolist(), said.is_labelled)
            log.best_class.extend(number for number, is_labelled in best if is_labelled)  # background has no class

    def state(self) -> dict[str, Any]:
        """Everything that a checkpoint holds of a run."""
        self._read_log()
        progress = self.progress
        return {
            "model": self.method.state_dict(),
            "optimiser": self.optimiser.state(),
            "doubt": None if self.doubt is None else [self.doubt[0].state_dict(), self.doubt[1].state()],
            "rng": self.rng.state(),
            "progress": {
                "epoch": progress.epoch,
                "order": progress.order,
                "position": progress.position,
                "samples": progress.samples,
                "log": {name: getattr(progress.log, name) for name in EpochLog.__slots__},
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a run where `state` left it, within an epoch or between two rounds."""
        self.method.load_state_dict(state["model"])
        self.optimiser.restore(state["optimiser"])
        if self.doubt is not None and state["doubt"] is not None:
            self.doubt[0].load_state_dict(state["doubt"][0])
            self.doubt[1].restore(state["doubt"][1])
        self.rng.restore(state["rng"])
        values = dict(state["progress"])
        self.progress = Progress(**{**values, "log": EpochLog(**values["log"])})
