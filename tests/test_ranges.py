"""Ranges stand beside the types of settings: construction, YAML and schema all follow from them."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest

from wtal.base.errors import InputError, SettingError
from wtal.base.members import BUILT_IN, member
from wtal.base.ranges import (
    Count,
    Doc,
    Ge,
    Gt,
    Le,
    Length,
    Lt,
    Pattern,
    Share,
    bare,
    check_value,
    described,
    hints,
    in_words,
    ranges,
    settings,
)
from wtal.base.schema import from_mapping, json_schema, to_mapping
from wtal.localise.fusion.gaussian import GaussianFusion
from wtal.localise.labels.optimised import OptimisedLabels
from wtal.suite.file import SuiteFile
from wtal.suite.method_settings import MethodSettings
from wtal.suite.plan import read_suite
from wtal.suite.training_settings import TrainingSettings, Until

TINY = read_suite(Path(__file__).resolve().parents[1] / "config/tiny.yaml").file
TRAINING = {"epochs": 9, "learning_rate": (Until(until=9, value=0.1),)}
# What has no default, of each class that has such fields.
NEEDED: dict[str, dict[str, Any]] = {
    "Stream": {"name": "rgb", "columns": 8},
    "FeatureData": {"name": "n", "features": "f", "annotations": "a", "streams": ()},
    "ExternalMethod": {"command": "true"},
    "Until": {"until": 1, "value": 1.0},
    "From": {"epoch": 1, "value": 1.0},
    "EarlyStopping": {"patience": 1},
    "TrainingSettings": TRAINING,
    "MethodSettings": {"training": TrainingSettings(**TRAINING)},
    "LabelSettings": {"fusion": GaussianFusion(), "maker": OptimisedLabels()},
    "VariantEntry": {"title": "t"},
    "EffectEntry": {"title": "t", "of": ("a",), "against": ("b",)},
    "ReportSettings": {"title": "t"},
    "SuiteFile": {field.name: getattr(TINY, field.name) for field in dataclasses.fields(TINY)},
}


def classes_in(hint: Any) -> Iterator[type]:
    """The settings classes in an annotation, and those in the fields of each."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
        for inner in hints(hint).values():
            yield from classes_in(inner)
    for inner in get_args(hint):
        yield from classes_in(inner)


MEMBERS = [member(group, kind, file="test") for group, known in BUILT_IN.items() for kind in known]
CLASSES = list(dict.fromkeys(each for root in (SuiteFile, MethodSettings, *MEMBERS) for each in classes_in(root)))


