"""The settings of the made-up data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from wtal.base.errors import require
from wtal.base.ranges import Doc, Ge, Le, settings
from wtal.suite.contracts import DataKind

if TYPE_CHECKING:
    from wtal.data.store.write import DataSet

Snippets = Annotated[int, Ge(16), Le(100_000)]
Some = Annotated[int, Ge(2), Le(100_000)]


@settings
class SyntheticData(DataKind):
    """Made-up videos in which each ingredient of the method can be seen to act."""

    kind: Literal["synthetic"] = "synthetic"
    seed: Annotated[int, Doc("of every random number of the videos")] = 0
    train_videos: Annotated[Some, Doc("videos to train on")] = 24
    test_videos: Annotated[Some, Doc("videos to test on")] = 12
    classes: Annotated[int, Ge(2), Le(1000), Doc("classes of actions")] = 4
    feature_size: Annotated[int, Ge(8), Le(65_536), Doc("features of each of the two streams")] = 32
    snippets: Annotated[tuple[Snippets, Snippets], Doc("least and most snippets of a video")] = (40, 90)

    def __post_init__(self) -> None:
        least, most = self.snippets
        require(least <= most, "snippets", "two rising numbers", list(self.snippets))

    def data_set(self) -> DataSet:
        """The made-up videos; equal settings give equal ones."""
        from wtal.data.kinds.synthetic import synthetic_data_set

        return synthetic_data_set(self)
