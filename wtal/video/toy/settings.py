"""The settings of the made-up videos of moving shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from wtal.base.errors import require
from wtal.base.ranges import Doc, Ge, Le, settings
from wtal.suite.contracts import DataKind
from wtal.video.contract import ExtractSettings

if TYPE_CHECKING:
    from wtal.data.store.write import DataSet

Videos = Annotated[int, Ge(3), Le(60)]
Seconds = Annotated[float, Ge(6), Le(20)]


@settings
class ToyVideoData(DataKind):
    """Made-up MP4 files: textured shapes that shake, bounce, spin or rest, with camera noise. No benchmark."""

    kind: Literal["toy_video"] = "toy_video"
    folder: Annotated[str, Doc("where videos and features are written, from where `wtal` runs")] = "data/toy-video"
    seed: Annotated[int, Doc("of every random number of the videos")] = 0
    train_videos: Annotated[Videos, Doc("videos to train on")] = 30
    test_videos: Annotated[Videos, Doc("videos to test on")] = 15
    seconds: Annotated[tuple[Seconds, Seconds], Doc("least and most seconds of a video")] = (14.0, 20.0)
    noise: Annotated[float, Ge(0), Le(30), Doc("deviation of the camera's noise, of 255")] = 4.0
    jobs: Annotated[int, Ge(1), Le(16), Doc("videos that are worked on at once; the result is the same bytes")] = 1
    extraction: Annotated[ExtractSettings, Doc("how features are made of the videos")] = ExtractSettings()

    def __post_init__(self) -> None:
        least, most = self.seconds
        require(least <= most, "seconds", "two rising numbers", list(self.seconds))

    def data_set(self) -> DataSet:
        """The videos, made where they are not there yet, and their features. Raises InputError where one is damaged."""
        from wtal.video.toy.make import toy_data_set

        return toy_data_set(self)
