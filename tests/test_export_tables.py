"""Tables for papers: what is bold, underlined, marked and below, refusals, and LaTeX that fits one and two columns."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report_run import make_run, suite_values

from wtal.base.errors import InputError
from wtal.cli import main
from wtal.report.tables.export import export_ablation
from wtal.report.tables.tables import write_tables

COLUMNS = ("0.3", "0.5", "0.7", "avg")
DOCUMENT = r"""\documentclass[10pt,twocolumn]{article}
\usepackage[utf8]{inputenc}
\usepackage{amssymb,booktabs,graphicx}
\setlength{\textwidth}{6.875in}\setlength{\columnsep}{0.3125in}
\begin{document}
\input{one}\input{two}
\end{document}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of five variants, one of which has a long title that its marks do not tell from another's."""
    folder = tmp_path_factory.mktemp("run")
    values = suite_values()
    long = "whatever else was tried in this one & how it went, 100 % of it, with_underscores"
    values["variants"] |= {
        "naive": {"title": "naive", "override": {"labels": {"maker": "naive"}}},
        "delta": {"title": "Δ", "override": {"delta": {"mode": "on", "scale": [{"epoch": 4, "value": 2}]}}},
        "other": {"title": long, "override": {"labels": {"maker": {"solution": "vertex"}}}},
    }
    made = make_run(folder, values)
    write_tables(made / "settings" / "report.json", made / "data", made, made, folder)
    return made


def rows_of(text: str) -> list[list[str]]:
    body = text.split(r"\midrule")
    lines = [line for part in body[1:] for line in part.splitlines() if line.endswith(r"\\")]
    return [[cell.strip() for cell in line.removesuffix(r"\\").split("&")] for line in lines if "toprule" not in line]


def test_ingredients_are_check_marks_and_others_have_their_title(results: Path) -> None:
    text = export_ablation(results, COLUMNS, "one")
    headings = re.findall(r"\\rotatebox\{90\}\{(.*?)\} ", text)
    assert headings == ["test: Gauss", "opt.", "naive", "labels: Gauss", r"$\Delta$"]
    marks = [[bool(cell) for cell in row[:5]] for row in rows_of(text)[:4]]
    assert marks == [
        [False, False, False, False, False],
        [True, True, False, True, False],
        [True, False, True, True, False],
        [True, True, False, True, True],
    ]
    assert r"\multicolumn{5}{@{}p{0.3\columnwidth}@{}}{\raggedright whatever else was tried in this one \& how" in text
    assert r"100 \% of it, with\_underscores}" in text


def test_one_best_is_bold_one_second_is_underlined_and_differences_stand_below(results: Path) -> None:
    rows = rows_of(export_ablation(results, COLUMNS, "two"))
    for column in range(-4, 0):
        cells = [row[column] for row in rows]
        values = [float(re.search(r"\d+\.\d", cell)[0]) for cell in cells]
        best, second = sorted(set(values), reverse=True)[:2]
        assert [cell.startswith(r"\textbf{") for cell in cells] == [value == best for value in values]
        assert [cell.startswith(r"\underline{") for cell in cells] == [value == second for value in values]
        assert "$_{" not in cells[0]
        for value, cell in zip(values[1:], cells[1:]):
            below = float(re.search(r"\$_\{([+-]\d+\.\d)\}\$", cell)[1])
            assert below == pytest.approx(value - values[0], abs=0.11)


def test_where_the_numbers_come_from_is_a_comment_and_not_in_the_caption(results: Path) -> None:
    text = export_ablation(results, COLUMNS, "one")
    facts = json.loads((results / "provenance.json").read_text())
    assert f"% suite made-up, settings {facts['settings_digest']}" in text
    assert "% protocol activitynet, seeds 0, 1, code " in text
    assert facts["settings_digest"] not in text.split(r"\caption{")[1]


def test_the_command_writes_what_it_prints(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["export-tables", "--results", str(results), "--style", "cvpr", "--columns", "0.5,avg"]
    assert main(call) == 0
    printed = capsys.readouterr().out
    assert main([*call, "--out", str(tmp_path / "a.tex")]) == 0
    assert (tmp_path / "a.tex").read_text() == printed == export_ablation(results, ("0.5", "avg"), "one")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("0.55",), r"ablation\.csv: --columns: expected thresholds among 0\.1, 0\.2, .*, avg; got '0\.55'"),
        (("mean",), r"ablation\.csv: --columns: expected thresholds among .*; got 'mean'"),
        ((), r"ablation\.csv: --columns: expected thresholds among .*; got none"),
    ],
)
def test_a_column_that_was_not_scored_is_refused(results: Path, columns: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        export_ablation(results, columns, "one")


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"provenance\.json: expected a readable file"):
        export_ablation(tmp_path, COLUMNS, "one")


def test_tables_fit_one_and_two_columns_of_a_page(results: Path, tmp_path: Path) -> None:
    latex = shutil.which("pdflatex")
    if latex is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no pdflatex on PATH")
        pytest.skip("no pdflatex on PATH (texlive-latex-recommended has it)")
    for width in ("one", "two"):
        (tmp_path / f"{width}.tex").write_text(export_ablation(results, COLUMNS, width))
    (tmp_path / "page.tex").write_text(DOCUMENT)
    call = [latex, "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    printed = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert printed.returncode == 0, printed.stdout[-2000:]
    assert "Overfull" not in printed.stdout
    assert "undefined" not in printed.stdout
