"""`wtal list`: what can be named in a suite, with its settings."""

from __future__ import annotations

import argparse
from typing import Any

GROUPS = {
    "methods": "wtal.methods",
    "fusions": "wtal.fusions",
    "label-makers": "wtal.label_makers",
    "data-kinds": "wtal.data_kinds",
    "protocols": "wtal.protocols",
}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    listing = commands.add_parser(
        "list",
        help="list what a suite can name: methods, fusions, label makers, kinds of data, protocols",
        description="Each kind with what it is and its settings: range, default, meaning. Those of installed packages "
        "that extend wtal are among them.",
    )
    listing.add_argument("group", choices=tuple(GROUPS), help="what to list")
    listing.add_argument("--json", action="store_true", help="as JSON, with the JSON schema of each setting")
    listing.set_defaults(run=print_members)


def print_members(options: argparse.Namespace) -> None:
    """A paragraph for each kind of a group, or one JSON value."""
    import json

    from wtal.base.members import kinds

    found = [_member_value(GROUPS[options.group], kind) for kind in kinds(GROUPS[options.group])]
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for number, value in enumerate(found):
        print(*([""] if number else []), *_paragraph(value), sep="\n")


def _member_value(group: str, kind: str) -> dict[str, Any]:
    """A kind, its class, what it is and each of its settings; `fault` where its module cannot be imported."""
    import dataclasses

    from wtal.base.errors import InputError
    from wtal.base.members import member, reference
    from wtal.base.ranges import described, hints
    from wtal.base.schema import default_of, has_default, json_schema, kind_in_words, to_mapping

    value: dict[str, Any] = {"kind": kind, "class": reference(group, kind, file=group)}
    try:
        found: Any = member(group, kind, file=group, key=kind)
    except InputError as error:
        return {**value, "fault": str(error)}
    written = (found.__doc__ or "").strip()
    value["about"] = "" if written.startswith(f"{found.__name__}(") else written.partition("\n")[0]
    schema = json_schema(found)["properties"]
    value["settings"] = [
        {
            "name": field.name,
            "expected": kind_in_words(hints(found)[field.name]),
            **({"default": to_mapping(default_of(field))} if has_default(field) else {}),
            "about": described(hints(found)[field.name]),
            "schema": schema[field.name],
        }
        for field in dataclasses.fields(found)
        if field.name != "kind"
    ]
    return value


def _paragraph(value: dict[str, Any]) -> list[str]:
    """The lines of one kind."""
    import json

    if "fault" in value:
        return [f"{value['kind']}: {value['fault']}"]
    lines = [f"{value['kind']}: {value['about']}"]
    for each in value["settings"]:
        default = f"default {json.dumps(each['default'], ensure_ascii=False)}" if "default" in each else "no default"
        lines.append(f"  {each['name']}: {each['expected']}; {default}")
        lines += [f"      {each['about']}"] if each["about"] else []
    return lines
