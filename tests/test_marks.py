"""Detections as subtitles, ELAN and Label Studio files say the same times as their JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.base.records import Detections
from wtal.data.annotations.read import read_annotations
from wtal.evaluate.marks.write import Form, form_of, write_marks

CLASSES = ("jump <high>", "run")


def found(*rows: tuple[int, int, float, float, float], videos: tuple[str, ...] = ("clip",)) -> Detections:
    columns = [np.array(column) for column in zip(*rows)] if rows else [np.zeros(0, np.int64)] * 2 + [np.zeros(0)] * 3
    return Detections(videos, CLASSES, *columns)


TWO = found((0, 1, 3.0, 4.0, 0.5), (0, 0, 1.0, 2.5, 0.876))


def written(path: Path, detections: Detections, form: Form | None = None) -> str:
    (file,) = write_marks(path, detections, form_of(path, form), {"clip": "file:///films/clip.mp4"})
    return file.read_text()


def test_subtitles_come_in_order_of_time_and_escape_what_would_be_markup(tmp_path: Path) -> None:
    srt = "1\n00:00:01,000 --> 00:00:02,500\njump <high> 0.88\n\n2\n00:00:03,000 --> 00:00:04,000\nrun 0.50\n"
    assert written(tmp_path / "a.srt", TWO) == srt
    vtt = "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\njump &lt;high&gt; 0.88\n\n00:00:03.000 --> 00:00:04.000\nrun 0.50\n"
    assert written(tmp_path / "a.vtt", TWO) == vtt


def test_subtitles_go_past_the_hour_and_last_a_millisecond_at_least(tmp_path: Path) -> None:
    text = written(tmp_path / "a.srt", found((0, 1, 3661.5, 3661.5, 0.1)))
    assert "01:01:01,500 --> 01:01:01,501" in text


def test_an_elan_file_reads_back_as_the_annotations_that_it_shows(tmp_path: Path) -> None:
    overlapping = found((0, 1, 3.0, 4.0, 0.5), (0, 1, 3.5, 5.0, 0.4), (0, 0, 1.0, 2.5, 0.876))
    text = written(tmp_path / "a.eaf", overlapping)
    assert 'TIER_ID="run (2)"' in text  # a tier may not hold what overlaps
    (video,) = read_annotations(tmp_path / "a.eaf").videos
    assert video.name == "clip"
    assert sorted(video.instances) == [("jump <high>", 1.0, 2.5), ("run", 3.0, 4.0), ("run", 3.5, 5.0)]


def test_predictions_of_label_studio_accepted_there_read_back_as_annotations(tmp_path: Path) -> None:
    (task,) = json.loads(written(tmp_path / "a.json", TWO, "label-studio"))
    assert task["data"]["video"] == "file:///films/clip.mp4"
    accepted = [{**task, "annotations": task["predictions"]}]
    (tmp_path / "accepted.json").write_text(json.dumps(accepted))
    (video,) = read_annotations(tmp_path / "accepted.json").videos
    assert sorted(video.instances) == [("jump <high>", 1.0, 2.48), ("run", 3.0, 4.0)]  # frames of 1/25 s


@pytest.mark.parametrize("form", ["srt", "vtt", "eaf"])
def test_several_videos_get_a_file_each_in_a_folder(form: Form, tmp_path: Path) -> None:
    several = found((0, 1, 3.0, 4.0, 0.5), videos=("a", "b"))
    files = write_marks(tmp_path / "out", several, form_of(tmp_path / "out", form))
    assert [file.name for file in files] == [f"a.{form}", f"b.{form}"]
    with pytest.raises(InputError, match=r"--out: expected a folder, without an ending"):
        write_marks(tmp_path / f"out.{form}", several, form_of(tmp_path / f"out.{form}"))


def test_nothing_detected_is_a_valid_empty_file(tmp_path: Path) -> None:
    assert written(tmp_path / "a.srt", found()) == ""
    assert written(tmp_path / "a.vtt", found()) == "WEBVTT\n"
    assert "<TIER" not in written(tmp_path / "a.eaf", found())
    assert json.loads(written(tmp_path / "a.json", found(), "label-studio"))[0]["predictions"][0]["result"] == []
