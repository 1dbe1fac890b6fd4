"""Ranges of settings: stated once, checked when built and when read, and told to editors by the schema."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest

import wtal
from wtal.base.errors import InputError, SettingError
from wtal.base.ranges import Doc, Ge, Gt, Le, Length, Lt, Pattern, check_value, hints, in_words, ranges, settings
from wtal.base.schema import from_mapping, json_schema


@settings
class Example:
    """One field of each kind of range."""

    share: Annotated[float, Ge(0), Lt(1), Doc("of something")] = 0.5
    count: Annotated[int, Ge(1)] = 1
    rate: Annotated[float, Gt(0)] = 1.0
    most: Annotated[float, Le(3)] = 1.0
    name: Annotated[str, Pattern("[a-z]+", "lower-case letters")] = "a"
    several: Annotated[tuple[Annotated[int, Ge(0)], ...], Length(1)] = (1,)
    maybe: Annotated[int, Ge(2)] | None = None


REFUSED = [
    ({"share": 1.0}, "share", "a number in [0, 1)"),
    ({"count": 0}, "count", "a whole number, 1 or above"),
    ({"rate": 0.0}, "rate", "a number above 0"),
    ({"most": 3.5}, "most", "a number, 3 or below"),
    ({"name": "A"}, "name", "lower-case letters"),
    ({"several": ()}, "several", "at least one"),
    ({"several": (0, -1)}, "several[1]", "a whole number, 0 or above"),
    ({"maybe": 1}, "maybe", "a whole number, 2 or above"),
]


@pytest.mark.parametrize(("values", "key", "expected"), REFUSED)
def test_what_is_out_of_range_is_refused_alike_when_built_and_when_read(
    values: dict[str, Any], key: str, expected: str
) -> None:
    with pytest.raises(SettingError) as built:
        Example(**values)
    assert (built.value.key, built.value.expected) == (key, expected)
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    with pytest.raises(InputError) as read:
        from_mapping(Example, plain, file="some.yaml")
    assert (read.value.key, read.value.expected) == (key, expected)


def test_bounds_themselves_are_in_range_where_they_are_said_to_be() -> None:
    found = Example(share=0.0, count=1, most=3.0, several=(0,), maybe=2)
    assert from_mapping(Example, dataclasses.asdict(found) | {"several": [0]}, file="some.yaml") == found


def test_the_schema_says_what_is_checked_and_what_a_setting_is_for() -> None:
    found = json_schema(Example)["properties"]
    assert found["share"] == {
        "type": ["number", "string"],
        "minimum": 0,
        "exclusiveMaximum": 1,
        "description": "of something",
        "default": 0.5,
    }
    assert found["name"]["pattern"] == "^(?:[a-z]+)$"
    assert found["several"]["minItems"] == 1
    assert found["several"]["items"]["minimum"] == 0


def settings_classes() -> Iterator[type]:
    """Every settings dataclass of the package that may be imported without torch."""
    for module in pkgutil.walk_packages(wtal.__path__, "wtal."):
        if module.name.startswith(("wtal.suite.", "wtal.data.", "wtal.methods.", "wtal.localise.")) and (
            "settings" in module.name or module.name.startswith("wtal.suite.")
        ):
            for value in vars(importlib.import_module(module.name)).values():
                if dataclasses.is_dataclass(value) and isinstance(value, type) and value.__module__ == module.name:
                    yield value


def ranged(hint: Any) -> Iterator[Any]:
    """The annotation, and those inside it, that have a range."""
    if get_origin(hint) is Annotated and ranges(hint):
        yield hint
    for inner in get_args(hint):
        if get_origin(inner) is not None:
            yield from ranged(inner)


FIELDS = [(kind, name, hint) for kind in settings_classes() for name, hint in hints(kind).items()]


def test_there_are_settings_to_look_at() -> None:
    assert len({kind for kind, _, _ in FIELDS}) > 15
    assert sum(bool(list(ranged(hint))) for _, _, hint in FIELDS) > 40


@pytest.mark.parametrize(
    ("kind", "name", "hint"), FIELDS, ids=lambda value: getattr(value, "__name__", str(value))[:40]
)
def test_every_range_of_the_project_takes_its_bounds_and_nothing_beyond(kind: type, name: str, hint: Any) -> None:
    for one in ranged(hint):
        step = 1 if get_args(one)[0] is int else 1e-6
        for entry in ranges(one):
            beyond: object
            match entry:
                case Ge(bound):
                    inside, beyond = bound, bound - step
                case Gt(bound):
                    inside, beyond = bound + step, bound
                case Le(bound):
                    inside, beyond = bound, bound + step
                case Lt(bound):
                    inside, beyond = bound - step, bound
                case _:
                    continue
            check_value(one, inside, name)
            with pytest.raises(SettingError, match=r"expected") as refused:
                check_value(one, beyond, name)
            assert refused.value.expected == in_words(one)
