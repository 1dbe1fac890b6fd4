"""`wtal tables`, `wtal figures` and `wtal report`: from the files of a run to what a reader sees."""

from __future__ import annotations

import argparse
from pathlib import Path

from wtal.base.edges.outputs import OutputFile, OutputFolder
from wtal.cli.parser.written import saying_written


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    tables = commands.add_parser("tables", help="write every table of a suite, and where its numbers come from")
    _add_run(tables)
    tables.add_argument(
        "--published",
        type=Path,
        metavar="DIR",
        help="folder of published figures; read only where the suite names some (default: results/published)",
    )
    tables.set_defaults(run=make_tables)
    figures = commands.add_parser("figures", help="draw every figure of a suite; needs its tables")
    _add_run(figures)
    figures.set_defaults(run=make_figures)
    page = commands.add_parser("report", help="write a suite's report page; needs its tables and figures")
    _add_plan(page)
    page.add_argument("--results", type=Path, required=True, metavar="DIR", help="folder of the tables and of figures/")
    page.add_argument("--out", type=OutputFile, required=True, metavar="FILE", help="the page, such as report.html")
    page.set_defaults(run=make_page)

    matrix = commands.add_parser(
        "matrix",
        help="put the effects of several suites beside each other: tables, a forest, effects against strength",
        description="Reads effects.csv, which `wtal tables` writes for a suite with `effects`.",
    )
    matrix.add_argument(
        "results", type=Path, nargs="+", metavar="RESULTS", help="results folders, such as results/hapt"
    )
    matrix.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the tables and figures")
    matrix.set_defaults(run=make_matrix)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report",
        type=Path,
        required=True,
        metavar="FILE",
        help="the suite's settings/report.json; figures.json and page.json lie beside it",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_plan(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the suite's data store")
    parser.add_argument(
        "--results", type=Path, required=True, metavar="DIR", help="folder of the run, a folder for each variant in it"
    )
    parser.add_argument(
        "--out", type=OutputFolder, required=True, metavar="DIR", help="folder of the tables and of figures/"
    )


def make_tables(options: argparse.Namespace) -> None:
    """CSV, Markdown and LaTeX tables, and provenance.json."""
    from wtal.report.tables.tables import write_tables
    from wtal.suite.paths import PUBLISHED

    write_tables(options.report, options.data, options.results, options.out, options.published or PUBLISHED)


def make_figures(options: argparse.Namespace) -> None:
    """figures/*.svg, figures/*.png and timelines.json."""
    from wtal.report.figures.figures import write_figures

    write_figures(options.report, options.data, options.results, options.out)


def make_page(options: argparse.Namespace) -> None:
    """One self-contained HTML file."""
    from wtal.report.page.page import write_page

    write_page(options.report, options.results, options.out)


def make_matrix(options: argparse.Namespace) -> None:
    """effects.csv, effects.md, forest.svg and strength.svg, with their PNGs."""
    from wtal.report.figures.forest import write_forest

    with saying_written(options.out):
        write_forest({folder.name: folder for folder in options.results}, options.out)
