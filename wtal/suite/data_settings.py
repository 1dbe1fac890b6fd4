"""The settings of each kind of data set: what it is cut or made from, units and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Literal

from wtal.base.errors import require
from wtal.base.ranges import Count, Doc, Ge, Gt, Le, Lt, Pattern, Words, settings


@settings
class Stream:
    """The columns of features that come from one source, such as rgb; the next stream's stand after them."""

    name: Annotated[str, Pattern(r"[\s\S]*\S[\s\S]*", "a word"), Doc("what the columns come from, such as rgb")]
    columns: Annotated[Count, Doc("how many features each snippet has of it")]


Streams = tuple[Stream, ...]  # side by side, in order; none where nobody has named them
RGB_AND_FLOW = (Stream(name="rgb", columns=1024), Stream(name="flow", columns=1024))  # of I3D


def described(streams: Streams) -> str:
    """The streams in words, such as "rgb 1024, flow 1024"."""
    return ", ".join(f"{stream.name} {stream.columns}" for stream in streams)


def bounds_of(streams: Sequence[Stream]) -> dict[str, tuple[int, int]]:
    """First column and the one after the last of each stream."""
    ends = accumulate(stream.columns for stream in streams)
    return {stream.name: (end - stream.columns, end) for stream, end in zip(streams, ends)}


def require_streams(streams: Streams, feature_size: int | None) -> None:
    """Refuse streams of one name, or whose columns are not all there are. Raises SettingError."""
    names = [stream.name for stream in streams]
    require(len(set(names)) == len(names), "streams", "each name once", names)
    sums = not streams or feature_size is None or sum(stream.columns for stream in streams) == feature_size
    require(sums, "streams", f"columns that sum to feature_size, {feature_size}", described(streams))


@settings
class HaptData:
    """The embedded sensor recordings (Reyes-Ortiz et al., 2016) cut into clips."""

    kind: Literal["hapt"] = "hapt"
    clip_seconds: Annotated[float, Ge(5), Le(600), Doc("length of a clip in seconds, as near as equal clips come")] = (
        45.0
    )
    classes: Annotated[
        Literal["nine", "all", "activities"],
        Doc("nine: three ways of walking and the six changes of posture; activities: walking and postures"),
    ] = "nine"
    split: Annotated[
        Literal["test", "validation"],
        Doc("validation: tests on held-out training people, to choose settings on"),
    ] = "test"


Snippets = Annotated[int, Ge(16)]
Some = Annotated[int, Ge(2)]
Bouts = Annotated[int, Ge(1), Le(30)]


@settings
class SyntheticData:
    """Made-up videos in which each ingredient of the method can be seen to act."""

    kind: Literal["synthetic"] = "synthetic"
    seed: Annotated[int, Doc("of every random number of the videos")] = 0
    train_videos: Annotated[Some, Doc("videos to train on")] = 24
    test_videos: Annotated[Some, Doc("videos to test on")] = 12
    classes: Annotated[Some, Doc("classes of actions")] = 4
    feature_size: Annotated[int, Ge(8), Doc("features of each of the two streams")] = 32
    snippets: Annotated[tuple[Snippets, Snippets], Doc("least and most snippets of a video")] = (40, 90)

    def __post_init__(self) -> None:
        least, most = self.snippets
        require(least <= most, "snippets", "two rising numbers", list(self.snippets))


@settings
class WatchData:
    """Exercises recorded by a smartwatch (Burns et al., 2018), composed into sessions with rest between them."""

    kind: Literal["watch"] = "watch"
    seed: Annotated[int, Ge(0), Doc("of the composition")] = 0
    session_bouts: Annotated[tuple[Bouts, Bouts], Doc("least and most bouts of exercise in a session")] = (3, 5)
    split: Annotated[
        Literal["test", "validation"],
        Doc("validation: tests on held-out training people, to choose settings on"),
    ] = "test"

    def __post_init__(self) -> None:
        least, most = self.session_bouts
        require(least <= most, "session_bouts", "two rising numbers", list(self.session_bouts))


@settings
class FeatureData:
    """Features extracted from videos, in a common layout, and annotations. Paths start where `wtal` runs."""

    kind: Literal["features"] = "features"
    name: Annotated[Words, Doc("of the data set")]
    features: Annotated[str, Doc("a file or a folder")]
    annotations: Annotated[
        str, Doc("a folder of arrays, an ActivityNet JSON file, or a CSV file: video,label[,start,end][,subset]")
    ]
    layout: Annotated[
        Literal["auto", "object_array", "npy_per_video", "two_folders", "h5"], Doc("how the features lie; auto: seen")
    ] = "auto"
    snippets_are: Annotated[
        Literal["auto", "rows", "columns"], Doc("of each array; auto: where its other axis is that of the features")
    ] = "auto"
    missing_features: Annotated[Literal["refuse", "leave_out"], Doc("annotated videos without features")] = "refuse"
    train_subset: Annotated[str, Doc("the subset to train on, as the annotations call it")] = "train"
    test_subset: Annotated[str, Doc("the subset to test on")] = "test"
    test_share: Annotated[
        float, Gt(0), Lt(1), Doc("share of the videos to test on, where the annotations name no subsets")
    ] = 0.25
    snippets_per_second: Annotated[
        Annotated[float, Gt(0)] | None, Doc("rate of the features; null: measured from the videos' durations")
    ] = 1.5625
    feature_size: Annotated[Count | None, Doc("features of a snippet; null: as many as the first video has")] = 2048
    streams: Annotated[Streams, Doc("streams of the columns, in order; []: as the layout tells them, or not named")] = (
        RGB_AND_FLOW
    )
    video_labels: Annotated[
        Literal["instances", "listed"], Doc("of training videos; listed: as labels_all.npy has them")
    ] = "instances"
    past_end: Annotated[Literal["refuse", "keep"], Doc("instances that begin after their video's end")] = "refuse"
    alignment: Annotated[Literal["refuse", "warn"], Doc("numbers of snippets that contradict the durations")] = "refuse"
    precision: Annotated[Literal["float32", "float16"], Doc("as what the features lie in the store")] = "float32"
    exclude_videos: Annotated[tuple[str, ...], Doc("names of videos to leave out")] = ()
    expected_videos: Annotated[
        Annotated[int, Ge(2)] | None, Doc("videos of both subsets, without the excluded ones; null: not checked")
    ] = None
    lock: Annotated[str | None, Doc("file that records what was first seen, and is held against it from then on")] = (
        None
    )
    source: Annotated[str, Doc("where the data come from")] = "not stated"
    licence: Annotated[str, Doc("under which they may be used")] = "not stated"
    citation: Annotated[str, Doc("of who made them")] = "not stated"

    def __post_init__(self) -> None:
        different = self.train_subset != self.test_subset
        require(different, "test_subset", "another subset than the one to train on", self.test_subset)
        require_streams(self.streams, self.feature_size)


DataSettings = HaptData | SyntheticData | WatchData | FeatureData
