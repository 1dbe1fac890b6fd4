"""Plain text inside Markdown and LaTeX: names are data, and are shown as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"


def escape_markdown(text: str) -> str:
    """Plain text that Markdown shows as it is, on one line, inside a table cell too."""
    return re.sub(r"[\\`*_|~<>&]|\](?=[(\[:])", lambda match: f"\\{match.group()}", " ".join(text.split()))


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
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))


def latex_row(cells: Sequence[str]) -> str:
    """A row of escaped cells."""
    guard = "{}" if cells[0].startswith(("[", "*")) else ""  # or the end of the row before would take it as its option
    return guard + " & ".join(cells) + r" \\"
