"""What the outside sees of the project besides its code: one version, files that parse, promises that hold."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts import script

import wtal

ROOT = Path(__file__).resolve().parents[1]
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_the_version_stands_in_one_place_and_the_citation_names_it() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "wtal/__init__.py"
    assert parsed(ROOT / "CITATION.cff")["version"] == wtal.__version__


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_of_the_forge_may_only_read_and_has_a_limit_of_time(path: Path) -> None:
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["steps"]
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])


def test_the_forge_tests_every_supported_python_with_the_oldest_and_the_newest_dependencies() -> None:
    matrix = parsed(ROOT / ".github/workflows/tests.yml")["jobs"]["tests"]["strategy"]["matrix"]
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert matrix["python"][0] == oldest
    assert {entry["dependencies"] for entry in matrix["include"]} == {"locked", "oldest"}


def test_a_form_asks_for_what_a_wrong_number_and_a_failed_run_need() -> None:
    assert [path.stem for path in FORMS] == ["config", "failed-run", "wrong-number"]
    for path in FORMS[1:]:
        form = parsed(path)
        assert form["name"]
        assert form["description"]
        needed = [entry["id"] for entry in form["body"] if entry.get("validations", {}).get("required")]
        assert len(needed) >= 2


def test_make_targets_that_other_files_call_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    called = {
        name
        for path in (*WORKFLOWS, ROOT / "Dockerfile")
        for name in re.findall(r"^\s*(?:- run:|RUN|run:) make (\w+)", path.read_text(), flags=re.M)
    }
    assert called
    assert called <= targets


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "wtal/py.typed").is_file()


def test_the_repository_stays_light() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a clone")
    names = [name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]
    heavy = [name for name in names if (ROOT / name).stat().st_size > 500_000]
    assert [name for name in heavy if not name.endswith("/report.html") and "tests/data/parity/" not in name] == []
    assert [name for name in heavy if (ROOT / name).stat().st_size > 5_000_000] == []
    assert not [name for name in names if name.startswith("results/") and name.endswith((".svg", ".png"))]


def test_the_site_shows_every_page_once() -> None:
    listed = re.findall(r"([a-z0-9-]+\.md)", (ROOT / "mkdocs.yml").read_text())
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_site_asks_nobody_else_for_anything() -> None:
    assert re.search(r"^  font: false", (ROOT / "mkdocs.yml").read_text(), flags=re.M)


@pytest.mark.parametrize("name", ["command", "settings"])
def test_a_page_that_is_written_from_the_code_is_that_of_the_code(name: str) -> None:
    module = script(f".ci/{name}_page.py")
    assert module.PAGE.read_text() == module.page(), f"python .ci/{name}_page.py writes it anew"
