"""What a suite asks of the classes that have siblings; they stand in later rooms and are found by their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

Precision = Literal["float32", "float16"]


class DataKind(Protocol):
    """Settings of one kind of data set, which know how to make it (docs/data.md#adding-a-kind-of-data-set)."""

    @property
    def kind(self) -> str:
        """The word of its kind."""

    @property
    def precision(self) -> Precision:
        """As what the features lie in the store."""

    def raw_files(self) -> Mapping[str, object] | None:
        """What the raw files look like from outside, by name: another look makes the store anew. Empty: not there yet.

        None for a kind that reads no raw files.
        """

    def data_set(self) -> Any:
        """The `wtal.data.store.write.DataSet`, ready to be written. Raises InputError where its files do not fit."""
