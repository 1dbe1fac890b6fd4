"""A whole suite through a real Slurm of one node: its results are those of a local run, byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm import Cluster, ProjectCopy, cluster_in, copy_project, start, until

MEASURED = ("benchmarks/", "provenance.json", "report.html", "digests.json")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_in(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


def results(copy: ProjectCopy) -> dict[str, bytes]:
    """Every file of the suite but those that hold measured times and memory, or a sum of such."""
    root = copy.folder / "results/small"
    paths = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {name: path.read_bytes() for path in paths if not (name := str(path.relative_to(root))).startswith(MEASURED)}


def test_a_suite_through_slurm_gives_the_bytes_of_a_local_run(cluster: Cluster, tmp_path: Path) -> None:
    local, remote = copy_project(tmp_path / "local"), copy_project(tmp_path / "remote")
    profile = remote.folder / "profiles/slurm/config.yaml"
    profile.write_text(profile.read_text() + "  slurm_partition: second\n")
    run = start(remote, target="")
    until(cluster.jobs)
    assert cluster.jobs("%P") == ["second"]
    config = remote.folder / "config/small.yaml"  # what is changed in mid-run is of the next one
    config.write_text(config.read_text().replace("epochs: 6", "epochs: 5"))
    local.run("snakemake", "--configfile", "config/small.yaml", "--cores", "1")
    printed = run.end()
    n_submitted = printed.count("has been submitted with SLURM jobid")
    assert n_submitted < printed.count("rule ") / 2, "jobs are submitted in groups"
    mine, theirs = results(local), results(remote)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if mine[name] != theirs[name]] == []
