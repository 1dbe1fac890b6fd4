"""Recordings of a fixed rate as videos of a store, their features standardised by those of the training recordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.data.kinds.sensor_features import standardised, training_statistics
from wtal.data.store.tables import SUBSETS, Subset
from wtal.data.store.write import StoredVideo


@dataclass(frozen=True, slots=True)
class Described:
    """A recording that was cut into snippets."""

    name: str
    features: NDArray[np.float32]  # [T, F], not standardised
    actions: Sequence[tuple[str, int, int]]  # class, start and end of each, half-open, in rows of the recording


def stored_videos(
    recordings: Mapping[Subset, Sequence[Described]],
    rows_per_snippet: int,
    rows_per_second: float,
    *,
    folder: str,
    needed: str,
) -> Iterator[StoredVideo]:
    """Every recording; actions end with its last whole snippet, and one that begins later is left out.

    Raises InputError naming the folder and what is `needed` where there is nothing to train on.
    """
    if not recordings["train"]:
        raise InputError(file=folder, expected=needed, got="none")
    mean, deviation = training_statistics([one.features for one in recordings["train"]])
    for subset in SUBSETS:
        for one in recordings[subset]:
            last = len(one.features) * rows_per_snippet
            yield StoredVideo(
                name=one.name,
                subset=subset,
                seconds=last / rows_per_second,
                features=standardised(one.features, mean, deviation),
                instances=tuple(
                    (label, start / rows_per_second, min(end, last) / rows_per_second)
                    for label, start, end in one.actions
                    if start < last
                ),
            )
