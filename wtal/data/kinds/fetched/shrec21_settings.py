"""The settings of the hand gestures of SHREC 2021."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from wtal.base.ranges import Doc, Ge, Le, settings
from wtal.suite.contracts import DataKind

if TYPE_CHECKING:
    from wtal.data.store.write import DataSet


@settings
class Shrec21Data(DataKind):
    """Hand gestures (SHREC 2021, Caputo et al.), sequences and split as published, features of joint positions."""

    kind: Literal["shrec21"] = "shrec21"
    folder: Annotated[str, Doc("where `wtal fetch shrec21` put the files, from where `wtal` runs")] = "data/shrec21"
    rows_per_snippet: Annotated[int, Ge(1), Le(50), Doc("of the 50 rows a second")] = 5
    window_rows: Annotated[int, Ge(2), Le(250), Doc("rows that a snippet's features are made of")] = 50
    split: Annotated[
        Literal["test", "validation"],
        Doc("validation: tests on held-out training sequences, to choose settings on"),
    ] = "test"

    def raw_files(self) -> Mapping[str, object]:
        """Bytes and time of each file; empty where one is missing."""
        from wtal.data.fetch.manifest import read_manifest
        from wtal.data.kinds.fetched.files import fetched_listing

        return fetched_listing(read_manifest(self.kind), self.folder)

    def data_set(self) -> DataSet:
        """The sequences. Raises InputError where a file is missing, is another than was fetched, or cannot be read."""
        from wtal.data.kinds.fetched.shrec21 import shrec21_data_set

        return shrec21_data_set(self)
