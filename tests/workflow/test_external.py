"""A method that is no module of the project: the example of the documentation, run by its command in a suite."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from project_copy import ROOT, ProjectCopy, copy_project

SUITE = """
extends: small.yaml
suite: external
variants:
  optimised: null
  optimised_delta: null
  code: null
  nearest_mean:
    title: nearest class mean, by a command
    compare_with: base
    override: {base: {kind: external, command: "python nearest_mean.py {data} {seed} {out}"}}
report: {timeline_variant: nearest_mean}
"""


def example() -> str:
    """The program that the page of methods shows."""
    page = (ROOT / "docs/methods.md").read_text()
    section = page[page.index("## A method that is no module here") :]
    return re.findall(r"```python\n(.*?)```", section, flags=re.S)[0]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> ProjectCopy:
    copy = copy_project(tmp_path_factory.mktemp("external"))
    (copy.folder / "config/external.yaml").write_text(SUITE)
    (copy.folder / "nearest_mean.py").write_text(example())
    copy.run("snakemake", "--configfile", "config/external.yaml", "--cores", "2")
    return copy


def planned(copy: ProjectCopy) -> str:
    return copy.run("snakemake", "--configfile", "config/external.yaml", "--cores", "1", "--dry-run")


def test_its_scores_go_through_labels_detections_tables_and_page(finished: ProjectCopy) -> None:
    results = finished.folder / "results/external"
    assert (results / "nearest_mean/seed0/round2/labels.npz").is_file()
    assert not list((results / "nearest_mean").rglob("checkpoint.pt"))
    assert "nearest class mean, by a command" in (results / "ablation.md").read_text()
    assert "nearest class mean, by a command" in (results / "report.html").read_text()
    rows = (results / "training.csv").read_text().splitlines()
    assert all(row.startswith(("variant,", "base,")) for row in rows)  # it logged nothing


def test_an_edited_program_makes_its_rounds_stale_and_no_others(finished: ProjectCopy, tmp_path: Path) -> None:
    assert "Nothing to be done" in planned(finished)
    program = finished.folder / "nearest_mean.py"
    before = program.read_text()
    program.write_text(before + "\n# more\n")
    try:
        found = planned(finished)
    finally:
        program.write_text(before)
    assert "train_external" in found
    assert "train_base" not in found


def command(finished: ProjectCopy, out: Path, text: str) -> subprocess.CompletedProcess[str]:
    """`wtal train-external` with another command in the settings of the round."""
    settings = (finished.folder / "results/external/settings/nearest_mean/round0.json").read_text()
    changed = out.with_suffix(".json")
    changed.write_text(settings.replace("python nearest_mean.py {data} {seed} {out}", text))
    arguments = ["--settings", str(changed), "--data", "results/external/data", "--seed", "0", "--out", str(out)]
    return subprocess.run(
        ["wtal", "train-external", *arguments],
        cwd=finished.folder,
        env=finished.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


BAD = {
    "no such program": ("nowhere-to-be-found {data} {out}", "nowhere-to-be-found: expected a program that can be run"),
    "fails": ("python -c 'import sys; sys.exit(3)' {data} {out}", "expected to end with exit code 0"),
    "writes nothing": ("python -c pass {data} {out}", "scores_train.npz: expected the command to write it"),
    "other file": (
        "python -c 'import sys, shutil; [shutil.copy(sys.argv[1] + name, sys.argv[2]) for name in "
        '(\\"/features.npy\\",)]; open(sys.argv[2] + \\"/scores_train.npz\\", \\"w\\"); '
        'open(sys.argv[2] + \\"/scores_test.npz\\", \\"w\\")\' {data} {out}',
        "scores_train.npz: expected",
    ),
    "no folder to write into": ("python -c pass {data}", "command: expected {out} in it"),
    "an unknown place": ("python -c pass {data} {out} {epoch}", "command: expected words in which only {data}"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong_is_said_in_a_sentence_and_leaves_no_file(
    finished: ProjectCopy, tmp_path: Path, name: str
) -> None:
    text, words = BAD[name]
    done = command(finished, tmp_path / "round", text)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert words in done.stderr
    assert not (tmp_path / "round").exists() or not list((tmp_path / "round").iterdir())


def test_scores_of_other_videos_or_out_of_range_are_refused(finished: ProjectCopy, tmp_path: Path) -> None:
    swapped = tmp_path / "swapped.py"
    swapped.write_text(
        example()
        .replace('("train", "test")', '("test", "train")')
        .replace('scores_{subset}.npz"', "scores_{'train' if subset == 'test' else 'test'}.npz\"")
    )
    done = command(finished, tmp_path / "a", f"python {swapped} {{data}} {{seed}} {{out}}")
    assert (done.returncode, "the store's train videos, in its order" in done.stderr) == (2, True), done.stderr
    loud = tmp_path / "loud.py"
    loud.write_text(example().replace("score = np.exp(", "score = 2 * np.exp("))
    done = command(finished, tmp_path / "b", f"python {loud} {{data}} {{seed}} {{out}}")
    assert (done.returncode, "expected scores in [0, 1]" in done.stderr) == (2, True), done.stderr
