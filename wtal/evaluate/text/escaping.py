"""Plain text inside Markdown and LaTeX: names are data, and are shown as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"


REPLACED = "\N{REPLACEMENT CHARACTER}"
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown_line(text: str) -> str:
    """Text on one line, letters that steer a terminal or the direction of writing replaced."""
    return _STEERING.sub(REPLACED, " ".join(text.split()))


def escape_markdown(text: str) -> str:
    """Plain text that Markdown shows as it is, on one line, inside a table cell too."""
    return re.sub(r"[\\`*_|~<>&]|\](?=[(\[:])", lambda match: f"\\{match.group()}", shown_line(text))


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "±": r"$\pm$",
    "Δ": r"$\Delta$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "×": r"$\times$",
    MINUS: "$-$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
}


def escape_latex(text: str) -> str:
    """Plain text that LaTeX sets as it is."""
    return "".join(_LATEX.get(character, character) for character in shown_line(text).replace(REPLACED, "?"))


def latex_row(cells: Sequence[str]) -> str:
    """A row of escaped cells."""
    guard = "{}" if cells[0].startswith(("[", "*")) else ""  # or the end of the row before would take it as its option
    return guard + " & ".join(cells) + r" \\"
