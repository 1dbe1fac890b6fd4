"""Writes docs/commands.md from the parsers: `python .ci/command_page.py`."""

from __future__ import annotations

import argparse
from pathlib import Path

from wtal.cli import build_parser
from wtal.cli.parser.helpful import GROUPS, commands_of

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"


def page() -> str:
    """Every command in its group, with a row for each of its arguments and options."""
    commands = commands_of(build_parser())
    assert commands is not None
    about = {each.dest: each.help or "" for each in commands._choices_actions}
    lines = [
        "# Commands",
        "",
        "Written from the parsers by `.ci/command_page.py`; each says the same with `--help`.",
    ]
    for group, names in GROUPS.items():
        lines += ["", f"## {group.capitalize()}"]
        for name in names:
            lines += ["", f"### wtal {name}", "", f"{escaped(about[name]).capitalize()}.", ""]
            rows = [row(each) for each in commands.choices[name]._actions if each.dest != "help"]
            lines += ["| argument | what it is |", "| --- | --- |", *rows] if rows else ["It takes nothing."]
    return "\n".join([*lines, ""])


def row(action: argparse.Action) -> str:
    """A row of the table: an option with the word for its value, or an argument by its place."""
    word = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    choices = ", ".join(map(str, action.choices or ()))
    takes = "" if action.nargs == 0 else f" {word}"
    name = f"{', '.join(action.option_strings)}{takes}" if action.option_strings else word
    also = f" One of {choices}." if choices else ""
    needed = " Required." if action.required and action.option_strings else ""
    said = escaped(str(action.help or "")) + ("." if also or needed else "")
    return f"| `{name.replace('|', '/')}` | {said}{also}{needed} |"


def escaped(text: str) -> str:
    """A text as Markdown shows it in a cell of a table."""
    for mark in "|<>[]":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("%(default)s", "its default").replace("%%", "%")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
