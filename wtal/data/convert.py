"""Feature files as people have them, held against their annotations, on their way into a store.

`converted_data_set(settings)` is the way in: it checks all that can be checked without reading a feature, and then
reads video by video, so that memory never holds more than one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wtal.data.annotations import AnnotatedVideo, classes_of
from wtal.data.collection import Collection, Member, Tell, collect
from wtal.data.feature_statistics import FeatureStatistics, same_numbers, stream_doubts, stream_statistics
from wtal.data.layouts import read_entry
from wtal.data.lock import hold, record
from wtal.data.store_writer import DataSet, StoredVideo
from wtal.data_settings import FeatureData
from wtal.errors import InputError
from wtal.files import digest_of_value

NEWS = 2000  # videos after which a long conversion says how far it is

__all__ = ["collect", "converted_data_set", "hold_features", "read_all"]


def converted_data_set(settings: FeatureData, tell: Tell | None = None) -> DataSet:
    """The data set of some features and annotations, ready to be written; the features are read while it is written.

    tell: takes a sentence for each caution (default: a line on standard error).
    Raises InputError where a file is missing or damaged, or features and annotations do not belong together.
    """
    tell = tell or _to_standard_error
    collection = collect(settings, tell)
    return DataSet(
        dataset=settings.name,
        classes=_classes(collection),
        snippets_per_second=collection.snippets_per_second,
        feature_size=collection.feature_size,
        streams=collection.streams,
        source=settings.source,
        licence=settings.licence,
        citation=settings.citation,
        videos=_videos(collection, tell),
        labels_are_listed=settings.video_labels == "listed",
    )


def _to_standard_error(sentence: str) -> None:
    print(f"note: {sentence}", file=sys.stderr, flush=True)


def _classes(collection: Collection) -> tuple[str, ...]:
    used = {name for member in collection.members for name in classes_of(member.video)}
    classes = tuple(name for name in collection.annotations.classes if name in used)
    train = [member.video for member in collection.members if member.subset == "train"]
    taught = {name for video in train for name in _labels(collection.settings, video)}
    for name in classes:
        if name not in taught:
            expected = "at least one training video of each class"
            raise InputError(file=collection.settings.annotations, key=name, expected=expected, got="none")
    return classes


def _labels(settings: FeatureData, video: AnnotatedVideo) -> set[str]:
    """The weak labels of a training video."""
    own = {name for name, _, _ in video.instances}
    if settings.video_labels == "listed" and video.listed is not None:
        return set(video.listed)
    return own or set(video.listed or ())


def _videos(collection: Collection, tell: Tell) -> Iterator[StoredVideo]:
    """Every video with its features; at the end, statistics and the lock."""
    statistics = FeatureStatistics(collection.feature_size)
    for number, member in enumerate(collection.members):
        if number and number % NEWS == 0:
            tell(f"{number:,} of {len(collection.members):,} videos read")
        rows = _finite_rows(member)
        statistics.add(member.video.name, rows)
        is_train = member.subset == "train"
        labels = _labels(collection.settings, member.video) if is_train else classes_of(member.video)
        yield StoredVideo(
            name=member.video.name,
            subset=member.subset,
            seconds=collection.seconds(member),
            features=rows,
            instances=member.video.instances,
            labels=tuple(sorted(labels)),
        )
    _conclude(collection, statistics, tell)


def read_all(collection: Collection, tell: Tell) -> None:
    """Read every feature as a conversion would, with all its checks and the lock, and write nothing else."""
    for _ in _videos(collection, tell):
        pass


def _finite_rows(member: Member) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.ascontiguousarray(read_entry(member.entry), dtype=np.float32)
    if not np.isfinite(rows).all():
        snippet = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        key = f"{member.video.name}, snippet {snippet}"
        raise InputError(file=member.entry.place, key=key, expected="finite features", got="NaN or infinity")
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
    for doubt in [*stream_doubts(streams), *same_numbers(statistics.digests)[:10]]:
        tell(doubt)
    if settings.lock is not None:
        hold_features(settings.lock, collection, statistics.digests, streams)


def hold_features(
    lock: str | Path, collection: Collection, digests: Mapping[str, str], streams: Mapping[str, object]
) -> None:
    """Hold annotations and features against the lock, or record them in it. Raises InputError where one differs."""
    videos = [[video.name, video.subset, video.seconds, video.instances] for video in collection.annotations.videos]
    hold(lock, "annotations", {"sha256": digest_of_value([list(collection.annotations.classes), videos])})
    hold(lock, "features", {"columns": collection.feature_size})
    hold(lock, "videos", digests)
    record(lock, "streams", streams)
