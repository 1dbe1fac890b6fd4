"""The file of a network's scores, written by training and read by labels, detection and report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import names_of_arrays, read_arrays, write_arrays
from wtal.base.records import VideoScores
from wtal.data.store.read import Store
from wtal.data.store.tables import Subset

EPOCH_KEYS = ("snippet_score", "video_score", "attention")
KEYS = ("videos", "classes", "offsets", *EPOCH_KEYS)


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
    names = names_of_arrays(path)
    epochs = {name.partition("/")[0].removeprefix("epoch") for name in names if name.startswith("epoch")}
    for epoch in sorted(int(number) for number in epochs if number.isdigit()):
        keys = {key: f"epoch{epoch}/{key}" for key in EPOCH_KEYS}
        arrays = read_arrays(path, [name for name in keys.values() if name in names], others=False)
        for key, name in keys.items():
            shape, got = getattr(last, key).shape, arrays[name].shape if name in arrays else "none"
            if got != shape:
                raise InputError(file=path, key=name, expected=f"an array of shape {shape}", got=got)
            if not np.isfinite(arrays[name]).all():
                raise InputError(file=path, key=name, expected="finite numbers", got="NaN or infinity")
        yield epoch, VideoScores(last.videos, last.offsets, *(arrays[name] for name in keys.values()))


def read_scores(path: str | Path) -> tuple[VideoScores, tuple[str, ...]]:
    """Scores and class names. Raises InputError where shapes disagree or a score is not finite."""
    arrays = read_arrays(path, KEYS, others=False)
    videos, classes = tuple(arrays["videos"].tolist()), tuple(arrays["classes"].tolist())
    offsets, snippet = arrays["offsets"], arrays["snippet_score"]
    n_rows, n_columns = (int(offsets[-1]) if offsets.ndim == 1 and len(offsets) else 0), len(classes) + 1
    expected = {
        "offsets": (len(videos) + 1,),
        "snippet_score": (n_rows, n_columns),
        "video_score": (len(videos), n_columns),
        "attention": (n_rows,),
    }
    for key, shape in expected.items():
        if arrays[key].shape != shape:
            raise InputError(file=path, key=key, expected=f"an array of shape {shape}", got=arrays[key].shape)
    for key in ("snippet_score", "video_score", "attention"):
        if not np.isfinite(arrays[key]).all():
            raise InputError(file=path, key=key, expected="finite numbers", got="NaN or infinity")
    return VideoScores(videos, offsets, snippet, arrays["video_score"], arrays["attention"]), classes


def check_scores_of(path: str | Path, store: Store, subset: Subset) -> None:
    """Refuse scores that are not those of a subset of a store: classes, videos, lengths, or values outside [0, 1].

    Raises InputError.
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
