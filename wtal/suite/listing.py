"""What `wtal list` tells of the kinds of a group: what each is, and its settings with range, default and meaning."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from wtal.base.errors import InputError
from wtal.base.members import kinds, member, reference
from wtal.base.ranges import described, hints
from wtal.base.schema import default_of, has_default, json_schema, kind_in_words, to_mapping


def listed(group: str) -> list[dict[str, Any]]:
    """The kinds of a group as plain values, those of this package first.

    `kind`, `class`, `about`, `settings` and, of an extractor, `facts`; or `fault` where its module cannot be imported.
    """
    return [_listed(group, kind) for kind in kinds(group)]


def _listed(group: str, kind: str) -> dict[str, Any]:
    value: dict[str, Any] = {"kind": kind, "class": reference(group, kind, file=group)}
    try:
        found: Any = member(group, kind, file=group, key=kind)
    except InputError as error:
        return {**value, "fault": str(error)}
    written = (found.__doc__ or "").strip()
    value["about"] = "" if written.startswith(f"{found.__name__}(") else written.partition("\n")[0]
    if hasattr(found, "facts"):
        value["facts"] = found.facts()
    schema = json_schema(found)["properties"]
    value["settings"] = [
        {
            "name": field.name,
            "expected": kind_in_words(hints(found)[field.name]),
            **({"default": to_mapping(default_of(field))} if has_default(field) else {}),
            "about": described(hints(found)[field.name]),
            "schema": schema[field.name],
        }
        for field in fields(found)
        if field.name != "kind"
    ]
    return value


def in_lines(found: list[dict[str, Any]]) -> list[str]:
    """The kinds of a group as text, a paragraph each."""
    lines: list[str] = []
    for value in found:
        lines += [""] if lines else []
        lines.append(f"{value['kind']}: {value.get('fault', value.get('about'))}")
        lines += [f"  {name}: {words}" for name, words in value.get("facts", {}).items()]
        for each in value.get("settings", ()):
            has = f"default {json.dumps(each['default'], ensure_ascii=False)}" if "default" in each else "no default"
            lines.append(f"  {each['name']}: {each['expected']}; {has}")
            lines += [f"      {each['about']}"] if each["about"] else []
    return lines
