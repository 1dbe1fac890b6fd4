"""`wtal list`: each kind of a group with its settings, as text and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from plugin import environment_with, write_plugin

from wtal.base.members import BUILT_IN

GROUPS = [group.removeprefix("wtal.").replace("_", "-") for group in BUILT_IN]
PLUGIN = '''
from typing import Annotated, Literal

from wtal.base.ranges import Doc, Ge, Lt, settings
from wtal.suite.contracts import BaseSettings


@settings
class Pooled(BaseSettings):
    """Pools the best snippets.

    More of it.
    """

    kind: Literal["pooled"] = "pooled"
    share: Annotated[float, Ge(0), Lt(1), Doc("of the snippets, those pooled")] = 0.125
    file: str
'''
LIGHT = """
import sys
from wtal.cli import main
code = main(sys.argv[1:])
heavy = sorted({"torch", "pandas", "scipy", "matplotlib"} & set(sys.modules))
sys.exit(f"loaded {heavy}" if heavy else code)
"""


def run(*arguments: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", LIGHT, "list", *arguments], capture_output=True, text=True, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("group", GROUPS)
def test_every_kind_is_listed_with_what_it_is_and_what_its_settings_are_for(group: str) -> None:
    found: list[dict[str, Any]] = json.loads(run(group, "--json"))
    assert [entry["kind"] for entry in found] == list(BUILT_IN[f"wtal.{group.replace('-', '_')}"])
    for entry in found:
        assert entry["about"]
        for setting in entry["settings"]:
            assert setting["takes"]
            assert setting["about"], f"{entry['kind']}.{setting['name']} says nothing of what it is for"
            assert not (setting["is_required"] and setting["default"] is not None)


def test_a_plug_in_is_listed_with_ranges_and_defaults(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "plugin", {"wtal.methods": {"pooled": "pooled:Pooled"}}, pooled=PLUGIN)
    lines = run("methods", env=environment_with(folder)).splitlines()
    assert lines[-3:] == [
        "pooled: Pools the best snippets.",
        "  share: a number in [0, 1) (default 0.125); of the snippets, those pooled",
        "  file: text (must be given)",
    ]
    assert "  dropout: a number in [0, 1) (default 0.6); share of the embedding dropped in training" in lines
