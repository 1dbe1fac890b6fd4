"""What a run ends with: base, whole method and their difference, from the suite's ablation table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wtal.base.errors import InputError
from wtal.base.files import read_text
from wtal.base.members import member_title
from wtal.report.inputs.plan import read_plan
from wtal.suite.paths import SuitePaths

ABLATION = "ablation.csv"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A row of the end: what it is of, its number in percent, and an interval or a spread where there is one."""

    title: str
    number: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    is_difference: bool = False

    def text(self) -> str:
        """The number as a reader sees it."""
        number = f"{self.number:+.1f}" if self.is_difference else f"{self.number:.1f}"
        if self.low is not None and self.high is not None:
            number += f" [{self.low:.1f}, {self.high:.1f}]"
        return (number + (f" ± {self.sd:.1f}" if self.sd is not None else "")).replace("-", "−")

    def value(self) -> dict[str, Any]:
        """As plain values."""
        names = ("sd",) if self.sd is not None else ("low", "high") if self.is_difference else ()
        return {"title": self.title, "number": self.number, **{name: getattr(self, name) for name in names}}


def end_rows(paths: SuitePaths) -> tuple[str, list[ResultRow]]:
    """What the numbers are (average, protocol, seeds, settings), and the rows; both empty where there are no tables."""
    try:
        plan = read_plan(paths.settings("report"))
        text = read_text(paths.root / ABLATION)
    except InputError:
        return "", []
    rows = {row["variant"]: row for row in csv.DictReader(text.splitlines())}
    if plan.base not in rows:
        return "", []
    base, whole = rows[plan.base], rows.get(plan.whole_method)
    seeds, protocol = f"{base['seeds']} seed{'' if base['seeds'] == '1' else 's'}", plan.file.evaluation.protocol
    said = f"mAP@{plan.headline}, percent; protocol {member_title(protocol)}, {seeds}"
    found = [_of(base)]
    if whole is not None and whole is not base:
        found.append(_of(whole))
        difference = _number(whole, "base_difference")
        if difference is not None:
            low, high = _number(whole, "base_low"), _number(whole, "base_high")
            found.append(ResultRow("difference", difference, low, high, is_difference=True))
    return f"{said}; settings {plan.digest[:12]}", found


def _of(row: Mapping[str, str]) -> ResultRow:
    return ResultRow(row["title"], _number(row, "mean") or 0.0, sd=_number(row, "sd"))


def _number(row: Mapping[str, str], name: str) -> float | None:
    with suppress(ValueError, KeyError):
        return float(row[name])
    return None


def last_lines(path: Path, most: int) -> list[str]:
    """The last lines of a log; none where there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 64 * 1024))
            lines = stream.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.strip()][-most:]
