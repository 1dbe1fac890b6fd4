"""`wtal check-method`: whether a base network keeps the contract that training relies on."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    check = commands.add_parser(
        "check-method",
        help="hold a base network against the contract of methods",
        description="Run a base network on a few made-up videos and hold it against each promise of the contract: "
        "shapes, ranges, the same from the same seed, a video alone as in a batch, zero labels, kill and resume. "
        "Exit code 2 where one is broken.",
    )
    check.add_argument("kind", help="such as rskp; `wtal list methods` names them, plug-ins too")
    check.add_argument("--settings", type=Path, metavar="FILE", help="YAML of the keys of method.base (default: none)")
    check.set_defaults(run=print_promises)


def print_promises(options: argparse.Namespace) -> None:
    """A line a promise. Raises WtalError where one is broken."""
    from typing import Annotated, Any

    from wtal.base.errors import InputError, WtalError
    from wtal.base.files import read_yaml
    from wtal.base.members import OneOf
    from wtal.base.schema import from_mapping
    from wtal.training.check_method import check_method

    values = read_yaml(options.settings) if options.settings else {}
    if not isinstance(values, dict):
        raise InputError(file=options.settings, expected="a group of keys", got=type(values).__name__)
    kind: Any = Annotated[Any, OneOf("wtal.methods")]
    settings = from_mapping(kind, {"kind": options.kind, **values}, file=options.settings or "check-method")
    if settings.kind == "external":
        raise InputError(
            file="check-method", key="kind", expected="a network; a command has no contract", got="external"
        )
    broken = 0
    for promise in check_method(settings):
        broken += bool(promise.broken)
        print(f"BROKEN  {promise.name}: {promise.broken}" if promise.broken else f"ok      {promise.name}")
    if broken:
        raise WtalError(f"{options.kind} breaks {broken} of its promises (see above)")
