"""The transcripts of the pages on one's own data and films do what they show, as a new user would run them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from transcript import ROOT, User, blocks, pattern, steps, user_in


@pytest.fixture
def user(tmp_path: Path) -> User:
    return user_in(tmp_path)


def test_the_transcript_of_ones_own_data_prints_what_it_says(user: User) -> None:
    (user.folder / "example.py").write_text(blocks("own-data.md", "python")[0])
    work, refusals = blocks("own-data.md", "console")[:2]
    user.follow(work)
    assert (user.folder / "results" / "mine" / "report.html").is_file()
    for command, expected in steps(refusals):
        done = user.run(command)
        assert done.returncode == (2 if expected else 0), f"{command}\n{done.stdout}"
        assert re.fullmatch(pattern(expected), done.stdout), done.stdout
    assert not (user.folder / "config" / "other.yaml").exists()
    _predicting_a_test_video_repeats_the_detections_of_the_suite(user)


def _predicting_a_test_video_repeats_the_detections_of_the_suite(user: User) -> None:
    features = user.folder / "made-up" / "features" / "test_0002.npy"
    checkpoint = "results/mine/optimised_delta/seed0/round4/checkpoint.pt"
    done = user.run(f"wtal predict --checkpoint {checkpoint} --features {features} --out again.json")
    assert done.returncode == 0, done.stdout
    again = json.loads((user.folder / "again.json").read_text())["results"]
    suite = json.loads((user.folder / "results/mine/optimised_delta/seed0/detections.json").read_text())["results"]
    ours, theirs = again["test_0002"], suite["test_0002"]
    assert [row["label"] for row in ours] == [row["label"] for row in theirs]
    for key in ("segment", "score"):  # float32 scores of another batch
        np.testing.assert_allclose([row[key] for row in ours], [row[key] for row in theirs], rtol=1e-4)


def test_the_transcript_of_ones_own_films_goes_from_mp4_files_to_marked_ones(user: User) -> None:
    pytest.importorskip("av", reason="av is optional")
    pytest.importorskip("cv2", reason="OpenCV is optional")
    (user.folder / "films.py").write_text(blocks("own-video.md", "python")[0])
    for block in blocks("own-video.md", "console"):
        user.follow(block)
    results = json.loads((user.folder / "found.json").read_text())["results"]
    assert sorted(results) == ["new_1", "new_2"]
    page = (user.folder / "page" / "index.html").read_text()
    assert re.findall(r'<video [^>]*src="([^"#]*)', page) == ["../new-films/new_1.mp4", "../new-films/new_2.mp4"]


NOTEBOOK = """
import json, sys
from pathlib import Path
for cell in json.loads(Path(sys.argv[1]).read_text())["cells"]:
    assert not cell.get("outputs"), "no outputs are stored"
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"))
"""  # code cells in order in one process, without the twenty packages that a Jupyter kernel takes


def test_the_notebook_of_ones_own_films_runs_from_its_first_cell_to_its_last(user: User) -> None:
    pytest.importorskip("av", reason="av is optional")
    pytest.importorskip("cv2", reason="OpenCV is optional")
    (user.folder / "notebook.py").write_text(NOTEBOOK)
    done = user.run(f"python notebook.py {ROOT / 'docs' / 'own-video.ipynb'}")
    assert done.returncode == 0, done.stdout
    assert (user.folder / "results/notebook-page/index.html").is_file(), done.stdout
    found = (user.folder / "results/notebook-found.csv").read_text()
    assert found.startswith("video,label,start,end,score"), done.stdout
