"""`wtal prepare`, `wtal check-data` and `wtal fetch` as processes: exit codes, one sentence, nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from wtal.data.store.read import read_store

SMALL = {
    "kind": "synthetic",
    "train_videos": 4,
    "test_videos": 2,
    "classes": 2,
    "feature_size": 8,
    "snippets": [16, 20],
}
FILES = ["annotations.csv", "features.npy", "meta.json", "video_labels.csv", "videos.csv"]


def wtal(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wtal", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def settings_file(folder: Path, values: object) -> Path:
    path = folder / "data.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return path


def test_prepare_writes_a_store_and_check_data_reports_it(tmp_path: Path) -> None:
    done = wtal("prepare", "--settings", settings_file(tmp_path, SMALL), "--out", "results/data", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "results/data: synthetic, 6 clips, 2 classes\n"
    assert sorted(os.listdir(tmp_path / "results" / "data")) == FILES
    checked = wtal("check-data", "--data", "results/data", folder=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    for words in ("train           4 clips", "test            2 clips", "background", "verdict         whole"):
        assert words in checked.stdout


def test_preparing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    settings = settings_file(tmp_path, SMALL)
    for out in ("one", "two", "two"):
        assert wtal("prepare", "--settings", settings, "--out", out, folder=tmp_path).returncode == 0
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_preparing_starts_without_torch_and_pandas(tmp_path: Path) -> None:
    settings_file(tmp_path, SMALL)
    code = (
        "import sys, wtal.cli\nwtal.cli.main(['prepare', '--settings', 'data.json', '--out', 'out'])\n"
        "print(sorted({'torch', 'pandas', 'scipy', 'matplotlib', 'highspy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, text=True, capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("{", "expected JSON"),
        ("", "expected JSON"),
        ([], "kind: expected a known kind (known are"),
        ({}, "kind: expected a known kind"),
        ({"kind": "hapd"}, "kind: expected a known kind (did you mean 'hapt'?)"),
        ({**SMALL, "classes": 1}, "classes: expected a whole number in [2, 1000]; got 1"),
        ({**SMALL, "classes": "4"}, "classes: expected a whole number; got '4'"),
        ({**SMALL, "classes": True}, "classes: expected a whole number; got True"),
        ({**SMALL, "train_videos": 0}, "train_videos: expected a whole number in [2, 100000]; got 0"),
        ({**SMALL, "snippets": [20, 16]}, "snippets: expected two rising numbers"),
        ({**SMALL, "snippets": [20]}, "snippets: expected a list of 2"),
        ({**SMALL, "sede": 1}, "sede: expected a known key (did you mean 'seed'?)"),
        ({"kind": "hapt", "clip_seconds": 1}, "clip_seconds: expected a number in [5, 600]"),
        ({"kind": "hapt", "clip_seconds": None}, "clip_seconds: expected a finite number"),
        ({"kind": "hapt", "classes": "ten"}, "classes: expected one of nine, all, activities"),
        ({"kind": "hapt", "split": "train"}, "split: expected one of test, validation"),
    ],
)
def test_wrong_settings_give_one_sentence_and_no_store(tmp_path: Path, values: object, sentence: str) -> None:
    done = wtal("prepare", "--settings", settings_file(tmp_path, values), "--out", "results/data", folder=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.startswith("wtal prepare: ")
    assert done.stderr.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["data.json"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prepare", "--settings", "none.json", "--out", "out"], "none.json: expected a readable file"),
        (["prepare", "--settings", ".", "--out", "out"], "expected a readable file"),
        (["prepare", "--settings", "data.json", "--out", "data.json"], "expected a folder that can be written"),
        (["prepare", "--settings", "data.json", "--out", "data.json/x"], "expected a folder that can be written"),
        (["check-data", "--data", "none"], "none: expected the folder of a store"),
        (["check-data", "--data", "."], "meta.json: expected the store's description"),
        (["fetch", "thumos"], "DATASET: expected a data set with a manifest (did you mean 'thumos14'?)"),
        (["fetch", "none.yaml"], "none.yaml: expected a readable file"),
        (["fetch", "data.json.yaml"], "data.json.yaml: expected YAML"),
        (["fetch", "escape.yaml"], "files[0].path: expected a relative path below the data set's folder"),
    ],
)
def test_wrong_arguments_give_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    settings_file(tmp_path, SMALL)
    (tmp_path / "data.json.yaml").write_text("a: [")
    file = {"path": "../outside", "sources": ["manual:ask"]}
    manifest = {"dataset": "d", "title": "t", "licence": "l", "citation": "c", "files": [file]}
    (tmp_path / "escape.yaml").write_text(yaml.safe_dump(manifest))
    before = sorted(os.listdir(tmp_path))
    done = wtal(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == before


def test_a_wrong_setting_leaves_the_store_that_was_there(tmp_path: Path) -> None:
    assert (
        wtal("prepare", "--settings", settings_file(tmp_path, SMALL), "--out", "data", folder=tmp_path).returncode == 0
    )
    before = {name: (tmp_path / "data" / name).read_bytes() for name in FILES}
    settings = settings_file(tmp_path, {**SMALL, "classes": 1})
    assert wtal("prepare", "--settings", settings, "--out", "data", folder=tmp_path).returncode == 2
    assert {name: (tmp_path / "data" / name).read_bytes() for name in FILES} == before


def test_an_interrupted_prepare_leaves_nothing(tmp_path: Path) -> None:
    settings_file(tmp_path, {**SMALL, "train_videos": 20_000, "feature_size": 256})
    command = [sys.executable, "-m", "wtal", "prepare", "--settings", "data.json", "--out", "out"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not (tmp_path / "out").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130
    assert told == "wtal prepare: stopped\n"
    assert sorted(os.listdir(tmp_path)) == ["data.json"]


def test_what_cannot_be_fetched_gives_one_message_and_exit_code_2(tmp_path: Path) -> None:
    file = {"path": "a.txt", "sources": ["file:///nowhere/a.txt", "manual:write to the authors"]}
    manifest = {"dataset": "own", "title": "t", "licence": "l", "citation": "c", "files": [file]}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(manifest))
    done = wtal("fetch", "own.yaml", folder=tmp_path)
    assert done.returncode == 2
    assert "wtal fetch: 1 file of own could not be had" in done.stderr
    assert "put it at data/own/a.txt" in done.stderr
    assert "from write to the authors: by hand only" in done.stderr
    assert "Traceback" not in done.stderr
    (tmp_path / "a.txt").write_bytes(b"content")
    found = wtal("fetch", "own.yaml", "--from", ".", folder=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert (tmp_path / "data" / "own" / "a.txt").read_bytes() == b"content"


def test_the_embedded_recordings_are_verified_where_they_lie(tmp_path: Path) -> None:
    done = wtal("fetch", "hapt", folder=tmp_path)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(done.stderr)
    assert done.stdout.startswith("HAPT.pkl.gz: in its package, sha256 as stated")
    assert list(tmp_path.iterdir()) == []


def test_the_suite_tiny_describes_data_that_can_be_prepared(tmp_path: Path) -> None:
    config = yaml.safe_load((Path(__file__).resolve().parents[1] / "config" / "tiny.yaml").read_text())
    settings = settings_file(tmp_path, config["dataset"])
    assert wtal("prepare", "--settings", settings, "--out", "data", folder=tmp_path).returncode == 0
    assert len(read_store(tmp_path / "data", verify=True).names) == 36
