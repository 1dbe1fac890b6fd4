"""What a command does where only some of the packages are installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from wtal.cli.environment import SOFTWARE

ROOT = Path(__file__).resolve().parents[1]
BARE = """
import sys

class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "wtal", "numpy", "orjson", "yaml", "_yaml"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Bare())
from wtal.cli import main
sys.exit(main(sys.argv[1:]))
"""


def bare(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command as it runs after `pip install wtal`, which brings numpy, orjson and yaml alone."""
    return subprocess.run([sys.executable, "-c", BARE, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A ground truth and the detections that find all of it."""
    row = {"label": "run", "segment": [1, 3]}
    truth, found = tmp_path / "truth.json", tmp_path / "found.json"
    truth.write_text(json.dumps({"database": {"a": {"subset": "test", "annotations": [row]}}}))
    found.write_text(json.dumps({"results": {"a": [{**row, "score": 0.5}]}}))
    return truth, found


def test_scoring_needs_no_extra(files: tuple[Path, Path], tmp_path: Path) -> None:
    truth, found = files
    scored = bare("evaluate", "--detections", found, "--ground-truth", truth)
    assert (scored.returncode, scored.stderr) == (0, "")
    assert "100.00" in scored.stdout
    pair = ("--system", "one", found, "--system", "other", found)
    compared = bare("compare", "--ground-truth", truth, "--bootstrap", "20", *pair)
    assert (compared.returncode, compared.stderr) == (0, "")
    diagnosed = bare("diagnose", "--detections", found, "--ground-truth", truth, "--no-figures", "--out", tmp_path)
    assert diagnosed.returncode == 0, diagnosed.stderr
    assert bare("plan", "config/tiny.yaml").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        (["train", "--settings", "a", "--data", "b", "--seed", "0", "--out", "c"], "torch", "train"),
        (["report", "--report", "a", "--results", "b", "--out", "c"], "jinja2|pandas", "report"),
        (["tables", "--report", "a", "--data", "b", "--results", "c", "--out", "d"], "pandas", "report"),
        (["extract", "a.mp4", "--out", "b"], "av", "video"),
        (["figures", "--report", "a", "--data", "b", "--results", "c", "--out", "d"], "matplotlib|pandas", "report"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_command_names_the_extra_that_it_needs(arguments: list[str], package: str, extra: str) -> None:
    refused = bare(*arguments)
    assert refused.returncode == 2, refused.stderr
    sentence = rf"wtal {arguments[0]}: this needs ({package}), which is not installed \(pip install 'wtal\[{extra}\]'\)"
    assert re.fullmatch(sentence, refused.stderr.strip())


def test_doctor_lists_the_packages_that_the_extras_install() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {"": project["dependencies"], **project["optional-dependencies"]}
    for extra, names in SOFTWARE.items():
        assert set(names) <= {re.split(r"[<>=\[]", each)[0] for each in wanted[extra]}, extra
