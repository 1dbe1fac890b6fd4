"""What a suite asks of the classes that have siblings; they stand in later rooms and are found by their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from wtal.base.records import Bounds, Floats

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


class ScoringProtocol(Protocol):
    """How detections are scored, apart from the one matching (docs/evaluation.md#adding-a-protocol)."""

    @property
    def kind(self) -> str:
        """The word of its kind."""

    @property
    def is_interpolated(self) -> bool:
        """Whether AP is the area under the precision envelope; else precision is summed at the hits."""

    @property
    def needs_rate(self) -> bool:
        """Whether bounds are compared in snippets, so that their rate must be known."""

    def detection_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Bounds [N] of detections, given in seconds, as they are compared. snippets_per_second: NaN if not known."""

    def truth_bounds(self, start: Floats, end: Floats, snippets_per_second: float) -> Bounds:
        """Bounds [M] of instances or ambiguous intervals, given in seconds, as they are compared."""
