"""Videos, annotations and features brought together, and held against one another before any feature is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wtal.data.alignment import (
    another_rate,
    derived_rate,
    frame_rates,
    is_of_each,
    lengths_out_of_line,
    other_frame_rates,
    past_end,
    rate_problem,
)
from wtal.data.annotations import AnnotatedVideo, Annotations, read_annotations, with_subsets
from wtal.data.layouts import Entry, Features, check_streams, open_features, shape_of, stream_names, streams_of
from wtal.data.store_tables import Subset
from wtal.data_settings import FeatureData, Streams, described
from wtal.errors import InputError
from wtal.records import Floats, Integers

Tell = Callable[[str], None]
MANY = 0.1  # share of the instances past their video's end from which the unit of the bounds is doubted


@dataclass(frozen=True, slots=True)
class Member:
    """One video with its features, not yet read."""

    video: AnnotatedVideo
    subset: Subset
    entry: Entry
    n_snippets: int


@dataclass(frozen=True, slots=True)
class Collection:
    """A data set whose parts belong together as far as annotations and the shapes of features tell."""

    settings: FeatureData
    annotations: Annotations
    features: Features
    members: tuple[Member, ...]
    feature_size: int
    snippets_per_second: float

    @property
    def streams(self) -> Streams:
        """The streams in the order of their columns: as the settings have them, else as the layout tells them apart."""
        return self.settings.streams or streams_of(self.members[0].entry)

    def seconds(self, member: Member) -> float:
        """The duration of a video: as annotated, else what its snippets cover."""
        stated = member.video.seconds
        return member.n_snippets / self.snippets_per_second if stated is None else stated


def collect(settings: FeatureData, tell: Tell) -> Collection:
    """Bring videos, annotations and features together and check shapes, rate, order and bounds."""
    annotations, chosen = chosen_videos(settings)
    features = open_features(settings.features, settings.layout, stream_names(settings.streams))
    entries = _entries(features, annotations, chosen)
    size, counts = _shapes(settings, entries, [video for video, _ in chosen])
    pairs = zip(chosen, entries, counts.tolist())
    members = tuple(Member(video, subset, entry, count) for (video, subset), entry, count in pairs)
    measured = Collection(settings, annotations, features, members, size, settings.snippets_per_second or 1.0)
    collection = replace(measured, snippets_per_second=_rate(measured, tell))
    _check_alignment(collection, tell)
    _check_past_end(collection, tell)
    return collection


def known_durations(collection: Collection) -> tuple[list[str], Integers, Floats]:
    """Name, snippets [V] and seconds [V] of the videos whose duration is annotated."""
    known = [member for member in collection.members if member.video.seconds is not None]
    counts = np.array([member.n_snippets for member in known], dtype=np.int64)
    seconds = np.array([member.video.seconds for member in known], dtype=np.float64)
    return [member.video.name for member in known], counts, seconds


def chosen_videos(settings: FeatureData) -> tuple[Annotations, list[tuple[AnnotatedVideo, Subset]]]:
    """The annotations, and the videos of both subsets: first those to train on, then those to test on."""
    annotations = read_annotations(settings.annotations)
    annotations = with_subsets(annotations, settings.train_subset, settings.test_subset, settings.test_share)
    excluded = set(settings.exclude_videos)
    unknown = sorted(excluded - {video.name for video in annotations.videos})
    if unknown:
        raise InputError(
            file=annotations.path, key="exclude_videos", expected="videos of the annotations", got=unknown[0]
        )
    chosen: list[tuple[AnnotatedVideo, Subset]] = []
    for subset, name in (("train", settings.train_subset), ("test", settings.test_subset)):
        videos = [video for video in annotations.of_subset(name) if video.name not in excluded]
        chosen += [(video, "train" if subset == "train" else "test") for video in videos]
    expected = settings.expected_videos
    if expected is not None and len(chosen) != expected:
        got = f"{len(chosen)}"
        raise InputError(file=annotations.path, expected=f"{expected} videos in both subsets", got=got)
    return annotations, chosen


def _entries(
    features: Features, annotations: Annotations, chosen: Sequence[tuple[AnnotatedVideo, Subset]]
) -> list[Entry]:
    """The features of each chosen video, by name or, in an object array, by its place in the annotations."""
    if features.layout == "object_array":
        annotated, names = [video.name for video in annotations.videos], {video.name for video, _ in chosen}
        for order in (annotated, [name for name in annotated if name in names]):
            if len(order) == len(features.in_order):
                place = {name: number for number, name in enumerate(order)}
                return [features.in_order[place[video.name]] for video, _ in chosen]
        expected = f"{len(annotated)} arrays, one for each annotated video in their order"
        raise InputError(file=features.path, expected=expected, got=len(features.in_order))
    found = [(video.name, features.find(video.name)) for video, _ in chosen]
    missing = [name for name, entry in found if entry is None]
    if missing:
        some = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        expected = f"features of all {len(chosen)} videos (exclude_videos leaves some out)"
        raise InputError(file=features.path, expected=expected, got=f"none of {len(missing)}: {some}")
    return [entry for _, entry in found if entry is not None]


def _shapes(settings: FeatureData, entries: Sequence[Entry], videos: Sequence[AnnotatedVideo]) -> tuple[int, Integers]:
    """The number of columns of all videos, and the snippets of each [V]."""
    size, counts = settings.feature_size, []
    streams = settings.streams or streams_of(entries[0])
    for entry, video in zip(entries, videos):
        count, columns = shape_of(entry)
        size = columns if size is None else size
        if columns != size:
            raise InputError(
                file=entry.place,
                key=video.name,
                expected=_expected_columns(settings, size, count, columns),
                got=columns,
            )
        check_streams(entry, streams, video.name, "as the settings and the other videos have them")
        counts.append(count)
    if settings.streams and size != sum(stream.columns for stream in settings.streams):
        expected = f"streams that sum to the {size} columns of the features"
        raise InputError(file=settings.features, key="streams", expected=expected, got=described(settings.streams))
    return size or 0, np.array(counts, dtype=np.int64)


def _expected_columns(settings: FeatureData, size: int, count: int, columns: int) -> str:
    expected = f"{size} columns ({described(settings.streams)})" if settings.streams else f"{size} columns"
    if columns in [stream.columns for stream in settings.streams]:
        return f"{expected}, not one stream alone (for that, set feature_size and streams)"
    return f"{expected}; snippets are rows here" if count == size else expected


def stated_frame_rates(collection: Collection) -> Floats | None:
    """Frames a second [V] of the videos whose duration is annotated, where all of them have one."""
    return frame_rates([member.video for member in collection.members if member.video.seconds is not None])


def _rate(measured: Collection, tell: Tell) -> float:
    settings, (_, counts, seconds) = measured.settings, known_durations(measured)
    if settings.snippets_per_second is not None:
        return settings.snippets_per_second
    if not len(counts):
        expected = "snippets a second, since the annotations state no durations to measure it by"
        raise InputError(file=settings.annotations, key="snippets_per_second", expected=expected, got="null")
    rate, told = derived_rate(counts, seconds, stated_frame_rates(measured))
    for sentence in told:
        tell(f"{rate:.6g} snippets a second: {sentence}")
    return rate


def _check_alignment(collection: Collection, tell: Tell) -> None:
    settings, rate = collection.settings, collection.snippets_per_second
    names, counts, seconds = known_durations(collection)
    if not len(counts):
        tell("no durations are annotated: they are taken from the number of snippets, and no rate could be checked")
        return
    frames = stated_frame_rates(collection)
    problem = rate_problem(counts, seconds, rate, frames)
    for name, words in [] if frames is None else other_frame_rates(names, frames):
        tell(f"{name}: {words}")
    for name, words in lengths_out_of_line(names, counts, seconds, rate) if not problem or is_of_each(problem) else []:
        tell(f"{name}: {words}")
    if problem and settings.alignment == "refuse":
        expected = f"about {rate:.6g} snippets for each second of video (alignment: warn lets others stand)"
        raise InputError(file=settings.features, expected=expected, got=problem)
    if problem:
        tell(problem)
    another = None if problem or settings.snippets_per_second is None else another_rate(counts, seconds, rate)
    if another:
        tell(another)


def _check_past_end(collection: Collection, tell: Tell) -> None:
    settings = collection.settings
    late = [
        (member, row) for member in collection.members for row in past_end(member.video, collection.seconds(member))
    ]
    n_instances = sum(len(member.video.instances) for member in collection.members)
    if not late:
        return
    member, (name, start, end) = late[0]
    where = f"{name} {start:g}-{end:g} in {member.video.name} of {collection.seconds(member):.1f} s"
    if len(late) > MANY * n_instances:
        expected = "bounds in seconds inside the videos"
        got = f"{len(late)} of {n_instances} instances after the end, first {where}: frames or milliseconds?"
        raise InputError(file=settings.annotations, expected=expected, got=got)
    if settings.past_end == "refuse":
        expected = "instances inside their videos (past_end: keep lets them stand)"
        got = f"{len(late)} after the end, first {where}"
        raise InputError(file=settings.annotations, key=member.video.name, expected=expected, got=got)
    videos = len({late_member.video.name for late_member, _ in late})
    tell(f"{len(late)} instances in {videos} videos begin after their video's end and are kept, first {where}")
