"""`wtal plan`, `wtal list` and `wtal schema`: what a suite would run, what it can name, and the schema of its file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

GROUPS = {
    "methods": "wtal.methods",
    "fusions": "wtal.fusions",
    "label-makers": "wtal.label_makers",
    "data-kinds": "wtal.data_kinds",
    "protocols": "wtal.protocols",
}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    plan = commands.add_parser("plan", help="print the rounds that a suite trains and which variants share them")
    plan.add_argument("config", type=Path, help="a suite file, such as config/hapt.yaml")
    plan.set_defaults(run=print_plan)
    known = commands.add_parser(
        "list",
        help="list what a suite can name: methods, fusions, label makers, kinds of data, protocols",
        description="Each kind with what it is and its settings: range, default, meaning. Those of installed packages "
        "that extend wtal are among them.",
    )
    known.add_argument("group", choices=tuple(GROUPS), help="what to list")
    known.add_argument("--json", action="store_true", help="as JSON, with the JSON schema of each setting")
    known.set_defaults(run=print_kinds)
    schema = commands.add_parser("schema", help="print the JSON schema of a suite file")
    schema.set_defaults(run=print_schema)


def print_plan(options: argparse.Namespace) -> None:
    """One line a variant: for each round the variant that trains it; then what the suite's last run says of power."""
    from wtal.suite.plan import read_suite

    suite = read_suite(options.config)
    width = max(map(len, suite.variants))
    for name, variant in suite.variants.items():
        owners = (suite.nodes[name, index].owner for index in range(variant.rounds + 1))
        print(f"{name:<{width}}  {'  '.join('trains' if owner == name else f'({owner})' for owner in owners)}")
    trained, seeds = len(suite.owned_nodes()), len(suite.file.seeds)
    print(f"{len(suite.variants)} variants, {trained} rounds trained for each of {seeds} seeds: {trained * seeds} jobs")
    power = Path("results") / suite.name / "power.csv"
    if power.is_file():
        from wtal.report.tables.power import power_sentences, read_power

        print(*power_sentences(read_power(power)), sep="\n")


def print_kinds(options: argparse.Namespace) -> None:
    """The kinds of a group with their settings."""
    from wtal.suite.listing import in_lines, listed

    found = listed(GROUPS[options.group])
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(*in_lines(found), sep="\n")


def print_schema(options: argparse.Namespace) -> None:
    """The JSON schema of a suite file, closed: an unknown key is an error."""
    from wtal.suite.file import suite_schema

    print(json.dumps(suite_schema(), indent=2))
