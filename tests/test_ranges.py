"""Ranges of settings: checked when settings are built and when they are read, and written in the schema."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest

from wtal.base import ranges as r
from wtal.base.errors import InputError, SettingError
from wtal.base.members import BUILT_IN, OneOf, member
from wtal.base.schema import from_mapping, json_schema
from wtal.suite.file import SuiteFile
from wtal.suite.method_settings import MethodSettings


def settings_classes() -> list[type]:
    """Every settings class that a suite file can hold, with those of each kind of member."""
    found: dict[type, None] = {}
    waiting: list[Any] = [SuiteFile, MethodSettings]
    waiting += [member(group, kind, file="test") for group, own in BUILT_IN.items() for kind in own]
    while waiting:
        hint = waiting.pop()
        if dataclasses.is_dataclass(hint) and hint not in found:
            found[typing.cast("type", hint)] = None
            waiting += r.hints(hint).values()
        elif not isinstance(hint, type):
            waiting += [entry for entry in get_args(hint) if get_origin(entry) is not None or isinstance(entry, type)]
    return list(found)


def ranged(hint: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The annotations with a range in one of a field, and how a value is wrapped to reach each."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if r.ranges(hint):
            yield path, hint
        yield from ranged(inner[0], path)
    elif origin in (typing.Union, types.UnionType):
        members = [entry for entry in inner if entry is not type(None)]
        if len(members) == 1:
            yield from ranged(members[0], path)
    elif origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        yield from ranged(inner[0], (*path, "list"))
    elif origin is tuple:
        yield from ranged(inner[0], (*path, *["pair"][: len(inner) == 2]))
    elif origin is dict:
        yield from ranged(inner[1], (*path, "group"))


def wrapped(value: object, path: tuple[str, ...]) -> Any:
    """A value in the lists and groups around it."""
    for around in reversed(path):
        value = {"list": (value,), "pair": (value, value), "group": {"x": value}}[around]
    return value


def edges(hint: Any) -> tuple[list[Any], list[Any]]:
    """Values that a range takes, at its bounds, and values just outside of it."""
    inside: list[Any] = []
    outside: list[Any] = []
    is_whole = r.bare(hint) is int
    for entry in r.ranges(hint):
        match entry:
            case r.Ge(bound):
                inside.append(bound)
                outside.append(bound - 1 if is_whole else math.nextafter(bound, -math.inf))
            case r.Gt(bound):
                outside.append(bound)
                inside.append(bound + 1 if is_whole else math.nextafter(bound, math.inf))
            case r.Le(bound):
                inside.append(bound)
                outside.append(bound + 1 if is_whole else math.nextafter(bound, math.inf))
            case r.Lt(bound):
                outside.append(bound)
                inside.append(bound - 1 if is_whole else math.nextafter(bound, -math.inf))
            case r.Pattern():
                outside.append("")
            case r.Length(least):
                outside.append(() if get_origin(r.bare(hint)) is tuple else {})
                assert least >= 1
    return inside, outside


RANGED = [
    pytest.param(kind, name, path, hint, id=f"{kind.__name__}.{name}")
    for kind in settings_classes()
    for name, field_hint in r.hints(kind).items()
    for path, hint in ranged(field_hint)
]


def test_the_settings_state_their_ranges() -> None:
    assert len(RANGED) > 60


@pytest.mark.parametrize(("kind", "name", "path", "hint"), RANGED)
def test_a_range_takes_its_bound_and_refuses_what_is_just_outside(
    kind: type, name: str, path: tuple[str, ...], hint: Any
) -> None:
    inside, outside = edges(hint)
    for value in inside:
        r.check_value(r.hints(kind)[name], wrapped(value, path), name)
    for value in outside:
        with pytest.raises(SettingError) as error:
            r.check_value(r.hints(kind)[name], wrapped(value, path), name)
        assert error.value.key.startswith(name)
        assert error.value.expected == r.in_words(hint)


@pytest.mark.parametrize(("kind", "name", "path", "hint"), RANGED)
def test_code_and_yaml_are_refused_alike(kind: type, name: str, path: tuple[str, ...], hint: Any) -> None:
    given = {**least_of(kind), name: wrapped(edges(hint)[1][0], path)}
    with pytest.raises(SettingError) as built:
        kind(**given)
    with pytest.raises(InputError) as read:
        from_mapping(kind, given, file="some.yaml", key="at")
    assert str(read.value).startswith(f"some.yaml: at.{built.value.key}: expected {built.value.expected}; got ")


def least_of(kind: Any) -> dict[str, Any]:
    """Plain values for the fields of a settings class that must be given."""
    fields = [entry for entry in dataclasses.fields(kind) if entry.default is dataclasses.MISSING]
    needed = [entry.name for entry in fields if entry.default_factory is dataclasses.MISSING]
    return {name: least_value(r.hints(kind)[name]) for name in needed}


def least_value(hint: Any) -> Any:
    """A value that a field takes."""
    if get_origin(hint) is Annotated:
        group = next((entry.group for entry in get_args(hint) if isinstance(entry, OneOf)), None)
        if group is not None:
            return next(kind for kind in BUILT_IN[group] if not least_of(member(group, kind, file="test")))
        return least_value(r.bare(hint))
    if dataclasses.is_dataclass(hint):
        return least_of(hint)
    if get_origin(hint) is tuple:
        return [least_value(get_args(hint)[0])]
    if get_origin(hint) is dict:
        return {"x": least_value(get_args(hint)[1])}
    if get_origin(hint) is types.UnionType:  # of records, which their kinds tell apart
        return {"kind": "hapt"}
    return {int: 1, float: 1.0, str: "some"}.get(hint)


def test_the_schema_has_the_ranges_and_what_each_setting_is_for() -> None:
    for kind in settings_classes():
        properties = json_schema(kind)["properties"]
        for name, hint in r.hints(kind).items():
            if text := r.described(hint):
                assert properties[name]["description"] == text
            for entry in r.ranges(hint):
                match entry:
                    case r.Ge(bound):
                        assert properties[name]["minimum"] == bound
                    case r.Gt(bound):
                        assert properties[name]["exclusiveMinimum"] == bound
                    case r.Le(bound):
                        assert properties[name]["maximum"] == bound
                    case r.Lt(bound):
                        assert properties[name]["exclusiveMaximum"] == bound
                    case r.Pattern(regex):
                        assert properties[name]["pattern"] == f"^(?:{regex})$"
                    case r.Length(least):
                        assert least in (properties[name].get("minItems"), properties[name].get("minProperties"))


def test_a_class_that_inherits_settings_keeps_their_rules() -> None:
    @r.settings
    class Pair:
        least: Annotated[int, r.Ge(0)] = 1
        most: int = 2

        def __post_init__(self) -> None:
            if self.least > self.most:
                raise SettingError("most", "the larger", self.most)

    @r.settings
    class Named(Pair):
        name: r.Words = "some"

    for wrong in ({"least": -1}, {"least": 3}, {"name": " "}):
        with pytest.raises(SettingError):
            Named(**wrong)
    assert Named(least=2).most == 2
