"""Whether training is sound, epoch by epoch: signs of a collapse, and early stopping. Both see training videos alone.

Nothing here knows an instance or a test video: attention, class scores and classification loss of the training videos
are all there is, as they would be for anybody's own videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import CollapseError
from wtal.suite.step_settings import EpochSettings
from wtal.suite.training_settings import CollapseSettings, EarlyStopping
from wtal.training.trainer import EpochLog

MARGIN = 0.2  # by which the videos a class scores highest in must exceed those that carry it, as a share of all


@dataclass(frozen=True, slots=True)
class EpochHealth:
    """What one epoch says of a training run; every value is a mean or a share over the samples of the epoch."""

    epoch: int
    classification_loss: float  # what the method has compared, of the videos learnt from or of those held out
    attention: float
    spread: float  # standard deviation of attention within a video
    largest_class: int  # the class that scores highest in the most videos
    class_share: float  # of the videos with a label, those in which it does
    labelled_share: float  # of the videos with a label, those that carry it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an epoch."""

    warnings: tuple[str, ...]  # a sentence for each sign of a collapse
    is_best: bool  # of the round so far, where early stopping asks for it
    ends_round: bool  # no better epoch for as long as early stopping waits


def collapse_warnings(health: EpochHealth, settings: CollapseSettings, classes: Sequence[str]) -> tuple[str, ...]:
    """A clause for each sign of a collapse: attention closed, open or constant, or one class everywhere."""
    warnings = []
    attention = f"mean attention is {health.attention:.3f}"
    if health.attention < settings.least_attention:
        warnings.append(f"{attention}, so almost nothing is taken for an action")
    if health.attention > settings.most_attention:
        warnings.append(f"{attention}, so almost everything is taken for an action")
    if health.spread < settings.least_spread:
        warnings.append(f"attention is constant, with a standard deviation of {health.spread:.4f} within a video")
    too_many = health.class_share > max(settings.class_share, health.labelled_share + MARGIN)
    if len(classes) > 1 and too_many:
        warnings.append(
            f"{classes[health.largest_class]} scores highest in {health.class_share:.0%} of the videos, and "
            f"{health.labelled_share:.0%} carry it"
        )
    return tuple(warnings)


def health_of(
    epoch: EpochSettings,
    log: EpochLog,
    video_labels: NDArray[np.bool_],
    held_out_loss: float | None,
) -> EpochHealth:
    """The health of an epoch from its log. video_labels: of the training videos [V, C]."""
    counts = np.bincount(log.best_class, minlength=video_labels.shape[1])
    largest = int(counts.argmax())
    return EpochHealth(
        epoch=epoch.epoch,
        classification_loss=float(np.mean(log.compared)) if held_out_loss is None else held_out_loss,
        attention=float(np.mean(log.attention)),
        spread=float(np.mean(log.spread)),
        largest_class=largest,
        class_share=float(counts[largest] / counts.sum()),
        labelled_share=float(video_labels[video_labels.any(axis=1), largest].mean()),
    )


class HealthWatch:
    """Takes in the epochs of one round, one after the other, and says what follows from each."""

    def __init__(
        self, collapse: CollapseSettings, early_stopping: EarlyStopping | None, n_epochs: int, classes: Sequence[str]
    ) -> None:
        self.collapse, self.early_stopping, self.classes = collapse, early_stopping, classes
        self.patience = min(collapse.epochs, n_epochs)  # epochs in a row
        self.forget()

    def forget(self) -> None:
        """Begin again before the first epoch of the round."""
        self.history: list[EpochHealth] = []
        self.in_a_row = 0  # epochs that look collapsed
        self.best: EpochHealth | None = None

    def take(self, health: EpochHealth) -> Verdict:
        """One more epoch. Raises CollapseError where enough of them in a row look collapsed, and that is to stop it."""
        warnings = collapse_warnings(health, self.collapse, self.classes)
        self.history.append(health)
        self.in_a_row = self.in_a_row + 1 if warnings and health.epoch >= self.collapse.first_epoch else 0
        if self.in_a_row >= self.patience and self.collapse.action == "stop":
            raise CollapseError(self._sentence(warnings))
        is_best = self.early_stopping is not None and not warnings and self._is_better(health)
        if is_best:
            self.best = health
        counted = warnings if health.epoch >= self.collapse.first_epoch else ()
        return Verdict(tuple(f"epoch {health.epoch}: {warning}" for warning in counted), is_best, self._ends(health))

    def _is_better(self, health: EpochHealth) -> bool:
        if self.best is None or self.early_stopping is None:
            return True
        return health.classification_loss < self.best.classification_loss - self.early_stopping.minimum_improvement

    def _ends(self, health: EpochHealth) -> bool:
        if self.early_stopping is None or self.best is None:
            return False
        return health.epoch - self.best.epoch >= self.early_stopping.patience

    def _sentence(self, warnings: Sequence[str]) -> str:
        last = self.history[-1].epoch
        since = f"epoch {last}" if self.in_a_row == 1 else f"epochs {last - self.in_a_row + 1} to {last}"
        ways = "a lower training.learning_rate or a lower labels.weight"
        other = "" if self.early_stopping else ", or training.early_stopping, which ends a round with its best epoch"
        return f"{since}: training has collapsed: {'; '.join(warnings)}; try {ways}{other}"
