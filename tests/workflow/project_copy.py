"""A copy of the project in which a test runs the whole workflow as a process, and a suite small enough for that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    *("Snakefile", "Makefile", "pyproject.toml", "constraints.txt", "dvc.yaml", ".dvcignore", ".gitignore"),
    *("README.md", "LICENSE"),  # an installation reads them
    *("workflow", "profiles", "config", "wtal", "snakemake_logger_plugin_one_line", ".dvc"),
    "results/published",
)

# Every kind of rule: shared rounds, delta, scores with dropout.
SMALL = """
extends: tiny.yaml
suite: small
seeds: [0]
dataset: {train_videos: 8, test_videos: 4, snippets: [30, 40]}
method:
  training: {epochs: 6, learning_rate: [{until: 6, value: 0.003}]}
  base: {consistency_weight: [{until: 6, value: 1.0}], memory_from_epoch: 2}
  labels: {refresh_epochs: [3, 4]}
  delta: {scale: [{epoch: 4, value: 2}]}
evaluation: {bootstrap_resamples: 20}
variants:
  {base_nms: null, naive: null, basnet: null, basnet_optimised: null, basnet_delta: null,
   base: {compare_with: null}, optimised: {compare_with: base}, code: {rounds: 1}}
report: {timeline_videos: 1}
"""

# Of the small suite one variant, without rounds of labels.
ONE_VARIANT = (
    SMALL.replace("optimised: {compare_with: base}, code: {rounds: 1}", "optimised: null, code: null")
    .replace("base: {compare_with: null}", "optimised_delta: null, base: {compare_with: null, rounds: 0}")
    .replace("timeline_videos: 1", "timeline_videos: 1, timeline_variant: base")
)


@dataclass(frozen=True)
class ProjectCopy:
    """The project in a folder of its own; commands there see the copy's code and nothing installed beside it."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)  # environment variables

    def environment(self) -> dict[str, str]:
        """As after `make report`: the environment's programs first on PATH, caches in the copy."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SNAKEMAKE", "DVC", "WTAL"))}
        path = f"{Path(sys.executable).parent}:{kept.get('PATH', '')}"
        mine = {"PATH": path, "PYTHONPATH": str(self.folder), "XDG_CACHE_HOME": str(self.folder / ".caches")}
        return kept | mine | {"PYTHONDONTWRITEBYTECODE": "1"} | self.extra

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A command in the copy; both outputs in one pipe."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def processes(self) -> list[int]:
        """Processes whose current folder is the copy: of a run in it, all."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdecimal() and (entry / "cwd").readlink() == self.folder.resolve():
                    found.append(int(entry.name))
        return found

    def run(self, *command: str, expected: int = 0) -> str:
        """What a command in the copy prints; it must exit with `expected`."""
        process = self.start(*command)
        printed, _ = process.communicate(timeout=300)
        assert process.returncode == expected, printed
        return printed

    def snakemake(self, *options: str, expected: int = 0) -> str:
        """What snakemake prints for the small suite, on two cores (targets go before --configfile)."""
        suite = ("--cores", "2", "--configfile", "config/small.yaml")
        return self.run("snakemake", *options, *suite, expected=expected)

    def planned(self, *options: str) -> set[str]:
        """The jobs that a run would do, without the targets themselves."""
        lines = self.snakemake("--dry-run", *options).splitlines()
        jobs = [line.split() for line in lines if line.partition(" ")[0] in RULES]
        return {" ".join(words) for words in jobs if not words[-1].isdigit() or len(words) > 2}  # not the job counts


RULES = (
    *("prepare", "train_base", "train_round", "train_delta", "score_with_dropout", "solve_labels"),
    *("store_settings", "copy_shared_round", "set_detection", "detect", "evaluate"),
    *("make_tables", "make_figures", "diagnose_suite", "make_report"),
)


def copy_project(folder: Path, small: str = SMALL) -> ProjectCopy:
    """Copy what the workflow needs and add the small suite, or another one of its name."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "cache", "tmp", "*.local"))
        else:
            shutil.copy2(source, target)
    (folder / "config/small.yaml").write_text(small)
    return ProjectCopy(folder)
