"""Every setting of method and evaluation: what it means, its unit and its range; those of training have a file of
their own, training_settings.py. Equations: docs/method.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Literal

from wtal.base.errors import require
from wtal.base.members import OneOf, usual
from wtal.base.ranges import Doc, Ge, Gt, Length, Lt, settings
from wtal.suite.contracts import BaseSettings, Fusion, LabelMaker, ScoringProtocol
from wtal.suite.training_settings import From, TrainingSettings, require_share

PUBLISHED_THRESHOLDS = tuple(round(0.001 + 0.002 * step, 3) for step in range(20))


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalSettings:
    """From scores to proposals; used for labels and for detection alike."""

    source: Literal["scores", "attention"] = "scores"  # what the thresholds are for; scores give means in either case
    thresholds: tuple[float, ...] = PUBLISHED_THRESHOLDS
    threshold_kind: Literal["absolute", "relative"] = "absolute"  # relative: to the source's maximum in the video
    first_snippet: Literal["kept", "lost"] = "kept"  # lost: where the first snippet alone is above, nothing is
    class_threshold: float = 0.16  # least video score of a class
    class_fallback: Literal["none", "best"] = "none"  # what is detected where no class reaches it
    run_length: Literal["plus_one", "plain"] = "plus_one"  # plus_one: the snippet after a run counts as inside
    margin_factor: float = 0.0785  # outer margin = factor * length ** power, in snippets
    margin_power: float = 0.9
    minimum_length: int = 2  # snippets
    video_score_weight: float = 0.0  # of the class's video score, which is added to the contrast

    def __post_init__(self) -> None:
        require(bool(self.thresholds), "thresholds", "at least one threshold", [])
        require(
            list(self.thresholds) == sorted(set(self.thresholds)),
            "thresholds",
            "rising numbers, each once",
            list(self.thresholds),
        )
        if self.threshold_kind == "relative":
            require(max(self.thresholds) < 1, "thresholds", "shares below 1 of the maximum", max(self.thresholds))
        require_share(self.class_threshold, "class_threshold")
        require(self.margin_factor >= 0, "margin_factor", "0 or above", self.margin_factor)
        require(self.margin_power > 0, "margin_power", "above 0", self.margin_power)
        require(self.video_score_weight >= 0, "video_score_weight", "0 or above", self.video_score_weight)
        require(self.minimum_length >= 1, "minimum_length", "a whole number, 1 or above", self.minimum_length)


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionSettings:
    """How detections are made from the scores of the test videos."""

    fusion: Annotated[Fusion, OneOf("wtal.fusions")]


@settings
class LabelWeight:
    """Weight of the label loss: min(start * growth ** (epoch - first refresh), limit) * factor."""

    start: Annotated[float, Ge(0), Doc("weight in the epoch of the first refresh")] = 10.0
    growth: Annotated[float, Gt(0), Doc("factor from one epoch to the next")] = 1.035
    limit: Annotated[float, Ge(0), Doc("most that it grows to")] = 50.0
    factor: Annotated[float, Ge(0), Doc("times the grown weight")] = 1.0

    def at(self, epochs_since_refresh: int) -> float:
        """The weight so many epochs after the first refresh."""
        return min(self.start * self.growth**epochs_since_refresh, self.limit) * self.factor


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSettings:
    """When and how pseudo labels are made, and how much they weigh."""

    fusion: Annotated[Fusion, OneOf("wtal.fusions")]
    maker: Annotated[LabelMaker, OneOf("wtal.label_makers")]
    refresh_epochs: tuple[int, ...] = ()  # one round each; labels are made just before that epoch
    first_used_epoch: int | None = None  # null: the first refresh
    fusion_temperatures: tuple[float, ...] = ()  # one per round, for a fusion with a temperature; none: its own
    classes: Literal["label", "score"] = "label"  # of the video-level label only, or all above the class threshold
    dropout: bool = False  # true repeats the released code: labels made from scores with dropout on
    weight: LabelWeight = LabelWeight()

    def __post_init__(self) -> None:
        epochs = list(self.refresh_epochs)
        require(epochs == sorted(set(epochs)), "refresh_epochs", "rising epochs, each once", epochs)
        require(all(epoch > 0 for epoch in epochs), "refresh_epochs", "epochs above 0", epochs)
        temperatures = list(self.fusion_temperatures)
        expected = f"one temperature for each of {len(epochs)} rounds"
        require(len(temperatures) in (0, len(epochs)), "fusion_temperatures", expected, temperatures)
        require(all(value > 0 for value in temperatures), "fusion_temperatures", "numbers above 0", temperatures)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodSettings:
    """The whole method. A preset sets the points in which the released code and a plain reading differ."""

    base: Annotated[BaseSettings, OneOf("wtal.methods")]
    training: TrainingSettings
    labels: LabelSettings
    detection: DetectionSettings
    preset: Literal["paper", "code"] = "paper"
    proposals: ProposalSettings = ProposalSettings()
    delta: DeltaSettings = DeltaSettings(mode="off")

    def __post_init__(self) -> None:
        refresh, epochs = self.labels.refresh_epochs, self.training.epochs
        inside = not refresh or refresh[-1] < epochs
        require(inside, "labels.refresh_epochs", f"epochs before the last, {epochs}", list(refresh))
        self.base.check_with(self)
        if self.delta.mode != "off":
            starts = self.delta.scale[0].epoch
            possible = len(refresh) >= 2 and starts >= refresh[1]
            require(possible, "delta.scale", "a start from the second refresh on", starts)


# The points of docs/method.md#where-the-released-code-and-a-plain-reading-differ.
PRESETS: dict[str, dict[str, dict[str, object]]] = {
    "paper": {
        "training": {"checkpoint": "last"},
        "labels": {"dropout": False, "classes": "label"},
    },
    "code": {
        "training": {"checkpoint": "selected_on_test"},
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

    bootstrap_resamples: Annotated[int, Ge(10), Doc("resamples of the test videos")] = 1000
    bootstrap_level: Annotated[float, Gt(0), Lt(1), Doc("share of them that an interval holds")] = 0.95
