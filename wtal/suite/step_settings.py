"""What each step of a suite is told: the content of its settings file, all that its result depends on and no more.

`wtal.suite.plan` works them out. They stand apart from it, so that a change in planning makes no result stale by
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from wtal.base.members import OneOf
from wtal.suite import method_settings as s
from wtal.suite.contracts import BaseSettings, Fusion, LabelMaker
from wtal.suite.training_settings import EarlyStopping, Sampling


@dataclass(frozen=True, kw_only=True, slots=True)
class EpochSettings:
    """What one epoch of training uses."""

    epoch: int
    learning_rate: float
    label_weight: float  # 0: labels are not used
    label_scale: float  # multiplies the target
    is_delta: bool  # the target is the newest labels minus the previous ones


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundSettings:
    """All that the training of one round depends on, besides its files and the seed."""

    suite: str
    random_group: str
    round_index: int
    epochs: tuple[EpochSettings, ...]
    base: Annotated[BaseSettings, OneOf("wtal.methods")]
    adam_betas: tuple[float, float]
    weight_decay: float
    videos_per_step: int
    shuffle: bool
    sampling: Sampling
    sampled_snippets: int | None
    pairs: int  # of videos that share a class, in each step; 0: a step follows the order of the epoch
    pair_replacement: bool
    keeps_epoch_scores: bool  # test scores of every epoch, to select the best on the test set afterwards
    early_stopping: EarlyStopping | None
    label_uncertainty: float  # price of the doubt in each snippet's labels; 0: they are not doubted
    collapse: dict[str, Any]  # what of CollapseSettings decides which epoch early stopping keeps; nothing without it


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRoundSettings:
    """All that the pseudo labels of one round depend on, besides the scores."""

    round_index: int
    refresh_epoch: int  # the first epoch that may learn from them
    proposals: s.ProposalSettings
    fusion: Annotated[Fusion, OneOf("wtal.fusions")]
    maker: Annotated[LabelMaker, OneOf("wtal.label_makers")]
    classes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectSettings:
    """All that the detections of a run depend on, besides the scores."""

    proposals: s.ProposalSettings
    detection: s.DetectionSettings
    report_best_test_epoch: bool  # whether the best epoch on the test set stands beside the result
