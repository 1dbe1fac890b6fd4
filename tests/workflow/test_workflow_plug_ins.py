"""The workflow runs a suite whose data set and protocol come from another package, as the documentation shows them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import yaml
from project_copy import ROOT, ProjectCopy, copy_project

sys.path.insert(0, str(ROOT / "tests"))

from test_plug_ins import documented


def plugged_suite() -> str:
    """A suite of one round with the made-up kind of data set and the made-up protocol."""
    values = yaml.safe_load((ROOT / "config/tiny.yaml").read_text())
    values |= {"suite": "plugged", "dataset": "noise", "seeds": [0]}
    values["variants"] = {"base": {"title": "base", "rounds": 0}}
    values["evaluation"] = {"protocol": {"kind": "whole_steps", "step": 0.5}, "bootstrap_resamples": 10}
    values["report"] = {"title": "plugged", "timeline_videos": 1}
    return yaml.safe_dump(values)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    """A finished run of that suite."""
    copy = copy_project(tmp_path_factory.mktemp("project"))
    plugin = documented(copy.folder / "plugin")
    (copy.folder / "config/plugged.yaml").write_text(plugged_suite())
    project = ProjectCopy(copy.folder, {"PYTHONPATH": os.pathsep.join([str(copy.folder), str(plugin)])})
    project.run("snakemake", "--cores", "2", "--configfile", "config/plugged.yaml")
    return project


def results(project: ProjectCopy) -> Path:
    return project.folder / "results/plugged"


def test_every_result_is_made_and_names_them(project: ProjectCopy) -> None:
    metrics = json.loads((results(project) / "base/seed0/metrics.json").read_text())
    assert (metrics["protocol"], list(metrics["per_class"])) == ("whole_steps (step 0.5)", ["clap", "wave"])
    assert metrics["averages"]["0.1:0.7"] > 0
    for name in ("ablation.md", "report.html"):
        page = (results(project) / name).read_text().replace("\\", "")  # Markdown marks the underscore
        assert "Protocol whole_steps (step 0.5)" in page
    assert json.loads((results(project) / "data/meta.json").read_text())["dataset"] == "noise"
    assert not (results(project) / "settings/raw.json").exists()


@pytest.mark.parametrize(
    ("module", "before", "after", "stale"),
    [
        ("my_noise", "+= 3", "+= 4", {"prepare", "train_base", "evaluate"}),
        ("my_steps", "* self.step,", "* self.step + 0,", {"evaluate"}),
    ],
)
def test_a_change_in_its_code_makes_what_it_made_anew_and_nothing_else(
    project: ProjectCopy, module: str, before: str, after: str, stale: set[str]
) -> None:
    path = project.folder / f"plugin/{module}.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    planned = project.run("snakemake", "--dry-run", "--cores", "2", "--configfile", "config/plugged.yaml")
    path.write_text(text)
    jobs = {line.partition(" ")[0] for line in planned.splitlines()}
    assert jobs & {"prepare", "train_base", "evaluate"} == stale
