"""What a suite asks of the siblings that it names and never imports: a settings class for each kind.

Classes are found by `wtal.base.members`; none of them may need torch before it is asked for a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

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
