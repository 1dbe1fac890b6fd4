"""A run whose results are in an S3 storage and not on this file system: the same numbers, and as little made anew."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from project_copy import ONE_VARIANT, ProjectCopy, copy_project

NEEDED = ("moto", "flask", "flask_cors", "snakemake_storage_plugin_s3", "snakemake_executor_plugin_cluster_generic")
TABLES = "results/small/metrics.csv"
# Runs a job at once, in a folder of its own that has the sources and no results.
SUBMIT = """#!/usr/bin/env bash
set -euo pipefail
job="$(realpath "$1")" node="$(mktemp -d "{folder}/node.XXXXXX")"
cp -r "{folder}/sources/." "$node"
cd "$node"
code=0
PYTHONPATH="$node" bash "$job" >"$node/printed" 2>&1 || code=$?
echo "$code" >"$node/code"
basename "$node"
"""
TABLES_ON = {"detect variant base seed 0", "evaluate variant base seed 0", "make_tables"}


@dataclass(frozen=True)
class Storage:
    """A bucket of a server on this machine."""

    endpoint: str
    bucket: str

    def read(self, name: str = "") -> bytes:
        """A file of the bucket, or the list of all as XML."""
        # Whom the server takes the request to be from; it checks no signature.
        header = {"Authorization": "AWS4-HMAC-SHA256 Credential=tests/20260101/us-east-1/s3/aws4_request"}
        asked = urllib.request.Request(f"{self.endpoint}/{self.bucket}/{name}", headers=header)
        with urllib.request.urlopen(asked) as answer:
            content: bytes = answer.read()
            return content

    def files(self) -> dict[str, str]:
        """When each file of the bucket was written."""
        pattern = r"<Key>([^<]+)</Key>\s*<LastModified>([^<]+)</LastModified>"
        return dict(re.findall(pattern, self.read().decode()))

    @property
    def options(self) -> tuple[str, ...]:
        """What tells snakemake of it."""
        place = ("--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{self.bucket}")
        return (*place, "--storage-s3-endpoint-url", self.endpoint)


def make_bucket(endpoint: str, bucket: str) -> Storage:
    """An empty bucket."""
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")).close()
    return Storage(endpoint, bucket)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Where a server of storages answers; nothing that it holds is left afterwards."""
    for name in NEEDED:
        if importlib.util.find_spec(name) is None and os.environ.get("CI") != "true":
            pytest.skip(f"{name} is not installed (extras s3 and dev)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = (sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", port)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}").close()
                break
            except urllib.error.URLError:
                assert server.poll() is None, "the server of storages has ended"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def storage(endpoint: str) -> Storage:
    """The bucket of the run that `made` has made."""
    return make_bucket(endpoint, "kept")


def with_key(folder: Path) -> ProjectCopy:
    """A project that may write to storages."""
    copy_project(folder, ONE_VARIANT)
    return ProjectCopy(folder, {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, storage: Storage) -> ProjectCopy:
    """A project whose tables are in the storage."""
    project = with_key(tmp_path_factory.mktemp("stored"))
    project.snakemake(TABLES, *storage.options)
    return project


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a run without a storage makes."""
    project = copy_project(tmp_path_factory.mktemp("local"), ONE_VARIANT)
    project.snakemake(TABLES)
    return (project.folder / TABLES).read_bytes()


def test_a_storage_gets_the_results_of_a_run_and_the_settings_of_its_steps(
    made: ProjectCopy, storage: Storage, tables: bytes
) -> None:
    settings = {f"results/small/settings/{name}.json" for name in ("data", "base/round0", "base/collapse")}
    assert {TABLES, *settings} <= set(storage.files())
    assert [path.name for path in (made.folder / "results/small").iterdir()] == ["settings"]
    assert storage.read(TABLES) == tables


def test_jobs_that_share_nothing_but_the_storage_make_the_same_tables(
    endpoint: str, tables: bytes, tmp_path: Path
) -> None:
    project, elsewhere = with_key(tmp_path / "project"), make_bucket(endpoint, "elsewhere")
    copy_project(tmp_path / "sources", ONE_VARIANT)  # as every node has it
    submit, ask = tmp_path / "submit", tmp_path / "ask"
    submit.write_text(SUBMIT.format(folder=tmp_path))
    ask.write_text(f'#!/bin/sh\ngrep -qx 0 "{tmp_path}/$1/code" && echo success || echo failed\n')
    for program in (submit, ask):
        program.chmod(0o755)
    executor = ("--executor", "cluster-generic", "--shared-fs-usage", "none", "--seconds-between-status-checks", "1")
    calls = ("--cluster-generic-submit-cmd", str(submit), "--cluster-generic-status-cmd", str(ask), "--jobs", "2")
    project.snakemake(TABLES, *elsewhere.options, *executor, *calls)
    assert elsewhere.read(TABLES) == tables
    assert len(list(tmp_path.glob("node.*/results/small"))) == 0
    assert len(list(tmp_path.glob("node.*"))) == 4


def test_a_second_run_with_a_storage_does_nothing(made: ProjectCopy, storage: Storage) -> None:
    before = storage.files()
    assert "Nothing to be done" in made.snakemake(TABLES, *storage.options)
    assert storage.files() == before


def test_a_setting_makes_stale_in_a_storage_only_what_reads_it(made: ProjectCopy, storage: Storage) -> None:
    before = storage.files()
    change = ("--config", "method={detection: {fusion: {temperature: 0.1}}}")
    stored = {f"store_settings name {name}" for name in ("base/detect", "report")}
    assert made.planned(TABLES, *storage.options, *change) == TABLES_ON | stored
    assert storage.files() == before
    assert made.planned(TABLES, *storage.options) == set()
