"""A fusion and a label maker that another package has: the example of the documentation, in a suite of its own."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from project_copy import ROOT, ProjectCopy, copy_project

sys.path.insert(0, str(ROOT / "tests"))
from plugin import write_plugin

SUITE = """
extends: small.yaml
suite: siblings
variants:
  optimised_delta: null
  code: null
  bells:
    title: bells over unions
    compare_with: base
    override: {labels: {fusion: {kind: union, gap: 2}, maker: bell}, detection: {fusion: union}}
report: {timeline_variant: bells}
"""
ENTRIES = {"wtal.fusions": {"union": "siblings:Union"}, "wtal.label_makers": {"bell": "siblings:Bell"}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    copy = copy_project(tmp_path_factory.mktemp("siblings"))
    (copy.folder / "config/siblings.yaml").write_text(SUITE)
    source = re.findall(r"```python\n(.*?)```", (ROOT / "docs/extending.md").read_text(), flags=re.S)[0]
    write_plugin(copy.folder, ENTRIES, siblings=source)  # the copy is on the Python path of its commands
    copy.run("snakemake", "--configfile", "config/siblings.yaml", "--cores", "2")
    return copy


def planned(copy: ProjectCopy) -> str:
    return copy.run("snakemake", "--configfile", "config/siblings.yaml", "--cores", "1", "--dry-run")


def test_a_suite_runs_with_them_from_labels_to_page(finished: ProjectCopy) -> None:
    results = finished.folder / "results/siblings"
    assert "bells over unions" in (results / "ablation.md").read_text()
    assert "segments after union" in (results / "timelines.json").read_text()
    with np.load(results / "bells/seed0/round2/labels.npz") as labels:
        assert labels["label"].any()
    assert not (results / "bells/seed0/round0").exists()  # shared with the base


def test_their_code_makes_stale_what_is_made_with_them_alone(finished: ProjectCopy) -> None:
    assert "Nothing to be done" in planned(finished)
    module = finished.folder / "siblings.py"
    before = module.read_text()
    module.write_text(before.replace("request.n_snippets) + 0.5", "request.n_snippets) + 0.25"))
    try:
        found = planned(finished)
    finally:
        module.write_text(before)
    assert "solve_labels  variant bells" in found
    assert "variant optimised" not in found
    assert "train_base" not in found
