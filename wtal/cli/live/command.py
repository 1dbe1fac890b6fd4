"""`wtal run`: a suite from nothing to its page, by Snakemake, with a view of what runs."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wtal.cli.live.state import RunState
    from wtal.cli.live.views import RunEnd, View
    from wtal.suite.paths import SuitePaths


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    run = commands.add_parser(
        "run",
        help="run a suite from nothing to its page, and show how far it is",
        usage="wtal run [-h] [--log-format {auto,plain,json}] [SUITE] [-- SNAKEMAKE_OPTIONS]",
        description="Calls snakemake --cores all --use-conda --configfile config/SUITE.yaml and shows jobs, time left, "
        "epoch and loss, and failures with the end of their log; at the end the result and the page. Stopped, or "
        "killed, the same command goes on. The exit code is Snakemake's; 128 and the signal where one stopped it; 2 "
        "where another run is at work in the folder.",
    )
    run.add_argument("suite", metavar="SUITE", nargs="?", default="hapt", help="its name or path (default: hapt)")
    run.add_argument(
        "--log-format",
        choices=("auto", "plain", "json"),
        default="auto",
        help="auto: a live view on a terminal, else plain; plain: a line a job; json: an object a line for each event",
    )
    run.set_defaults(run=run_suite, passed_on=())


def run_suite(options: argparse.Namespace) -> int:
    """Run Snakemake for a suite; its exit code. Raises InputError where the suite or the workflow is not there."""
    from wtal.base.errors import InputError
    from wtal.cli.live.follow import SnakemakeRun
    from wtal.cli.live.measured import seconds_of_rules
    from wtal.cli.live.naming import suite_file
    from wtal.cli.live.state import RunState
    from wtal.suite.paths import SuitePaths
    from wtal.suite.plan import read_suite

    path = suite_file(options.suite)
    paths = SuitePaths.of(read_suite(path).name)
    if not Path("Snakefile").is_file():
        raise InputError(file="Snakefile", expected="a clone of the project to run in", got="no such file here")
    if importlib.util.find_spec("snakemake") is None:
        raise ModuleNotFoundError("No module named 'snakemake'", name="snakemake")
    began = time.monotonic()
    view = _view(options.log_format)
    state = RunState(seconds_of_rules(paths.benchmarks))
    asked = ["--cores", "all", "--use-conda", "--configfile", str(path)]
    process = SnakemakeRun(asked, options.passed_on)
    code = 1
    try:
        code = process.follow(state, view)
        if process.is_locked_out:
            code = 2
    finally:
        view.end(_end(options, paths, state, code, time.monotonic() - began))
    if process.is_locked_out:
        expected = "a folder in which no other run makes the same files (once it has ended, the same command goes on)"
        raise InputError(file=Path.cwd(), expected=expected, got="one that is at work")
    return code


def _view(log_format: str) -> View:
    if log_format == "json":
        from wtal.cli.live.views import JsonView

        return JsonView()
    if log_format == "auto" and sys.stdout.isatty():
        from wtal.cli.live.screen import ScreenView

        return ScreenView()
    from wtal.cli.live.views import PlainView

    return PlainView()


def _end(options: argparse.Namespace, paths: SuitePaths, state: RunState, code: int, seconds: float) -> RunEnd:
    """What there is to say: of a run that made the page, or found it made, the result; else how to go on."""
    from wtal.cli.live.ending import end_rows
    from wtal.cli.live.views import RunEnd
    from wtal.suite.paths import REPORT, SuitePaths

    page = None if state.page is None else Path(state.page)
    if code == 0 and page is None and not state.total and not options.passed_on:  # there was nothing to do
        page = paths.root / REPORT
    if code or page is None or not page.is_file():
        how = "stopped" if code > 128 else f"{len(state.failed)} failed" if state.failed else "ended"
        after = f" after {state.done} of {state.total} jobs" if state.total else ""
        goes_on = f"{how}{after}; `wtal run {options.suite}` goes on where it was" if code and code != 2 else ""
        return RunEnd(code, seconds, "", (), None, goes_on)
    about, rows = end_rows(SuitePaths(page.parent))
    return RunEnd(code, seconds, about, rows, str(page), "")
