"""Features got by hand, in whichever layout: found by the names of the videos, and put where they belong."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wtal.base.errors import InputError
from wtal.base.npy.mapped import holds_objects
from wtal.data.annotations.names import is_hidden, plain_name
from wtal.data.annotations.read import read_annotations
from wtal.data.features.layouts import H5_ENDINGS, open_features, without_suffix
from wtal.data.fetch.manifest import Manifest
from wtal.data.fetch.partial import copy_to_partial, settle

LEAST = 1_000_000  # bytes from which an object array is taken for features


@dataclass(frozen=True, slots=True)
class FoundFeatures:
    """What lies in a folder of features, in words, and how many of the videos it covers."""

    layout: str
    n_found: int
    n_wanted: int

    def __str__(self) -> str:
        return f"{self.layout}, {self.n_found} of {self.n_wanted} videos"

    @property
    def is_whole(self) -> bool:
        """Whether every video that must have features has them."""
        return self.n_found >= self.n_wanted


def video_names(manifest: Manifest, into: Path) -> tuple[str, ...]:
    """The names of the videos that have instances, from annotations that are there; none where they are not."""
    names = [file.path for file in manifest.files if file.part == "annotations"]
    tables = [into / name for name in names if name.endswith(".json")]
    target = tables[0] if tables else into
    try:
        found = read_annotations(target)
    except InputError:
        return ()
    return tuple(video.name for video in found.videos if video.instances)


def found_features(folder: Path, names: Iterable[str]) -> FoundFeatures | None:
    """What a folder of features holds, or None where it holds none that can be read."""
    wanted = tuple(names)
    if not folder.is_dir() or not wanted:
        return None
    try:
        features = open_features(folder)
        found = features.find(wanted).values()
    except InputError:
        return None
    n_found = len(features.in_order) if features.layout == "object_array" else sum(entry is not None for entry in found)
    return FoundFeatures(features.layout, n_found, len(wanted)) if n_found else None


def take_features(manifest: Manifest, by_hand: Path, folder: Path, names: Iterable[str]) -> int:
    """Put every file of features below `by_hand` into the data set's folder of features; returns how many.

    Files are told by the videos' names, by an HDF5 ending, or by being an object array that is none of the data set's
    annotations. They are linked where the file system can, else copied; an existing file of that name is left alone.
    """
    known = {Path(file.path).name for file in manifest.files}
    plain = {plain_name(name) for name in names}
    taken = 0
    for path in sorted(by_hand.rglob("*")):
        if not path.is_file() or folder in path.parents or is_hidden(path, by_hand):
            continue
        target = _target_of(path, by_hand, known, plain)
        if target is not None and not (folder / target).exists():
            _link(path, folder / target)
            taken += 1
    return taken


def _target_of(path: Path, by_hand: Path, known: set[str], plain: set[str]) -> Path | None:
    """Where below the folder of features a file belongs, or None where it is no features."""
    if path.suffix.lower() in H5_ENDINGS:
        return Path(path.name)
    if path.suffix.lower() != ".npy":
        return None
    if plain_name(without_suffix(path.stem)) in plain or plain_name(path.stem) in plain:
        return path.relative_to(by_hand)
    if path.name not in known and path.stat().st_size >= LEAST and _is_object_array(path):
        return Path(path.name)
    return None


def _is_object_array(path: Path) -> bool:
    try:
        return holds_objects(path)
    except InputError:
        return False


def _link(source: Path, target: Path) -> None:
    """A second name for a file, or a copy of it. Raises InputError where the folder cannot be written."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), target)
        except OSError:
            partial = target.with_name(f"{target.name}.part")
            copy_to_partial(source, partial)
            settle(partial, target)
    except OSError as error:
        raise InputError(file=target, expected="a path that can be written", got=error.strerror or error) from None
