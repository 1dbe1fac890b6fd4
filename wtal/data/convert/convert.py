"""Feature files as people have them, held against their annotations, on their way into a store.

`converted_data_set(settings)` is the way in: it checks all that can be checked without reading a feature, and then
reads video by video, so that memory never holds more than one. How far it is can be saved and taken up.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wtal.base.code.digests import digest_of_command
from wtal.base.errors import InputError
from wtal.base.files import digest_of_value, to_json
from wtal.base.first_seen import hold_to_lock, record
from wtal.base.members import reference_of
from wtal.base.schema import to_mapping
from wtal.data.convert.chosen_videos import used_classes, weak_labels
from wtal.data.convert.collection import Collection, Member, Tell, collect
from wtal.data.convert.settings import FeatureData
from wtal.data.features.layouts import read_entry
from wtal.data.features.statistics import FeatureStatistics, same_numbers, stream_statistics, stream_warnings
from wtal.data.store.write import DataSet, ResumableVideos, StoredVideo, VideoRecord

logger = logging.getLogger(__name__)

NEWS = 2000  # videos after which a long conversion says how far it is

__all__ = ["collect", "converted_data_set", "hold_features", "read_all"]


def converted_data_set(settings: FeatureData, tell: Tell | None = None) -> DataSet:
    """The data set of some features and annotations, ready to be written; the features are read while it is written.

    tell: takes a sentence for each caution (default: a line of the log).
    Raises InputError where a file is missing or damaged, or features and annotations do not belong together.
    """
    tell = tell or _note
    collection = collect(settings, tell)
    return DataSet(
        dataset=settings.name,
        classes=used_classes(collection.annotations, [(member.video, member.subset) for member in collection.members]),
        snippets_per_second=collection.snippets_per_second,
        feature_size=collection.feature_size,
        streams=collection.streams,
        source=settings.source,
        licence=settings.licence,
        citation=settings.citation,
        videos=ConvertedVideos(collection, tell),
        labels_are_listed=settings.video_labels == "listed",
        origin=collection.origin,
    )


def _note(sentence: str) -> None:
    logger.info(f"note: {sentence}")


class ConvertedVideos(ResumableVideos):
    """Every video of a collection with its features; at the end, statistics and the lock."""

    def __init__(self, collection: Collection, tell: Tell) -> None:
        self.collection, self.tell = collection, tell
        self.statistics = FeatureStatistics(collection.feature_size)
        self.n_given = 0
        self.read_from = hashlib.sha256()  # the names and files of those that were given
        self.made_by = _made_by(collection)

    def __iter__(self) -> Iterator[StoredVideo]:
        members = self.collection.members
        if self.n_given:
            self.tell(f"taking up the conversion after {self.n_given:,} of {len(members):,} videos")
        for number, member in enumerate(members[self.n_given :], start=self.n_given):
            if number and number % NEWS == 0:
                self.tell(f"{number:,} of {len(members):,} videos read")
            self.read_from.update(_identity(member))  # as it is before it is read
            rows = _finite_rows(member)
            self.statistics.add(member.video.name, rows)
            self.n_given = number + 1
            yield StoredVideo(features=rows, **self._row(member))
        _conclude(self.collection, self.statistics, self.tell)

    def given(self) -> Iterator[tuple[VideoRecord, int]]:
        """The videos that were given, each with its number of snippets."""
        for member in self.collection.members[: self.n_given]:
            yield VideoRecord(**self._row(member)), member.n_snippets

    def _row(self, member: Member) -> dict[str, Any]:
        settings, video = self.collection.settings, member.video
        return {
            "name": video.name,
            "subset": member.subset,
            "seconds": self.collection.seconds(member),
            "instances": video.instances,
            "labels": tuple(sorted(weak_labels(settings, video, member.subset))),
        }

    def state(self) -> dict[str, NDArray[Any]]:
        """How far the videos were given, from which files, and the statistics so far."""
        about = {"made_by": self.made_by, "read_from": self.read_from.hexdigest(), "n_given": self.n_given}
        return {**self.statistics.state(), **{name: np.array(value) for name, value in about.items()}}

    def taken_up(self, state: Mapping[str, NDArray[Any]]) -> ConvertedVideos:
        """The videos as they were at a state. Raises InputError where settings, code or the files read have changed."""
        features = self.collection.settings.features
        expected = "the settings and the code of the conversion that was interrupted"
        if str(state.get("made_by")) != self.made_by:
            raise InputError(file=features, expected=expected, got="others")
        resumed = ConvertedVideos(self.collection, self.tell)
        resumed.n_given = int(state["n_given"])
        members = self.collection.members[: resumed.n_given]
        for member in members:
            resumed.read_from.update(_identity(member))
        if str(state["read_from"]) != resumed.read_from.hexdigest():
            expected = f"the {resumed.n_given:,} videos that were read, in unchanged files"
            raise InputError(file=features, expected=expected, got="others")
        resumed.statistics = FeatureStatistics.taken_up(state, [member.video.name for member in members])
        return resumed


def _made_by(collection: Collection) -> str:
    """The digest of what decides the rows beside the files; annotations decide their order alone, which is seen."""
    code = digest_of_command("prepare", members=[reference_of(collection.settings)])
    return digest_of_value([to_mapping(collection.settings), collection.feature_size, code])


def _identity(member: Member) -> bytes:
    """What tells the features of a video from others, without reading them."""
    files = []
    for path in member.entry.files:
        try:
            about = path.stat()
        except OSError as error:
            raise InputError(file=path, expected="a readable file", got=error.strerror or error) from None
        files.append([str(path), about.st_size, about.st_mtime_ns])
    return to_json([member.video.name, member.entry.where, member.n_snippets, files]).encode()


def read_all(collection: Collection, tell: Tell) -> None:
    """Read every feature as a conversion would, with all its checks and the lock, and write nothing else."""
    for _ in ConvertedVideos(collection, tell):
        pass


def _finite_rows(member: Member) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.ascontiguousarray(read_entry(member.entry), dtype=np.float32)
    if not np.isfinite(rows).all():
        snippet = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        key = f"{member.video.name}, snippet {snippet}"
        raise InputError(file=member.entry.where, key=key, expected="finite features", got="NaN or infinity")
    return rows


def _conclude(collection: Collection, statistics: FeatureStatistics, tell: Tell) -> None:
    settings, streams = collection.settings, stream_statistics(statistics, collection.streams)
    if statistics.least == statistics.most:
        raise InputError(
            file=settings.features, expected="features that differ", got=f"{statistics.least:g} everywhere"
        )
    if statistics.n_equal_halves == len(collection.members):
        got = "the same numbers in both halves"
        raise InputError(file=settings.features, expected="two different streams", got=got)
    for warning in [*stream_warnings(streams), *same_numbers(statistics.digests)[:10]]:
        tell(warning)
    if settings.lock is not None:
        hold_features(settings.lock, collection, statistics.digests, streams)


def hold_features(
    lock: str | Path, collection: Collection, digests: Mapping[str, str], streams: Mapping[str, object]
) -> None:
    """Hold annotations and features against the lock, or record them in it. Raises InputError where one differs."""
    videos = [[video.name, video.subset, video.seconds, video.instances] for video in collection.annotations.videos]
    hold_to_lock(lock, "annotations", {"sha256": digest_of_value([list(collection.annotations.classes), videos])})
    hold_to_lock(lock, "features", {"columns": collection.feature_size, "streams": to_mapping(collection.streams)})
    hold_to_lock(lock, "videos", digests)
    record(lock, "streams", streams)
