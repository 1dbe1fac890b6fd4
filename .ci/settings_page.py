"""Writes docs/settings.md from the schema of suite files: `python .ci/settings_page.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wtal.suite.file import suite_schema

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
HEAD = """# Settings of a suite

Written from the schema by `.ci/settings_page.py`. A key that is not here, a value of another type or beyond its range
is refused before any work. `wtal schema` prints the same for editors, `wtal list --json` what plug-ins add. A kind is
chosen by its name (`fusion: nms`) or with settings of its own (`fusion: {kind: nms, tiou: 0.45}`). What stands in
`method` may be laid over by the `override` of a variant or of a base network. A preset ([method.md](method.md)) may
set another default.
"""
Node = Mapping[str, Any]


def page() -> str:
    """Every key with its values, its default and what it is for."""
    schema = suite_schema()
    lines = [HEAD]
    for path, node in _groups("", schema, schema["$defs"]):
        rows = [_row(key, each) for key, each in node["properties"].items() if key != "kind"]
        kind = node["properties"].get("kind", {}).get("const")
        title = f"{path}: kind {kind}" if kind else path or "The file"
        lines += [f"## {title}", ""]
        lines += (
            ["| key | values | default | what it is |", "| --- | --- | --- | --- |", *rows, ""]
            if rows
            else ["No keys.", ""]
        )
    return "\n".join(lines).rstrip() + "\n"


def _groups(path: str, node: Node, known: Mapping[str, Node]) -> Iterator[tuple[str, Node]]:
    """Every group of keys with its path; of a reference once, where it is first met."""
    node = _resolved(node, known)
    if "properties" in node:
        yield path, node
    for key, inner in node.get("properties", {}).items():
        below = f"{path}.{key}" if path else key
        if key not in ("override", "of_variants"):
            yield from _groups(below, inner, known)
    for inner in node.get("anyOf", ()):
        yield from _groups(path, inner, known)
    if isinstance(node.get("additionalProperties"), Mapping):
        yield from _groups(f"{path}.NAME", node["additionalProperties"], known)
    if isinstance(node.get("items"), Mapping):
        yield from _groups(f"{path}[]", node["items"], known)


def _resolved(node: Node, known: Mapping[str, Node]) -> Node:
    return known[node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node


def _row(key: str, node: Node) -> str:
    default = _default(node["default"]) if "default" in node else "–"
    return f"| `{key}` | {_values(node)} | {default} | {str(node.get('description', '')).replace('|', '/')} |"


def _default(value: Any) -> str:
    return "those of its keys" if isinstance(value, dict) and value else f"`{_short(value)}`"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:38]}…"


def _values(node: Node) -> str:
    """What a key takes, in words."""
    if "$ref" in node:
        return "keys of `method`"
    if "enum" in node:
        return ", ".join(f"`{_short(value)}`" for value in node["enum"])
    if "anyOf" in node:
        words = [_values(each) for each in node["anyOf"] if "properties" not in each]
        return " or ".join(
            dict.fromkeys([*words, "a group"] if any("properties" in each for each in node["anyOf"]) else words)
        )
    kinds = node.get("type", "any")
    kind = "number" if isinstance(kinds, list) else {"array": "list", "object": "group"}.get(kinds, kinds)
    return f"{kind}{_range(node)}"


def _range(node: Node) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return "".join(f" {sign} {node[key]}" for key, sign in signs.items() if key in node)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
