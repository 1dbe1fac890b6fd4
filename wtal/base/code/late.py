"""A module that is imported once it is used."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Late(ModuleType):
    """Stands for a module of its name until something of it is asked for; then for what that module has."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def import_once_used(name: str) -> None:
    """Let `import name` cost nothing until something of the module is asked for.

    For commands that only read settings, whose classes lie beside the code on arrays that they stand for.
    """
    if name not in sys.modules:
        sys.modules[name] = _Late(name)
