"""A table as a record, and its Markdown and LaTeX forms; the page has its own form of the same record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a reader sees, what a sort goes by (None: the text), and whether the cell stands out."""

    text: str
    value: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; numbers stand at the right. `hint` tells a reader of the page what the column holds."""

    name: str
    is_number: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows under one heading; an empty heading is not shown. `is_apart`: controls, kept at the end by a sort."""

    heading: str
    rows: tuple[tuple[Cell, ...], ...]
    is_apart: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, blocks of rows, and the sentences that stand below."""

    name: str  # of its files and its place on the page
    title: str
    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]


def number(value: float | None, digits: int = 1) -> Cell:
    """A number with a true minus sign; nothing, or not a number, is a dash."""
    if value is None or value != value:
        return Cell("–")
    rounded = round(value, digits) + 0.0  # the sum turns -0.0 into 0.0
    return Cell(f"{rounded:.{digits}f}".replace("-", MINUS), value)


def spread(mean: float, deviation: float, digits: int = 1) -> Cell:
    """Mean ± standard deviation; the mean alone where there is no deviation."""
    shown = number(mean, digits)
    if deviation != deviation or shown.value is None:
        return shown
    return Cell(f"{shown.text} ± {deviation:.{digits}f}", mean)


def interval(low: float, high: float, digits: int = 1) -> Cell:
    """[low, high], sorted by its middle."""
    if low != low or high != high:
        return Cell("–")
    return Cell(f"[{number(low, digits).text}, {number(high, digits).text}]", (low + high) / 2)


def difference(value: float, low: float, high: float, digits: int = 1) -> Cell:
    """A signed difference with its interval; it stands out where the interval does not hold 0."""
    if value != value:
        return Cell("–")
    sign = "+" if round(value, digits) >= 0 else ""
    text = f"{sign}{number(value, digits).text}"
    if low != low:
        return Cell(text, value)
    return Cell(f"{text} {interval(low, high, digits).text}", value, strong=low > 0 or high < 0)


def to_markdown(table: Table) -> str:
    """The table as GitHub renders it: a heading row spans nothing, so it stands in the first cell, in bold."""
    lines = [f"**{escape_markdown(table.title)}**", "", _markdown_row(escape_markdown(c.name) for c in table.columns)]
    lines.append(_markdown_row("---:" if column.is_number else ":---" for column in table.columns))
    for block in table.blocks:
        if block.heading:
            lines.append(_markdown_row([f"**{escape_markdown(block.heading)}**", *[""] * (len(table.columns) - 1)]))
        lines.extend(_markdown_row(_markdown_cell(cell) for cell in row) for row in block.rows)
    for note in table.notes:
        lines += ["", escape_markdown(note)]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(cell: Cell) -> str:
    text = escape_markdown(cell.text)
    return f"**{text}**" if cell.strong else text


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
    '"': r"\textquotedbl{}",
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


def to_latex(table: Table) -> str:
    """The table in booktabs form, ready for \\input; the notes are its caption."""
    width = len(table.columns)
    shape = "".join("r" if column.is_number else "l" for column in table.columns)
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering\footnotesize",
        rf"\caption{{{escape_latex(' '.join([f'{table.title}.', *table.notes]))}}}",
        rf"\label{{tab:{re.sub('[^a-z0-9-]', '-', table.name)}}}",
        rf"\begin{{tabular}}{{{shape}}}",
        r"\toprule",
        _latex_row([escape_latex(column.name) for column in table.columns]),
    ]
    for block in table.blocks:
        lines.append(r"\midrule")
        if block.heading:
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape_latex(block.heading)}}}}} \\")
        lines.extend(_latex_row([_latex_cell(cell) for cell in row]) for row in block.rows)
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def _latex_row(cells: Sequence[str]) -> str:
    guard = "{}" if cells[0].startswith(("[", "*")) else ""  # or the end of the row before would take it as its option
    return guard + " & ".join(cells) + r" \\"


def _latex_cell(cell: Cell) -> str:
    text = escape_latex(cell.text)
    return rf"\textbf{{{text}}}" if cell.strong else text
