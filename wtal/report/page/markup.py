"""Pieces of the report page as HTML; every text that comes from a file is escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape as escape

from wtal.report.tables.typeset import Block, Cell, Column, Table


def table_html(table: Table) -> str:
    """A sortable table in a box of its own that scrolls sideways, with its notes below."""
    headings = "".join(_heading(column) for column in table.columns)
    bodies = "".join(_body(block, table.columns) for block in table.blocks)
    title = escape(table.title)
    return (
        f'<figure class="table" id="table-{escape(table.name)}"><figcaption>{title}</figcaption>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f'<table class="sortable"><thead><tr>{headings}</tr></thead>{bodies}</table></div>'
        f"{paragraphs(table.notes)}</figure>\n"
    )


def _heading(column: Column) -> str:
    kind = ' class="number"' if column.is_number else ""
    hint = f' title="{escape(column.hint)}"' if column.hint else ""
    return f'<th scope="col" aria-sort="none"{kind}><button type="button"{hint}>{escape(column.name)}</button></th>'


def _body(block: Block, columns: tuple[Column, ...]) -> str:
    heading = ""
    if block.heading:
        text = f"<span>{escape(block.heading)}</span>"
        heading = f'<tr class="heading"><th scope="rowgroup" colspan="{len(columns)}">{text}</th></tr>'
    rows = "".join(f"<tr>{''.join(map(_cell, range(len(row)), row, columns))}</tr>" for row in block.rows)
    kind = ' class="apart"' if block.is_apart else ""
    return f"<tbody{kind}>{heading}{rows}</tbody>"


def _cell(place: int, cell: Cell, column: Column) -> str:
    kind = ' class="number"' if column.is_number else ""
    value = f' data-value="{cell.value!r}"' if cell.value is not None else ""
    text = escape(cell.text)
    text = f"<strong>{text}</strong>" if cell.strong else text
    return f'<th scope="row"{kind}{value}>{text}</th>' if place == 0 else f"<td{kind}{value}>{text}</td>"


def paragraphs(notes: Iterable[str]) -> str:
    """One small paragraph a note."""
    return "".join(f'<p class="notes">{escape(note)}</p>' for note in notes)


def picture(svg: bytes, title: str, description: str, notes: Iterable[str]) -> str:
    """A figure on a light card, legible in both schemes; the SVG is embedded, so nothing of it reaches the page."""
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<div class="scroll card" tabindex="0" role="region" aria-label="{escape(title)}">'
        f'<img src="{source}" alt="{escape(description)}"></div>{paragraphs(notes)}</figure>\n'
    )


def section(name: str, title: str, *parts: str) -> str:
    """A section of the page under its heading."""
    heading = f'<h2 id="{name}-title">{title}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-title">{heading}{"".join(parts)}</section>\n'


def folded(title: str, content: str) -> str:
    """Content that opens on demand."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>\n"


def code(text: str) -> str:
    """A block of text as it is."""
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def facts(pairs: Iterable[tuple[str, str, str]]) -> str:
    """Cards of a name, a value and a remark."""
    cards = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(remark)}</small></dd></div>"
        for name, value, remark in pairs
    )
    return f'<dl class="facts">{"".join(cards)}</dl>'


def source_hash(text: str) -> str:
    """How a content security policy names one inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def document(title: str, body: str, style: str, script: str) -> str:
    """The whole page. Its policy lets in this one style, this one script and embedded pictures, and nothing else."""
    policy = (
        f"default-src 'none'; img-src data:; style-src {source_hash(style)}; script-src {source_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>{style}</style>\n</head>\n'
        f"<body>\n{body}<script>{script}</script>\n</body>\n</html>\n"
    )
