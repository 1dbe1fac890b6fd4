"""Settings as frozen dataclasses, read from plain mappings that are refused whole when a single key is wrong."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from wtal.base.errors import InputError, SettingError, nearest
from wtal.base.members import OneOf, kinds, member
from wtal.base.ranges import Ge, Gt, Le, Length, Lt, Pattern, bare, check_value, described, hints, in_words, ranges

Settings = TypeVar("Settings")


def from_mapping(kind: type[Settings], values: object, *, file: str | Path, key: str = "") -> Settings:
    """Build a settings dataclass from a mapping read from `file`.

    Raises InputError for an unknown, missing, mistyped or out-of-range key, naming file, key, expected and got.
    """
    return typing.cast("Settings", _build(kind, values, str(file), key))


def to_mapping(settings: Any) -> Any:
    """The plain JSON value that `from_mapping` reads back to the same settings; a kind without settings is a word."""
    if dataclasses.is_dataclass(settings) and not isinstance(settings, type):
        values = {field.name: to_mapping(getattr(settings, field.name)) for field in dataclasses.fields(settings)}
        return values["kind"] if list(values) == ["kind"] else values
    if isinstance(settings, (tuple, list)):
        return [to_mapping(entry) for entry in settings]
    if isinstance(settings, Mapping):
        return {str(key): to_mapping(entry) for key, entry in settings.items()}
    return settings


def json_schema(kind: type) -> dict[str, Any]:
    """The JSON schema of a settings dataclass; every object is closed."""
    return _schema(kind)


def _build(kind: Any, value: object, file: str, key: str) -> Any:
    origin = get_origin(kind)
    if kind is Any:
        return value
    if origin is Annotated:
        return _annotated(kind, value, file, key)
    if origin is Literal:
        return _choice(kind, value, file, key)
    if origin in (typing.Union, types.UnionType):
        return _union(kind, value, file, key)
    if origin is tuple:
        return _sequence(kind, value, file, key)
    if origin is dict:
        return _named(kind, value, file, key)
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, file, key)
    return _scalar(kind, value, file, key)


def _child(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def _record(kind: Any, value: object, file: str, key: str) -> Any:
    if not isinstance(value, Mapping):
        raise InputError(file=file, key=key, expected="a group of keys", got=_shown(value))
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in value:
        if name not in fields:
            hint = nearest(str(name), fields)
            raise InputError(file=file, key=_child(key, name), expected=f"a known key ({hint})", got="an unknown one")
    built = {}
    for name, hint in hints(kind).items():
        if name in value:
            built[name] = _build(hint, value[name], file, _child(key, name))
        elif not has_default(fields[name]):
            raise InputError(file=file, key=_child(key, name), expected=kind_in_words(hint), got="nothing")
    try:
        return kind(**built)
    except SettingError as error:
        raise InputError(
            file=file, key=_child(key, error.key), expected=error.expected, got=_shown(error.got)
        ) from None


def _annotated(kind: Any, value: object, file: str, key: str) -> Any:
    """A value with a range, or a member of a group."""
    group = _group_of(kind)
    if group is not None:
        named = value.get("kind") if isinstance(value, Mapping) else value
        found = member(group, named, file=file, key=_child(key, "kind"))
        return _build(found, value if isinstance(value, Mapping) else {"kind": value}, file, key)
    built = _build(get_args(kind)[0], value, file, key)
    try:
        check_value(kind, built, key)
    except SettingError as error:
        raise InputError(file=file, key=error.key, expected=error.expected, got=_shown(error.got)) from None
    return built


def _group_of(kind: Any) -> str | None:
    """The group of a field that takes any class of one."""
    return next((entry.group for entry in get_args(kind)[1:] if isinstance(entry, OneOf)), None)


def has_default(field: dataclasses.Field[Any]) -> bool:
    """Whether a field may be left out."""
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def default_of(field: dataclasses.Field[Any]) -> Any:
    """The default of a field that has one."""
    if field.default is not dataclasses.MISSING or field.default_factory is dataclasses.MISSING:
        return field.default
    return field.default_factory()


def _choice(kind: Any, value: object, file: str, key: str) -> object:
    allowed = get_args(kind)
    if value is False and "off" in allowed:  # YAML 1.1 reads the bare words on and off as truth values
        return "off"
    if value is True and "on" in allowed:
        return "on"
    if not any(value == entry and type(value) is type(entry) for entry in allowed):
        hint = f"; {nearest(value, map(str, allowed))}" if isinstance(value, str) else ""
        expected = f"one of {', '.join(map(str, allowed))}"
        raise InputError(file=file, key=key, expected=expected, got=f"{_shown(value)}{hint}")
    return value


def _union(kind: Any, value: object, file: str, key: str) -> Any:
    members = get_args(kind)
    if value is None and type(None) in members:
        return None
    members = tuple(member for member in members if member is not type(None))
    records = [member for member in members if dataclasses.is_dataclass(member)]
    if len(records) > 1:  # records of several kinds tell themselves apart by their `kind`
        known = {get_args(typing.get_type_hints(record)["kind"])[0]: record for record in records}
        named = value.get("kind") if isinstance(value, Mapping) else None
        if not isinstance(named, str) or named not in known:
            hint = nearest(str(named), known)
            raise InputError(file=file, key=_child(key, "kind"), expected=f"a known kind ({hint})", got=_shown(named))
        return _build(known[named], value, file, key)
    return _build(members[0], value, file, key)


def _sequence(kind: Any, value: object, file: str, key: str) -> tuple[Any, ...]:
    inner = get_args(kind)
    if not isinstance(value, (list, tuple)):
        raise InputError(file=file, key=key, expected=_list_in_place_of(inner[0], value), got=_shown(value))
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_build(inner[0], entry, file, f"{key}[{index}]") for index, entry in enumerate(value))
    if len(value) != len(inner):
        raise InputError(file=file, key=key, expected=f"a list of {len(inner)}", got=f"one of {len(value)}")
    return tuple(
        _build(member, entry, file, f"{key}[{index}]") for index, (member, entry) in enumerate(zip(inner, value))
    )


def _list_in_place_of(kind: Any, value: object) -> str:
    """What a list is like, in the words of the mapping that stands where its order would be lost."""
    if not isinstance(value, Mapping) or not dataclasses.is_dataclass(kind):
        return "a list"
    names = [field.name for field in dataclasses.fields(kind)]
    if len(names) != 2 or not value or any(isinstance(entry, (Mapping, list)) for entry in value.values()):
        return f"a list in order, with {' and '.join(names)} for each entry"
    entries = ", ".join(f"{{{names[0]}: {name}, {names[1]}: {entry}}}" for name, entry in value.items())
    return f"a list in order, such as [{entries}]"


def _named(kind: Any, value: object, file: str, key: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(file=file, key=key, expected="a group of keys", got=_shown(value))
    return {str(name): _build(get_args(kind)[1], entry, file, _child(key, name)) for name, entry in value.items()}


def _scalar(kind: Any, value: object, file: str, key: str) -> object:
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            if math.isfinite(value):
                return float(value)
        except OverflowError:  # a whole number beyond the largest float
            pass
    elif kind is float and isinstance(value, str):
        # YAML 1.1 reads 5e-4 (no point) as text; a reader means the number.
        try:
            return _scalar(float, float(value if value.isascii() and "_" not in value else "none"), file, key)
        except ValueError:
            pass
    elif (
        (kind is int and isinstance(value, int) and not isinstance(value, bool))
        or (kind is bool and isinstance(value, bool))
        or (kind is str and isinstance(value, str))
    ):
        return value
    raise InputError(file=file, key=key, expected=kind_in_words(kind), got=_shown(value))


_WORDS = {float: "a finite number", int: "a whole number", bool: "true or false", str: "text"}


def kind_in_words(kind: Any) -> str:
    """What an annotation expects, as a reader would say it, such as `a whole number, 1 or above`."""
    if get_origin(kind) is Annotated:
        if ranges(kind):
            return in_words(kind)
        return "a group of keys with `kind`" if _group_of(kind) else kind_in_words(bare(kind))
    if kind in _WORDS:
        return _WORDS[kind]
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) is tuple:
        each = kind_in_words(get_args(kind)[0])
        return f"a list, each {each}" if Ellipsis in get_args(kind) else f"a list of {len(get_args(kind))}, each {each}"
    if get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join("null" if entry is type(None) else kind_in_words(entry) for entry in get_args(kind))
    if dataclasses.is_dataclass(kind):
        return f"a group of keys: {', '.join(field.name for field in dataclasses.fields(kind))}"
    return "a group of keys"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _schema(kind: Any) -> dict[str, Any]:
    origin = get_origin(kind)
    if kind is Any:
        return {}
    if origin is Annotated:
        return _schema_of_annotated(kind)
    if origin is Literal:
        allowed: list[Any] = list(get_args(kind))
        # YAML 1.1 reads the bare words on and off as truth values.
        return {"enum": allowed + [{"on": True, "off": False}[word] for word in allowed if word in ("on", "off")]}
    if origin in (typing.Union, types.UnionType):
        members = get_args(kind)
        return {"anyOf": [{"type": "null"} if member is type(None) else _schema(member) for member in members]}
    if origin is tuple:
        inner = get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return {"type": "array", "items": _schema(inner[0])}
        return {"type": "array", "prefixItems": [_schema(entry) for entry in inner], "items": False}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(get_args(kind)[1])}
    if not dataclasses.is_dataclass(kind):
        words = {float: ["number", "string"], int: "integer", bool: "boolean", str: "string"}
        return {"type": words[kind]}
    return _schema_of_record(kind)


def _schema_of_record(kind: Any) -> dict[str, Any]:
    """The schema of a settings dataclass, closed."""
    fields = dataclasses.fields(kind)
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _schema(hint) for name, hint in hints(kind).items()},
        "required": [field.name for field in fields if not has_default(field)],
    }
    for field in fields:
        if has_default(field):
            schema["properties"][field.name]["default"] = to_mapping(default_of(field))
    return schema


_LIMITS = {Ge: "minimum", Gt: "exclusiveMinimum", Le: "maximum", Lt: "exclusiveMaximum"}


def _schema_of_annotated(kind: Any) -> dict[str, Any]:
    """The schema of a value with its range and what it is for, or of any member of a group."""
    group = _group_of(kind)
    if group is not None:
        names = kinds(group)
        members = [_schema(member(group, name, file="schema")) for name in names]
        for name, schema in zip(names, members):
            schema["properties"]["kind"] = {"const": name}
            schema["required"] = sorted({*schema["required"], "kind"})
        found: dict[str, Any] = {"anyOf": [{"enum": list(names)}, *members]}
    else:
        found = _schema(bare(kind))
    for entry in ranges(kind):
        if isinstance(entry, Pattern):
            found["pattern"] = f"^(?:{entry.regex})$"
        elif isinstance(entry, Length):
            found["minItems" if found["type"] == "array" else "minProperties"] = entry.least
        else:
            found[_LIMITS[type(entry)]] = entry.bound
    if text := described(kind):
        found["description"] = text
    return found
