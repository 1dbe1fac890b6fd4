"""The README's table is the one that the committed results hold."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import pytest

from wtal.evaluate.score.intervals import Interval

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"


def rows_of(suite: str) -> list[dict[str, str]]:
    path = RESULTS / suite / "ablation.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not here: the suite was not run and its results were not pulled")
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def signed(value: str) -> str:
    number = round(float(value), 1)
    return f"{'−' if number < 0 else '+'}{abs(number):.1f}"


def plain(value: str) -> str:
    return f"{float(value):.1f}".replace("-", "−")


def cells(row: dict[str, str]) -> list[str]:
    score = f"{float(row['mean']):.1f}"
    score += f" ± {float(row['sd']):.1f}" if row["sd"] else ""
    if not row["base_difference"]:
        return [score, "–"]
    low, high = row["base_low"], row["base_high"]
    text = f"{signed(row['base_difference'])} [{plain(low)}, {plain(high)}]"
    away = Interval(float(row["base_difference"]), (int(row["seeds"]),), float(low), float(high), math.nan, math.nan)
    return [score, f"**{text}**" if away.is_separated else text]


def expected_table() -> str:
    first, second = rows_of("hapt"), {row["variant"]: row for row in rows_of("hapt-strong")}
    lines = ["| | A | from base + NMS | B | from base + NMS |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {' | '.join([row['title'], *cells(row), *cells(second[row['variant']])])} |" for row in first]
    return "\n".join(lines)


def test_the_table_in_the_readme_is_that_of_the_results() -> None:
    text = (ROOT / "README.md").read_text()
    found = re.search(r"<!-- table: hapt, hapt-strong -->\n(.*?)\n?<!-- end of table -->", text, re.DOTALL)
    assert found is not None
    assert found[1].strip() == expected_table(), f"the table should be:\n{expected_table()}"


def test_every_file_that_a_page_links_to_is_in_the_repository() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if not target.startswith(("http://", "https://", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
