"""Jobs in an environment that conda made: whose code they run, when it is made anew, and that nothing is stale."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from made_conda import make_conda, n_created
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from project_copy import ONE_VARIANT, ROOT, ProjectCopy, copy_project

TABLES = "results/small/metrics.csv"
# Of another suite, of which nothing is made but where a test has a job end.
OTHER = ("results/other/data/features.npy", "--config", "suite=other")


def with_conda(folder: Path, programs: Path) -> ProjectCopy:
    project = copy_project(folder, ONE_VARIANT)
    return ProjectCopy(project.folder, {"PATH": f"{Path(sys.executable).parent}:{programs}:/usr/bin:/bin"})


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_conda(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def conda(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The options of a run that makes its environments in a folder for all checkouts."""
    return ("--use-conda", "--conda-prefix", str(tmp_path_factory.mktemp("environments")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, programs: Path, conda: tuple[str, ...]) -> ProjectCopy:
    """A checkout, and no git repository, whose tables were made by jobs in such an environment."""
    project = with_conda(tmp_path_factory.mktemp("first"), programs)
    printed = project.snakemake(TABLES, *conda)
    assert "No conda here" not in printed
    return project


@pytest.fixture
def ends_jobs(made: ProjectCopy) -> Iterator[str]:
    """Words at which every `wtal prepare` of the checkout ends."""
    path = made.folder / "wtal/data/kinds/prepare.py"
    kept = path.read_text()
    path.write_text(f"{kept}\n\ndef prepare(*_, **__):\n    raise SystemExit('ended by the first checkout')\n")
    yield "ended by the first checkout"
    path.write_text(kept)


def test_jobs_run_in_the_environment_and_provenance_names_the_snakemake_outside(
    made: ProjectCopy, programs: Path, conda: tuple[str, ...]
) -> None:
    assert n_created(programs) == 1
    (python,) = Path(conda[-1]).glob("*/bin/python")
    shown = "import wtal; print(wtal.__file__)"
    printed = made.run("env", "-u", "PYTHONPATH", "-C", "/", str(python), "-c", shown)
    assert printed.strip() == str(made.folder / "wtal/__init__.py")
    versions = json.loads((made.folder / "results/small/provenance.json").read_text())["versions"]
    assert versions["snakemake"] == metadata.version("snakemake")


def test_switching_conda_off_or_on_makes_nothing_stale(made: ProjectCopy, conda: tuple[str, ...]) -> None:
    assert made.planned(TABLES) == set()
    made.snakemake(TABLES, "--forcerun", "evaluate")
    assert made.planned(TABLES, *conda) == set()


def test_jobs_run_the_code_as_it_lies_in_the_checkout(
    made: ProjectCopy, programs: Path, conda: tuple[str, ...], ends_jobs: str
) -> None:
    before = n_created(programs)
    assert ends_jobs in made.snakemake(*OTHER, *conda, expected=1)
    assert n_created(programs) == before


def test_two_checkouts_with_one_folder_of_environments_share_no_code(
    made: ProjectCopy, programs: Path, conda: tuple[str, ...], ends_jobs: str, tmp_path: Path
) -> None:
    before = n_created(programs)
    second = with_conda(tmp_path, programs)
    second.snakemake(*OTHER, *conda)
    assert n_created(programs) == before + 1
    assert (second.folder / OTHER[0]).is_file()
    assert ends_jobs in made.snakemake(*OTHER, *conda, expected=1)


def test_what_an_environment_is_made_from_makes_a_new_one_where_it_changes_and_nothing_stale(
    made: ProjectCopy, conda: tuple[str, ...]
) -> None:
    paths = [made.folder / name for name in ("constraints.txt", "pyproject.toml", "workflow/envs/wtal.yaml")]
    kept = {path: path.read_text() for path in paths}
    assert "will be created" not in made.snakemake(*OTHER, "--dry-run", *conda)
    try:
        for path, text in kept.items():
            path.write_text(f"{text}# another version of something\n")
            assert "will be created" in made.snakemake(*OTHER, "--dry-run", *conda)
            path.write_text(text)
        paths[0].write_text(f"{kept[paths[0]]}# another version of something\n")
        assert made.planned(TABLES, *conda) == set()
    finally:
        paths[0].write_text(kept[paths[0]])


def test_a_new_environment_holds_the_versions_of_the_constraints_and_what_every_suite_reads() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    pinned = {canonicalize_name(name): version for name, version in found}
    script = (ROOT / "workflow/envs/wtal.post-deploy.sh").read_text()
    (extras,) = re.findall(r'--editable "\$checkout\[([\w,-]+)\]"', script)
    suite = [name for entry in project["optional-dependencies"]["suite"] for name in Requirement(entry).extras]
    assert set(extras.split(",")) == {*suite, "demo", "video"}
    groups = [project["dependencies"], *(project["optional-dependencies"][name] for name in extras.split(","))]
    for requirement in [Requirement(entry) for group in groups for entry in group]:
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement
    assert "h5py" in pinned
    (recordings,) = re.findall(r"--no-deps (\S+)", script)
    assert [recordings] == project["optional-dependencies"]["watch"]
    assert f"RECORDINGS := {recordings}\n" in (ROOT / "Makefile").read_text()


def test_the_file_of_the_environment_names_a_supported_python_for_every_platform() -> None:
    environment = yaml.safe_load((ROOT / "workflow/envs/wtal.yaml").read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    named = dict(entry.split("=") for entry in environment["dependencies"])  # no build, which is of one platform alone
    assert set(named) == {"python", "pip"}
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert SpecifierSet(tools["project"]["requires-python"]).contains(named["python"])
    assert named["python"] == tools["tool"]["mypy"]["python_version"]
