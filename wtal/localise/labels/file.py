"""The pseudo labels of a round and the file that holds them, labels.npz: its one writer and its one reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.files import read_arrays, write_arrays
from wtal.base.records import Floats, Integers
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
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

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

    Raises InputError where an array is missing, shapes disagree, a number or a word names nothing, or a label or a
    weight is none.
    """
    arrays = read_arrays(path, ("videos", "classes", *_WORDS, *_ARRAYS))
    videos, classes = tuple(arrays["videos"].tolist()), tuple(arrays["classes"].tolist())
    table = (len(videos), len(classes) + 1)
    n_rows = int(arrays["offsets"][-1]) if arrays["offsets"].size else 0
    shapes = {"offsets": (len(videos) + 1,), "label": (n_rows, table[1]), "weight": (n_rows, table[1])}
    shapes |= {"violation": table, "status": table}
    segments = [key for key in _ARRAYS if key.startswith("instance_")]
    shapes |= dict.fromkeys(segments, arrays[segments[0]].shape)
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise InputError(file=path, key=key, expected=f"shape {shape}", got=arrays[key].shape)
    for key, count in zip(segments, table):
        if ((arrays[key] < 0) | (arrays[key] >= count)).any():
            raise InputError(file=path, key=key, expected=f"numbers from 0 to {count - 1}", got="another")
    if not np.isfinite(arrays["label"]).all():
        raise InputError(file=path, key="label", expected="finite numbers", got="NaN or infinity")
    if not (np.isfinite(arrays["weight"]) & (arrays["weight"] >= 0)).all():
        raise InputError(file=path, key="weight", expected="finite numbers, 0 or above", got="others")
    words = {key: str(arrays[key]) for key in _WORDS}
    for key, known in _WORDS.items():
        if words[key] not in known:
            raise InputError(file=path, key=key, expected=f"one of {', '.join(known)}", got=repr(words[key]))
    if words == {"target": "attention", "kind": "complementary"}:
        raise InputError(file=path, key="kind", expected="positive where target is attention", got="complementary")
    return PseudoLabels(videos, **{field: arrays[key] for key, field in _ARRAYS.items()}, **words), classes  # type: ignore[arg-type]


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
