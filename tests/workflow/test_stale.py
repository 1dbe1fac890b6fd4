"""What a change makes stale: exactly what is made from it. Plans alone; a run is made up of empty files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from project_copy import ProjectCopy, copy_project

TABLES_ON = {"make_tables", "make_figures", "diagnose_suite", "make_report"}
VARIANTS = ("base", "optimised", "optimised_delta", "code")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[ProjectCopy, set[str]]:
    """A project in which nothing is left to do, with every job that led there; its code has one folder more."""
    project = copy_project(tmp_path_factory.mktemp("whole"))
    write(project, "wtal/localise/deeper/__init__.py", "")
    write(project, "wtal/localise/deeper/sums.py", "def more(value):\n    return value + 1\n")
    change(
        project,
        "wtal/localise/detect.py",
        "\ndef detect(",
        "\ndef _more():\n    from .deeper import sums\n\n\ndef detect(",
    )
    rows = [line.split("\t") for line in project.snakemake("--summary").splitlines()]
    for path in [row[0] for row in rows if len(row) > 4 and row[0] != "output_file"]:
        write(project, path, path)
    printed = project.snakemake("--touch", "--forceall")  # keeps what each was made from, as a run does
    ended = [line.split()[3:] for line in printed.splitlines() if line.lstrip()[:1].isdigit() and " of " in line]
    return project, {" ".join(words) for words in ended} - {"suite"}


@pytest.fixture
def project(whole: tuple[ProjectCopy, set[str]], tmp_path: Path) -> ProjectCopy:
    """A copy that a test may change."""
    shutil.copytree(whole[0].folder, tmp_path / "copy")
    return ProjectCopy(tmp_path / "copy")


def write(project: ProjectCopy, name: str, text: str) -> None:
    path = project.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def change(project: ProjectCopy, name: str, old: str, new: str) -> None:
    text = (project.folder / name).read_text()
    assert old in text, f"{name} has no {old!r}"
    (project.folder / name).write_text(text.replace(old, new, 1))


def test_an_operation_deep_in_the_chain_makes_the_store_and_all_after_it_stale(
    project: ProjectCopy, whole: tuple[ProjectCopy, set[str]]
) -> None:
    change(project, "wtal/base/seeds.py", ">> (256 - n_bits)", ">> (255 - n_bits)")
    assert project.planned() == whole[1] >= {"prepare", "train_base variant base seed 0 round 0", *TABLES_ON}


def test_words_and_code_that_no_step_runs_make_nothing_stale(project: ProjectCopy) -> None:
    # The reader of mapped arrays is in the chain of another kind of data.
    change(project, "wtal/base/npy/mapped.py", "\ndef holds_objects(", "\nSPARE = 1\n\n\ndef holds_objects(")
    change(project, "wtal/base/npy/stack_machine.py", '"""', '"""Read again. ')
    change(project, "wtal/training/trainer.py", "\nclass ", "\n# In whole epochs.\n\n\nclass ")
    change(project, "wtal/cli/training.py", 'help="train one round', 'help="one round')
    change(project, "wtal/data/fetch/fetch.py", "\ndef fetch(", "\nSPARE = 1\n\n\ndef fetch(")
    change(project, "wtal/cli/data.py", "def fetch_files(", "def _spare():\n    return 1\n\n\ndef fetch_files(")
    change(project, "wtal/suite/plan.py", "\ndef plan_files(", "\nSPARE = 1\n\n\ndef plan_files(")
    assert project.planned() == set()


def test_a_style_sheet_makes_the_page_stale_and_nothing_else(project: ProjectCopy) -> None:
    change(project, "wtal/report/page/page.css", "{", "{ ")
    assert project.planned() == {"make_report"}


def test_a_folder_that_is_new_in_the_code_is_followed(project: ProjectCopy) -> None:
    change(project, "wtal/localise/deeper/sums.py", "+ 1", "+ 2")
    detected = {f"{rule} variant {name} seed 0" for rule in ("detect", "evaluate") for name in VARIANTS}
    assert project.planned() == detected | TABLES_ON


def test_thresholds_of_a_warning_and_resamples_change_tables_alone_and_words_the_page(project: ProjectCopy) -> None:
    method = "method={training: {collapse: {action: stop, least_spread: 0.5, label_share: 0.1}}}"
    assert project.planned("--config", method, "evaluation={bootstrap_resamples: 30}") == TABLES_ON
    assert project.planned("--config", "report={title: Another, note: And a note}") == {"make_report"}
