"""The records that travel between the stages: plain arrays with names, nothing that reads or writes files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Axes: T snippets, C action classes, K = C + 1 with background last, D features, P proposals, V videos, N rows.

# The columns of training.csv, one row an epoch.
AFTER_LOSSES = (
    "loss_label",
    "label_gradient_share",
    "mean_attention",
    "attention_entropy",
    "attention_spread",
    "largest_class_share",
    "held_out_loss",
    "kept",
)


def training_columns(loss_names: Sequence[str]) -> tuple[str, ...]:
    """The columns of training.csv of a method with losses of these names."""
    return ("epoch", "learning_rate", "loss_total", *(f"loss_{name}" for name in loss_names), *AFTER_LOSSES)


Floats: TypeAlias = "NDArray[np.float64]"
Integers: TypeAlias = "NDArray[np.int64]"
Bounds = tuple[Floats, Floats]  # start and end of each


@dataclass(frozen=True, slots=True)
class Proposals:
    """Candidate segments of one class in one video; bounds in snippets, half-open."""

    start: Floats  # [P]
    end: Floats  # [P]
    contrast: Floats  # [P] inner mean minus outer mean
    inner: Floats  # [P] mean snippet score inside

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: NDArray[np.intp]) -> Proposals:
        """The proposals of the given rows, in their order."""
        return Proposals(self.start[rows], self.end[rows], self.contrast[rows], self.inner[rows])


@dataclass(frozen=True, slots=True)
class Segments:
    """Scored segments of one class in one video; bounds in snippets, half-open."""

    start: Floats  # [S]
    end: Floats  # [S]
    score: Floats  # [S]

    def __len__(self) -> int:
        return len(self.start)

    @staticmethod
    def none() -> Segments:
        """No segment, with the ordinary shapes."""
        return Segments(np.zeros(0), np.zeros(0), np.zeros(0))

    def by_falling_score(self) -> Segments:
        """The same segments by falling score; ties keep their order."""
        order = np.argsort(-self.score, kind="stable")
        return Segments(self.start[order], self.end[order], self.score[order])


@dataclass(frozen=True, slots=True)
class Instances:
    """Ground-truth instances of a subset, in annotation order; `video` and `class_index` index the name tuples."""

    videos: tuple[str, ...]  # every video of the subset, those without an instance too
    classes: tuple[str, ...]
    video: Integers  # [N]
    class_index: Integers  # [N]
    start: Floats  # [N] seconds
    end: Floats  # [N] seconds

    def __len__(self) -> int:
        return len(self.video)


@dataclass(frozen=True, slots=True)
class Detections:
    """Scored detections in seconds; `video` and `class_index` index the names, in the order of the input."""

    videos: tuple[str, ...]
    classes: tuple[str, ...]
    video: Integers  # [N]
    class_index: Integers  # [N]
    start: Floats  # [N] seconds
    end: Floats  # [N] seconds
    score: Floats  # [N]

    def __len__(self) -> int:
        return len(self.video)


@dataclass(frozen=True, slots=True)
class VideoScores:
    """What a network says of a list of videos, their snippets concatenated."""

    videos: tuple[str, ...]
    offsets: Integers  # [V + 1] first row of each video, and the number of rows
    snippet_score: NDArray[np.float32]  # [N, K] class probability times attention
    video_score: NDArray[np.float32]  # [V, K]
    attention: NDArray[np.float32]  # [N]

    def rows(self, index: int) -> slice:
        """The rows of video number `index`."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))
