"""`wtal tables`, `figures`, `diagnose-suite` and `report`: from the files of a run to what a reader sees."""

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
    suite = commands.add_parser(
        "diagnose-suite",
        help="write what errors cost a suite's base and whole method, and every test video for its page",
        description="diagnosis.json: the kinds of error of the base and the whole method, and what each costs, over "
        "seeds and videos. explorer.json: every test video of the first seed with what is wrong with each detection, "
        "and some training videos round by round. docs/report.md.",
    )
    _add_run(suite)
    suite.set_defaults(run=diagnose_suite)
    page = commands.add_parser("report", help="write a suite's report page; needs its tables and figures")
    _add_plan(page)
    page.add_argument("--results", type=Path, required=True, metavar="DIR", help="folder of the tables and of figures/")
    page.add_argument("--out", type=OutputFile, required=True, metavar="FILE", help="the page, such as report.html")
    page.set_defaults(run=make_page)
    _register_export(commands)


def _register_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = commands.add_parser(
        "export-tables",
        help="write a suite's ablation as a short LaTeX table for a paper",
        description="One or two columns wide: ingredients as check marks, differences from the base as subscripts, the "
        "best number of a column bold, the second underlined, and where they come from as a comment.",
    )
    export.add_argument(
        "--results", type=Path, required=True, metavar="DIR", help="folder with ablation.csv and provenance.json"
    )
    export.add_argument("--style", choices=("cvpr",), default="cvpr", help="of the table (default cvpr)")
    export.add_argument(
        "--columns",
        default="0.3,0.5,0.7,avg",
        metavar="A,B,…",
        help="tIoU thresholds, and avg for the headline average (default 0.3,0.5,0.7,avg)",
    )
    export.add_argument("--width", choices=("one", "two"), default="one", help="columns of the page (default one)")
    export.add_argument(
        "--out", type=OutputFile, metavar="FILE", help="the table, such as ablation.tex (default: printed)"
    )
    export.set_defaults(run=export_tables)

    _register_trackers(commands)
    matrix = commands.add_parser(
        "matrix",
        help="put the effects of several suites beside each other: tables, a forest, effects against strength",
        description="Reads effects.csv, which `wtal tables` writes for a suite with `effects`.",
    )
    matrix.add_argument(
        "results", type=Path, nargs="+", metavar="RESULTS", help="results folders, such as results/hapt"
    )
    matrix.add_argument(
        "--out", type=OutputFolder, required=True, metavar="DIR", help="folder of the tables and figures"
    )
    matrix.add_argument(
        "--effects", nargs="+", default=(), metavar="NAME", help="effects of the figures, in order (default: all)"
    )
    matrix.set_defaults(run=make_matrix)


def _register_trackers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    trackers = commands.add_parser(
        "export",
        help="write a suite's runs for TensorBoard, Weights & Biases or MLflow",
        description="Reads training.csv and metrics.csv after a run: curves and metrics, a run for each variant "
        "and seed. It is written to a folder of this machine, and nothing is sent anywhere.",
    )
    trackers.add_argument("results", type=Path, metavar="RESULTS", help="results folder, such as results/hapt")
    trackers.add_argument("--to", choices=("tensorboard", "wandb", "mlflow"), required=True, help="the tracker")
    trackers.add_argument(
        "--out", type=OutputFolder, metavar="DIR", help="a new folder (default: RESULTS/tensorboard, and so on)"
    )
    trackers.set_defaults(run=export_to_tracker)


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


def diagnose_suite(options: argparse.Namespace) -> None:
    """explorer.json and diagnosis.json."""
    from wtal.report.explorer.explorer import write_explorer

    write_explorer(options.report, options.data, options.results, options.out)


def make_page(options: argparse.Namespace) -> None:
    """One self-contained HTML file."""
    from wtal.report.page.page import write_page

    write_page(options.report, options.results, options.out)


def make_matrix(options: argparse.Namespace) -> None:
    """effects.csv, effects.md, forest.svg and strength.svg, with their PNGs."""
    from wtal.report.figures.forest import write_forest

    with saying_written(options.out):
        write_forest({folder.name: folder for folder in options.results}, options.out, options.effects)


def export_to_tracker(options: argparse.Namespace) -> None:
    """Files of a tracker of experiments."""
    from wtal.report.trackers.runs import tracked_runs
    from wtal.report.trackers.writers import export_runs

    runs = tracked_runs(options.results)
    out = options.out or options.results / options.to
    export_runs(runs, options.to, out, options.results.resolve().name)
    print(f"wrote {len(runs)} runs for {options.to}: {out}")


def export_tables(options: argparse.Namespace) -> None:
    """One LaTeX table."""
    from wtal.base.files import write_text
    from wtal.report.tables.export import export_ablation

    columns = [name.strip() for name in options.columns.split(",") if name.strip()]
    text = export_ablation(options.results, columns, options.width)
    if options.out is None:
        print(text, end="")
    else:
        write_text(options.out, text)
