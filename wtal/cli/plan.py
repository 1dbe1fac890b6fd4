"""`wtal plan`, `wtal tune`, `wtal list` and `wtal schema`: what a suite runs, its settings, and what it can name."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wtal.suite.plan import Suite
    from wtal.suite.tuning import Measure

GROUPS = {
    "methods": "wtal.methods",
    "fusions": "wtal.fusions",
    "label-makers": "wtal.label_makers",
    "data-kinds": "wtal.data_kinds",
    "protocols": "wtal.protocols",
    "extractors": "wtal.extractors",
}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    plan = commands.add_parser("plan", help="print the rounds that a suite trains, and which variants share them")
    plan.add_argument("config", metavar="SUITE", help="its name, such as hapt, or the path of its file")
    plan.add_argument("--json", action="store_true", help="as JSON: for each variant the owner of each of its rounds")
    plan.set_defaults(run=print_plan)
    tune = commands.add_parser(
        "tune",
        help="choose the settings of a suite's base networks, by successive halving",
        description="Tries candidates through Snakemake, the better half with more seeds, and writes a suite file with "
        "what was chosen. Where it was stopped, the same command goes on.",
    )
    tune.add_argument("config", type=Path, help="a tuning file, such as config/tune/matrix-hapt.yaml")
    tune.add_argument("--cores", default="all", help="of Snakemake (default: all)")
    tune.set_defaults(run=tune_suite)
    known = commands.add_parser(
        "list",
        help="list what can be named: methods, fusions, label makers, kinds of data, protocols, extractors",
        description="Each kind with what it is and its settings: range, default, meaning. Those of installed packages "
        "that extend wtal are among them.",
    )
    known.add_argument("group", choices=tuple(GROUPS), help="what to list")
    known.add_argument("--json", action="store_true", help="as JSON, with the JSON schema of each setting")
    known.set_defaults(run=print_kinds)
    schema = commands.add_parser("schema", help="print the JSON schema of a suite file")
    schema.set_defaults(run=print_schema)


def print_plan(options: argparse.Namespace) -> None:
    """One line a variant: for each round the variant that trains it; then what the suite's last run says of power.

    Last, what training took in that run, where its benchmarks are there.
    """
    from wtal.base.code.late import import_once_used
    from wtal.cli.live.naming import suite_file
    from wtal.suite.plan import read_suite

    import_once_used("numpy")
    suite = read_suite(suite_file(options.config))
    if options.json:
        print(_plan_as_json(suite))
        return
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
    cost = _cost_line(suite)
    if cost:
        print(cost)


def _plan_as_json(suite: Suite) -> str:
    import json

    owners = {
        name: [suite.nodes[name, index].owner for index in range(variant.rounds + 1)]
        for name, variant in suite.variants.items()
    }
    jobs = len(suite.owned_nodes()) * len(suite.file.seeds)
    value = {"suite": suite.name, "seeds": list(suite.file.seeds), "owner_of_rounds": owners, "training_jobs": jobs}
    return json.dumps(value, indent=1)


def _cost_line(suite: Suite) -> str:
    """Minutes and memory of the training jobs of an earlier run, and what all of them would take; empty if none."""
    from wtal.cli.live.measured import training_cost
    from wtal.suite.paths import SuitePaths

    folder = SuitePaths.of(suite.name).benchmarks
    nodes = [(node, seed) for node in suite.owned_nodes() for seed in suite.file.seeds]
    found = [training_cost(folder, node.variant, seed, node.round_index) for node, seed in nodes]
    costs = [cost for cost in found if cost is not None]
    if not costs:
        return ""
    minutes = sum(cost.seconds for cost in costs) / 60
    memory = max((cost.memory_mb for cost in costs if cost.memory_mb == cost.memory_mb), default=None)
    line = f"earlier run: {len(costs)} of {len(nodes)} training jobs took {minutes:.1f} min together, the longest "
    line += f"{max(cost.seconds for cost in costs) / 60:.1f} min"
    if memory is not None:
        line += f", each at most {memory:.0f} MB of memory"
    rest = len(nodes) - len(costs)
    return line + (f"; all of them, at that rate: {minutes * len(nodes) / len(costs):.1f} min" if rest else "")


def tune_suite(options: argparse.Namespace) -> None:
    """Choose settings, log what was tried and write the suite file that has what was chosen."""
    import yaml

    from wtal.base.files import write_rows, write_text
    from wtal.suite import tuning as t
    from wtal.suite.paths import SuitePaths

    tuning, file, values = t.read_tuning(options.config)
    root = SuitePaths.of(f"{file.suite}-tune").root
    log, written = root / "log.csv", Path(os.path.normpath(options.config.parent / tuning.writes))
    measure = _measure_through_snakemake(root / "suite.yaml", tuning.average, options.cores)
    chosen, rows = t.choose(tuning, file, values, measure)
    write_rows(log, t.LOG_COLUMNS, rows)
    extends = os.path.relpath(options.config.parent / tuning.suite, written.parent)
    text = yaml.safe_dump(
        {"suite": file.suite, "extends": extends, "bases": chosen.as_bases()},
        sort_keys=False,
        default_flow_style=None,
        width=120,
        allow_unicode=True,
    )
    head = f"# Chosen by `wtal tune {options.config}`, which writes this file. What was tried: {log}\n"
    write_text(written, head + text)
    print(f"wrote {log} and {written}")


def _measure_through_snakemake(path: Path, average: str, cores: str) -> Measure:
    """Mean scores of variants over seeds, from the metrics that Snakemake makes for a suite file written to `path`."""
    import yaml

    from wtal.base.errors import WtalError
    from wtal.base.files import read_json, write_if_changed
    from wtal.suite.paths import METRICS, SuitePaths

    def measure(suite: dict[str, Any], variants: Sequence[str], seeds: Sequence[int]) -> dict[str, float]:
        write_if_changed(path, yaml.safe_dump(suite, sort_keys=False, allow_unicode=True))
        paths = SuitePaths.of(suite["suite"])
        files = {name: [paths.run(name, seed) / METRICS for seed in seeds] for name in variants}
        wanted = [str(file) for of_variant in files.values() for file in of_variant]
        command = [sys.executable, "-m", "snakemake", "--configfile", str(path), "--cores", cores, "--", *wanted]
        code = subprocess.run(command, check=False).returncode
        if code:
            raise WtalError(f"snakemake ended with exit code {code}; the same command goes on where it was")
        return {
            name: sum(read_json(file)["averages"][average] for file in of_variant) / len(of_variant)
            for name, of_variant in files.items()
        }

    return measure


def print_kinds(options: argparse.Namespace) -> None:
    """The kinds of a group with their settings."""
    from wtal.base.code.late import import_once_used
    from wtal.suite.listing import in_lines, listed

    import_once_used("numpy")
    found = listed(GROUPS[options.group])
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print(*in_lines(found), sep="\n")


def print_schema(options: argparse.Namespace) -> None:
    """The JSON schema of a suite file, closed: an unknown key is an error."""
    from wtal.base.code.late import import_once_used
    from wtal.suite.file import suite_schema

    import_once_used("numpy")
    print(json.dumps(suite_schema(), indent=2))
