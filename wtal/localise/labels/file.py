"""The pseudo labels of a round and the file that holds them, labels.npz: its one writer and its one reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from wtal.base.edges.array_file import open_arrays
from wtal.base.errors import InputError
from wtal.base.files import write_arrays
from wtal.base.records import Floats, Integers, rows_of
from wtal.suite.contracts import LabelKind, LabelTarget

if TYPE_CHECKING:
    from wtal.data.store.read import Store


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """The pseudo labels of one round, with the segments they were made from."""

    videos: tuple[str, ...]
    offsets: Integers  # [V + 1]
    label: NDArray[np.float32]  # [N, K], background last; not normalised
    weight: NDArray[np.float32]  # [N, K] 0 or above, of what each teaches
    target: LabelTarget  # what learns from them
    kind: LabelKind  # complementary: they say what a snippet is not
    segment_video: Integers  # [M] by video, class and falling score
    segment_class: Integers  # [M]
    segment_start: Floats  # [M] snippets
    segment_end: Floats  # [M] snippets
    segment_score: Floats  # [M]
    status: NDArray[np.int8]  # [V, K] nothing to solve, solved, infeasible
    violation: NDArray[np.float32]  # [V, K] largest residual of a constraint

    def rows(self, index: int) -> slice:
        """The rows of video number `index`."""
        return rows_of(self.offsets, index)

    def shown(self) -> Floats:
        """How much of each class the labels say is in each snippet, weighted [N, K]; what complementary ones leave."""
        label = self.label.astype(np.float64)
        return (1 - label if self.kind == "complementary" else label) * self.weight


_WORDS = {"target": get_args(LabelTarget), "kind": get_args(LabelKind)}
_ARRAYS = {
    "offsets": "offsets",
    "label": "label",
    "weight": "weight",
    "instance_video": "segment_video",
    "instance_class": "segment_class",
    "instance_start": "segment_start",
    "instance_end": "segment_end",
    "instance_score": "segment_score",
    "status": "status",
    "violation": "violation",
}


def write_labels(path: str | Path, labels: PseudoLabels, classes: Sequence[str]) -> None:
    """Write the labels of a round with the names that make them readable on their own."""
    names = {"videos": np.array(labels.videos, dtype=np.str_), "classes": np.array(classes, dtype=np.str_)}
    names |= {key: np.array(getattr(labels, key), dtype=np.str_) for key in _WORDS}
    write_arrays(path, names | {key: getattr(labels, field) for key, field in _ARRAYS.items()})


def read_labels(path: str | Path) -> tuple[PseudoLabels, tuple[str, ...]]:
    """Labels and class names.

    Raises InputError where an array is missing, of another kind or shape than the names say, or not finite, offsets do
    not rise, a number or a word names nothing, a segment ends before it starts, or segments are not by video.
    """
    with open_arrays(path) as file:
        videos, classes = file.of_names("videos"), file.of_names("classes")
        words = {key: file.word(key, known) for key, known in _WORDS.items()}
        offsets = file.offsets("offsets", len(videos))
        rows, table = (int(offsets[-1]), len(classes) + 1), (len(videos), len(classes) + 1)
        segments = file.header("instance_video")[0][:1]
        start, end = file.intervals("instance_start", "instance_end", segments)
        found = {
            "label": file.numbers("label", rows),
            "weight": file.numbers("weight", rows, least=0),
            "segment_video": file.whole("instance_video", segments, 0, len(videos) - 1),
            "segment_class": file.whole("instance_class", segments, 0, len(classes)),
            "segment_start": start,
            "segment_end": end,
            "segment_score": file.numbers("instance_score", segments),
            "status": file.whole("status", table, -1, 1).astype(np.int8),
            "violation": file.numbers("violation", table),
        }
    if (np.diff(found["segment_video"]) < 0).any():
        raise InputError(file=path, key="instance_video", expected="segments by video", got="others")
    if words == {"target": "attention", "kind": "complementary"}:
        raise InputError(file=path, key="kind", expected="positive where target is attention", got="complementary")
    return PseudoLabels(videos, offsets, **found, **words), classes  # type: ignore[arg-type]


def read_labels_of(path: str | Path, store: Store) -> PseudoLabels:
    """Labels of the training videos of a store. Raises InputError where they are of others."""
    labels, classes = read_labels(path)
    if classes != store.classes:
        raise InputError(file=path, key="classes", expected=f"the store's, {list(store.classes)}", got=list(classes))
    if labels.videos != store.video_names("train"):
        raise InputError(file=path, key="videos", expected="the store's training videos, in its order", got="others")
    if labels.offsets.tolist() != store.offsets("train").tolist():
        raise InputError(file=path, key="offsets", expected="the lengths of the store's videos", got="others")
    return labels
