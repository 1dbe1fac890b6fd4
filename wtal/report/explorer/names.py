"""The files that `wtal diagnose-suite` writes, and whose detections they hold; the workflow asks for both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from wtal.suite.crossed import first_on_its_base

EXPLORER, DIAGNOSIS = "explorer.json", "diagnosis.json"


class _Variant(Protocol):
    @property
    def compare_with(self) -> str | None: ...


def shown_of(variants: Mapping[str, _Variant], bases: Iterable[str], whole_method: str | None) -> list[str]:
    """The first of the variants, the whole method (None: the last), and what that one is compared with.

    bases: the base networks of the suite where it has several; the first is then that of the whole method's network.
    """
    whole = whole_method or list(variants)[-1]
    names = (first_on_its_base(variants, bases, whole), whole, variants[whole].compare_with)
    return [name for name in dict.fromkeys(names) if name is not None]
