"""Writes a feature store, video by video, whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.config import to_mapping
from wtal.data.store import read_store
from wtal.data.store_tables import (
    ANNOTATION_COLUMNS,
    ANNOTATIONS,
    FEATURES,
    HASHED,
    LABEL_COLUMNS,
    LABELS,
    META,
    VIDEO_COLUMNS,
    VIDEOS,
    Subset,
)
from wtal.errors import InputError
from wtal.files import digest_of_file, to_json, write_rows, write_text

SITE = ".preparing-"  # how a folder begins in which a store is being written


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVideo:
    """One video on its way into a store; the weak label is `labels`, or the set of its instances' classes."""

    name: str
    subset: Subset
    seconds: float
    features: NDArray[Any]  # [T, D]
    instances: tuple[tuple[str, float, float], ...]  # class, start, end in seconds
    labels: tuple[str, ...] | None = None  # None: the classes of the instances


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """A data set that can be written: what it is, and its videos one by one."""

    dataset: str
    classes: tuple[str, ...]
    snippets_per_second: float
    feature_size: int
    streams: dict[str, tuple[int, int]]
    source: str
    licence: str
    citation: str
    videos: Iterable[StoredVideo]
    labels_are_listed: bool = False  # weak labels come from a list, and may contradict the instances


def write_store(folder: str | Path, data: DataSet, *, precision: str = "float32") -> None:
    """Write a store whole or not at all; the same data always give the same bytes.

    One video at a time is in memory. What stands in `folder` is replaced once everything new is written and checked.
    precision: float32 or float16, as which the features lie on disk.
    Raises InputError where the data set breaks a rule of `read_store`, or the folder cannot be written.
    """
    folder = Path(folder)
    with _building_site(folder) as site:
        videos, labels, annotations = _write_features(site / FEATURES, data, np.dtype(precision).newbyteorder("<"))
        write_rows(site / VIDEOS, VIDEO_COLUMNS, videos)
        write_rows(site / LABELS, LABEL_COLUMNS, labels)
        write_rows(site / ANNOTATIONS, ANNOTATION_COLUMNS, annotations)
        described = {key.name: to_mapping(getattr(data, key.name)) for key in fields(data) if key.name != "videos"}
        described["files"] = {name: digest_of_file(site / name) for name in HASHED}
        write_text(site / META, to_json(described))
        read_store(site, verify=True)
        (folder / META).unlink(missing_ok=True)  # until the new one is there, a mixture is no store
        for name in (*HASHED, META):
            (site / name).replace(folder / name)


@contextmanager
def _building_site(folder: Path) -> Iterator[Path]:
    """A temporary folder inside `folder`; where the block fails, nothing that was made for it stays."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        site = Path(tempfile.mkdtemp(prefix=SITE, dir=folder))
    except OSError as error:
        raise InputError(file=folder, expected="a folder that can be written", got=error.strerror or error) from None
    try:
        with _held(site):
            _clear_abandoned(folder, site)
            yield site
    except BaseException:
        shutil.rmtree(site, ignore_errors=True)
        for path in made:
            if not any(path.iterdir()):
                path.rmdir()
        raise
    shutil.rmtree(site, ignore_errors=True)


@contextmanager
def _held(site: Path) -> Iterator[bool]:
    """Mark a building site as in use while the block, or this process, lasts; false where that cannot be done."""
    handle = os.open(site, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _clear_abandoned(folder: Path, site: Path) -> None:
    """Remove what processes that were killed left behind; a site in use stays."""
    for other in folder.glob(f"{SITE}*"):
        if other != site:
            with _held(other) as is_abandoned:
                if is_abandoned:
                    shutil.rmtree(other, ignore_errors=True)


def _write_features(path: Path, data: DataSet, kind: np.dtype[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """The flat array, written video by video; returns the rows of the three tables."""
    videos: list[Any] = []
    labels: list[Any] = []
    annotations: list[Any] = []
    n_rows = 0
    with path.open("wb") as stream:
        stream.write(_npy_header(0, data.feature_size, kind))
        for video in data.videos:
            if video.features.ndim != 2 or video.features.shape[1] != data.feature_size:
                expected = f"features of shape [T, {data.feature_size}]"
                raise InputError(file=path.name, key=video.name, expected=expected, got=video.features.shape)
            stream.write(np.ascontiguousarray(video.features, dtype=kind).tobytes())
            videos.append((video.name, video.subset, n_rows, len(video.features), float(video.seconds)))
            present = {name for name, _, _ in video.instances} if video.labels is None else set(video.labels)
            labels += [(video.name, name) for name in data.classes if name in present]
            annotations += [(video.name, name, float(start), float(end)) for name, start, end in video.instances]
            n_rows += len(video.features)
        stream.seek(0)
        stream.write(_npy_header(n_rows, data.feature_size, kind))
        stream.flush()
        os.fsync(stream.fileno())
    return videos, labels, annotations


def _npy_header(n_rows: int, feature_size: int, kind: np.dtype[Any]) -> bytes:
    """The header of a .npy file, 128 bytes whatever the number of rows, so that it can be written first and last."""
    text = f"{{'descr': '{kind.str}', 'fortran_order': False, 'shape': ({n_rows}, {feature_size}), }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n"
