"""`wtal list` says what can be named in a suite: each kind with its settings, ranges, defaults and meaning."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from plugin import environment_with, write_plugin

from wtal.base.members import BUILT_IN
from wtal.cli import main
from wtal.cli.plan import GROUPS


def listed(group: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert main(["list", group, "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_every_kind_says_in_a_sentence_what_it_and_each_of_its_settings_is(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = listed(group, capsys)
    assert {each["kind"] for each in found} >= set(BUILT_IN[GROUPS[group]])
    for each in found:
        assert each["about"].endswith("."), each["kind"]
        for setting in each["settings"]:
            assert setting["about"], f"{each['kind']}: {setting['name']}"
            assert setting["expected"], f"{each['kind']}: {setting['name']}"


def test_a_setting_is_listed_with_its_range_its_default_and_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    hapt = next(each for each in listed("data-kinds", capsys) if each["kind"] == "hapt")
    assert hapt["class"] == "wtal.data.kinds.hapt_settings:HaptData"
    clip = next(setting for setting in hapt["settings"] if setting["name"] == "clip_seconds")
    assert (clip["expected"], clip["default"]) == ("a number in [5, 600]", 45.0)
    assert (clip["schema"]["minimum"], clip["schema"]["maximum"]) == (5, 600)
    assert main(["list", "data-kinds"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  clip_seconds: a number in [5, 600]; default 45.0" in lines
    assert lines[lines.index("  name: a few words; no default") + 1] == "      of the data set"


def test_it_loads_neither_tensors_nor_a_solver_nor_data_frames() -> None:
    code = (
        "import sys; from wtal.cli import main\n"
        "for group in ('methods', 'fusions', 'label-makers', 'data-kinds', 'protocols'): main(['list', group])\n"
        "print(sorted({'torch', 'highspy', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_plug_in_is_listed_and_a_broken_one_is_told_beside_the_others(tmp_path: Path) -> None:
    entries = {"wtal.protocols": {"strict": "strict_protocol:Strict", "gone": "not_there:Gone"}}
    source = "from wtal.base.ranges import settings\n@settings\nclass Strict:\n    '''Everything is wrong.'''\n"
    folder = write_plugin(tmp_path, entries, strict_protocol=source + "    kind: str = 'strict'\n")
    command = [sys.executable, "-m", "wtal", "list", "protocols"]
    done = subprocess.run(command, env=environment_with(folder), text=True, capture_output=True, check=True)
    assert "strict: Everything is wrong." in done.stdout.splitlines()
    assert "step: Seconds as they are" in done.stdout
    assert "not_there:Gone, as the entry point gone of wtal.protocols has it, to be there; got ModuleN" in done.stdout
