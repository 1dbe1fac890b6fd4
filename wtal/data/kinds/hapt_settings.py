"""The settings of the embedded data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from wtal.base.ranges import Doc, Ge, Le, settings
from wtal.suite.contracts import DataKind

if TYPE_CHECKING:
    from wtal.data.store.write import DataSet


@settings
class HaptData(DataKind):
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

    def data_set(self) -> DataSet:
        """The clips. Raises InputError where the package is missing or its file is another."""
        from wtal.data.kinds.hapt import hapt_data_set

        return hapt_data_set(self)
