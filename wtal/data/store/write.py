"""Writes a feature store, video by video, whole or not at all; a long conversion goes on where it was interrupted."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from wtal.base.errors import InputError
from wtal.base.files import (
    digest_of_file,
    read_arrays,
    refused_unwritable,
    to_json,
    write_arrays,
    write_rows,
    write_text,
)
from wtal.base.schema import to_mapping
from wtal.base.staging import STATE, staging_folder
from wtal.data.store.emptiness import Labelled, require_enough
from wtal.data.store.feature_file import FeatureFile
from wtal.data.store.read import read_store
from wtal.data.store.tables import (
    ANNOTATION_COLUMNS,
    ANNOTATIONS,
    CHECKSUM,
    FEATURES,
    HASHED,
    LABEL_COLUMNS,
    LABELS,
    META,
    SUBSETS,
    VIDEO_COLUMNS,
    VIDEOS,
    Subset,
)
from wtal.suite.streams import Streams

RESUME_EVERY = 5.0  # seconds after which the state of a conversion is saved


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoRecord:
    """What the tables say of a video; the weak label is `labels`, or the set of its instances' classes."""

    name: str
    subset: Subset
    seconds: float
    instances: tuple[tuple[str, float, float], ...]  # class, start, end in seconds
    labels: tuple[str, ...] | None = None  # None: the classes of the instances


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredVideo(VideoRecord):
    """One video on its way into a store."""

    features: NDArray[Any]  # [T, D]


class ResumableVideos(ABC):
    """Videos that another process can take up where this one was; a video counts as given once it is yielded."""

    tell: Callable[[str], None]

    @abstractmethod
    def __iter__(self) -> Iterator[StoredVideo]:
        """The videos that were not given yet."""

    @abstractmethod
    def given(self) -> Iterator[tuple[VideoRecord, int]]:
        """The videos that were given, each with its number of snippets."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """How far they were given."""

    @abstractmethod
    def taken_up(self, state: Mapping[str, NDArray[Any]]) -> ResumableVideos:
        """The videos as they were at a state. Raises InputError where it is one of others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """A data set that can be written: what it is, and its videos one by one."""

    dataset: str
    classes: tuple[str, ...]
    snippets_per_second: float
    feature_size: int
    streams: Streams
    source: str
    licence: str
    citation: str
    videos: Iterable[StoredVideo]
    labels_are_listed: bool = False  # weak labels come from a list, and may contradict the instances
    origin: dict[str, Any] | None = None  # of features of `wtal extract`: the extractor, its weights and its grid


def write_store(
    folder: str | Path, data: DataSet, *, precision: str = "float32", resume_every: float = RESUME_EVERY
) -> None:
    """Write a store whole or not at all; the same data always give the same bytes.

    One video at a time is in memory. What stands in `folder` is replaced once everything new is written and checked.
    Of resumable videos a state is saved as often as `resume_every` seconds, from which the next call goes on if this
    one fails or is killed. precision: float32 or float16, as which the features lie on disk.
    Raises InputError where the data set breaks a rule of `read_store`, or the folder cannot be written.
    """
    folder = Path(folder)
    if not data.classes:
        raise InputError(file=data.dataset, key="classes", expected="at least one class", got="none")
    with staging_folder(folder, takes_up=isinstance(data.videos, ResumableVideos)) as site:
        tables = _Tables(data.classes)
        file = FeatureFile(site / FEATURES, data.feature_size, precision)
        videos = _taken_up(site / STATE, data.videos, file, tables)
        with file.open():
            _write_videos(site / STATE, videos, file, tables, resume_every)
            require_enough(data.dataset, data.classes, tables.labelled())
        tables.write(site, file.checksums)
        described = {key.name: to_mapping(getattr(data, key.name)) for key in fields(data) if key.name != "videos"}
        if data.origin is None:
            del described["origin"]
        described["files"] = {name: digest_of_file(site / name) for name in HASHED}
        write_text(site / META, to_json(described))
        _verified(site, folder)
        with refused_unwritable(folder):
            (folder / META).unlink(missing_ok=True)  # until the new one is there, a mixture is no store
            for name in (*HASHED, META):
                (site / name).replace(folder / name)


def _verified(site: Path, folder: Path) -> None:
    """Read the new store back; what it breaks is said of the folder it is for, since the site is gone afterwards."""
    try:
        read_store(site, verify=True)
    except InputError as error:
        file = folder / Path(error.file).relative_to(site) if Path(error.file).is_relative_to(site) else error.file
        raise InputError(file=file, key=error.key, expected=error.expected, got=error.got) from None


@dataclass(slots=True)
class _Tables:
    """The rows of the three tables, in store order."""

    classes: tuple[str, ...]
    videos: list[Any] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    annotations: list[Any] = field(default_factory=list)
    n_rows: int = 0

    def add(self, video: VideoRecord, n_snippets: int) -> None:
        if video.subset not in SUBSETS:
            raise InputError(file=VIDEOS, key=video.name, expected="train or test", got=repr(video.subset))
        self.videos.append((video.name, video.subset, self.n_rows, n_snippets, float(video.seconds)))
        present = {name for name, _, _ in video.instances} if video.labels is None else set(video.labels)
        self.labels += [(video.name, name) for name in self.classes if name in present]
        self.annotations += [(video.name, name, float(start), float(end)) for name, start, end in video.instances]
        self.n_rows += n_snippets

    def labelled(self) -> list[Labelled]:
        """Subset and weak labels of each video."""
        names: dict[str, list[str]] = {row[0]: [] for row in self.videos}
        for video, name in self.labels:
            names[video].append(name)
        return [(subset, names[video]) for video, subset, *_ in self.videos]

    def write(self, folder: Path, checksums: Sequence[int]) -> None:
        """checksums: of each video's rows."""
        videos = [(*video, checksum) for video, checksum in zip(self.videos, checksums)]
        write_rows(folder / VIDEOS, (*VIDEO_COLUMNS, CHECKSUM), videos)
        write_rows(folder / LABELS, LABEL_COLUMNS, self.labels)
        write_rows(folder / ANNOTATIONS, ANNOTATION_COLUMNS, self.annotations)


def _taken_up(state: Path, videos: Iterable[StoredVideo], file: FeatureFile, tables: _Tables) -> Iterable[StoredVideo]:
    """The videos as they were when the state beside the file was saved, if there is one that still holds."""
    if not isinstance(videos, ResumableVideos) or not state.exists():
        return videos
    try:
        content = read_arrays(state)
        resumed = videos.taken_up(content)
        file.take_up(content)
    except InputError as error:
        videos.tell(f"starting over: {error}")
        with refused_unwritable(state):
            state.unlink()
        return videos
    for video, n_snippets in resumed.given():
        tables.add(video, n_snippets)
    return resumed


def _write_videos(
    state: Path, videos: Iterable[StoredVideo], file: FeatureFile, tables: _Tables, resume_every: float
) -> None:
    saved_at = time.monotonic()
    for video in videos:
        if video.features.ndim != 2 or video.features.shape[1] != file.feature_size:
            expected = f"features of shape [T, {file.feature_size}]"
            raise InputError(file=file.path.name, key=video.name, expected=expected, got=video.features.shape)
        file.add(video.features)
        tables.add(video, len(video.features))
        if isinstance(videos, ResumableVideos) and time.monotonic() - saved_at >= resume_every:
            file.sync()
            write_arrays(state, {**videos.state(), **file.state()})
            saved_at = time.monotonic()
