"""The figures of a suite: the same bytes every time, names shown as they are, clips chosen by rule."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from report_run import make_run, suite_values

from wtal.base.errors import InputError
from wtal.base.files import DIGESTS, read_arrays, write_arrays
from wtal.base.records import Instances
from wtal.cli import main
from wtal.report.figures.clips import choose_clips, read_clips
from wtal.report.figures.drawing import drawing
from wtal.report.figures.figures import rounds_figure, write_figures
from wtal.report.figures.names import PICTURES, figure_names
from wtal.report.figures.tracks import Curves, Spans
from wtal.report.inputs.plan import read_plan
from wtal.report.tables.tables import write_tables

NAMES = figure_names(2)
HOSTILE = ("<script>alert(1)</script>", "$\\frac{1}{0$ & _x^", "走る")


def made(folder: Path, **changes: object) -> Path:
    """A run with its tables and two timelines; returns its folder."""
    values = suite_values()
    values["report"] = {**values["report"], "timeline_videos": 2, **changes}
    results = make_run(folder, values)
    write_tables(results / "settings" / "report.json", results / "data", results, results, folder)
    return results


def draw(results: Path) -> None:
    write_figures(results / "settings" / "report.json", results / "data", results, results)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = made(tmp_path_factory.mktemp("run"))
    draw(folder)
    return folder


def test_another_process_draws_the_same_bytes_and_keeps_its_own_settings(results: Path, tmp_path: Path) -> None:
    again = made(tmp_path)
    code = (
        "import sys, pathlib, matplotlib as m; from wtal.report.figures.figures import write_figures;"
        "r = pathlib.Path('.');"
        "before = m.rcParams.copy(); write_figures(r / 'settings' / 'report.json', r / 'data', r, r);"
        "print(before == m.rcParams.copy(), 'matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=again, text=True).split() == ["True", "False"]
    found = sorted(path.name for path in (results / "figures").iterdir())
    assert found == sorted([DIGESTS, *(f"{name}.{suffix}" for name in NAMES for suffix in PICTURES)])
    for name in (*(f"figures/{name}" for name in found), "timelines.json"):
        assert (results / name).read_bytes() == (again / name).read_bytes(), name


def test_figures_hold_no_date_and_no_version(results: Path) -> None:
    for path in (results / "figures").glob("*.svg"):
        text = path.read_text()
        assert "dc:date" not in text
        assert "Matplotlib v" not in text
    for path in (results / "figures").glob("*.png"):
        assert b"Software" not in path.read_bytes()


def test_hostile_class_names_and_titles_are_drawn_as_text(tmp_path: Path) -> None:
    values = suite_values()
    values["variants"]["whole"]["title"] = HOSTILE[0]
    values["variants"]["base"]["group"] = HOSTILE[1]
    values["report"] |= {"timeline_videos": 1}
    folder = make_run(tmp_path, values, classes=HOSTILE)
    write_tables(folder / "settings" / "report.json", folder / "data", folder, folder, tmp_path)
    draw(folder)
    texts = {
        name: {node.text for node in ElementTree.parse(folder / "figures" / f"{name}.svg").iter() if node.text}
        for name in ("ablation", "timeline_1", "per_class")
    }
    assert HOSTILE[0] in texts["ablation"]
    assert set(HOSTILE) <= texts["timeline_1"]
    assert set(HOSTILE) <= texts["per_class"]


def test_clips_are_those_with_most_classes_then_instances_of_each_part_of_the_sorted_list() -> None:
    videos = ("d", "c", "b", "a")
    rows = [("a", 0), ("b", 0), ("b", 1), ("c", 0), ("c", 0), ("d", 1)]
    video = np.array([videos.index(name) for name, _ in rows])
    label = np.array([label for _, label in rows])
    truth = Instances(videos, ("x", "y"), video, label, np.zeros(6), np.ones(6))
    assert choose_clips(truth, 2) == ["b", "c"]
    assert choose_clips(truth, 9) == ["a", "b", "c", "d"]


def test_half_of_the_clips_are_of_training_and_show_labels_and_their_change(results: Path) -> None:
    train, test = read_clips(read_plan(results / "settings" / "report.json"), results / "data", results)
    titles = [title for title, _ in train.tracks]
    assert titles == [
        "ground truth (hidden)",
        "snippet score after round 1",
        "proposals, before fusion",
        "segments after Gaussian fusion",
        "pseudo labels, round 1",
        "pseudo labels, round 2",
        "Δ: labels of round 2 less those of round 1",
    ]
    tracks = dict(train.tracks)
    first, second, change = (tracks[title] for title in titles[4:])
    assert isinstance(first, Curves)
    assert isinstance(second, Curves)
    assert isinstance(change, Curves)
    assert np.array_equal(change.values, second.values - first.values)
    assert first.ceiling == second.ceiling == pytest.approx(0.04)
    assert [title for title, _ in test.tracks][-1] == "detections (height: score)"


def test_a_timeline_shows_the_segments_that_the_method_makes(results: Path) -> None:
    train, _ = read_clips(read_plan(results / "settings" / "report.json"), results / "data", results)
    tracks = dict(train.tracks)
    segments = tracks["segments after Gaussian fusion"]
    assert isinstance(segments, Spans)
    assert segments.lane == (0, 1)
    assert segments.start == pytest.approx((2.0, 11.0))
    assert segments.end == pytest.approx((6.5, 15.5))  # the stored end is one snippet of 0.5 s past the run
    clips = json.loads((results / "timelines.json").read_text())["clips"]
    assert clips[0]["tracks"][3]["spans"][0][:3] == ["walk", 2.0, 6.5]


def test_a_suite_without_label_rounds_has_timelines_of_test_clips_alone(tmp_path: Path) -> None:
    values = suite_values()
    del values["variants"]["whole"]
    values["report"] = {"title": "base alone", "timeline_videos": 3}
    folder = make_run(tmp_path, values)
    plan = read_plan(folder / "settings" / "report.json")
    assert [clip.subset for clip in read_clips(plan, folder / "data", folder)] == ["test"] * 3
    with drawing():
        assert rounds_figure(plan, []).texts[0].get_text() == "No variant of this suite has label rounds."


def test_missing_tables_get_one_sentence_and_no_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path)
    call = ["figures", "--report", str(folder / "settings" / "report.json"), "--data", str(folder / "data")]
    assert main([*call, "--results", str(folder), "--out", str(folder)]) == 2
    assert "ablation.csv: expected a readable file" in capsys.readouterr().err
    assert not (folder / "figures").exists()


def test_labels_of_other_videos_are_refused(tmp_path: Path) -> None:
    folder = made(tmp_path)
    path = folder / "whole" / "seed0" / "round2" / "labels.npz"
    arrays = read_arrays(path)
    write_arrays(path, {**arrays, "videos": arrays["videos"][::-1]})
    with pytest.raises(
        InputError, match=r"labels\.npz: label: expected labels \(160, 3\) of the 4 videos of the scores"
    ):
        draw(folder)
    assert not (folder / "figures").exists()


def test_a_column_that_is_no_number_is_refused_by_line(tmp_path: Path) -> None:
    folder = made(tmp_path)
    path = folder / "rounds.csv"
    path.write_text(path.read_text().replace("90.0000", "ninety", 1))
    with pytest.raises(InputError, match=r"rounds\.csv: line 2, classification_mAP: expected a number or nothing; got"):
        draw(folder)
