"""Ranges of settings, written beside their types: what is checked, what the schema says and what `wtal list` shows.

>>> @settings
... class Example:
...     dropout: Annotated[float, Ge(0), Lt(1), Doc("share of the embedding dropped in training")] = 0.5
>>> Example(dropout=1.0)
Traceback (most recent call last):
wtal.base.errors.SettingError: dropout: expected a number in [0, 1); got 1.0
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args, get_origin

from wtal.base.errors import SettingError

Class = TypeVar("Class")


@dataclasses.dataclass(frozen=True, slots=True)
class Ge:
    """At least this."""

    bound: float


@dataclasses.dataclass(frozen=True, slots=True)
class Gt:
    """Above this."""

    bound: float


@dataclasses.dataclass(frozen=True, slots=True)
class Le:
    """At most this."""

    bound: float


@dataclasses.dataclass(frozen=True, slots=True)
class Lt:
    """Below this."""

    bound: float


@dataclasses.dataclass(frozen=True, slots=True)
class Pattern:
    """Text that matches this whole regular expression, and the same in words."""

    regex: str
    words: str


@dataclasses.dataclass(frozen=True, slots=True)
class Length:
    """A list of at least so many entries."""

    least: int


@dataclasses.dataclass(frozen=True, slots=True)
class Doc:
    """What a setting is for, with its unit."""

    text: str


Range = Ge | Gt | Le | Lt | Pattern | Length
Share = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
Rate = Annotated[float, Ge(1e-4), Le(1e5)]  # snippets per second, far beyond any recording on either side
Words = Annotated[str, Pattern(r"[\s\S]*\S[\s\S]*", "a few words")]


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(kind: type[Class]) -> type[Class]:
    """A frozen dataclass of keyword arguments that refuses values outside their ranges with a SettingError."""
    own_check: Callable[[Any], None] | None = getattr(kind, "__post_init__", None)  # its own, or that it inherits

    def checked(self: Any) -> None:
        check(self)
        if own_check is not None:
            own_check(self)

    checked.__doc__ = "Refuse values outside their ranges."
    kind.__post_init__ = checked  # type: ignore[attr-defined]
    return dataclasses.dataclass(frozen=True, kw_only=True, slots=True)(kind)


def check(record: Any) -> None:
    """Refuse a settings dataclass with a value outside its range. Raises SettingError naming the key."""
    kind: Any = type(record)
    for name, hint in hints(kind).items():
        check_value(hint, getattr(record, name), name)


def check_value(hint: Any, value: object, key: str) -> None:
    """Refuse a value outside the ranges of its annotation, entries of lists too. Raises SettingError."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        check_value(inner[0], value, key)
        wanted = ranges(hint)
        if wanted and value is not None and not all(_holds(entry, value) for entry in wanted):
            raise SettingError(key, in_words(hint), list(value) if isinstance(value, tuple) else value)
    elif origin in (typing.Union, types.UnionType) and value is not None:
        members = [member for member in inner if member is not type(None)]
        if len(members) == 1:
            check_value(members[0], value, key)
    elif origin is tuple and isinstance(value, tuple):
        kinds = inner[:1] * len(value) if len(inner) == 2 and inner[1] is Ellipsis else inner
        for index, (kind, entry) in enumerate(zip(kinds, value)):
            check_value(kind, entry, f"{key}[{index}]")
    elif origin is dict and isinstance(value, Mapping):
        for name, entry in value.items():
            check_value(inner[1], entry, f"{key}.{name}")


def require_rate(rate: object, key: str) -> None:
    """Refuse a number of snippets per second that no recording has: 0, below, NaN, or absurd. Raises SettingError."""
    check_value(Rate, rate, key)


@cache
def hints(kind: Any) -> dict[str, Any]:
    """The annotation of each field of a dataclass, ranges and words included."""
    found = typing.get_type_hints(kind, include_extras=True)
    return {field.name: found[field.name] for field in dataclasses.fields(kind)}


def bare(hint: Any) -> Any:
    """The type of an annotation without its ranges and words."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def ranges(hint: Any) -> tuple[Range, ...]:
    """The ranges of an annotation."""
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return tuple(entry for entry in extras if isinstance(entry, Range))


def described(hint: Any) -> str:
    """What an annotation says that the setting is for; empty where it says nothing."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        return " ".join(filter(None, map(described, get_args(hint))))
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return " ".join(entry.text for entry in extras if isinstance(entry, Doc))


def in_words(hint: Any) -> str:
    """The range of an annotation as a reader would say it, such as `a whole number, 1 or above`."""
    found = ranges(hint)
    for entry in found:
        if isinstance(entry, Pattern):
            return entry.words
        if isinstance(entry, Length):
            return "at least one entry" if entry.least == 1 else f"at least {entry.least} entries"
    whole = "a whole number" if bare(hint) is int else "a number"
    low = max((entry for entry in found if isinstance(entry, Ge | Gt)), key=_bound_of, default=None)
    high = min((entry for entry in found if isinstance(entry, Le | Lt)), key=_bound_of, default=None)
    if low is not None and high is not None:
        opening, closing = "(" if isinstance(low, Gt) else "[", ")" if isinstance(high, Lt) else "]"
        return f"{whole} in {opening}{low.bound:g}, {high.bound:g}{closing}"
    if low is not None:
        return f"{whole} above {low.bound:g}" if isinstance(low, Gt) else f"{whole}, {low.bound:g} or above"
    if high is not None:
        return f"{whole} below {high.bound:g}" if isinstance(high, Lt) else f"{whole}, {high.bound:g} or below"
    return whole


def _bound_of(entry: Ge | Gt | Le | Lt) -> float:
    return entry.bound


def _holds(wanted: Range, value: Any) -> bool:
    match wanted:
        case Ge(bound):
            return bool(value >= bound)
        case Gt(bound):
            return bool(value > bound)
        case Le(bound):
            return bool(value <= bound)
        case Lt(bound):
            return bool(value < bound)
        case Pattern(regex, _):
            return re.fullmatch(regex, value) is not None
        case Length(least):
            return len(value) >= least
