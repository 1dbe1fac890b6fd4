"""Deliberate mistakes in the method, one after the other: each must make a test fail that needs no stored values.

    python benchmarks/mutants.py [WORD]

Makes every change of mutants.yaml, or those with this word in file or text, in a copy of the project, and runs the
tests that should see it. Ends with 1 where a mistake lives, where tests fail without any, or where a text is not found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("wtal", "tests", "config", "docs", "pyproject.toml")


@dataclass(frozen=True)
class Mutant:
    """One mistake, and the test modules that should see it."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def mutants() -> Iterator[Mutant]:
    """Every mistake of the list."""
    listed = yaml.safe_load((ROOT / "benchmarks/mutants.yaml").read_text())
    for file, entry in listed.items():
        for old, new in entry["changes"]:
            yield Mutant(file, old, new, tuple(entry["tests"].split()))


def passes(copy: Path, tests: tuple[str, ...]) -> bool:
    """Whether test modules pass in a copy of the project, without the tests that hold stored values."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-k", "not parity", "-p", "no:cacheprovider"]
    # No byte code: a change of the same length within a second would not be seen.
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    files = [f"tests/{name}.py" for name in tests]
    return not subprocess.run(
        [*command, *files], cwd=copy, env=environment, capture_output=True, check=False
    ).returncode


def lives(copy: Path, mutant: Mutant) -> bool:
    """Whether no test sees the mistake."""
    path = copy / mutant.file
    text = path.read_text()
    changed = text.replace(mutant.old, mutant.new)
    compile(changed, mutant.file, "exec")  # a mistake in Python is not one in the method
    path.write_text(changed)
    try:
        return passes(copy, mutant.tests)
    finally:
        path.write_text(text)


def main(word: str = "") -> int:
    """Try the mistakes and print those that live."""
    chosen = [one for one in mutants() if word in one.file + one.old + one.new]
    stale = [one for one in chosen if (ROOT / one.file).read_text().count(one.old) != 1]
    alive = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            ignored = shutil.ignore_patterns("__pycache__", "parity")
            shutil.copytree(source, copy / name, ignore=ignored) if source.is_dir() else shutil.copy(
                source, copy / name
            )
        broken = [tests for tests in sorted({one.tests for one in chosen}) if not passes(copy, tests)]
        for number, one in enumerate([] if broken else chosen, start=1):
            if one not in stale and lives(copy, one):
                alive.append(one)
                print(f"\nlives: {one.file}: {one.old!r} -> {one.new!r}", flush=True)
            print(f"\r{number} of {len(chosen)} tried, {len(alive)} live", end="", flush=True)
    print()
    for tests in broken:
        print(f"fails without a mistake: {' '.join(tests)}")
    for one in stale:
        print(f"not once in {one.file}: {one.old!r}")
    return int(bool(alive or broken or stale))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
