"""A plug-in as its author would install it: a module, and the entry points that tell wtal of the classes in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from wtal.base import members


def write_plugin(folder: Path, entries: Mapping[str, Mapping[str, str]], **modules: str) -> Path:
    """Write modules, by name, and their entry points: group -> kind -> module:class. A folder for the Python path."""
    about = folder / "contributed-0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: contributed\nVersion: 0\n")
    lines = []
    for group, kinds in entries.items():
        lines += [f"[{group}]", *(f"{kind} = {reference}" for kind, reference in kinds.items())]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    return folder


def environment_with(folder: Path) -> dict[str, str]:
    """The environment of a process in which the plug-in is installed."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def install_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the plug-in in this process until the test ends."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(members, "_installed", members._installed.__wrapped__)  # what is cached knows it not
