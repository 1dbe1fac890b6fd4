"""What a suite asks of the siblings that it names and never imports: a settings class for each kind.

Classes are found by `wtal.base.members`; none of them may need torch before it is asked for a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from wtal.base.records import Bounds, Floats

Precision = Literal["float32", "float16"]


class BaseSettings:
    """The settings of a base network: a frozen dataclass with `kind`. docs/methods.md says how to write one."""

    __slots__ = ()
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}  # its own keys under `preset: paper` and `preset: code`
    published: ClassVar[Mapping[str, object]] = {}  # keys of `training` as it was published, where a suite writes none
    kind: str  # the word for it in YAML, the same as its method's

    def check_with(self, method: Any) -> None:
        """Refuse settings that do not go with the others of a `MethodSettings`. Raises SettingError naming its key."""

    def network(self, feature_size: int, n_classes: int, generator: Any) -> Any:
        """A new `wtal.methods.contract.Method` with these settings, drawn from a torch.Generator; imports torch."""
        raise NotImplementedError


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
