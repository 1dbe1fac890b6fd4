"""What the workflow says to bad input, in one sentence, and what it does where conda is and is not."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from project_copy import ROOT, ProjectCopy, copy_project

from wtal.base.schema import to_mapping
from wtal.suite.file import suite_schema
from wtal.suite.plan import read_suite

CONFIGS = sorted(path.name for path in (ROOT / "config").glob("*.yaml"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    """A copy that has not run yet."""
    return copy_project(tmp_path_factory.mktemp("project"))


def sentence(printed: str) -> str:
    """The only line that is not snakemake's about its profile or about conda."""
    lines = [line for line in printed.splitlines() if not line.startswith(("Using workflow", "No conda here"))]
    assert len(lines) == 1, printed
    return lines[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seed=[0]", "config/small.yaml: seed: expected a known key (did you mean 'seeds'?); got an unknown one"),
        ("seeds=[]", "config/small.yaml: seeds: expected at least one entry; got []"),
        ("seeds=[0.5]", "config/small.yaml: seeds[0]: expected a whole number; got 0.5"),
        (
            "method={labels: {fusoin: nms}}",
            "config/small.yaml: method.labels.fusoin: expected a known key (did you mean 'fusion'?); got an unknown "
            "one",
        ),
    ],
)
def test_a_wrong_setting_gets_one_sentence_and_nothing_is_written(project: ProjectCopy, change: str, said: str) -> None:
    assert sentence(project.snakemake("--config", change, expected=2)) == said
    assert not (project.folder / "results/small").exists()


def test_a_misspelt_key_in_a_file_is_named_with_the_nearest_one(project: ProjectCopy) -> None:
    text = (project.folder / "config/tiny.yaml").read_text().replace("class_threshold", "class_treshold")
    (project.folder / "config/misspelt.yaml").write_text(text)
    said = sentence(project.run("snakemake", "-n", "--configfile", "config/misspelt.yaml", expected=2))
    assert said.startswith("config/misspelt.yaml: ")
    assert "class_treshold: expected a known key (did you mean 'class_threshold'?)" in said


def test_results_that_cannot_be_written_get_one_sentence(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    (tmp_path / "results/small").write_text("a file where a folder should be")
    said = sentence(project.snakemake("-n", expected=2))
    assert said.startswith("results/small/settings/")
    assert "expected a path that can be written" in said


def test_seeds_of_the_command_line_are_numbers(project: ProjectCopy) -> None:
    assert "train_base variant base seed 7 round 0" in project.planned("--config", "seeds=[7]")


def test_targets_stop_where_they_say(project: ProjectCopy) -> None:
    assert not project.planned("tables") & {"make_figures", "make_report"}
    assert "make_report" not in project.planned("figures")
    asked = project.planned("results/small/optimised/seed0/round1/labels.npz")
    assert asked == {
        "prepare",
        "train_base variant base seed 0 round 0",
        "solve_labels variant optimised seed 0 round 1",
    }


def test_a_failed_job_shows_its_log_and_leaves_nothing_half_made(project: ProjectCopy) -> None:
    (project.folder / "config/absent.yaml").write_text(
        "extends: thumos14.yaml\nsuite: absent\ndataset: {features: nowhere/features, annotations: nowhere}\n"
    )
    command = ("snakemake", "--cores", "1", "--configfile", "config/absent.yaml", "--until", "prepare")
    printed = project.run(*command, expected=1)
    assert "wtal prepare: nowhere" in printed
    assert "Traceback" not in printed
    assert list((project.folder / "results/absent").rglob("*.npy")) == []


def test_conda_is_used_where_it_is(project: ProjectCopy, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    stub = tmp_path / "conda"
    stub.write_text(f'#!/bin/sh\necho "$@" >> {asked}\nexit 3\n')
    stub.chmod(0o755)
    path = f"{Path(sys.executable).parent}:{tmp_path}:{os.environ['PATH']}"
    with_conda = ProjectCopy(project.folder, {"PATH": path})
    printed = with_conda.snakemake("--use-conda", "--until", "prepare", expected=1)
    assert "No conda here" not in printed
    assert asked.read_text().split()


@pytest.mark.skipif(shutil.which("conda") is not None, reason="conda is installed")
def test_without_conda_one_line_says_so(project: ProjectCopy) -> None:
    assert project.snakemake("--use-conda", "-n").count("No conda here") == 1
    assert "No conda here" not in project.snakemake("-n")


def test_lint_finds_nothing(project: ProjectCopy) -> None:
    assert "good condition" in project.run("snakemake", "--lint")


def test_the_committed_schema_is_that_of_the_code() -> None:
    committed = json.loads((ROOT / "workflow/schemas/suite.schema.json").read_text())
    assert committed == suite_schema(), "wtal schema > workflow/schemas/suite.schema.json"


@pytest.mark.parametrize("name", CONFIGS)
def test_every_suite_fits_the_schema_as_written_and_as_read(name: str) -> None:
    path = ROOT / "config" / name
    validator = jsonschema.Draft202012Validator(suite_schema())
    written = yaml.safe_load(path.read_text())
    if "extends" not in written:  # what another file changes is whole only when laid over it
        validator.validate(written)
    validator.validate(to_mapping(read_suite(path).file))


@pytest.mark.parametrize("suite", ["hapt", "hapt-strong"])
def test_dvc_keeps_every_folder_and_watches_every_key_of_its_suite(suite: str) -> None:
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][suite]
    config = f"config/{suite}.yaml"
    assert stage["cmd"] == f"snakemake --cores all --use-conda --configfile {config}"
    outs = {path: entry for out in stage["outs"] for path, entry in out.items()}
    names = ["data", "explorer.json", "benchmarks", *read_suite(ROOT / config).variants]
    assert outs == {f"results/{suite}/{name}": {"persist": True} for name in names}
    watched = {path: set(keys) for entry in stage["params"] for path, keys in entry.items()}
    for path in {config, "config/hapt.yaml"}:
        assert watched[path] == set(yaml.safe_load((ROOT / path).read_text())) - {"suite", "extends"}
