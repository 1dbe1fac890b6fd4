"""What DVC brought is held against what it recorded: damaged files are named and gone, from its cache too."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from wtal.cli import main

FILES = {"results/small/base/seed0/checkpoint.pt": b"weights", "results/small/base/a.npz": b"scores"}
FOLDER, ALONE = "results/small/base", "results/small/explorer.json"


def md5_of(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def kept(root: Path, md5: str) -> Path:
    return root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def keep(root: Path, content: bytes, ending: str = "") -> str:
    """Put a content into the cache; its name there."""
    path = kept(root, md5_of(content) + ending)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return md5_of(content) + ending


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a sound pull of one stage leaves: a folder, a file alone, and a metric that git keeps."""
    for name, content in {**FILES, ALONE: b"{}"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    listing = [{"md5": keep(tmp_path, FILES[name]), "relpath": name.removeprefix(f"{FOLDER}/")} for name in FILES]
    outs = [
        {"path": FOLDER, "hash": "md5", "md5": keep(tmp_path, json.dumps(listing).encode(), ".dir")},
        {"path": ALONE, "hash": "md5", "md5": keep(tmp_path, b"{}")},
        {"path": "results/small/summary.json", "hash": "md5", "md5": "0" * 32},
    ]
    plan = {"outs": [{FOLDER: {"persist": True}}, ALONE], "metrics": ["results/small/summary.json"]}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"stages": {"small": {"outs": outs}}}))
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"small": plan}}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["check-pulled", "small", *options]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_sound_pull_is_told_in_a_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-pulled", "small"]) == 0
    assert capsys.readouterr().out == "3 files of small, each with the md5 that dvc.lock records\n"


@pytest.mark.parametrize("name", [*FILES, ALONE])
def test_a_flipped_bit_is_named_and_the_file_gone(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    whole = (project / name).read_bytes()
    damaged = bytes([whole[0] ^ 1]) + whole[1:]
    for is_in_cache in (False, True):
        (project / name).write_bytes(damaged)
        if is_in_cache:
            kept(project, md5_of(whole)).write_bytes(damaged)
        said = refused(capsys)
        assert said.startswith(f"wtal check-pulled: {name}: expected every file as dvc.lock records it by its md5")
        assert said.endswith(f"got other bytes in 1 ({name})\n")
        assert not (project / name).exists()
        assert kept(project, md5_of(whole)).exists() != is_in_cache


def test_a_file_that_was_not_brought_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ALONE).unlink()
    assert refused(capsys).endswith(f"got 1 that the remote lacks ({ALONE})\n")


def test_a_folder_whose_list_is_damaged_is_moved_aside(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = next(project.rglob("*.dir"))
    listing.write_bytes(listing.read_bytes().replace(b"a.npz", b"b.npz"))
    assert refused(capsys).endswith(f"got other bytes in 1 ({FOLDER})\n")
    assert not listing.exists()
    assert not (project / FOLDER).exists()
    assert (project / f"{FOLDER}.bad/a.npz").exists()
    assert refused(capsys).endswith(f"got 1 that the remote lacks ({FOLDER})\n")


def test_after_a_pull_that_failed_the_cache_alone_is_looked_at(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = FILES
    (project / first).write_bytes(b"newer than what was pushed")
    assert main(["check-pulled", "small", "--only-cache"]) == 0
    kept(project, md5_of(FILES[first])).unlink()
    kept(project, md5_of(FILES[second])).write_bytes(b"scOres")
    said = refused(capsys, "--only-cache")
    assert said.endswith(f"got other bytes in 1 ({second}); 1 that the remote lacks ({first})\n")
    assert (project / first).read_bytes() == b"newer than what was pushed"
    assert (project / second).read_bytes() == FILES[second]
    assert not kept(project, md5_of(FILES[second])).exists()


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("dvc.lock", "stages: {other: {outs: []}}", "dvc.lock: small: expected a stage that was run and pushed"),
        ("dvc.lock", "stages: []", "dvc.lock: stages: expected a group"),
        (
            "dvc.lock",
            f"stages: {{small: {{outs: [{{path: {ALONE}, md5: ../x}}]}}}}",
            f"dvc.lock: small/{ALONE}: expected a path and its md5",
        ),
        ("dvc.yaml", "stages: {}", "dvc.yaml: small: expected a group"),
    ],
)
def test_a_damaged_record_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, words: str
) -> None:
    (project / file).write_text(text)
    assert words in refused(capsys)


def test_a_list_that_leads_out_of_its_folder_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "mine").write_bytes(b"mine")
    listing = keep(project, json.dumps([{"md5": "0" * 32, "relpath": "../../../mine"}]).encode(), ".dir")
    (project / "dvc.lock").write_text(
        yaml.safe_dump({"stages": {"small": {"outs": [{"path": FOLDER, "md5": listing}]}}})
    )
    assert "expected files below a folder, each with its md5" in refused(capsys)
    assert (project / "mine").exists()
