"""A store of one's own features is stale when a raw file changes, and not when the raw files are gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from project_copy import ProjectCopy, copy_project

SUITE = """
extends: bare.yaml
suite: own
dataset:
  {kind: features, name: own, features: raw/features, annotations: raw/a.json, train_subset: training,
   test_subset: validation, feature_size: 4, streams: [{name: rgb, columns: 2}, {name: flow, columns: 2}]}
"""
WHOLE = ("results/own/data/meta.json", "--cores", "1", "--configfile", "config/own.yaml")


def raw_files(folder: Path) -> None:
    """Three videos of 32 s with one .npy each."""
    database = {}
    (folder / "features").mkdir(parents=True)
    for number, subset in enumerate(("training", "training", "validation")):
        rows = np.random.default_rng(number).standard_normal((50, 4)).astype(np.float32)
        np.save(folder / "features" / f"v{number}.npy", rows)
        instance = {"label": "run", "segment": [2.0, 9.0]}
        database[f"v{number}"] = {"subset": subset, "duration": 32.0, "annotations": [instance]}
    (folder / "a.json").write_text(json.dumps({"database": database}))


def is_stale(project: ProjectCopy) -> bool:
    printed = project.run("snakemake", "--dry-run", *WHOLE)
    prepares = "prepare" in printed.splitlines()
    assert prepares != ("Nothing to be done" in printed), printed
    return prepares


def test_a_store_is_stale_when_a_raw_file_changes_and_not_when_they_are_gone(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    (tmp_path / "config/bare.yaml").write_text("extends: tiny.yaml\ndataset: null\n")
    (tmp_path / "config/own.yaml").write_text(SUITE)
    assert is_stale(project)  # a dry run needs no raw files
    raw_files(tmp_path / "raw")
    project.run("snakemake", *WHOLE)
    assert not is_stale(project)
    shutil.move(tmp_path / "raw", tmp_path / "elsewhere")
    assert not is_stale(project)
    shutil.move(tmp_path / "elsewhere", tmp_path / "raw")
    np.save(tmp_path / "raw/features/v1.npy", np.ones((50, 4), dtype=np.float32))
    assert is_stale(project)
