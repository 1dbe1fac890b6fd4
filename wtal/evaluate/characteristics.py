"""What instances are like: their length, the share of the video they cover, how many the video has; and buckets of it.

Buckets are DETAD's (Alwassel et al., ECCV 2018): each holds the values above the edge before and up to its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wtal.data.store import read_store
from wtal.errors import InputError
from wtal.evaluate.ground_truth import read_text_array
from wtal.evaluate.malformed import is_number
from wtal.files import read_json
from wtal.records import Floats, Instances, Integers
from wtal.unpickle import read_array

Edges = dict[str, tuple[float, ...]]
PUBLISHED_EDGES: dict[str, Edges] = {
    "thumos14": {"coverage": (0.02, 0.04, 0.06, 0.08), "length": (3, 6, 12, 18), "instances": (1, 40, 80)},
    "activitynet": {"coverage": (0.2, 0.4, 0.6, 0.8), "length": (30, 60, 120, 180), "instances": (1, 4, 8)},
}
TITLES = {"coverage": "share of the video", "length": "length in seconds", "instances": "instances in the video"}
BUCKETS = ("XS", "S", "M", "L", "XL")
DETAD_KEYS = {"coverage": "coverage", "length": "length", "instances": "num-instances"}
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


def read_characteristics(path: str | Path, truth: Instances) -> dict[str, Floats]:
    """The characteristics of each instance [N] from a file in DETAD's format.

    Raises InputError where the file is malformed or lacks an instance of the ground truth.
    """
    values = read_json(path)
    database = values.get("database") if isinstance(values, Mapping) else None
    if not isinstance(database, Mapping):
        raise InputError(file=path, key="database", expected="annotations by video", got=f"{database!r:.60}")
    known: dict[tuple[str, str, float, float], dict[str, float]] = {}
    for video, entry in database.items():
        annotations = entry.get("annotations") if isinstance(entry, Mapping) else None
        if not isinstance(annotations, list):
            raise InputError(file=path, key=f"database/{video}/annotations", expected="a list", got=f"{entry!r:.60}")
        for number, row in enumerate(annotations):
            key, found = _annotation(path, f"database/{video}/annotations[{number}]", row)
            known[(video, *key)] = found
    rows = []
    for row in range(len(truth)):
        video, label = truth.videos[truth.video[row]], truth.classes[truth.label[row]]
        start, end = round(float(truth.start[row]), 3), round(float(truth.end[row]), 3)
        match = known.get((video, label, start, end))
        if match is None:
            expected = f"the instance of {label} at {start:g} to {end:g} s of the ground truth"
            raise InputError(file=path, key=f"database/{video}", expected=expected, got="no such annotation")
        rows.append(match)
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in DETAD_KEYS}


def _annotation(path: str | Path, key: str, row: Any) -> tuple[tuple[str, float, float], dict[str, float]]:
    if not isinstance(row, Mapping) or not isinstance(row.get("label"), str):
        raise InputError(file=path, key=key, expected="an annotation with a label", got=f"{row!r:.60}")
    segment = row.get("segment")
    if not isinstance(segment, list) or len(segment) != 2 or not all(is_number(bound) for bound in segment):
        raise InputError(file=path, key=f"{key}/segment", expected="[start, end] in seconds", got=f"{segment!r:.60}")
    for name in DETAD_KEYS.values():
        if not is_number(row.get(name)):
            raise InputError(file=path, key=f"{key}/{name}", expected="a number", got=f"{row.get(name)!r:.60}")
    found = {name: float(row[theirs]) for name, theirs in DETAD_KEYS.items()}
    return (row["label"], round(segment[0], 3), round(segment[1], 3)), found


def buckets_of(characteristics: Mapping[str, Floats], edges: Edges) -> tuple[Buckets, ...]:
    """The buckets of each characteristic that is known, coverage first."""
    return tuple(
        Buckets(name, edges[name], np.searchsorted(edges[name], characteristics[name].round(DECIMALS)).astype(np.int64))
        for name in TITLES
        if name in characteristics
    )


def quintile_edges(characteristics: Mapping[str, Floats]) -> Edges:
    """Edges that cut these very instances into fifths, for data that published edges leave in one bucket.

    Rounded to three significant digits; equal edges become one, so there may be fewer than five buckets.
    """
    edges = {}
    for name, values in characteristics.items():
        cuts = np.quantile(values, [0.2, 0.4, 0.6, 0.8]).tolist() if len(values) else []
        distinct = sorted({float(f"{cut:.3g}") for cut in cuts})
        edges[name] = tuple(cut for cut in distinct if cut < values.max())
    return edges


def read_seconds(path: str | Path) -> dict[str, float] | None:
    """The length of every video in seconds beside a ground truth; None where the ground truth does not tell.

    path: what `read_ground_truth` reads: arrays (duration.npy), a store (videos.csv) or JSON (`duration`).
    """
    path = Path(path)
    if path.is_file():
        entries = read_json(path)["database"].items()
        found = {video: entry.get("duration") for video, entry in entries if entry.get("annotations")}
        return found if all(is_number(value) for value in found.values()) else None
    if (path / "annotations.csv").is_file():
        store = read_store(path)
        return dict(zip(store.names, store.seconds.tolist()))
    if not (path / "duration.npy").is_file():
        return None
    names, values = read_text_array(path / "videoname.npy"), read_array(path / "duration.npy").reshape(-1)
    if len(values) != len(names) or values.dtype.kind not in "fiu":
        expected = f"{len(names)} numbers, one for each of videoname.npy"
        raise InputError(file=path / "duration.npy", expected=expected, got=f"{values.dtype} {values.shape}")
    return dict(zip(names, values.astype(np.float64).tolist()))
