"""Settings of training: schedules by epoch, the optimiser, what counts as a collapse, and when a round ends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from wtal.base.errors import require
from wtal.base.ranges import Count, Doc, Ge, Le, Lt, Share, settings

Beta = Annotated[float, Ge(0), Lt(1)]
Epoch = Annotated[int, Ge(0)]  # counted from 0
NotNegative = Annotated[float, Ge(0)]
Sampling = Literal["parts", "crop_pad", "perturb", "uniform"]


@settings
class Until:
    """One piece of a schedule: `value` holds in every epoch (counted from 0) before epoch `until`."""

    until: Annotated[Count, Doc("the first epoch in which it holds no more")]
    value: Annotated[float, Doc("what holds until then")]


@settings
class From:
    """One piece of a schedule: `value` holds from epoch `epoch` (counted from 0) on."""

    epoch: Annotated[Epoch, Doc("the first epoch in which it holds")]
    value: Annotated[float, Doc("what holds from then on")]


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


@settings
class CollapseSettings:
    """When training, or its labels, count as collapsed, and what is done then. All of it is seen in training data."""

    action: Annotated[Literal["warn", "stop"], Doc("what is done about a collapse")] = "warn"
    first_epoch: Annotated[Epoch, Doc("epochs of a run before this one say nothing yet")] = 5
    epochs: Annotated[
        Count, Doc("epochs in a row that look collapsed, or as many as a shorter round has, before training stops")
    ] = 3
    least_attention: Annotated[
        Share, Doc("mean over snippets and videos; below it almost nothing is taken for an action")
    ] = 0.1
    most_attention: Annotated[Share, Doc("mean over snippets and videos; above it almost everything is")] = 0.95
    least_spread: Annotated[
        Share, Doc("standard deviation of attention within a video, mean over videos; below it attention is flat")
    ] = 0.02
    class_share: Annotated[
        Share, Doc("share of the videos in which one class scores highest, though far fewer carry it")
    ] = 0.9
    label_share: Annotated[Share, Doc("share of the labels that are empty, or that cover all of their videos")] = 0.9

    def __post_init__(self) -> None:
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


@settings
class EarlyStopping:
    """Each round ends with its best epoch: that of the lowest classification loss on training videos."""

    patience: Annotated[Count, Doc("epochs without a better one after which the round ends")]
    minimum_improvement: Annotated[NotNegative, Doc("by which the loss must fall to count as better")] = 0.0
    held_out_share: Annotated[
        float, Ge(0), Le(0.5), Doc("share of the training videos, not learnt from; 0: the loss is that of training")
    ] = 0.1


@settings
class TrainingSettings:
    """Optimiser and schedule; epochs are counted from 0."""

    epochs: Annotated[int, Ge(1), Le(10_000), Doc("epochs of a run, over all of its rounds")]
    learning_rate: Annotated[tuple[Until, ...], Doc("of Adam, by epoch")]
    adam_betas: Annotated[tuple[Beta, Beta], Doc("decay of Adam's means of gradients and of their squares")] = (
        0.9,
        0.99,
    )
    weight_decay: Annotated[NotNegative, Doc("times the weights, added to the gradient")] = 5e-4
    videos_per_step: Annotated[Count, Doc("videos over which gradients are summed for a step")] = 10
    shuffle: Annotated[bool, Doc("whether videos come in another order each epoch")] = True
    batch: Annotated[
        Literal["epoch", "paired"],
        Doc("videos of a step: epoch: the next of an epoch, which takes each once; paired: pairs, and any others"),
    ] = "epoch"
    pairs: Annotated[Count, Doc("of videos that share a class, in a paired step; its other videos are any")] = 3
    pair_replacement: Annotated[bool, Doc("whether a video may be paired with itself")] = False
    sampled_snippets: Annotated[
        Annotated[int, Ge(2)] | None, Doc("of a sample of a video, taken as `sampling` says; null: all snippets")
    ] = None
    sampling: Annotated[
        Sampling,
        Doc(
            "parts: one of each equal part of a longer video; crop_pad: a window of a longer video; "
            "uniform: an even grid, by which a shorter video is stretched; perturb: drawn along that grid"
        ),
    ] = "parts"
    report_best_test_epoch: Annotated[
        bool, Doc("also score every epoch, and report beside the last, which counts, the best on the test set")
    ] = False
    collapse: Annotated[CollapseSettings, Doc("when training, or its labels, count as collapsed")] = CollapseSettings()
    early_stopping: Annotated[EarlyStopping | None, Doc("null: every round runs to its end")] = None

    def __post_init__(self) -> None:
        require_rising(self.learning_rate, "learning_rate")
        for piece in self.learning_rate:
            require(piece.value >= 0, "learning_rate", "rates of 0 or above", piece.value)
        if self.sampling != "parts":
            expected = f"a number where sampling is {self.sampling}"
            require(self.sampled_snippets is not None, "sampled_snippets", expected, None)
        if self.batch == "paired":
            expected = f"at most half of videos_per_step, {self.videos_per_step}"
            require(2 * self.pairs <= self.videos_per_step, "pairs", expected, self.pairs)
            require(self.shuffle, "shuffle", "true where batch is paired: its videos are drawn", self.shuffle)
        if self.early_stopping is not None:
            expected = "false where early_stopping is set: one rule says which epoch counts"
            reports = self.report_best_test_epoch
            require(not reports, "report_best_test_epoch", expected, reports)
