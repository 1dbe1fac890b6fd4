"""Annotations say the same in every public form, to training and to scoring, however their values are written."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from wtal.base.errors import InputError
from wtal.cli import main
from wtal.data.annotations.read import annotation_files, read_annotations
from wtal.data.annotations.subsets import words_for
from wtal.data.convert.collection import collect
from wtal.data.user.inspect import Request, inspect
from wtal.evaluate.read.ground_truth import read_ground_truth

Truth = dict[str, list[tuple[str, float, float]]]
CLASSES = ("HighJump", "Shotput")
TRUTH: Truth = {
    "video_test_0000001": [("HighJump", 2.0, 6.0), ("HighJump", 10.0, 12.5)],
    "video_test_0000002": [("Shotput", 1.0, 4.0)],
}
SECONDS = 60.5
SUBSETS = ("test", "Test", "TEST", "testing", "Testing")
MARKS = {"none": b"", "utf-8": codecs.BOM_UTF8, "utf-16": codecs.BOM_UTF16_LE}


def with_mark(path: Path, text: str, mark: str) -> Path:
    path.write_bytes(MARKS[mark] + text.encode("utf-16-le" if mark == "utf-16" else "utf-8"))
    return path


def entries(truth: Truth, as_text: bool, **stated: Any) -> dict[str, Any]:
    """Entries by video, numbers as text where asked."""
    number = (lambda value: f"{value}") if as_text else (lambda value: value)
    return {
        video: {
            **{key: number(value) if isinstance(value, float) else value for key, value in stated.items()},
            "annotations": [{"label": c, "segment": [number(s), number(e)]} for c, s, e in rows],
        }
        for video, rows in truth.items()
    }


def activitynet(folder: Path, truth: Truth, subset: str, as_text: bool, mark: str) -> Path:
    database = entries(truth, as_text, subset=subset, duration=SECONDS, url="https://example.org", resolution="4x3")
    values = {"version": "VERSION 1.3", "taxonomy": [{"nodeId": 0}], "database": database}
    return with_mark(folder / "truth.json", json.dumps(values), mark)


def actionformer(folder: Path, truth: Truth, subset: str, as_text: bool, mark: str) -> Path:
    database = entries(truth, as_text, subset=subset, duration=SECONDS, fps=30.0)
    for entry in database.values():
        for row in entry["annotations"]:
            row["label_id"] = CLASSES.index(row["label"]) if row["label"] in CLASSES else -1
            row["segment(frames)"] = [30 * float(bound) for bound in row["segment"]]
    return with_mark(folder / "truth.json", json.dumps({"version": "Thumos14-30fps", "database": database}), mark)


def gtad(folder: Path, truth: Truth, subset: str, as_text: bool, mark: str) -> Path:
    database = entries(truth, as_text, subset=subset, duration_second=SECONDS)
    return with_mark(folder / "thumos_gt.json", json.dumps({"database": database, "taxonomy": []}), mark)


def mmaction2(folder: Path, truth: Truth, subset: str, as_text: bool, mark: str) -> Path:
    stated = {"duration_second": SECONDS, "duration_frame": 1815, "feature_frame": 1808, "fps": 30.0, "rfps": 29.98}
    return with_mark(folder / "anet_anno_val.json", json.dumps(entries(truth, as_text, **stated)), mark)


def table(folder: Path, truth: Truth, subset: str, as_text: bool, mark: str) -> Path:
    lines = [f"{video};{c};{s};{e};{subset}" for video, rows in truth.items() for c, s, e in rows]
    text = "\n".join(["Video;Label;Start;End;Subset", *lines])
    return with_mark(folder / "truth.csv", text if as_text else text.replace(";", ","), mark)


def toolkit(folder: Path, truth: Truth, subset: str, as_text: bool, mark: str) -> Path:
    for name in {name for rows in truth.values() for name, _, _ in rows}:
        lines = [f"{video}  {s} {e}\n" for video, rows in truth.items() for c, s, e in rows if c == name]
        with_mark(folder / f"{name}_test.txt", "".join(lines), mark)
    (folder / "readme.txt").write_text("not annotations")
    return folder


def arrays(folder: Path, truth: Truth, subset: str, as_text: bool, mark: str) -> Path:
    def objects(values: list[Any]) -> np.ndarray:
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return column

    bounds = [[[str(s), str(e)] if as_text else [s, e] for _, s, e in rows] for rows in truth.values()]
    columns = {
        "classlist": np.array(CLASSES),
        "videoname": np.array(list(truth)),
        "subset": np.array([subset.encode()] * len(truth)),
        "segments": objects(bounds),
        "labels": objects([[name for name, _, _ in rows] for rows in truth.values()]),
        "duration": np.array([[str(SECONDS) if as_text else SECONDS]] * len(truth)),
    }
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)
    return folder


FORMS = (activitynet, actionformer, gtad, mmaction2, table, toolkit, arrays)
bounds = st.floats(0, 1000, width=32).map(float)
rows = st.tuples(st.sampled_from(CLASSES), bounds, bounds).map(lambda row: (row[0], *sorted(row[1:])))
truths = st.dictionaries(
    st.sampled_from([f"video_test_{n:07d}" for n in range(9)]), st.lists(rows, min_size=1, max_size=3)
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@given(
    truth=truths.filter(bool),
    subset=st.sampled_from(SUBSETS),
    as_text=st.booleans(),
    mark=st.sampled_from(sorted(MARKS)),
)
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_form_says_the_same_to_training_and_to_scoring(
    tmp_path_factory: pytest.TempPathFactory, form: Any, truth: Truth, subset: str, as_text: bool, mark: str
) -> None:
    path = form(tmp_path_factory.mktemp("form"), truth, subset, as_text, mark)
    scored = read_ground_truth(path, "test").instances
    for_training = read_annotations(path)
    videos = for_training.videos if form is mmaction2 else for_training.of_subset("test")
    as_read: Truth = {name: [] for name in scored.videos}
    for video, label, start, end in zip(scored.video, scored.class_index, scored.start, scored.end):
        as_read[scored.videos[video]].append((scored.classes[label], float(start), float(end)))
    assert {name: sorted(own) for name, own in as_read.items()} == {name: sorted(own) for name, own in truth.items()}
    assert {video.name: sorted(video.instances) for video in videos} == {n: sorted(own) for n, own in truth.items()}
    assert for_training.path == path
    assert annotation_files(path)


def test_what_a_file_states_of_its_videos_is_carried_along(tmp_path: Path) -> None:
    (video, *_) = read_annotations(mmaction2(tmp_path, TRUTH, "test", True, "none")).videos
    assert (video.seconds, video.frames_per_second, video.n_frames) == (SECONDS, 30.0, 1815)
    (video, *_) = read_annotations(actionformer(tmp_path, TRUTH, "test", False, "none")).videos
    assert (video.seconds, video.frames_per_second, video.n_frames) == (SECONDS, 30.0, None)
    assert read_ground_truth(tmp_path / "truth.json").class_names == {0: "HighJump", 1: "Shotput"}
    assert read_ground_truth(tmp_path / "anet_anno_val.json").seconds == dict.fromkeys(TRUTH, SECONDS)


def test_numbers_as_text_are_told(tmp_path: Path) -> None:
    path = gtad(tmp_path, TRUTH, "Test", True, "none")
    told = ("8 numbers stand as text, and are read as numbers",)
    assert read_ground_truth(path).notes == read_annotations(path).notes == told
    assert read_ground_truth(gtad(tmp_path, TRUTH, "Test", False, "none")).notes == ()


@pytest.mark.parametrize(
    ("asked", "known", "found"),
    [
        ("val", ["Validation", "training"], ("Validation",)),
        ("Training", ["train", "Train", "test"], ("train", "Train")),
        ("testing", ["validation", "test"], ("test",)),
        ("fold 1", ["Fold 1", "fold 2"], ("Fold 1",)),
        ("dev", ["train", "test"], ()),
    ],
)
def test_words_for_one_subset_are_the_same_in_any_letters(asked: str, known: list[str], found: tuple[str, ...]) -> None:
    assert words_for(asked, known) == found


def test_new_data_sets_are_split_by_any_words_for_their_subsets(tmp_path: Path) -> None:
    truth: Truth = {f"video_{number}": [(CLASSES[number % 2], 2.0, 5.0)] for number in range(8)}
    path = activitynet(tmp_path, truth, "Train", True, "utf-8")
    text = path.read_text(encoding="utf-8-sig")
    path.write_text('"Testing"'.join(text.rsplit('"Train"', 2)))
    (tmp_path / "features").mkdir()
    random = np.random.default_rng(0)
    for video in truth:
        np.save(tmp_path / "features" / f"{video}.npy", random.normal(size=(121, 4)).astype(np.float32))
    found = inspect(Request("mine", str(tmp_path / "features"), str(path), rate=2.0))
    assert (found.settings.train_subset, found.settings.test_subset) == ("Train", "Testing")
    assert (found.count("train"), found.count("test"), found.problems) == (6, 2, [])
    assert any("24 numbers stand as text" in words for _, _, words in found.notes)
    told: list[str] = []
    for words in (("training", "test"), ("TRAIN", "testing")):
        collection = collect(replace(found.settings, train_subset=words[0], test_subset=words[1]), told.append)
        assert [member.subset for member in collection.members].count("train") == 6
    assert any("24 numbers stand as text" in sentence for sentence in told)


def test_two_words_for_one_subset_are_one_subset_and_told(tmp_path: Path) -> None:
    path = activitynet(tmp_path, TRUTH, "val", False, "none")
    path.write_text(path.read_text().replace('"val"', '"Validation"', 1))
    found = read_ground_truth(path, "validation")
    assert len(found.instances) == 3
    assert found.notes == ("Validation and val are read as one subset",)
    assert len(read_annotations(path).of_subset("VAL")) == 2


def test_a_subset_that_a_file_does_not_name_is_all_of_it_and_told(tmp_path: Path) -> None:
    found = read_ground_truth(mmaction2(tmp_path, TRUTH, "", False, "none"), "val")
    assert len(found.instances) == 3
    assert found.notes == ("no subset is named, so all 2 videos are taken for val",)


def test_videos_without_a_subset_beside_others_are_told(tmp_path: Path) -> None:
    path = activitynet(tmp_path, TRUTH, "test", False, "none")
    path.write_text(path.read_text().replace('"subset": "test", ', "", 1))
    (note,) = read_ground_truth(path).notes
    assert note == "1 of 2 videos name no subset and belong to none, first video_test_0000001"


WITH_AMBIGUOUS = {**TRUTH, "video_test_0001292": [("Ambiguous", 20.0, 24.0)]}


@pytest.mark.parametrize("form", [form for form in FORMS if form is not arrays], ids=lambda form: form.__name__)
def test_ambiguous_intervals_of_thumos14_are_no_class_and_no_instances(tmp_path: Path, form: Any) -> None:
    path = form(tmp_path, WITH_AMBIGUOUS, "test", False, "none")
    found, for_training = read_ground_truth(path, "test"), read_annotations(path)
    assert set(found.instances.classes) == set(for_training.classes) == set(CLASSES)
    assert len(found.instances) == 3
    assert found.ambiguous is not None
    assert (found.ambiguous.video, found.ambiguous.end.tolist()) == (("video_test_0001292",), [24.0])
    assert [video.ambiguous for video in for_training.videos if video.ambiguous] == [((20.0, 24.0),)]
    assert for_training.notes == ("intervals labelled Ambiguous, which is no class, are left out: 1",)


def test_a_class_of_that_name_in_another_data_set_is_a_class(tmp_path: Path) -> None:
    path = activitynet(
        tmp_path, {"clip_7": [("Ambiguous", 1.0, 2.0)], "clip_8": [("run", 1.0, 2.0)]}, "test", False, "none"
    )
    found = read_ground_truth(path)
    assert found.instances.classes == ("Ambiguous", "run")
    assert (found.n_ambiguous, read_annotations(path).classes) == (0, ("Ambiguous", "run"))


MAT = b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(90)
NOT_READ = {
    "a MATLAB file": ("gt.mat", MAT, "got a MATLAB file, whose table can be saved as CSV"),
    "a pickle": ("gt.pkl", b"\x80\x04N.", "got a pickle"),
    "text": ("gt.txt", b"video_test_0000001 2.0 6.0\n", "got text of another form"),
    "an archive": ("gt.npz", b"PK\x03\x04", "got an archive"),
    "detections": ("found.json", b'{"results": {}}', "got the keys results, which are of detections"),
    "a list": ("gt.json", b"[]", "database: expected annotations by video"),
    "settings": ("gt.json", b'{"epochs": 3}', "database: expected annotations by video"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_not_read_names_the_forms_that_are(tmp_path: Path, name: str) -> None:
    file, content, sentence = NOT_READ[name]
    (tmp_path / file).write_bytes(content)
    for read in (read_ground_truth, read_annotations):
        with pytest.raises(InputError) as refused:
            read(tmp_path / file)
        assert sentence in str(refused.value)
        assert "ActionFormer" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_an_empty_folder_names_the_forms_that_are_read(tmp_path: Path) -> None:
    for read in (read_ground_truth, read_annotations):
        with pytest.raises(InputError, match=r"segments.npy .*CLASS_test.txt.*got a folder without"):
            read(tmp_path)


@pytest.mark.parametrize("segment", [["2.0", "1.0"], ["2,0", "3,0"], ["two", "3"], [True, 2], ["1_0", "20"], [1], "12"])
def test_text_that_is_no_number_is_refused_on_both_sides(tmp_path: Path, segment: Any) -> None:
    path = activitynet(tmp_path, TRUTH, "test", False, "none")
    values = json.loads(path.read_text())
    values["database"]["video_test_0000001"]["annotations"][0]["segment"] = segment
    path.write_text(json.dumps(values))
    for read in (read_ground_truth, read_annotations):
        with pytest.raises(InputError, match=r"video_test_0000001\[0\].*expected .*(seconds)"):
            read(path)


def test_bounds_as_text_score_as_bounds_do(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = shared / "cases" / "07-segments-as-text"
    arguments = ["--detections", str(case / "detections.json"), "--ground-truth", str(case / "gt.json")]
    assert main(["evaluate", *arguments, "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["mAP"] == [100.0] * 7
    assert printed.err == f"{case / 'gt.json'}: 6 numbers stand as text, and are read as numbers\n"
