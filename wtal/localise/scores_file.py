"""The file of a network's scores, written by training and read by labels, detection and report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from wtal.base.edges.array_file import open_arrays
from wtal.base.errors import InputError
from wtal.base.files import write_arrays
from wtal.base.records import VideoScores
from wtal.data.store.read import Store
from wtal.data.store.tables import Subset

EPOCH_KEYS = ("snippet_score", "video_score", "attention")


def write_scores(
    path: str | Path, scores: VideoScores, classes: Sequence[str], epochs: Iterable[tuple[int, VideoScores]] = ()
) -> None:
    """Write scores with the names that make them readable on their own.

    epochs: scores of the same videos after single epochs, kept where the best of them is to be named beside the last;
    they are taken one after the other, and no more than one has to be in memory.
    """
    write_arrays(path, _named_arrays(scores, classes, epochs))


def _named_arrays(
    scores: VideoScores, classes: Sequence[str], epochs: Iterable[tuple[int, VideoScores]]
) -> Iterator[tuple[str, np.ndarray]]:
    for epoch, entry in epochs:
        for key in EPOCH_KEYS:
            yield f"epoch{epoch}/{key}", getattr(entry, key)
    yield "videos", np.array(scores.videos, dtype=np.str_)
    yield "classes", np.array(classes, dtype=np.str_)
    for key in ("offsets", *EPOCH_KEYS):
        yield key, getattr(scores, key)


def read_epoch_scores(path: str | Path) -> Iterator[tuple[int, VideoScores]]:
    """Scores after single epochs, by epoch, read one after the other; none where none were kept.

    Raises InputError where those of an epoch are incomplete.
    """
    last, _ = read_scores(path)
    shapes = {key: getattr(last, key).shape for key in EPOCH_KEYS}
    with open_arrays(path) as file:
        epochs = {name.partition("/")[0].removeprefix("epoch") for name in file.names if name.startswith("epoch")}
        for epoch in sorted(int(number) for number in epochs if number.isdecimal() and len(number) < 10):
            arrays = (file.numbers(f"epoch{epoch}/{key}", shape) for key, shape in shapes.items())
            yield epoch, VideoScores(last.videos, last.offsets, *arrays)


def read_scores(path: str | Path) -> tuple[VideoScores, tuple[str, ...]]:
    """Scores and class names.

    Raises InputError where an array is missing, of another kind or shape than the names say, or not finite, a name
    stands twice, or offsets do not rise.
    """
    with open_arrays(path) as file:
        videos, classes = file.of_names("videos"), file.of_names("classes")
        offsets = file.offsets("offsets", len(videos))
        n_rows, n_columns = int(offsets[-1]), len(classes) + 1
        shapes = {"snippet_score": (n_rows, n_columns), "video_score": (len(videos), n_columns), "attention": (n_rows,)}
        return VideoScores(videos, offsets, *(file.numbers(key, shape) for key, shape in shapes.items())), classes


def read_scores_of(path: str | Path, store: Store, subset: Subset) -> VideoScores:
    """The scores of a subset of a store.

    Raises InputError where they are those of other classes, videos or lengths, or a value is outside [0, 1].
    """
    scores, classes = read_scores(path)
    if classes != store.classes:
        raise InputError(file=path, key="classes", expected=f"the store's, {list(store.classes)}", got=list(classes))
    if scores.videos != store.video_names(subset):
        raise InputError(file=path, key="videos", expected=f"the store's {subset} videos, in its order", got="others")
    if scores.offsets.tolist() != store.offsets(subset).tolist():
        raise InputError(file=path, key="offsets", expected="the lengths of the store's videos", got="others")
    for key in EPOCH_KEYS:
        values = getattr(scores, key)
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            got = f"{values.min():g} to {values.max():g}"
            raise InputError(file=path, key=key, expected="scores in [0, 1]", got=got)
    return scores
