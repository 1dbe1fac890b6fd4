"""The command line: one sub-command a workflow rule. Each reads, computes and writes; the work is elsewhere."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import wtal
from wtal.base.errors import WtalError

# One module for each stage; each has `register(commands)` and imports what it needs inside its commands.
STAGES = ("plan", "data", "training", "localise", "evaluate", "report", "own", "doctor")


def build_parser() -> argparse.ArgumentParser:
    """The parser of `wtal` with every sub-command."""
    parser = argparse.ArgumentParser(
        prog="wtal",
        description="Weakly-supervised temporal action localisation: data, training in rounds, pseudo labels, "
        "detection, evaluation and reports. The workflow calls these commands; each can be run by hand.",
        epilog="Bad input gets one sentence and exit code 2. The whole suite: snakemake --cores all --use-conda",
    )
    parser.add_argument("--version", action="version", version=f"wtal {wtal.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for stage in STAGES:
        importlib.import_module(f"wtal.cli.{stage}").register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command; returns the exit code: 0, or 2 with one sentence on standard error."""
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except WtalError as error:
        print(f"wtal {options.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of a pipe went away (`wtal ... | head`); that is no fault of the input.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print(f"wtal {options.command}: stopped", file=sys.stderr)
        return 130
    return 0
