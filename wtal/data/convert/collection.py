"""Videos, annotations and features brought together, and held against one another before any feature is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wtal.base.errors import InputError
from wtal.base.records import Floats, Integers
from wtal.data.annotations.read import AnnotatedVideo, Annotations
from wtal.data.convert.chosen_videos import Chosen, chosen_videos, labelled, used_classes, warnings_about
from wtal.data.convert.settings import FeatureData
from wtal.data.features.alignment import (
    another_rate,
    derived_rate,
    frame_rates,
    is_of_each,
    lengths_out_of_line,
    other_frame_rates,
    past_end,
    rate_problem,
)
from wtal.data.features.axes import Axis, Shapes, snippets_axis
from wtal.data.features.extracted import Origin, common_origin, is_rate_of
from wtal.data.features.layouts import (
    Entry,
    Features,
    check_streams,
    open_features,
    shape_of,
    shapes_of,
    stream_names,
    streams_of,
)
from wtal.data.store.emptiness import require_enough
from wtal.data.store.tables import Subset
from wtal.suite.streams import Streams, streams_in_words

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
    origin: Origin | None = None  # what made the features, where records beside them say so

    @property
    def streams(self) -> Streams:
        """The streams in the order of their columns: as the settings have them, else as the layout tells them apart."""
        first = self.members[0].entry
        return self.settings.streams or streams_of(shapes_of(first), first)

    def seconds(self, member: Member) -> float:
        """The duration of a video: as annotated, else what its snippets cover."""
        stated = member.video.seconds
        return member.n_snippets / self.snippets_per_second if stated is None else stated


def collect(settings: FeatureData, tell: Tell) -> Collection:
    """Bring videos, annotations and features together and check shapes, rate, order and bounds."""
    annotations, chosen = chosen_videos(settings)
    for note in annotations.notes:
        tell(f"{annotations.path}: {note}")
    features = open_features(settings.features, settings.layout, stream_names(settings.streams))
    found = _entries(features, annotations, chosen)
    chosen, entries = _with_features(settings, annotations, features, chosen, found, tell)
    for sentence in warnings_about(settings, annotations, chosen):
        tell(sentence)
    size, counts, entries = _shapes(settings, entries, [video for video, _ in chosen], tell)
    pairs = zip(chosen, entries, counts.tolist())
    members = tuple(Member(video, subset, entry, count) for (video, subset), entry, count in pairs)
    origin = common_origin(file for member in members for file in member.entry.files)
    measured = Collection(settings, annotations, features, members, size, settings.snippets_per_second or 1.0, origin)
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


def _entries(features: Features, annotations: Annotations, chosen: Chosen) -> list[Entry | None]:
    """The features of each chosen video, by name or, in an object array, by its place in the annotations."""
    if features.layout == "object_array":
        annotated, names = [video.name for video in annotations.videos], {video.name for video, _ in chosen}
        for order in (annotated, [name for name in annotated if name in names]):
            if len(order) == len(features.in_order):
                number_of_name = {name: number for number, name in enumerate(order)}
                return [features.in_order[number_of_name[video.name]] for video, _ in chosen]
        expected = f"{len(annotated)} arrays, one for each annotated video in their order"
        raise InputError(file=features.path, expected=expected, got=len(features.in_order))
    found = features.find(video.name for video in annotations.videos)
    return [found[video.name] for video, _ in chosen]


def _with_features(
    settings: FeatureData,
    annotations: Annotations,
    features: Features,
    chosen: Chosen,
    found: Sequence[Entry | None],
    tell: Tell,
) -> tuple[Chosen, list[Entry]]:
    """The videos that have features, with them. Raises InputError naming all that have none, unless they may lack."""
    missing = [video.name for (video, _), entry in zip(chosen, found) if entry is None]
    if missing and settings.missing_features == "refuse":
        expected = (
            f"features of all {len(chosen)} videos (missing_features: leave_out, or exclude_videos, does without)"
        )
        raise InputError(file=features.path, expected=expected, got=f"none of {len(missing)}: {', '.join(missing)}")
    kept = [pair for pair, entry in zip(chosen, found) if entry is not None]
    if missing:
        tell(f"{len(missing)} of {len(chosen)} videos have no features and are left out: {', '.join(missing)}")
        require_enough(features.path, used_classes(annotations, kept), labelled(settings, kept))
    return kept, [entry for entry in found if entry is not None]


def _turned(
    settings: FeatureData, entries: Sequence[Entry], videos: Sequence[AnnotatedVideo], tell: Tell
) -> tuple[list[Entry], list[Shapes]]:
    """The entries with the axis along which snippets lie, and their shapes. Raises InputError where either may."""
    shapes = [shapes_of(entry) for entry in entries]
    axis = None if settings.snippets_are == "auto" else settings.snippets_are
    if axis is None:
        seconds = [video.seconds for video in videos]
        axis = snippets_axis(shapes, settings.feature_size, seconds, settings.snippets_per_second)
    if axis is None:
        first, second = shapes[0][0]
        expected = f"rows or columns, since all arrays are {first} by {second}, and either may be snippets"
        raise InputError(file=settings.features, key="snippets_are", expected=expected, got="auto")
    if axis == "columns" and settings.snippets_are == "auto":
        tell("the arrays are [features, snippets], and read as such")
    return [replace(entry, snippets_are=axis) for entry in entries], shapes


def _shapes(
    settings: FeatureData, entries: Sequence[Entry], videos: Sequence[AnnotatedVideo], tell: Tell
) -> tuple[int, Integers, list[Entry]]:
    """The number of columns of all videos, the snippets of each [V], and the entries with the axis of these."""
    turned, shapes = _turned(settings, entries, videos, tell)
    size, counts = settings.feature_size, []
    streams = settings.streams or streams_of(shapes[0], turned[0])
    for entry, own, video in zip(turned, shapes, videos):
        count, columns = shape_of(own, entry)
        size = columns if size is None else size
        if columns != size:
            raise InputError(
                file=entry.where,
                key=video.name,
                expected=_expected_columns(settings, size, count, columns, entry.snippets_are),
                got=columns,
            )
        check_streams(own, entry, streams, video.name, "as the settings and the other videos have them")
        counts.append(count)
    if settings.streams and size != sum(stream.columns for stream in settings.streams):
        expected = f"streams that sum to the {size} columns of the features"
        raise InputError(
            file=settings.features, key="streams", expected=expected, got=streams_in_words(settings.streams)
        )
    return size or 0, np.array(counts, dtype=np.int64), turned


def _expected_columns(settings: FeatureData, size: int, count: int, columns: int, axis: Axis) -> str:
    expected = f"{size} columns ({streams_in_words(settings.streams)})" if settings.streams else f"{size} columns"
    if columns in [stream.columns for stream in settings.streams]:
        return f"{expected}, not one stream alone (for that, set feature_size and streams)"
    return f"{expected}; snippets are {axis} here" if count == size else expected


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
    if problem or settings.snippets_per_second is None or is_rate_of(collection.origin, rate):
        return
    another = another_rate(counts, seconds, rate)
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
