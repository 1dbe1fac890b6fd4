"""A kind of data set from another package: the example of the documentation, prepared as any other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from plugin import environment_with, install_here, write_plugin

from wtal.base.files import to_json
from wtal.cli import main
from wtal.data.store.read import read_store

ROOT = Path(__file__).resolve().parents[1]


def plugged_in(folder: Path) -> Path:
    page = (ROOT / "docs/data.md").read_text()
    example = re.findall(r"```python\n(.*?)```", page[page.index("## Adding a kind of data set") :], flags=re.S)[0]
    return write_plugin(folder, {"wtal.data_kinds": {"sine": "my_sine:SineData"}}, my_sine=example)


def test_a_kind_of_another_package_is_prepared_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(to_json({"kind": "sine", "videos": 4}))
    command = ["prepare", "--settings", str(tmp_path / "data.json"), "--out", str(tmp_path / "store")]
    done = subprocess.run(
        [sys.executable, "-m", "wtal", *command],
        cwd=ROOT,
        env=environment_with(plugged_in(tmp_path / "plugin")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    store = read_store(tmp_path / "store")
    assert (store.classes, len(store.names), store.meta.dataset) == (("high", "low"), 16, "sine")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "sine", "videos": 3}, "videos: expected a whole number, 4 or above; got 3"),
        ({"kind": "sien"}, "kind: expected a known kind (did you mean 'sine'?); got 'sien'"),
    ],
)
def test_its_settings_are_held_to_their_ranges(
    values: dict[str, object],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install_here(plugged_in(tmp_path / "plugin"), monkeypatch)
    (tmp_path / "data.json").write_text(to_json(values))
    assert main(["prepare", "--settings", str(tmp_path / "data.json"), "--out", str(tmp_path / "store")]) == 2
    assert words in capsys.readouterr().err
