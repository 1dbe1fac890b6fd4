"""Settings of training: schedules by epoch, the optimiser, what counts as a collapse, and when a round ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from wtal.base.errors import require
from wtal.base.ranges import Count, Doc

Sampling = Literal["parts", "crop_pad", "perturb", "uniform"]


def require_share(value: float, key: str) -> None:
    """Refuse what is no share. Raises SettingError."""
    require(0 <= value <= 1, key, "a share in [0, 1]", value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Until:
    """One piece of a schedule: `value` holds in every epoch (counted from 0) before epoch `until`."""

    until: int
    value: float

    def __post_init__(self) -> None:
        require(self.until > 0, "until", "an epoch above 0", self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class From:
    """One piece of a schedule: `value` holds from epoch `epoch` (counted from 0) on."""

    epoch: int
    value: float

    def __post_init__(self) -> None:
        require(self.epoch >= 0, "epoch", "an epoch, 0 or above", self.epoch)


def at_epoch(schedule: tuple[Until, ...], epoch: int) -> float:
    """The value of a schedule in one epoch; the last piece holds beyond its end."""
    for piece in schedule:
        if epoch < piece.until:
            return piece.value
    return schedule[-1].value


def require_rising(schedule: tuple[Until, ...], key: str) -> None:
    """Refuse a schedule that is empty or whose pieces do not rise. Raises SettingError."""
    ends = [piece.until for piece in schedule]
    require(bool(ends), key, "at least one piece", [])
    require(ends == sorted(set(ends)), key, "pieces of rising `until`", ends)


@dataclass(frozen=True, kw_only=True, slots=True)
class CollapseSettings:
    """When training, or its labels, count as collapsed, and what is done then. All of it is seen in training data."""

    action: Literal["warn", "stop"] = "warn"
    first_epoch: int = 5  # epochs of a run before this one say nothing yet
    epochs: int = 3  # in a row that look collapsed, or as many as a shorter round has, before training stops
    least_attention: float = 0.1  # mean over snippets and videos; below it almost nothing is taken for an action
    most_attention: float = 0.95  # above it almost everything is
    least_spread: float = 0.02  # standard deviation of attention within a video, mean over videos
    class_share: float = 0.9  # of the videos in which one class scores highest, though far fewer carry it
    label_share: float = 0.9  # of the labels that are empty, or that cover all of their videos

    def __post_init__(self) -> None:
        require(self.first_epoch >= 0, "first_epoch", "an epoch, 0 or above", self.first_epoch)
        require(self.epochs >= 1, "epochs", "a whole number, 1 or above", self.epochs)
        for key in ("least_attention", "most_attention", "least_spread", "class_share", "label_share"):
            require_share(getattr(self, key), key)
        expected = f"above least_attention, {self.least_attention:g}"
        require(self.most_attention > self.least_attention, "most_attention", expected, self.most_attention)

    def deciding(self, early_stopping: EarlyStopping | None) -> dict[str, Any]:
        """The part, by name, on which the bytes of a round depend; the rest warns, or decides whether it ends at all.

        Early stopping keeps no epoch that looks collapsed; where training stops for it, it keeps the best until then.
        """
        if early_stopping is None:
            return {}
        names = ["least_attention", "most_attention", "least_spread", "class_share"]
        names += ["action", "first_epoch", "epochs"] if self.action == "stop" else []
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyStopping:
    """Each round ends with its best epoch: that of the lowest classification loss on training videos."""

    patience: int  # epochs without a better one after which the round ends
    minimum_improvement: float = 0.0  # by which the loss must fall to count as better
    held_out_share: float = 0.1  # of the training videos, which are not learnt from; 0: the loss is that of training

    def __post_init__(self) -> None:
        require(self.patience >= 1, "patience", "a whole number, 1 or above", self.patience)
        require(self.minimum_improvement >= 0, "minimum_improvement", "0 or above", self.minimum_improvement)
        require(0 <= self.held_out_share <= 0.5, "held_out_share", "a share in [0, 0.5]", self.held_out_share)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSettings:
    """Optimiser and schedule; epochs are counted from 0."""

    epochs: int
    learning_rate: tuple[Until, ...]  # by epoch
    adam_betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 5e-4  # added to the gradient
    videos_per_step: int = 10  # gradients are summed over these
    shuffle: bool = True
    batch: Annotated[
        Literal["epoch", "paired"],
        Doc("videos of a step: those that come next in an epoch that visits each once, or pairs and any others"),
    ] = "epoch"
    pairs: Annotated[Count, Doc("of videos that share a class, in a paired step; its other videos are any")] = 3
    pair_replacement: Annotated[bool, Doc("a video may be paired with itself")] = False
    sampled_snippets: int | None = None  # of a video at a visit, drawn as `sampling` says; null: all
    sampling: Annotated[
        Sampling,
        Doc(
            "parts: one of each equal part of a longer video; crop_pad: a window of a longer video; "
            "uniform: an even grid, by which a shorter video is stretched; perturb: drawn along that grid"
        ),
    ] = "parts"
    checkpoint: Literal["last", "selected_on_test"] = "last"  # the latter repeats the released code, and says so
    collapse: CollapseSettings = CollapseSettings()
    early_stopping: EarlyStopping | None = None  # null: every round runs to its end

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "epochs", "a whole number, 1 or above", self.epochs)
        require_rising(self.learning_rate, "learning_rate")
        for piece in self.learning_rate:
            require(piece.value >= 0, "learning_rate", "rates of 0 or above", piece.value)
        for beta in self.adam_betas:
            require(0 <= beta < 1, "adam_betas", "two numbers in [0, 1)", list(self.adam_betas))
        require(self.weight_decay >= 0, "weight_decay", "0 or above", self.weight_decay)
        require(self.videos_per_step >= 1, "videos_per_step", "a whole number, 1 or above", self.videos_per_step)
        if self.sampled_snippets is not None:
            require(self.sampled_snippets >= 2, "sampled_snippets", "2 or above, or null", self.sampled_snippets)
        if self.sampling != "parts":
            expected = f"a number where sampling is {self.sampling}"
            require(self.sampled_snippets is not None, "sampled_snippets", expected, None)
        if self.batch == "paired":
            expected = f"at most half of videos_per_step, {self.videos_per_step}"
            require(2 * self.pairs <= self.videos_per_step, "pairs", expected, self.pairs)
            require(self.shuffle, "shuffle", "true where batch is paired: its videos are drawn", self.shuffle)
        if self.early_stopping is not None:
            expected = "last where early_stopping is set: one rule says which epoch counts"
            require(self.checkpoint == "last", "checkpoint", expected, self.checkpoint)
