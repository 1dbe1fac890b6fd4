"""The command line: one sub-command a workflow rule. Each reads, computes and writes; the work is elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import wtal

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

# One module for each stage, and its commands. It has `register(commands)` and imports what it needs inside them.
STAGES = {
    "live.command": ("run",),
    "plan": ("plan", "tune", "list", "schema"),
    "data": ("fetch", "prepare", "check-data", "check-pulled", "convert-annotations"),
    "training": ("train", "train-external", "score", "set-detection"),
    "localise": ("solve-labels", "export-labels", "detect"),
    "evaluate": ("evaluate", "compare", "evaluate-run", "diagnose", "label-quality"),
    "report": ("tables", "figures", "diagnose-suite", "report", "export-tables", "export", "matrix"),
    "own": ("new-dataset",),
    "doctor": ("doctor",),
    "check_method": ("check-method",),
    "video.extract": ("extract",),
    "video.predict": ("predict",),
    "parser.completion": ("completion",),
}


def build_parser(named: str | None = None) -> argparse.ArgumentParser:
    """The parser of `wtal` with every sub-command; with those of one stage alone where one of them is named."""
    import importlib

    from wtal.cli.parser.helpful import CommandParser

    parser = CommandParser(
        prog="wtal",
        description="Weakly-supervised temporal action localisation: data, training in rounds, pseudo labels, "
        "detection, evaluation and reports. The workflow calls these commands; each can be run by hand.",
        epilog="Bad input gets one sentence and exit code 2. The whole suite: wtal run",
    )
    parser.add_argument("--version", action="version", version=f"wtal {wtal.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    of_one = [stage for stage, names in STAGES.items() if named in names]
    for stage in of_one or STAGES:
        importlib.import_module(f"wtal.cli.{stage}").register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit code: 0, or 2 with one sentence on standard error.

    A command that the shell gave (no arguments here) is handed to the worker where one is named and alike; little is
    imported before that is known.
    """
    from wtal.base.code.kernels import use_same_kernels

    use_same_kernels()
    if arguments is None and "WTAL_WORKER" in os.environ:
        from wtal.cli.worker.client import run_in_worker

        code = run_in_worker()
        if code is not None:
            return code
    if arguments is None and "WTAL_OWNER" in os.environ:
        from wtal.cli.worker.orphan import end_with_owner

        end_with_owner()
    return _run_here(arguments)


def _run_here(arguments: Sequence[str] | None) -> int:
    import logging

    from wtal.base.edges.outputs import outputs_apart
    from wtal.base.errors import WtalError
    from wtal.cli.live.stopping import GOES_ON, stopping_by_sigterm

    given = sys.argv[1:] if arguments is None else arguments
    options = build_parser(given[0] if given else None).parse_args(arguments)
    logger, package, handler = logging.getLogger(__name__), logging.getLogger("wtal"), logging.StreamHandler()
    package.setLevel(logging.INFO)  # what any module has to say besides its result, a line each, as it is said
    package.addHandler(handler)
    try:
        with stopping_by_sigterm(), outputs_apart(vars(options), getattr(options, "writes", ())):
            code: int | None = options.run(options)  # of `wtal run` that of Snakemake
        sys.stdout.flush()
    except WtalError as error:
        logger.error("wtal %s: %s", options.command, error)
        return 2
    except ModuleNotFoundError as error:
        from wtal.cli.environment import lacking

        sentence = lacking(error)
        if sentence is None:
            raise
        logger.error("wtal %s: %s", options.command, sentence)
        return 2
    except BrokenPipeError:
        # The reader of a pipe went away (`wtal ... | head`); that is no fault of the input.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt as stop:
        logger.error("wtal %s: stopped%s", options.command, GOES_ON.get(options.command, ""))
        return 128 + (stop.args[0] if stop.args else 2)
    finally:
        package.removeHandler(handler)
    return code or 0
