"""The file of a suite: what it may hold, how one extends another, and how a variant changes the method."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from wtal.base.errors import InputError, require
from wtal.base.files import read_yaml
from wtal.base.members import OneOf, member
from wtal.base.ranges import Doc, Ge, Length, Pattern, Words, settings
from wtal.base.schema import from_mapping, json_schema
from wtal.suite import method_settings as s
from wtal.suite.contracts import DataKind
from wtal.suite.paths import OWN_FOLDERS
from wtal.suite.renamed import refuse_renamed


@settings
class VariantEntry:
    """One row of the ablation: a title, the row it is compared with, and what it changes in the method."""

    title: Annotated[Words, Doc("of the row")]
    rounds: Annotated[Annotated[int, Ge(0)] | None, Doc("rounds of labels that it uses; null: all")] = None
    compare_with: Annotated[str | None, Doc("the variant that it is compared with; null: none")] = None
    group: Annotated[str, Doc("heading of the ablation table under which the row stands")] = ""
    random_group: Annotated[str, Doc("variants of one name here draw the same random numbers")] = "paired"
    override: Annotated[dict[str, Any], Doc("keys of `method`, nested, laid over it")] = field(default_factory=dict)


@settings
class BaseEntry:
    """A base network that every variant of a suite is run on."""

    title: Annotated[Words, Doc("heading of its rows")]
    override: Annotated[dict[str, Any], Doc("keys of `method`, nested, laid over it for each variant")] = field(
        default_factory=dict
    )
    of_variants: Annotated[dict[str, dict[str, Any]], Doc("by variant: what is laid over that one besides")] = field(
        default_factory=dict
    )


@settings
class EffectEntry:
    """What an ingredient does: the mean of some variants less that of others, on each base network of the suite."""

    title: Annotated[Words, Doc("of its row")]
    of: Annotated[tuple[str, ...], Length(1), Doc("variants with the ingredient")]
    against: Annotated[tuple[str, ...], Length(1), Doc("variants without it")]


@settings
class ReportSettings:
    """What the report page shows beyond the tables."""

    title: Annotated[str, Doc("of the page")]
    note: Annotated[str, Doc("what a reader must know before the numbers")] = ""
    timeline_videos: Annotated[int, Ge(0), Doc("test videos whose timelines are drawn")] = 4
    timeline_variant: Annotated[str | None, Doc("the variant that timelines show; null: the last")] = None
    published: Annotated[tuple[str, ...], Doc("tables of results/published/ to stand beside the run")] = ()
    published_row: Annotated[
        str | None, Doc("the row of those from which differences are taken, such as `DELU, ECCV 2022`; null: none")
    ] = None


@settings
class SuiteFile:
    """The content of config/<suite>.yaml."""

    suite: Annotated[
        str, Pattern(r"[a-z0-9][a-z0-9-]*", "lower-case letters, digits and -"), Doc("its name, that of the file")
    ]
    dataset: Annotated[DataKind, OneOf("wtal.data_kinds"), Doc("what the videos are, of any kind")]
    method: Annotated[dict[str, Any], Doc("the method that variants change")]  # MethodSettings, checked with each
    variants: Annotated[dict[str, VariantEntry], Length(1), Doc("the rows of the ablation by name, in order")]
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], Length(1), Doc("every variant is trained with each")]
    report: Annotated[ReportSettings, Doc("what the page shows beyond the tables")]
    evaluation: Annotated[s.EvaluationSettings, Doc("how detections are scored")] = field(
        default_factory=s.EvaluationSettings
    )
    bases: Annotated[dict[str, BaseEntry], Doc("base networks by name, on each of which every variant is run")] = field(
        default_factory=dict
    )
    effects: Annotated[dict[str, EffectEntry], Doc("what is told of all base networks by name, in order")] = field(
        default_factory=dict
    )
    ranked: Annotated[tuple[str, ...], Doc("variants that are ranked among each other on each base network")] = ()
    extends: Annotated[str | None, Doc("another suite file, beside this one, that this one changes")] = None

    def __post_init__(self) -> None:
        require(len(set(self.seeds)) == len(self.seeds), "seeds", "each seed once", list(self.seeds))
        for key, name in (*(("variants", name) for name in self.variants), *(("bases", name) for name in self.bases)):
            expected = "a name of lower-case letters, digits and _ that no other part of the suite's folder has"
            fits = re.fullmatch(r"[a-z][a-z0-9_]*", name) and name not in RESERVED
            require(bool(fits), key, expected, name)


GROUPS = ("variants", "bases")  # of a suite file, whose entries have an override
RESERVED = {*OWN_FOLDERS, "tables", "logs", "report"}
MOST_FILES = 16  # that extend one another


def extended(values: object, source: Path, seen: tuple[Path, ...] = ()) -> Any:
    """The mapping of a suite file laid over the files it extends. Raises InputError where one extends itself."""
    if not isinstance(values, Mapping):
        raise InputError(file=source, expected="a group of keys", got=type(values).__name__)
    parent = values.get("extends")
    if parent is None:
        return values
    if not isinstance(parent, str):
        raise InputError(file=source, key="extends", expected="the name of a suite file", got=repr(parent))
    path = source.parent / parent
    if "\0" in parent or path.resolve() in seen:
        raise InputError(file=source, key="extends", expected="a file that does not extend itself", got=parent)
    if len(seen) >= MOST_FILES:
        raise InputError(file=source, key="extends", expected=f"at most {MOST_FILES} files in a row", got="more")
    try:
        under = read_yaml(path)
    except InputError as error:
        raise InputError(file=source, key=f"extends: {error.file}", expected=error.expected, got=error.got) from None
    return merge_files(extended(under, path, (*seen, path.resolve())), values)


def merge_files(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A suite file with another one laid over it; members that either names by a word become groups of keys."""
    base, change = _file_with_kinds(base), _file_with_kinds(change)
    if "extends" not in base and isinstance(base.get("method"), Mapping):
        base["method"] = merge(DEFAULT_KINDS, base["method"])  # what is not written is replaced by another kind too
    return merge(base, change)


