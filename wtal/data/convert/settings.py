"""The settings of features extracted from videos, and their annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from wtal.base.errors import require
from wtal.base.ranges import Count, Doc, Ge, Gt, Lt, Rate, Words, settings
from wtal.suite.contracts import DataKind, Precision
from wtal.suite.streams import RGB_AND_FLOW, Streams, require_streams

if TYPE_CHECKING:
    from wtal.data.store.write import DataSet


@settings
class FeatureData(DataKind):
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
        Rate | None, Doc("rate of the features; null: measured from the videos' durations")
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
    precision: Annotated[Precision, Doc("as what the features lie in the store")] = "float32"
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

    def raw_files(self) -> Mapping[str, object]:
        """Length and time of each file of features, sha256 of each of annotations; empty where either is not there.

        Raises InputError where an annotation cannot be read.
        """
        from wtal.data.convert.file_times import raw_listing

        return raw_listing(self)

    def data_set(self) -> DataSet:
        """The converted features. Raises InputError where a file is missing or damaged, or does not fit the others."""
        from wtal.data.convert.convert import converted_data_set

        return converted_data_set(self)
