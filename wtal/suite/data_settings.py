"""The settings of each kind of data set: what it is cut or made from, units and ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from wtal.base.errors import require


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """The columns of features that come from one source, such as rgb; the next stream's stand after them."""

    name: str
    columns: int

    def __post_init__(self) -> None:
        require(bool(self.name.strip()), "name", "a word", self.name)
        require(self.columns >= 1, "columns", "a whole number, 1 or above", self.columns)


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


@dataclass(frozen=True, kw_only=True, slots=True)
class HaptData:
    """The embedded sensor recordings (Reyes-Ortiz et al., 2016) cut into clips."""

    kind: Literal["hapt"]
    clip_seconds: float = 45.0
    classes: Literal["nine", "all", "activities"] = "nine"
    split: Literal["test", "validation"] = "test"  # validation: held-out training people, to choose settings on

    def __post_init__(self) -> None:
        require(5 <= self.clip_seconds <= 600, "clip_seconds", "5 to 600 seconds", self.clip_seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticData:
    """Made-up videos in which each ingredient of the method can be seen to act."""

    kind: Literal["synthetic"]
    seed: int = 0
    train_videos: int = 24
    test_videos: int = 12
    classes: int = 4
    feature_size: int = 32  # per video stream; there are two streams
    snippets: tuple[int, int] = (40, 90)  # least and most per video

    def __post_init__(self) -> None:
        for key in ("train_videos", "test_videos", "classes"):
            require(getattr(self, key) >= 2, key, "a whole number, 2 or above", getattr(self, key))
        require(self.feature_size >= 8, "feature_size", "a whole number, 8 or above", self.feature_size)
        least, most = self.snippets
        require(16 <= least <= most, "snippets", "two rising numbers, 16 or above", list(self.snippets))


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchData:
    """Exercises recorded by a smartwatch (Burns et al., 2018), composed into sessions with rest between them."""

    kind: Literal["watch"]
    seed: int = 0  # of the composition
    session_bouts: tuple[int, int] = (3, 5)  # least and most bouts of exercise in a session
    split: Literal["test", "validation"] = "test"  # validation: held-out training people, to choose settings on

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", "a whole number, 0 or above", self.seed)
        least, most = self.session_bouts
        require(1 <= least <= most <= 30, "session_bouts", "two rising numbers from 1 to 30", list(self.session_bouts))


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureData:
    """Features that were extracted from videos, in a common layout, and annotations. Paths start where `wtal` runs."""

    kind: Literal["features"]
    name: str
    features: str  # a file or a folder
    annotations: str  # a folder of arrays, an ActivityNet JSON file, or a CSV file: video,label[,start,end][,subset]
    layout: Literal["auto", "object_array", "npy_per_video", "two_folders", "h5"] = "auto"
    snippets_are: Literal["auto", "rows", "columns"] = "auto"  # of each array; auto: where its other axis is features'
    missing_features: Literal["refuse", "leave_out"] = "refuse"  # annotated videos without features
    train_subset: str = "train"  # as the annotations call it
    test_subset: str = "test"
    test_share: float = 0.25  # of the videos, where the annotations name no subsets
    snippets_per_second: float | None = 1.5625  # null: measured from the videos' durations
    feature_size: int | None = 2048  # null: that of the first video
    streams: Streams = RGB_AND_FLOW  # of the columns, in order; []: as the layout tells them, or not named
    video_labels: Literal["instances", "listed"] = "instances"  # listed: of training videos, as in labels_all.npy
    past_end: Literal["refuse", "keep"] = "refuse"  # instances that begin after their video's end
    alignment: Literal["refuse", "warn"] = "refuse"  # snippet counts that contradict the durations
    precision: Literal["float32", "float16"] = "float32"  # of the store
    exclude_videos: tuple[str, ...] = ()
    expected_videos: int | None = None  # of both subsets, without the excluded ones; null: not checked
    lock: str | None = None  # file that records what was first seen, and is held against it from then on
    source: str = "not stated"
    licence: str = "not stated"
    citation: str = "not stated"

    def __post_init__(self) -> None:
        require(bool(self.name.strip()), "name", "a few words", self.name)
        different = self.train_subset != self.test_subset
        require(different, "test_subset", "another subset than the one to train on", self.test_subset)
        require(0 < self.test_share < 1, "test_share", "a share in (0, 1)", self.test_share)
        rate, size = self.snippets_per_second, self.feature_size
        require(rate is None or rate > 0, "snippets_per_second", "above 0, or null", rate)
        require(size is None or size >= 1, "feature_size", "a whole number, 1 or above, or null", size)
        require_streams(self.streams, size)
        few = self.expected_videos is None or self.expected_videos >= 2
        require(few, "expected_videos", "a whole number, 2 or above, or null", self.expected_videos)


DataSettings = HaptData | SyntheticData | WatchData | FeatureData
