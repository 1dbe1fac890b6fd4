"""`wtal tune` through Snakemake, as a user runs it; then the suite that it wrote."""

from __future__ import annotations

from pathlib import Path

from project_copy import copy_project

CROSSED = """
extends: small.yaml
suite: crossed
bases: {rskp: {title: RSKP}}
variants: {optimised: null, optimised_delta: null, code: null}
report: {timeline_variant: null}
"""
TUNE = """
suite: crossed.yaml
writes: chosen.yaml
average: "0.1:0.7"
change: {dataset: {seed: 3}}
rungs: [1, 2]
steps:
  thresholds:
    variant: base
    axes:
      class_threshold:
        "0.1": {}
        "0.9": {proposals: {class_threshold: 0.9}}
        "0.3": {proposals: {class_threshold: 0.3}}
"""


def test_a_suite_is_tuned_and_runs_as_it_was_chosen(tmp_path: Path) -> None:
    copy = copy_project(tmp_path / "tuned in {braces}")
    (copy.folder / "config/crossed.yaml").write_text(CROSSED)
    (copy.folder / "config/tune.yaml").write_text(TUNE)
    command = ("python", "-m", "wtal", "tune", "config/tune.yaml", "--cores", "2")
    assert "wrote results/crossed-tune/log.csv and config/chosen.yaml" in copy.run(*command)
    log = (copy.folder / "results/crossed-tune/log.csv").read_bytes()
    chosen = (copy.folder / "config/chosen.yaml").read_bytes()
    lines = log.decode().splitlines()
    assert [line.split(",")[4:6] for line in lines[1:]] == [["1", "1"]] * 3 + [["2", "2"]] * 2
    assert sum(line.endswith(",yes") for line in lines) == 3

    trained = (copy.folder / "results/crossed-tune/rskp_thresholds_1/seed0/round0/checkpoint.pt").stat().st_mtime_ns
    copy.run(*command)  # goes on where it was: nothing is left to do, and the same is chosen
    assert (copy.folder / "results/crossed-tune/log.csv").read_bytes() == log
    assert (copy.folder / "config/chosen.yaml").read_bytes() == chosen
    again = copy.folder / "results/crossed-tune/rskp_thresholds_1/seed0/round0/checkpoint.pt"
    assert again.stat().st_mtime_ns == trained

    planned = copy.run("python", "-m", "wtal", "plan", "config/chosen.yaml")
    assert "rskp_base" in planned