def _file_with_kinds(values: Mapping[str, Any]) -> dict[str, Any]:
    """A suite file whose members are groups of keys with `kind`, in its method and in the overrides within it."""
    written = copy.deepcopy(dict(values))
    holders = [(written, "method")]
    for group in GROUPS:
        entries = written.get(group)
        for entry in entries.values() if isinstance(entries, Mapping) else ():
            if isinstance(entry, dict):
                holders.append((entry, "override"))
                special = entry.get("of_variants")
                holders += [(special, name) for name in special] if isinstance(special, dict) else []
    for holder, key in holders:
        if key in holder:
            holder[key] = with_kinds(holder[key])
    return written


def with_kinds(method: Any) -> Any:
    """Settings of a method in which a member that is named by a word is a group of keys with that `kind`."""
    if not isinstance(method, Mapping):
        return method
    written = copy.deepcopy(dict(method))
    for key_path in MEMBERS:
        *outer, name = key_path.split(".")
        group: Any = written
        for part in outer:
            group = group.get(part) if isinstance(group, dict) else None
        if isinstance(group, dict) and isinstance(group.get(name), str):
            group[name] = {"kind": group[name]}
    return written


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `change` laid over it, group by group.

    A group set to null is removed, one of another `kind` replaced.
    """
    merged = {key: value if key in change else copy.deepcopy(value) for key, value in base.items()}
    for key, value in change.items():
        group = merged.get(key)
        if isinstance(value, Mapping) and isinstance(group, Mapping) and not _kinds_differ(group, value):
            merged[key] = merge(group, value)
        elif value is None and isinstance(group, Mapping):
            del merged[key]
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _kinds_differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return "kind" in one and "kind" in other and bool(one["kind"] != other["kind"])


# The groups of keys of a method that are members of a group of siblings, and the kind of each where none is written.
MEMBERS = {
    "base": "wtal.methods",
    "labels.fusion": "wtal.fusions",
    "labels.maker": "wtal.label_makers",
    "detection.fusion": "wtal.fusions",
}
DEFAULT_KINDS = {
    "base": {"kind": "rskp"},
    "labels": {"fusion": {"kind": "gaussian"}, "maker": {"kind": "optimised"}},
    "detection": {"fusion": {"kind": "gaussian"}},
}


def method_of(
    method: Mapping[str, Any], override: Mapping[str, Any], source: str, key: str = "method"
) -> s.MethodSettings:
    """Method settings with presets and overrides applied: preset, then what is written, for each in turn.

    Under all of it lies how the base network was trained when it was published.
    """
    merged: dict[str, Any] = DEFAULT_KINDS
    for layer, default in ((with_kinds(method), "paper"), (with_kinds(override), None)):
        refuse_renamed(layer, source, key)
        before = merged
        preset = layer.get("preset", default)
        if preset is not None:
            if not isinstance(preset, str) or preset not in s.PRESETS:
                expected = f"one of {', '.join(s.PRESETS)}"
                raise InputError(file=source, key=f"{key}.preset", expected=expected, got=repr(preset))
            merged = merge(merged, s.PRESETS[preset])
        merged = _with_members_presets(before, merged, layer, source, key)
    published = member("wtal.methods", _kind_at(merged, "base"), file=source, key=f"{key}.base.kind").published
    merged = merge({"training": published}, merged)
    return from_mapping(s.MethodSettings, merged, file=source, key=key)


def _with_members_presets(
    before: Mapping[str, Any], merged: Mapping[str, Any], layer: Mapping[str, Any], source: str, key: str
) -> dict[str, Any]:
    """`layer` over `merged`, and between them what a preset says of each member that it or the preset changes."""
    result = merge(merged, layer)
    preset = result.get("preset", "paper")
    for key_path, group in MEMBERS.items():
        kind, old = _kind_at(result, key_path), _kind_at(before, key_path)
        if kind is not None and ("preset" in layer or kind != old):
            preset_keys = member(group, kind, file=source, key=f"{key}.{key_path}.kind").presets.get(preset, {})
            merged = merge(merged, _at(key_path, {"kind": kind, **preset_keys}))
    return merge(merged, layer)


def _kind_at(method: Mapping[str, Any], key_path: str) -> Any:
    """The kind of the member under dotted keys; None where there is none."""
    found: Any = method
    for part in (*key_path.split("."), "kind"):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _at(key_path: str, value: dict[str, Any]) -> dict[str, Any]:
    """A mapping with a value under dotted keys."""
    first, _, rest = key_path.partition(".")
    return {first: _at(rest, value) if rest else value}


def suite_schema() -> dict[str, Any]:
    """The JSON schema of a suite file, with the method's groups closed too; keys may be absent where it extends."""
    schema, method = json_schema(SuiteFile), json_schema(s.MethodSettings)
    for part in (schema, method):
        _without_required(part)
    reference = {"$ref": "#/$defs/method"}
    entries = {group: schema["properties"][group]["additionalProperties"]["properties"] for group in GROUPS}
    schema["properties"]["method"] = reference
    for properties in entries.values():
        properties["override"] = reference
    entries["bases"]["of_variants"]["additionalProperties"] = reference
    schema["$defs"] = {"method": method}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A suite of wtal", **schema}


def _without_required(schema: dict[str, Any]) -> None:
    """What a file extends may hold the required keys, and a null removes a group."""
    schema.pop("required", None)
    for entry in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
        _without_required(entry)
    if isinstance(schema.get("additionalProperties"), dict):
        _without_required(schema["additionalProperties"])
