"""What happens to a job on a cluster that is cancelled, out of memory or out of time, or whose run is killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from slurm import LONGEST, ROUND, Cluster, cluster_in, epochs_of, slow_copy, start, until


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_in(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


def test_a_cancelled_job_goes_on_within_its_round_though_the_controller_was_away(
    cluster: Cluster, tmp_path: Path
) -> None:
    copy = slow_copy(tmp_path / "run")
    run = start(copy)
    until((copy.folder / ROUND / "resume.pt").is_file)
    reached = epochs_of(copy)[-1]
    cluster.ask("scancel", *cluster.jobs())
    until(lambda: 0 not in epochs_of(copy) and epochs_of(copy))  # submitted again, its log begun anew
    first = epochs_of(copy)[0]
    cluster.control("stop-controller")
    time.sleep(10)
    cluster.control("start-controller")
    printed = run.end()
    assert 0 < first <= reached + 1
    assert printed.count("has been submitted with SLURM jobid") == 3  # prepare, the round, the round again
    assert (copy.folder / ROUND / "checkpoint.pt").is_file()


def test_a_job_over_its_memory_is_named_in_the_log_of_the_run(cluster: Cluster, tmp_path: Path) -> None:
    copy = slow_copy(tmp_path / "run")
    printed = start(copy, "--retries", "0", "--set-resources", "train_base:mem_mb=60").end(expected=1)
    assert "exceeded memory limit" in printed
    assert not (copy.folder / ROUND / "checkpoint.pt").exists()


def test_a_job_out_of_time_goes_on_within_its_round(cluster: Cluster, tmp_path: Path) -> None:
    copy = slow_copy(tmp_path / "run", "[2000, 3000]")
    run = start(copy, "--set-resources", "train_base:runtime=2")
    until((copy.folder / ROUND / "resume.pt").is_file)
    until(lambda: 0 not in epochs_of(copy) and epochs_of(copy))  # submitted again, its log begun anew
    run.process.terminate()
    run.process.wait(timeout=LONGEST)
    assert "DUE TO TIME LIMIT" in run.log.read_text()
    until(lambda: not cluster.jobs())


def test_a_run_that_is_killed_leaves_its_job_at_work_and_the_next_is_told_of_it(
    cluster: Cluster, tmp_path: Path
) -> None:
    copy = slow_copy(tmp_path / "run", "[1200, 1500]")
    run = start(copy)
    until(lambda: epochs_of(copy))
    (orphan,) = cluster.jobs()
    run.process.kill()
    run.process.wait()
    printed = start(copy, "--retries", "0").end(expected=1)
    assert "expected a folder in which no other job is at work" in printed
    assert cluster.jobs() == [orphan]
    cluster.ask("scancel", orphan)
    until(lambda: not cluster.jobs())
    start(copy).end()
    assert (copy.folder / ROUND / "checkpoint.pt").is_file()
