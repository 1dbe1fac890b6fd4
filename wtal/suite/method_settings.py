"""Every setting of method and evaluation: what it means, its unit and its range; those of training have a file of
their own, training_settings.py. Equations: docs/method.md.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Annotated, Literal

from wtal.base.errors import require
from wtal.base.members import OneOf, usual
from wtal.base.ranges import Count, Doc, Ge, Gt, Le, Length, Lt, Share, settings
from wtal.suite.contracts import BaseSettings, Fusion, LabelMaker, ScoringProtocol
from wtal.suite.training_settings import From, TrainingSettings

PUBLISHED_THRESHOLDS = tuple(round(0.001 + 0.002 * step, 3) for step in range(20))


Threshold = Annotated[float, Ge(0)]
Temperature = Annotated[float, Gt(0)]
LaterEpoch = Annotated[int, Ge(1)]  # counted from 0, so that there is one before


@settings
class ProposalSettings:
    """From scores to proposals; used for labels and for detection alike."""

    source: Annotated[
        Literal["scores", "attention"], Doc("what is held against the thresholds; scores give the means in either case")
    ] = "scores"
    thresholds: Annotated[
        tuple[Threshold, ...], Length(1), Doc("rising; each gives the runs of snippets that score above it")
    ] = PUBLISHED_THRESHOLDS
    threshold_kind: Annotated[
        Literal["absolute", "relative"], Doc("relative: shares of the video's maximum, of the class or of attention")
    ] = "absolute"
    first_snippet: Annotated[
        Literal["kept", "lost"], Doc("where it alone is above a threshold; lost repeats a fault of released codes")
    ] = "kept"
    class_threshold: Annotated[Share, Doc("least video score of a class")] = 0.16
    class_fallback: Annotated[
        Literal["none", "best"], Doc("which class of a video is detected where none reaches the threshold")
    ] = "none"
    run_length: Annotated[
        Literal["plus_one", "plain"], Doc("plus_one: the snippet after a run counts as inside, as the method has it")
    ] = "plus_one"
    margin_factor: Annotated[float, Ge(0), Doc("outer margin in snippets = margin_factor * length ** margin_power")] = (
        0.0785
    )
    margin_power: Annotated[float, Gt(0), Doc("power of the length in it")] = 0.9
    minimum_length: Annotated[Count, Doc("least length of a proposal, in snippets")] = 2
    video_score_weight: Annotated[float, Ge(0), Doc("of the class's video score, which is added to the contrast")] = 0.0

    def __post_init__(self) -> None:
        thresholds = list(self.thresholds)
        require(thresholds == sorted(set(thresholds)), "thresholds", "rising numbers, each once", thresholds)
        if self.threshold_kind == "relative":
            require(max(thresholds) < 1, "thresholds", "shares below 1 of the maximum", max(thresholds))


@settings
class DetectionSettings:
    """How detections are made from the scores of the test videos."""

    fusion: Annotated[Fusion, OneOf("wtal.fusions"), Doc("from overlapping proposals to segments")]


@settings
class LabelWeight:
    """Weight of the label loss: min(start * growth ** (epoch - first refresh), limit) * factor."""

    start: Annotated[float, Ge(0), Doc("weight in the epoch of the first refresh")] = 10.0
    growth: Annotated[float, Gt(0), Doc("factor from one epoch to the next")] = 1.035
    limit: Annotated[float, Ge(0), Doc("most that it grows to")] = 50.0
    factor: Annotated[float, Ge(0), Doc("times the grown weight")] = 1.0

    def at(self, epochs_since_refresh: int) -> float:
        """The weight so many epochs after the first refresh."""
        try:
            grown = self.start * self.growth**epochs_since_refresh
        except OverflowError:  # beyond the largest float
            grown = math.inf if self.start else 0.0
        return min(grown, self.limit) * self.factor


@settings
class LabelSettings:
    """When and how pseudo labels are made, and how much they weigh."""

    fusion: Annotated[Fusion, OneOf("wtal.fusions"), Doc("from overlapping proposals to segments")]
    maker: Annotated[LabelMaker, OneOf("wtal.label_makers"), Doc("from segments to pseudo labels")]
    refresh_epochs: Annotated[
        tuple[LaterEpoch, ...], Doc("rising; one round each, whose labels are made just before that epoch")
    ] = ()
    first_used_epoch: Annotated[int | None, Doc("epoch from which labels are learnt from; null: the first refresh")] = (
        None
    )
    fusion_temperatures: Annotated[
        tuple[Temperature, ...], Doc("one a round, for a fusion with a temperature; none: its own in each")
    ] = ()
    classes: Annotated[
        Literal["label", "score"], Doc("that get labels: of the video-level label, or all above the class threshold")
    ] = "label"
    dropout: Annotated[bool, Doc("whether labels are made from scores with dropout on, as by the released code")] = (
        False
    )
    weight: Annotated[LabelWeight, Doc("of the label loss, by epoch")] = LabelWeight()
    uncertainty: Annotated[
        float, Ge(0), Doc("price of a doubt u in each snippet, whose labels weigh exp(-u), learnt; 0: none is doubted")
    ] = 0.0

    def __post_init__(self) -> None:
        epochs = list(self.refresh_epochs)
        require(epochs == sorted(set(epochs)), "refresh_epochs", "rising epochs, each once", epochs)
        temperatures = list(self.fusion_temperatures)
        expected = f"one temperature for each of {len(epochs)} rounds"
        require(len(temperatures) in (0, len(epochs)), "fusion_temperatures", expected, temperatures)
        if self.first_used_epoch is not None:
            require(bool(epochs), "first_used_epoch", "null where there is no round", self.first_used_epoch)
            later = self.first_used_epoch >= epochs[0]
            require(later, "first_used_epoch", f"an epoch from {epochs[0]} on", self.first_used_epoch)

    def fusion_of(self, round_index: int) -> Fusion:
        """The fusion of one round (1 or above), with the temperature of that round where it has one."""
        has_temperature = any(field.name == "temperature" for field in fields(self.fusion))  # type: ignore[arg-type]
        if not self.fusion_temperatures or not has_temperature:
            return self.fusion
        return replace(self.fusion, temperature=self.fusion_temperatures[round_index - 1])  # type: ignore[type-var]


@settings
class DeltaSettings:
    """Delta pseudo labels: learn from scale * (newest labels - previous labels) from some epoch on."""

    mode: Annotated[
        Literal["on", "off", "schedule_only"], Doc("schedule_only: the learning rate of delta, without delta")
    ] = "on"
    scale: Annotated[
        tuple[From, ...], Doc("of the difference of labels, by epoch; the first piece says where delta starts")
    ] = ()
    learning_rate_factor: Annotated[float, Ge(0), Doc("multiplies the learning rate once delta has started")] = 1.0

    def __post_init__(self) -> None:
        epochs = [piece.epoch for piece in self.scale]
        require(epochs == sorted(set(epochs)), "scale", "pieces of rising `epoch`", epochs)
        require(bool(epochs) or self.mode == "off", "scale", f"at least one piece where mode is {self.mode}", epochs)

    def scale_at(self, epoch: int) -> float | None:
        """The scale in one epoch, or None before delta starts or where it is off."""
        if self.mode != "on":
            return None
        values = [piece.value for piece in self.scale if piece.epoch <= epoch]
        return values[-1] if values else None

    def has_started(self, epoch: int) -> bool:
        """Whether the schedule of delta rules this epoch."""
        return self.mode != "off" and self.scale[0].epoch <= epoch


@settings
class MethodSettings:
    """The whole method. A preset sets the points in which the released code and a plain reading differ."""

    base: Annotated[BaseSettings, OneOf("wtal.methods"), Doc("the base network")]
    training: Annotated[TrainingSettings, Doc("optimiser and schedule")]
    labels: Annotated[LabelSettings, Doc("when and how pseudo labels are made")]
    detection: Annotated[DetectionSettings, Doc("how detections are made")]
    preset: Annotated[
        Literal["paper", "code"], Doc("which of a plain reading and the released code holds where they differ")
    ] = "paper"
    proposals: Annotated[ProposalSettings, Doc("from scores to proposals, for labels and detection alike")] = (
        ProposalSettings()
    )
    delta: Annotated[DeltaSettings, Doc("learning from the change of labels")] = DeltaSettings(mode="off")

    def __post_init__(self) -> None:
        refresh, epochs = self.labels.refresh_epochs, self.training.epochs
        inside = not refresh or refresh[-1] < epochs
        require(inside, "labels.refresh_epochs", f"epochs before the last, {epochs}", list(refresh))
        self.base.check_with(self)
        self._check_labels()
        if self.delta.mode != "off":
            starts = self.delta.scale[0].epoch
            possible = len(refresh) >= 2 and starts >= refresh[1]
            require(possible, "delta.scale", "a start from the second refresh on", starts)

    def _check_labels(self) -> None:
        """Refuse labels that the base network or delta cannot go with."""
        maker, mode = self.labels.maker, self.delta.mode
        if maker.target == "attention":
            expected = f"labels for logits, for {self.base.kind} has no attention"
            require(self.base.has_attention, "labels.maker.kind", expected, maker.kind)
            expected = f"off or schedule_only, for attention cannot be a change, with {maker.kind} labels"
            require(mode != "on", "delta.mode", expected, mode)
        if self.labels.uncertainty:
            expected = "0 where labels may be negative, for their weight would grow for ever"
            is_signed = maker.is_signed or mode == "on"
            require(not is_signed, "labels.uncertainty", expected, self.labels.uncertainty)


# The points of docs/method.md#where-the-released-code-and-a-plain-reading-differ.
PRESETS: dict[str, dict[str, dict[str, object]]] = {
    "paper": {
        "training": {"report_best_test_epoch": False},
        "labels": {"dropout": False, "classes": "label"},
    },
    "code": {
        "training": {"report_best_test_epoch": True},
        "labels": {"dropout": True, "classes": "score"},
    },
}
PRESET_MISSING_CLASS: dict[str, Literal["zero", "zero_all"]] = {"paper": "zero", "code": "zero_all"}


@settings
class ScoringSettings:
    """The protocol every table prints: all that a score depends on."""

    protocol: Annotated[
        ScoringProtocol, OneOf("wtal.protocols"), Doc("how bounds are compared and precision is averaged")
    ] = usual("wtal.protocols", "activitynet")
    tiou: Annotated[str, Doc("thresholds, first:last:step")] = "0.1:0.7:0.1"
    averages: Annotated[
        tuple[str, ...], Length(1), Doc("means over a part of the thresholds, first:last; the last is the headline")
    ] = ("0.1:0.5", "0.3:0.7", "0.1:0.7")
    missing_class: Annotated[
        Literal["zero", "zero_all"] | None,
        Doc("a class without detections has AP 0, or zeroes the table; null: as the preset of the variant has it"),
    ] = None


@settings
class EvaluationSettings(ScoringSettings):
    """The protocol, and the uncertainty that the report prints beside a score."""

    bootstrap_resamples: Annotated[int, Ge(10), Le(100_000), Doc("resamples of the test videos")] = 1000
    bootstrap_level: Annotated[float, Gt(0), Lt(1), Doc("share of them that an interval holds")] = 0.95
