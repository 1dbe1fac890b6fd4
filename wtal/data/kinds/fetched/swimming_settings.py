"""The settings of the swimmers with a watch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from wtal.base.ranges import Doc, Ge, Le, settings
from wtal.suite.contracts import DataKind

if TYPE_CHECKING:
    from wtal.data.store.write import DataSet


@settings
class SwimmingData(DataKind):
    """Swimmers with a watch (Brunner et al., 2019), recordings as published, the four styles as classes."""

    kind: Literal["swimming"] = "swimming"
    folder: Annotated[str, Doc("where `wtal fetch swimming` put the files, from where `wtal` runs")] = "data/swimming"
    samples_per_snippet: Annotated[int, Ge(5), Le(150), Doc("of the 30 samples a second")] = 15
    window_samples: Annotated[int, Ge(64), Le(512), Doc("samples that a snippet's features are made of")] = 128
    split: Annotated[
        Literal["test", "validation"],
        Doc("validation: tests on held-out training swimmers, to choose settings on"),
    ] = "test"

    def raw_files(self) -> Mapping[str, object]:
        """Bytes and time of each recording; empty where one is missing."""
        from wtal.data.fetch.manifest import read_manifest
        from wtal.data.kinds.fetched.files import fetched_listing

        return fetched_listing(read_manifest(self.kind), self.folder)

    def data_set(self) -> DataSet:
        """The recordings. Raises InputError where one is missing, is another than was fetched, or cannot be read."""
        from wtal.data.kinds.fetched.swimming import swimming_data_set

        return swimming_data_set(self)
