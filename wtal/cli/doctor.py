"""`wtal doctor`: what this machine has for the suites, and what to do about what it lacks."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-commands of this stage."""
    doctor = commands.add_parser(
        "doctor",
        help="say what this machine has, and what to do about what it lacks",
        description="Print versions, cores, memory, disk, CUDA, conda, browser, data sets and DVC remote, each with "
        "ok or missing and what to do. Exit code 2 where something is missing that the default suite needs.",
    )
    doctor.add_argument("--gpu", action="store_true", help="ask torch which CUDA devices it sees; takes seconds")
    doctor.add_argument("--json", action="store_true", help="as JSON, an object for each finding")
    doctor.set_defaults(run=print_findings)


def print_findings(options: argparse.Namespace) -> None:
    """A line a finding, then a verdict on the default suite. Raises WtalError where it cannot run."""
    import json
    from dataclasses import asdict

    from wtal.base.errors import WtalError
    from wtal.cli.environment import examine

    missing, found = [], []
    for heading, findings in examine(Path.cwd(), gpu=options.gpu):
        found += [{"heading": heading, **asdict(finding)} for finding in findings]
        missing += [finding.name for finding in findings if finding.is_needed and not finding.is_there]
        if options.json:
            continue
        print(heading)
        for finding in findings:
            state = "ok     " if finding.is_there else "MISSING" if finding.is_needed else "absent "
            remedy = f"; {finding.remedy}" if not finding.is_there and finding.remedy else ""
            print(f"  {finding.name:<14} {state}  {finding.found}{remedy}")
    if options.json:
        print(json.dumps({"ready": not missing, "findings": found}, indent=1))
    if missing:
        raise WtalError(f"the default suite cannot run: {', '.join(missing)} missing (see above)")
    if not options.json:
        print("ready: snakemake --cores all --use-conda")