def leaves(hint: Any, wrap: Callable[[Any], Any] = lambda value: value) -> Iterator[tuple[Any, Callable[[Any], Any]]]:
    """The annotations with a range in one, and how a value of each is brought into the place of the whole."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if ranges(hint):
            yield hint, wrap
        yield from leaves(inner[0], wrap)
    elif origin in (typing.Union, types.UnionType):
        for each in inner:
            yield from leaves(each, wrap)
    elif origin is tuple:
        n = 1 if Ellipsis in inner else len(inner)
        yield from leaves(inner[0], lambda value: wrap((value,) * n))


def bounds(leaf: Any) -> Iterator[tuple[Any, Any]]:
    """For each bound of a range the value just outside, and the last one inside (None: of another kind)."""

    def beyond(value: float, towards: float) -> Any:
        return int(value) + int(math.copysign(1, towards)) if bare(leaf) is int else math.nextafter(value, towards)

    for entry in ranges(leaf):
        match entry:
            case Ge(bound):
                yield beyond(bound, -math.inf), bound
            case Gt(bound):
                yield bound, beyond(bound, math.inf)
            case Le(bound):
                yield beyond(bound, math.inf), bound
            case Lt(bound):
                yield bound, beyond(bound, -math.inf)
            case Pattern():
                yield " ", None
            case Length():
                yield ({} if get_origin(bare(leaf)) is dict else ()), None


CASES = [
    pytest.param(kind, name, leaf, wrap, id=f"{kind.__name__}.{name}")
    for kind in CLASSES
    for name, hint in hints(kind).items()
    for leaf, wrap in leaves(hint)
]


def test_the_settings_of_a_suite_have_ranges() -> None:
    assert len(CASES) > 60
    assert {"TrainingSettings", "HaptData", "RskpSettings", "EvaluationSettings"} <= {each.__name__ for each in CLASSES}


@pytest.mark.parametrize(("kind", "name", "leaf", "wrap"), CASES)
def test_a_bound_is_taken_and_what_lies_beyond_is_refused_alike_in_code_and_in_yaml(
    kind: Any, name: str, leaf: Any, wrap: Callable[[Any], Any]
) -> None:
    needed = NEEDED.get(kind.__name__, {})
    for outside, inside in bounds(leaf):
        if inside is not None:
            check_value(hints(kind)[name], wrap(inside), name)
        with pytest.raises(SettingError) as in_code:
            kind(**{**needed, name: wrap(outside)})
        with pytest.raises(InputError) as in_yaml:
            from_mapping(kind, {**to_mapping(needed), name: to_mapping(wrap(outside))}, file="x")
        assert in_code.value.key.partition("[")[0] == name
        assert in_code.value.expected == in_yaml.value.expected == in_words(leaf)
        assert in_yaml.value.key == in_code.value.key


def schemas_in(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for entry in [*schema.get("anyOf", ()), *schema.get("prefixItems", ())]:
        yield from schemas_in(entry)
    if isinstance(schema.get("items"), dict):
        yield from schemas_in(schema["items"])


LIMITS = {Ge: "minimum", Gt: "exclusiveMinimum", Le: "maximum", Lt: "exclusiveMaximum"}


@pytest.mark.parametrize(("kind", "name", "leaf", "wrap"), CASES)
def test_the_schema_has_each_range_and_what_the_setting_is_for(kind: Any, name: str, leaf: Any, wrap: object) -> None:
    schema = json_schema(kind)["properties"][name]
    every = list(schemas_in(schema))
    for entry in ranges(leaf):
        if isinstance(entry, Pattern):
            assert any("pattern" in each for each in every)
        elif isinstance(entry, Length):
            assert any(each.get("minItems", each.get("minProperties")) == entry.least for each in every)
        else:
            assert any(each.get(LIMITS[type(entry)]) == entry.bound for each in every)
    assert any(each.get("description") for each in every), "a setting says what it is for"


@settings
class Example:
    """Settings of a test."""

    share: Annotated[Share, Doc("of something")] = 0.5
    counts: Annotated[tuple[Count, ...], Length(1)] = (1,)
    limits: Annotated[dict[str, Annotated[float, Gt(0)]] | None, Doc("by name")] = None


@settings
class Longer(Example):
    """Settings that add a rule of their own to those of a parent."""

    least: Annotated[Annotated[int, Ge(2)] | None, Doc("null: none")] = None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"share": 1.5}, "share: expected a number in [0, 1]; got 1.5"),
        ({"counts": ()}, "counts: expected at least one entry; got []"),
        ({"counts": (3, 0)}, "counts[1]: expected a whole number, 1 or above; got 0"),
        ({"limits": {"a": -1.0}}, "limits.a: expected a number above 0; got -1.0"),
        ({"least": 1}, "least: expected a whole number, 2 or above; got 1"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_place(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        Longer(**values)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[float, Ge(0), Lt(1)], "a number in [0, 1)"),
        (Annotated[int, Gt(0), Le(9)], "a whole number in (0, 9]"),
        (Annotated[float, Le(3)], "a number, 3 or below"),
        (Annotated[float, Lt(3)], "a number below 3"),
        (Annotated[tuple[int, ...], Length(2)], "at least 2 entries"),
        (Annotated[str, Pattern("a+", "letters a")], "letters a"),
    ],
)
def test_a_range_is_said_in_words(hint: Any, words: str) -> None:
    assert in_words(hint) == words


def test_what_a_setting_is_for_is_found_beside_null_too() -> None:
    assert described(Annotated[int, Ge(0), Doc("a")] | None) == "a"
    assert described(hints(Longer)["least"]) == "null: none"
    assert described(int) == ""
