"""The settings of the exercises recorded by a smartwatch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from wtal.base.errors import require
from wtal.base.ranges import Doc, Ge, Le, settings
from wtal.suite.contracts import DataKind

if TYPE_CHECKING:
    from wtal.data.store.write import DataSet

Bouts = Annotated[int, Ge(1), Le(30)]


@settings
class WatchData(DataKind):
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

    def data_set(self) -> DataSet:
        """The sessions. Raises InputError where the package is missing or its file is another."""
        from wtal.data.kinds.watch_exercises import watch_data_set

        return watch_data_set(self)
