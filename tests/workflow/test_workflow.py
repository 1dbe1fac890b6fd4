"""The whole workflow as a process: from nothing to the report, again, in part, and carried to another machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from project_copy import ProjectCopy, copy_project

from wtal.training.checkpoint import read_checkpoint


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[ProjectCopy, ProjectCopy]:
    """Two runs from scratch at the same time, one of them for its metrics alone."""
    first, second = (copy_project(tmp_path_factory.mktemp(name)) for name in ("first", "second"))
    command = ("snakemake", "--configfile", "config/small.yaml", "--use-conda", "--cores")
    # Without its hooks the second starts no worker: each of its jobs starts new.
    runs = [first.start(*command, "2"), second.start(*command, "1", "--no-hooks", "results/small/metrics.csv")]
    for run in runs:
        printed, _ = run.communicate(timeout=300)
        assert run.returncode == 0, printed
    return first, second


@pytest.fixture
def finished(both: tuple[ProjectCopy, ProjectCopy], tmp_path: Path) -> ProjectCopy:
    """A copy of the finished run that a test may spoil."""
    shutil.copytree(both[0].folder, tmp_path / "copy")
    return ProjectCopy(tmp_path / "copy")


def test_a_run_from_nothing_ends_in_tables_figures_and_a_page(both: tuple[ProjectCopy, ProjectCopy]) -> None:
    results = both[0].folder / "results/small"
    made = {path.name for path in results.iterdir() if path.is_file()}
    assert {"metrics.csv", "ablation.md", "main.tex", "provenance.json", "summary.json", "report.html"} <= made
    assert (results / "figures/timeline_1.svg").is_file()
    rows = (results / "metrics.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["base", "optimised", "optimised_delta", "code"]


def test_the_summary_holds_the_mean_of_each_variant(both: tuple[ProjectCopy, ProjectCopy]) -> None:
    results = both[0].folder / "results/small"
    header, *rows = [line.split(",") for line in (results / "metrics.csv").read_text().splitlines()]
    column = header.index("mAP@0.1:0.7")
    summary = json.loads((results / "summary.json").read_text())
    assert summary == {"mAP@0.1:0.7": {row[0]: pytest.approx(float(row[column]), abs=1e-4) for row in rows}}


def test_two_runs_from_scratch_give_the_same_bytes(both: tuple[ProjectCopy, ProjectCopy]) -> None:
    first, second = ((copy.folder / "results/small/metrics.csv").read_bytes() for copy in both)
    assert first == second


def test_a_second_run_does_nothing(both: tuple[ProjectCopy, ProjectCopy]) -> None:
    printed = both[0].snakemake("--use-conda")
    assert "Nothing to be done" in printed
    assert printed.count("No conda here") == (shutil.which("conda") is None)


def test_a_job_is_a_line_and_one_that_fails_shows_its_log(finished: ProjectCopy) -> None:
    results = finished.folder / "results/small"
    (results / "report.html").unlink()
    lines = finished.snakemake().splitlines()
    assert [line for line in lines if "make_report" in line][1:] == ["1 of 2  make_report"]
    assert "the page: results/small/report.html" in lines
    assert len(lines) < 20
    (results / "report.html").unlink()
    (results / "explorer.json").write_text("{")
    printed = finished.snakemake(expected=1)
    assert "Error in rule make_report:" in printed
    assert "wtal report: results/small/explorer.json: expected JSON" in printed
    assert "    output: results/small/report.html" in finished.snakemake("--dry-run", "--verbose")


def test_wtal_run_tells_each_job_and_ends_with_the_result_and_snakemakes_code(finished: ProjectCopy) -> None:
    results = finished.folder / "results/small"
    (results / "report.html").unlink()
    command = (sys.executable, "-m", "wtal", "run", "small", "--log-format", "json", "--", "--cores", "2")
    events = [json.loads(line) for line in finished.run(*command).splitlines() if line.startswith("{")]
    assert {"job_started", "job_finished", "progress"} <= {event["event"] for event in events}
    assert [event["rule"] for event in events if event["event"] == "job_finished"] == ["make_report", "suite"]
    end = events[-1]
    assert (end["event"], end["exit_code"], end["page"]) == ("end", 0, "results/small/report.html")
    titles = ["base + Gaussian fusion", "optimised labels, Δ", "difference"]
    assert [row["title"] for row in end["results"]["rows"]] == titles
    (results / "report.html").unlink()
    (results / "explorer.json").write_text("{")
    *_, failed, end = (
        json.loads(line) for line in finished.run(*command, expected=1).splitlines() if line.startswith("{")
    )
    assert (end["exit_code"], end["page"]) == (1, None)
    assert "explorer.json: expected JSON" in failed["log_lines"][-1]


def test_deleting_a_variant_rebuilds_it_and_what_depends_on_it(finished: ProjectCopy) -> None:
    shutil.rmtree(finished.folder / "results/small/optimised_delta")
    mine = "variant optimised_delta seed 0"
    own = {f"{rule} {mine} round 2" for rule in ("solve_labels", "train_delta")}
    own |= {f"{rule} {mine}" for rule in ("detect", "evaluate")}
    assert finished.planned() == own | {"make_tables", "make_figures", "diagnose_suite", "make_report"}


def test_a_setting_makes_stale_only_what_reads_it(finished: ProjectCopy) -> None:
    jobs = finished.planned("--config", "method={detection: {fusion: {temperature: 0.1}}}")
    variants = ("base", "optimised", "optimised_delta", "code")
    stale = {f"{rule} variant {name} seed 0" for rule in ("detect", "evaluate") for name in variants}
    assert jobs == stale | {"make_tables", "make_figures", "diagnose_suite", "make_report"}


def test_a_round_that_a_collapse_ended_is_run_again_by_the_plain_command(finished: ProjectCopy) -> None:
    shutil.rmtree(finished.folder / "results/small/base/seed0/round0")
    strict = "{action: stop, first_epoch: 0, least_attention: 0.98, most_attention: 0.99}"
    change = ("--config", f"method={{training: {{collapse: {strict}}}}}")
    printed = finished.snakemake("--until", "train_base", *change, expected=1)
    assert "so almost nothing is taken for an action; try a lower training.learning_rate" in printed
    assert "train_base variant base seed 0 round 0" in finished.planned()


def test_a_round_can_be_asked_for_under_every_variant_that_shares_it(finished: ProjectCopy) -> None:
    results = finished.folder / "results/small"
    asked = "results/small/optimised_delta/seed0/round1/labels.npz"
    assert finished.planned(asked) == {"copy_shared_round variant optimised_delta seed 0 round 1 file labels.npz"}
    finished.snakemake(asked)
    assert (finished.folder / asked).read_bytes() == (results / "optimised/seed0/round1/labels.npz").read_bytes()
    assert finished.planned() == set()


def test_a_shared_checkpoint_carries_the_detection_settings_of_the_variant_it_is_asked_for_under(
    finished: ProjectCopy,
) -> None:
    other = ("--config", "variants={optimised: {override: {detection: {fusion: nms}}}}")
    asked = "results/small/optimised/seed0/round0/checkpoint.pt"
    assert finished.planned(asked, *other) == {"set_detection variant optimised seed 0 round 0"}
    finished.snakemake(asked, *other)
    for variant, fusion in (("base", "gaussian"), ("optimised", "nms")):
        _, about = read_checkpoint(finished.folder / f"results/small/{variant}/seed0/round0/checkpoint.pt")
        assert about.detection is not None
        assert about.detection["detection"]["fusion"]["kind"] == fusion


def test_dvc_carries_a_finished_run_to_a_clone_in_which_figures_alone_are_left_to_draw(
    finished: ProjectCopy, tmp_path: Path
) -> None:
    _need_dvc(finished)
    mine = _under_version_control(finished)
    assert "Nothing to be done" in mine.run("dvc", "repro", "small")
    assert "didn't change" in mine.run("dvc", "repro", "small")
    assert "optimised_delta" in mine.run("dvc", "metrics", "show")
    _commit(mine, "Keep the results")
    text = (mine.folder / "config/small.yaml").read_text()
    (mine.folder / "config/small.yaml").write_text(text.replace("train_videos: 8", "train_videos: 9"))
    assert "dataset.train_videos" in mine.run("dvc", "params", "diff")
    (mine.folder / "config/small.yaml").write_text(text)
    mine.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "remote"))
    mine.run("dvc", "push", "--quiet", "small")
    _commit(mine, "Name a remote")

    mine.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = ProjectCopy(tmp_path / "clone", mine.extra)
    ready = ("VENV=none", "SUITE_READY=pyproject.toml", "SUITES=small")
    clone.run("make", "pull", *ready)
    assert clone.planned() == {"make_figures"}
    assert "failed" not in clone.run("dvc", "plots", "show")
    page = (clone.folder / "dvc_plots/index.html").read_text()
    assert all(title in page for title in ("mAP by round, mean over seeds", "Loss by epoch, mean over seeds"))

    clone.run("dvc", "remote", "remove", "store")
    printed = clone.run("make", "pull", *ready, expected=2)
    assert "no DVC remote is configured" in printed
    assert "Traceback" not in printed


CHECKPOINT = "results/small/base/seed0/round0/checkpoint.pt"


def test_make_pull_names_what_is_damaged_or_lacking_and_leaves_none_of_it_to_be_used(
    finished: ProjectCopy, tmp_path: Path
) -> None:
    _need_dvc(finished)
    mine = _under_version_control(finished)
    mine.run("dvc", "repro", "small")
    mine.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "remote"))
    mine.run("dvc", "push", "--quiet", "small")
    _commit(mine, "Keep the results")
    mine.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = ProjectCopy(tmp_path / "clone", mine.extra)
    pull = ("make", "pull", "VENV=none", "SUITE_READY=pyproject.toml", "SUITES=small")
    content = (mine.folder / CHECKPOINT).read_bytes()
    pushed, kept = _objects(content, tmp_path / "remote", clone.folder / ".dvc/cache")

    _write(pushed, _flipped(content))
    printed = clone.run(*pull, expected=2)
    assert f"wtal check-pulled: {CHECKPOINT}: expected every file as dvc.lock records it by its md5" in printed
    assert f"got other bytes in 1 ({CHECKPOINT})" in printed
    assert not (clone.folder / CHECKPOINT).exists()
    assert not kept.exists()

    pushed.unlink()
    assert f"got 1 that the remote lacks ({CHECKPOINT})" in clone.run(*pull, expected=2)
    assert not (clone.folder / CHECKPOINT).exists()

    _write(pushed, content)
    assert "each with the md5 that dvc.lock records" in clone.run(*pull)
    assert (clone.folder / CHECKPOINT).read_bytes() == content

    times = kept.stat().st_atime_ns, kept.stat().st_mtime_ns  # as when a disk gives other bits than it was given
    _write(kept, _flipped(content))
    os.utime(kept, ns=times)
    (clone.folder / CHECKPOINT).unlink()
    assert f"got other bytes in 1 ({CHECKPOINT})" in clone.run(*pull, expected=2)
    assert not (clone.folder / CHECKPOINT).exists()
    clone.run(*pull)
    assert (clone.folder / CHECKPOINT).read_bytes() == content


def _objects(content: bytes, *stores: Path) -> list[Path]:
    """Where stores of DVC keep a content."""
    md5 = hashlib.md5(content).hexdigest()
    return [store / "files/md5" / md5[:2] / md5[2:] for store in stores]


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _write(kept: Path, content: bytes) -> None:
    """Put other bytes in the place of a content that DVC keeps, read-only as before."""
    kept.unlink(missing_ok=True)
    kept.write_bytes(content)
    kept.chmod(0o444)


def _need_dvc(copy: ProjectCopy) -> None:
    for program in ("dvc", "git", "make"):
        if shutil.which(program, path=copy.environment()["PATH"]) is None:
            pytest.skip(f"{program} is not installed")


def _under_version_control(copy: ProjectCopy) -> ProjectCopy:
    """The copy as a git repository whose dvc.yaml has one stage, for the small suite."""
    stage = yaml.safe_load((copy.folder / "dvc.yaml").read_text().replace("hapt", "small"))["stages"]["small"]
    variants = ("base", "optimised", "optimised_delta", "code")
    stage["outs"] = [{f"results/small/{name}": {"persist": True}} for name in ("data", "benchmarks", *variants)]
    stage["params"] = [{"config/small.yaml": ["dataset", "seeds", "method", "variants", "evaluation", "report"]}]
    (copy.folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"small": stage}}))
    identity = {f"GIT_{who}_{what}": "tests@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    mine = ProjectCopy(copy.folder, identity | {"GIT_CONFIG_GLOBAL": os.devnull})
    mine.run("git", "init", "--quiet", "--initial-branch", "main")
    return mine


def _commit(copy: ProjectCopy, subject: str) -> None:
    copy.run("git", "add", "--all")
    subprocess.run(["git", "commit", "-q", "-m", subject], cwd=copy.folder, env=copy.environment(), check=True)
