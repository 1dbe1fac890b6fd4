"""Where a result comes from: settings, seeds, versions, code, data, and the time and memory of each step."""

from __future__ import annotations

import itertools
import math
import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

from wtal import __version__
from wtal.base.code.digests import digest_of_command
from wtal.base.code.kernels import kernels_in_use
from wtal.base.errors import InputError
from wtal.base.files import check_digest_beside, read_json, read_text
from wtal.base.members import reference_of
from wtal.base.ranges import Ge
from wtal.base.schema import from_mapping
from wtal.data.store.read import read_store
from wtal.report.inputs.plan import Plan
from wtal.suite.paths import SuitePaths

# What the numbers are made by, from recordings to tables. A change in what only draws them makes no table stale.
COMMANDS = ("prepare", "train", "score", "solve-labels", "detect", "evaluate-run", "tables")
PACKAGES = ("numpy", "torch", "highspy", "pandas", "matplotlib", "snakemake")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a step took, where it was long enough to be measured."""

    step: str
    seconds: Annotated[float, Ge(0)] | None
    memory_mb: Annotated[float, Ge(0)] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """The steps of a run."""

    steps: tuple[Step, ...]


def provenance(plan: Plan, data: Path, results: Path) -> dict[str, Any]:
    """Everything of provenance.json, a plain JSON value. Raises InputError where meta.json or a timing is broken."""
    return {
        "suite": plan.file.suite,
        "settings_digest": plan.digest,
        "seeds": list(plan.file.seeds),
        "settings": plan.settings,
        "versions": versions(),
        "code_sha256": digest_of_command(*COMMANDS, members=members_of(plan)),
        "data": data_facts(data),
        "steps": step_times(SuitePaths(results).benchmarks),
        "machine": machine(),
    }


def read_provenance(path: Path, plan: Plan) -> dict[str, Any]:
    """The facts that `provenance` wrote. Raises InputError where they are of other settings, or broken."""
    facts = read_json(path)
    found = facts.get("settings_digest", "nothing") if isinstance(facts, dict) else type(facts).__name__
    if found != plan.digest:
        expected = f"tables made with these settings, digest {plan.digest[:12]} (run `wtal tables` again)"
        raise InputError(
            file=path,
            key="settings_digest",
            expected=expected,
            got=f"{found:.12}" if isinstance(found, str) else type(found).__name__,
        )
    for name in ("versions", "data", "machine"):
        if not isinstance(facts.get(name, {}), dict):
            raise InputError(file=path, key=name, expected="a group of keys", got=type(facts[name]).__name__)
    if not isinstance(facts.get("data", {}).get("files", {}), dict):
        raise InputError(file=path, key="data.files", expected="a group of keys", got="something else")
    steps = facts.get("steps") or []
    from_mapping(Steps, {"steps": steps}, file=path)
    check_digest_beside(path)
    return {**facts, "steps": steps}


def members_of(plan: Plan) -> list[str]:
    """`module:class` of every base network, fusion, label maker and protocol that the numbers are made by."""
    methods = [plan.method(name) for name in plan.file.variants]
    groups = [(each.base, each.labels.fusion, each.labels.maker, each.detection.fusion) for each in methods]
    return sorted({reference_of(one) for one in (plan.file.evaluation.protocol, *itertools.chain(*groups))})


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of what its numbers depend on; none of them is imported.

    A job may run in an environment without snakemake, so the workflow says which one runs it.
    """
    found = {"python": platform.python_version(), "wtal": __version__}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found | {"snakemake": os.environ.get("WTAL_SNAKEMAKE", found["snakemake"])}


def data_facts(data: Path) -> dict[str, Any]:
    """Name, source, licence, citation and sha256 of the data."""
    meta = read_store(data).meta
    named = {"dataset": meta.dataset, "source": meta.source, "licence": meta.licence, "citation": meta.citation}
    return {**named, "files": dict(meta.files)}


def step_times(folder: Path) -> list[dict[str, Any]]:
    """Seconds and peak memory in MB of each step, from the workflow's benchmark files; none where there is no folder.

    A file has a heading with the columns s and max_rss, and a line for each repetition; the last one counts.
    """
    steps = []
    for path in sorted(folder.rglob("*.tsv")):
        lines = [line.split("\t") for line in read_text(path).splitlines() if line.strip()]
        if len(lines) < 2:
            raise InputError(file=path, expected="a heading and a line of values", got=f"{len(lines)} lines")
        values = dict(zip(lines[0], lines[-1]))
        step = path.relative_to(folder).with_suffix("").as_posix()
        steps.append({"step": step, "seconds": _value(path, values, "s"), "memory_mb": _value(path, values, "max_rss")})
    return steps


def _value(path: Path, values: dict[str, str], column: str) -> float | None:
    text = values.get(column)
    if text is None:
        raise InputError(file=path, key=column, expected="a column of that name", got=", ".join(values))
    if text in ("-", "NA", ""):  # too short to be measured
        return None
    try:
        number = float(text)
    except ValueError:
        raise InputError(file=path, key=column, expected="a number", got=repr(text)) from None
    return number if math.isfinite(number) else None


def machine() -> dict[str, Any]:
    """Cores that may be used, memory in GB, the processor's name, and whose instructions the libraries use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    processor = {"processor": _processor(), "kernels": kernels_in_use()}
    return {"cores": cores, "memory_gb": _memory(), **processor, "system": platform.system()}


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
