"""Tables for papers: short, one or two columns wide, ingredients as check marks, differences as subscripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from wtal.base.errors import InputError
from wtal.base.files import read_json
from wtal.base.members import member_title
from wtal.evaluate.text.escaping import MINUS, escape_latex
from wtal.evaluate.text.typeset import number
from wtal.report.inputs.plan import Plan, plan_of_settings
from wtal.report.tables.ablation import Row, read_ablation
from wtal.report.tables.ingredients import Leaves, leaves_of
from wtal.report.tables.names import PROVENANCE

AVERAGE = "avg"
WIDTHS = {"one": "column", "two": "text"}  # of the page, as LaTeX calls them
# What a check mark stands for: a key of the method, the value that has none, and its heading before the value's name.
MARKS = (
    ("detection.fusion.kind", "nms", "test: "),
    ("labels.maker.kind", None, ""),
    ("labels.fusion.kind", None, "labels: "),
    ("delta.mode", "off", "Δ"),
)
SHORT = {"nms": "NMS", "soft nms": "soft NMS", "gaussian": "Gauss", "optimised": "opt.", "complementary": "compl."}


@dataclass(frozen=True, slots=True)
class ColumnMark:
    """One column of check marks: the variants whose `key` is `value` have one."""

    key: str
    value: Any
    heading: str


def export_ablation(results: Path, columns: Sequence[str], width: str) -> str:
    """The ablation of a suite as a LaTeX table. Source: ablation.csv and provenance.json in `results`.

    columns: tIoU thresholds, and `avg` for the headline average. width: `one` or `two` columns of the page.
    Raises InputError where a file is missing or broken, or a threshold was not scored.
    """
    facts = read_json(results / PROVENANCE)
    if not isinstance(facts, Mapping) or "settings" not in facts:
        raise InputError(file=results / PROVENANCE, key="settings", expected="the suite's settings", got="none")
    plan = plan_of_settings(facts["settings"], results / PROVENANCE)
    frame = read_ablation(results / "ablation.csv")
    names = _columns(results, frame, columns)
    rows = [row for row in frame.to_dict("records") if row["control"] == "no"]
    unknown = [row["variant"] for row in rows if row["variant"] not in plan.file.variants]
    if unknown:
        raise InputError(file=results / "ablation.csv", key="variant", expected="a variant of it", got=unknown[0])
    leaves = {name: leaves_of(plan, name) for name in plan.file.variants}
    marks = _marks(leaves)
    plain, others = _told_apart(rows, leaves, marks)
    lines = [*_provenance(plan, facts), *_opening(plan, columns, marks, width)]
    for row in plain:
        checks = [r"\checkmark" if leaves[row["variant"]].get(mark.key) == mark.value else "" for mark in marks]
        lines.append(_line([*checks, *_numbers(row, rows, names)]))
    if others:
        lines.append(r"\midrule")
    for row in others:
        title = rf"\raggedright {escape_latex(row['title'])}"
        wide = rf"\multicolumn{{{len(marks)}}}{{@{{}}p{{{_label_width(width)}}}@{{}}}}{{{title}}}"
        lines.append(_line([wide if marks else escape_latex(row["title"]), *_numbers(row, rows, names)]))
    return "\n".join([*lines, *_closing(plan, width)]) + "\n"


def _columns(results: Path, frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """The columns of ablation.csv that were asked for."""
    named = {column.removeprefix("mAP@"): column for column in frame.columns if column.startswith("mAP@")}
    named[AVERAGE] = "mean"
    expected = f"thresholds among {', '.join(named)}"
    if not columns:
        raise InputError(file=results / "ablation.csv", key="--columns", expected=expected, got="none")
    for column in columns:
        if column not in named:
            raise InputError(file=results / "ablation.csv", key="--columns", expected=expected, got=repr(column))
    return [named[column] for column in columns]


def _marks(leaves: Mapping[str, Leaves]) -> list[ColumnMark]:
    """A column for each value that variants have and the base lacks."""
    first = next(iter(leaves.values()))
    marks = []
    for key, nothing, before in MARKS:
        values = dict.fromkeys(each.get(key) for each in leaves.values())
        for value in values:
            if value not in (None, nothing, first.get(key), "schedule_only") and len(values) > 1:
                word = str(value).replace("_", " ")
                marks.append(ColumnMark(key, value, before if before == "Δ" else f"{before}{SHORT.get(word, word)}"))
    return marks


def _told_apart(
    rows: Sequence[Row], leaves: Mapping[str, Leaves], marks: Sequence[ColumnMark]
) -> tuple[list[Row], list[Row]]:
    """The rows that their marks tell from each other, the first of each kind; and those that need their title."""
    plain: list[Row] = []
    others: list[Row] = []
    seen = set()
    for row in rows:
        own = leaves[row["variant"]]
        checks = tuple(own.get(mark.key) == mark.value for mark in marks)
        is_marked = checks not in seen and own.get("delta.mode") != "schedule_only"
        (plain if is_marked else others).append(row)
        seen.add(checks)
    return plain, others


def _numbers(row: Row, rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """The numbers of a row: the best of a column bold, the second underlined, the difference from the base below."""
    base, cells = rows[0], []
    for name in names:
        ranked = sorted({round(each[name], 1) for each in rows}, reverse=True)
        text = number(row[name]).text.replace(MINUS, "-")
        if round(row[name], 1) == ranked[0]:
            text = f"\\textbf{{{text}}}"
        elif len(ranked) > 1 and round(row[name], 1) == ranked[1]:
            text = f"\\underline{{{text}}}"
        away = round(row[name] - base[name], 1) + 0.0
        cells.append(text if row is base else f"{text}$_{{{away:+.1f}}}$")
    return cells


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _provenance(plan: Plan, facts: Mapping[str, Any]) -> list[str]:
    """Where the numbers come from, as comments."""
    settings = plan.file.evaluation
    seeds = ", ".join(map(str, plan.file.seeds))
    version = facts.get("versions", {}).get("wtal", "unknown")
    said = (
        f"suite {plan.file.suite}, settings {plan.digest}",
        f"protocol {member_title(settings.protocol)}, seeds {seeds}, code {facts.get('code_sha256', 'unknown')}",
        f"wtal {version}: wtal export-tables; needs booktabs, amssymb and graphicx",
    )
    return [f"% {' '.join(line.split())}" for line in said]


def _label_width(width: str) -> str:
    return rf"{0.3 if width == 'one' else 0.4}\{WIDTHS[width]}width"


def _opening(plan: Plan, columns: Sequence[str], marks: Sequence[ColumnMark], width: str) -> list[str]:
    starred = "*" if width == "two" else ""
    turned = [rf"\rotatebox{{90}}{{{escape_latex(mark.heading)}}}" for mark in marks]
    headings = [plan.headline if column == AVERAGE else column for column in columns]
    space = "2pt" if width == "one" else "5pt"
    return [
        rf"\begin{{table{starred}}}[t]",
        r"\centering\footnotesize",
        rf"\setlength{{\tabcolsep}}{{{space}}}",
        rf"\begin{{tabular}}{{@{{}}{'c' * len(marks)}{'l' * len(columns)}@{{}}}}",
        r"\toprule",
        _line([*turned, *map(escape_latex, headings)]),
        r"\midrule",
    ]


def _closing(plan: Plan, width: str) -> list[str]:
    starred = "*" if width == "two" else ""
    base = next(iter(plan.file.variants.values())).title
    seeds = len(plan.file.seeds)
    mean = f"mean over {seeds} seeds" if seeds > 1 else "one seed"
    caption = (
        f"mAP (\\%) by tIoU on {escape_latex(plan.file.suite)}, {mean}. "
        f"Small: difference from {escape_latex(base)}, the first row. Best bold, second underlined."
    )
    return [r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}", rf"\end{{table{starred}}}"]
