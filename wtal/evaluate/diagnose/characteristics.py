"""What instances are like: their length, the share of the video they cover, how many the video has; and buckets of it.

Buckets are DETAD's (Alwassel et al., ECCV 2018): each holds the values above the edge before and up to its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wtal.base.errors import InputError
from wtal.base.records import Floats, Instances, Integers

Edges = dict[str, tuple[float, ...]]
PUBLISHED_EDGES: dict[str, Edges] = {
    "thumos14": {"coverage": (0.02, 0.04, 0.06, 0.08), "length": (3, 6, 12, 18), "instances": (1, 40, 80)},
    "activitynet": {"coverage": (0.2, 0.4, 0.6, 0.8), "length": (30, 60, 120, 180), "instances": (1, 4, 8)},
}
TITLES = {"coverage": "share of the video", "length": "length in seconds", "instances": "instances in the video"}
BUCKETS = ("XS", "S", "M", "L", "XL")
DECIMALS = 6  # 8.2 - 2.2 is 6 and falls into the bucket up to 6, whatever its last bit


@dataclass(frozen=True, slots=True)
class Buckets:
    """One characteristic, cut into buckets."""

    name: str
    edges: tuple[float, ...]  # [B - 1] rising; the last bucket has no upper edge
    bucket: Integers  # [N] of each instance of the ground truth

    @property
    def names(self) -> tuple[str, ...]:
        """XS, S, M, L and, with five of them, XL."""
        return BUCKETS[: len(self.edges) + 1]

    def described(self, number: int) -> str:
        """A bucket in words, such as `(3, 6]`."""
        low = f"{self.edges[number - 1]:g}" if number else "0"
        return f"({low}, {self.edges[number]:g}]" if number < len(self.edges) else f"> {low}"


def computed_characteristics(truth: Instances, seconds: Mapping[str, float] | None) -> dict[str, Floats]:
    """Length, coverage (where the lengths of the videos are known) and instances in the video, each [N].

    As DETAD counts them: instances of every class, and duplicates too. Raises InputError for a video without length.
    """
    length = truth.end - truth.start
    counts = np.bincount(truth.video, minlength=len(truth.videos)).astype(np.float64)
    found = {"length": length, "instances": counts[truth.video]}
    if seconds is None:
        return found
    for number in np.unique(truth.video):
        if not seconds.get(truth.videos[number], 0) > 0:
            got = seconds.get(truth.videos[number])
            raise InputError(file="ground truth", key=truth.videos[number], expected="a length in seconds", got=got)
    whole = np.array([seconds.get(name, np.nan) for name in truth.videos])
    return {"coverage": length / whole[truth.video], **found}


def buckets_of(characteristics: Mapping[str, Floats], edges: Edges) -> tuple[Buckets, ...]:
    """The buckets of each characteristic that is known, coverage first.

    characteristics: name -> a value for each instance [G]. edges: name -> the values at which buckets end.
    """
    return tuple(
        Buckets(name, edges[name], np.searchsorted(edges[name], characteristics[name].round(DECIMALS)).astype(np.int64))
        for name in TITLES
        if name in characteristics
    )


def quintile_edges(characteristics: Mapping[str, Floats]) -> Edges:
    """Edges that cut these very instances into fifths, for data that published edges leave in one bucket.

    characteristics: values [M] of each, one an instance. Edges are rounded to three significant digits; equal ones
    become one, so there may be fewer than five buckets.
    """
    edges = {}
    for name, values in characteristics.items():
        cuts = np.quantile(values, [0.2, 0.4, 0.6, 0.8]).tolist() if len(values) else []
        distinct = sorted({float(f"{cut:.3g}") for cut in cuts})
        edges[name] = tuple(cut for cut in distinct if cut < values.max())
    return edges
