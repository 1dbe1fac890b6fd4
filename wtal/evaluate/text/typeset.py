"""Numbers and tables as text: for the terminal and other programs, and for readers of Markdown, LaTeX and the page.

Printed results are plain rows of text with plain signs, in any of `FORMATS`. A report's tables are records with true
minus signs, of which the page has a form of its own.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wtal.evaluate.score.intervals import Interval
from wtal.evaluate.text.escaping import MINUS, escape_latex, escape_markdown, latex_row, shown_line

FORMATS = ("table", "json", "csv", "markdown", "latex")
Rows = Sequence[Sequence[str]]  # the header first


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


def plain_number(value: float, digits: int) -> str:
    """A number in printed results, with a plain minus sign; a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def bounds_text(low: float, high: float, digits: int) -> str:
    """[low, high] in printed results; a dash where there is no interval."""
    return "-" if low != low else f"[{plain_number(low, digits)}, {plain_number(high, digits)}]"


def number(value: float | None, digits: int = 1) -> Cell:
    """A number in a report, with a true minus sign; nothing, or not a number, is a dash."""
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


def bounds(low: float, high: float, digits: int = 1) -> Cell:
    """[low, high], sorted by its middle."""
    if low != low or high != high:
        return Cell("–")
    return Cell(f"[{number(low, digits).text}, {number(high, digits).text}]", (low + high) / 2)


def difference(away: Interval, digits: int = 1) -> Cell:
    """A signed difference with its interval; it stands out where it is better or worse."""
    if away.estimate != away.estimate:
        return Cell("–")
    sign = "+" if round(away.estimate, digits) >= 0 else ""
    text = f"{sign}{number(away.estimate, digits).text}"
    if away.low != away.low:
        return Cell(text, away.estimate)
    return Cell(f"{text} {bounds(away.low, away.high, digits).text}", away.estimate, strong=away.is_separated)


def typeset(rows: Rows, form: str, caption: str) -> str:
    """Printed results in one of the forms table, csv, markdown, latex, with a caption; CSV is without."""
    if form == "csv":
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        return buffer.getvalue().rstrip("\n")
    if form == "markdown":
        head, *lines = (_markdown_row(map(escape_markdown, row)) for row in rows)
        rule = "|" + "|".join(["---"] + ["---:"] * (len(rows[0]) - 1)) + "|"
        return "\n".join([head, rule, *lines, "", escape_markdown(caption)])
    if form == "latex":
        head, *lines = (latex_row([escape_latex(cell) for cell in row]) for row in rows)
        return "\n".join([f"% {shown_line(caption)}", *_tabular("l" + "r" * (len(rows[0]) - 1), head, [lines])])
    rows = [[shown_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]).rstrip()
        for row in rows
    ]
    return "\n".join([shown_line(caption), *lines])


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


def to_latex(table: Table) -> str:
    """The table in booktabs form, ready for \\input; the notes are its caption."""
    shape = "".join("r" if column.is_number else "l" for column in table.columns)
    head = latex_row([escape_latex(column.name) for column in table.columns])
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"\centering\footnotesize",
        rf"\caption{{{escape_latex(' '.join([f'{table.title}.', *table.notes]))}}}",
        rf"\label{{tab:{re.sub('[^a-z0-9-]', '-', table.name)}}}",
        *_tabular(shape, head, [_latex_block(block, len(table.columns)) for block in table.blocks]),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _tabular(shape: str, head: str, blocks: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a booktabs table, from the lines of its head and of each block."""
    lines = [rf"\begin{{tabular}}{{{shape}}}", r"\toprule", head]
    for block in blocks:
        lines += [r"\midrule", *block]
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _latex_block(block: Block, width: int) -> list[str]:
    heading = [rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape_latex(block.heading)}}}}} \\"] if block.heading else []
    return [*heading, *(latex_row([_latex_cell(cell) for cell in row]) for row in block.rows)]


def _latex_cell(cell: Cell) -> str:
    text = escape_latex(cell.text)
    return rf"\textbf{{{text}}}" if cell.strong else text
