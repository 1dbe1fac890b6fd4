"""What a suite asks of the siblings that it names and never imports: a settings class for each kind.

Classes are found by `wtal.base.members`; none of them may need torch before it is asked for a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


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
