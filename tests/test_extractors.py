"""Extractors: what they say of themselves, those of plug-ins, and torchvision's where its build does not fit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.made_videos import numbered, write_video
from tests.plugin import install_here, write_plugin
from wtal.base.members import kinds, member
from wtal.cli import main

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", map(numbered, range(20)))


@pytest.mark.parametrize("kind", kinds("wtal.extractors"))
def test_an_extractor_says_what_to_know_before_choosing_it(kind: str) -> None:
    chosen = member("wtal.extractors", kind, file="test")()
    assert chosen.columns == sum(stream.columns for stream in chosen.streams)
    assert all(words.strip() for words in chosen.facts().values())
    assert set(chosen.facts()) == {"columns", "cost", "licence"}


def test_the_list_tells_columns_cost_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "extractors"]) == 0
    printed = capsys.readouterr().out
    assert "  columns: 1536 (appearance 1280, motion 256)\n" in printed
    assert "  licence: Apache-2.0\n" in printed


def test_the_extractor_of_the_documentation_works_as_a_plug_in(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/video.md").read_text(), flags=re.DOTALL)[-1]
    entries = {"wtal.extractors": {"colours": "my_colours:Colours"}}
    install_here(write_plugin(tmp_path / "plugin", entries, my_colours=code), monkeypatch)
    assert main(["extract", str(video), "--out", str(tmp_path / "out"), "--extractor", "colours"]) == 0
    rows = np.load(tmp_path / "out/clip.npy")
    assert rows.shape == (2, 3)
    assert ((rows > 25) & (rows < 225)).all()


def test_torchvision_that_does_not_load_gets_a_sentence(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist\\nand more')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("torchvision", "torchvision.models", "torchvision.models.video"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    assert main(["extract", str(video), "--out", str(tmp_path / "out"), "--extractor", "s3d"]) == 2
    said = capsys.readouterr().err
    assert "torchvision: expected a build that fits torch " in said
    assert said.endswith("; got operator torchvision::nms does not exist\n")
    assert len(said.splitlines()) == 1
