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

    @staticmethod
    def joined(parts: Sequence[Segments]) -> Segments:
        """The segments of one part after the other."""
        columns = [np.stack([one.start, one.end, one.score]) for one in parts]
        return Segments(*np.concatenate([np.zeros((3, 0)), *columns], axis=1))

    def by_falling_score(self) -> Segments:
        """The same segments by falling score; ties keep their order."""
        order = np.argsort(-self.score, kind="stable")
        return Segments(self.start[order], self.end[order], self.score[order])


@dataclass(frozen=True, slots=True)
class ManyProposals:
    """Proposals of several pairs of a video and a class, one pair after the other."""

    proposals: Proposals
    offsets: Integers  # [N + 1] first proposal of each pair, and the number of all

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, pair: int) -> Proposals:
        """The proposals of pair number `pair`."""
        rows, found = rows_of(self.offsets, pair), self.proposals
        return Proposals(found.start[rows], found.end[rows], found.contrast[rows], found.inner[rows])

    @staticmethod
    def of_one(proposals: Proposals) -> ManyProposals:
        """The proposals of a single pair."""
        return ManyProposals(proposals, np.array([0, len(proposals)]))


@dataclass(frozen=True, slots=True)
class ManySegments:
    """Segments of several pairs of a video and a class, one pair after the other."""

    segments: Segments
    offsets: Integers  # [N + 1] first segment of each pair, and the number of all

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, pair: int) -> Segments:
        """The segments of pair number `pair`."""
        rows, found = rows_of(self.offsets, pair), self.segments
        return Segments(found.start[rows], found.end[rows], found.score[rows])

    @staticmethod
    def of_each(segments: Sequence[Segments]) -> ManySegments:
        """The segments of one pair after the other."""
        return ManySegments(Segments.joined(segments), offsets_of([len(one) for one in segments]))

    @staticmethod
    def joined(parts: Sequence[ManySegments]) -> ManySegments:
        """The segments of the pairs of one part after the other."""
        counts = [np.zeros(0, dtype=np.int64), *(np.diff(one.offsets) for one in parts)]
        return ManySegments(Segments.joined([one.segments for one in parts]), offsets_of(np.concatenate(counts)))

    def by_falling_score(self) -> ManySegments:
        """The same segments, those of each pair by falling score; ties keep their order."""
        pair = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        order = np.lexsort((-self.segments.score, pair))
        found = self.segments
        return ManySegments(Segments(found.start[order], found.end[order], found.score[order]), self.offsets)


def offsets_of(counts: Sequence[int] | Integers) -> Integers:
    """The first row of each of several parts of these lengths [N], and the number of all rows: [N + 1]."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.asarray(counts, dtype=np.int64))])


def rows_of(offsets: Integers, part: int) -> slice:
    """The rows of part number `part` of what `offsets` [N + 1] divides."""
    return slice(int(offsets[part]), int(offsets[part + 1]))


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
        return rows_of(self.offsets, index)
