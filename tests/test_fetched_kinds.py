"""Published recordings fetched by manifest: what is read of them, what is told, what is refused, and who is where."""

from __future__ import annotations

import itertools
import json
import logging
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.cli import main
from wtal.data.fetch.fetch import FetchRequest, MissingFilesError, fetch
from wtal.data.fetch.manifest import Manifest, ManifestFile, read_manifest
from wtal.data.kinds.fetched import hand_features as hand
from wtal.data.kinds.fetched import shrec21, swimming
from wtal.data.kinds.fetched.files import fetched_listing
from wtal.data.kinds.fetched.shrec21 import Gesture, read_gestures, shrec21_data_set, sound_gestures
from wtal.data.kinds.fetched.shrec21_settings import Shrec21Data
from wtal.data.kinds.fetched.swimming import read_recording, styles_of, swimming_data_set
from wtal.data.kinds.fetched.swimming_settings import SwimmingData
from wtal.data.store.read import Store, read_store
from wtal.data.store.write import DataSet, write_store
from wtal.suite.plan import read_suite

ROOT = Path(__file__).resolve().parents[1]
HEADING = ",timestamp,ACC_0,ACC_1,ACC_2,GYRO_0,GYRO_1,GYRO_2,MAG_0,MAG_1,MAG_2,PRESS,LIGHT,label,ACC_012"


def manifest_of(dataset: str, paths: list[str]) -> Manifest:
    files = tuple(
        ManifestFile(path=path, part="annotations" if "annotations" in path else "recordings") for path in paths
    )
    address = "file:///nowhere/"
    return Manifest(dataset=dataset, title="small", licence="not stated", citation="c", address=address, files=files)


def posed(n_rows: int, seed: int = 0) -> np.ndarray:
    """Joints [S, 20, 3] of a hand with straight fingers that shakes a little."""
    joints = np.zeros((n_rows, hand.JOINTS, 3))
    for number, finger in enumerate(hand.FINGERS):
        for step, joint in enumerate(finger, start=2):
            joints[:, joint] = (0.3 * (2 - number), step, 0)
    joints += 0.01 * np.random.default_rng(seed).standard_normal((n_rows, 1, 3)).cumsum(axis=0)
    return 0.04 * joints


def write_sequence(path: Path, joints: np.ndarray) -> None:
    """A sequence as it is published: seven values a joint, a semicolon after each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.concatenate([joints, np.zeros((*joints.shape[:2], 4))], axis=2).reshape(len(joints), -1)
    path.write_text("".join(";".join(map(repr, row)) + ";\n" for row in rows.tolist()))


@pytest.fixture
def hands(tmp_path: Path) -> tuple[Path, Manifest]:
    """Training sequences 1, 2 and 73 and test sequence 109, each with two gestures; every class in each subset."""
    folder = tmp_path / "shrec21"
    paths = [f"training_set/sequences/{number}.txt" for number in (2, 1, 73)] + ["test_set/sequences/109.txt"]
    for seed, path in enumerate(paths):
        write_sequence(folder / path, posed(403, seed))
    every = "".join(f"{name};{10 + 20 * index};{20 + 20 * index};" for index, name in enumerate(shrec21.CLASSES))
    (folder / shrec21.ANNOTATIONS["train"]).write_text(
        f"1;{every} \n2;ONE;101;200;TAP;350;420;\n\n73;V;300;162;{every}\n"
    )
    (folder / shrec21.ANNOTATIONS["test"]).write_text("109;ONE;101;200;KNOB;404;410;\n")
    return folder, manifest_of("shrec21", [*shrec21.ANNOTATIONS.values(), *paths])


def write_recording(path: Path, label: list[float], seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).standard_normal((len(label), 6))
    lines = [
        f"{index},0,{','.join(map(repr, row))},0,0,0,0,0,{one},0"
        for index, (row, one) in enumerate(zip(values.tolist(), label, strict=True))
    ]
    path.write_text("\n".join([HEADING, *lines]) + "\n")


LABEL = [0.0] * 20 + [1.0] * 60 + [5.0] * 10 + [2.0] * 30 + [-1.0] * 10 + [3.0] * 40 + [6.0] * 10 + [4.0] * 31


@pytest.fixture
def swimmers(tmp_path: Path) -> tuple[Path, Manifest]:
    """A training, a held-out and a test swimmer, each with all styles."""
    folder = tmp_path / "swimming"
    paths = ["0/Freestyle_1.csv", "5/Freestyle_2.csv", "4/Butterfly_3.csv"]
    for seed, path in enumerate(paths):
        write_recording(folder / path, LABEL, seed)
    return folder, manifest_of("swimming", paths)


def stored(data: DataSet, folder: Path) -> Store:
    write_store(folder, data)
    return read_store(folder, verify=True)


def annotations(store: Store) -> list[tuple[str, str, float, float]]:
    """Video, class, start and end of the instances of both subsets."""
    found = []
    for subset in ("train", "test"):
        truth = store.instances(subset)
        rows = zip(truth.video, truth.class_index, truth.start.tolist(), truth.end.tolist(), strict=True)
        found += [(truth.videos[video], store.classes[column], start, end) for video, column, start, end in rows]
    return found


def test_gestures_have_the_published_rows_in_seconds_and_faults_are_told(
    hands: tuple[Path, Manifest], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, manifest = hands
    caplog.set_level(logging.INFO)
    store = stored(shrec21_data_set(Shrec21Data(folder=str(folder)), manifest), tmp_path / "store")
    found = annotations(store)
    assert ("sequence002", "ONE", 2.0, 4.0) in found
    assert ("sequence002", "TAP", 6.98, 8.0) in found  # clipped to 403 rows, then to whole snippets
    assert [row for row in found if row[0] == "sequence109"] == [("sequence109", "ONE", 2.0, 4.0)]
    faults = [
        "training sequence 2: TAP from row 350 to 420 is clipped to the last row, 403",
        "training sequence 73: V from row 300 to 162 ends before it starts, and is dropped",
        "test sequence 109: KNOB from row 404 to 410 starts past the last row, 403, and is dropped",
    ]
    for fault in faults:
        assert fault in store.meta.source
        assert f"note: shrec21: {fault}" in caplog.messages
    assert (store.meta.licence, store.snippets_per_second) == ("not stated", 10)
    assert store.video_names("train") == ("sequence001", "sequence002", "sequence073")


def test_settings_are_chosen_on_training_recordings_alone(
    hands: tuple[Path, Manifest], swimmers: tuple[Path, Manifest]
) -> None:
    for split, expected in (("test", "train train train test"), ("validation", "train train test")):
        data = shrec21_data_set(Shrec21Data(folder=str(hands[0]), split=split), hands[1])  # type: ignore[arg-type]
        assert [video.subset for video in data.videos] == expected.split()
    for split, test in (("test", ["swimmer04_butterfly_3"]), ("validation", ["swimmer05_freestyle_2"])):
        settings = SwimmingData(folder=str(swimmers[0]), split=split)  # type: ignore[arg-type]
        videos = list(swimming_data_set(settings, swimmers[1]).videos)
        assert [video.name for video in videos if video.subset == "test"] == test
        assert len(videos) == (3 if split == "test" else 2)


def test_every_third_swimmer_tests_and_every_third_of_the_others_is_held_out() -> None:
    published = sorted({int(file.path.partition("/")[0]) for file in read_manifest("swimming").files})
    assert tuple(published[2::3]) == swimming.TEST_SWIMMERS
    others = [swimmer for swimmer in published if swimmer not in swimming.TEST_SWIMMERS]
    assert tuple(others[2::3]) == swimming.VALIDATION_SWIMMERS


def test_runs_of_one_style_are_its_instances_and_all_else_is_background(
    swimmers: tuple[Path, Manifest], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = stored(swimming_data_set(SwimmingData(folder=str(swimmers[0])), swimmers[1]), tmp_path / "store")
    mine = [row[1:] for row in annotations(store) if row[0] == "swimmer00_freestyle_1"]
    samples = [(name, round(30 * start), round(30 * end)) for name, start, end in mine]
    runs = [("freestyle", 20, 80), ("breaststroke", 90, 120), ("backstroke", 130, 170), ("butterfly", 180, 210)]
    assert sorted(samples) == sorted(runs)  # the last one ends with the last whole snippet
    assert any("labels -1 and 6, which nothing documents, are taken as unlabelled (9.5 %" in x for x in caplog.messages)
    assert "3 files not verified, since nobody has stated their sha256" in store.meta.source
    assert styles_of(np.array([0, 5, -1, 6])) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1;ONE;3;9\n", None),
        ("1;WAVE;3;9;\n", "line 1: expected number;CLASS;first;last"),
        ("1;ONE;3;9;\nx;ONE;3;9;\n", "line 2: expected number;CLASS"),
        ("1;ONE;3;\n", "line 1: expected"),
        ("1;ONE;0;9;\n", "line 1: expected"),
        ("1;ONE;-3;9;\n", "line 1: expected"),
    ],
)
def test_annotations_are_read_or_refused_by_line(text: str, sentence: str | None, tmp_path: Path) -> None:
    path = tmp_path / "annotations.txt"
    path.write_text(text)
    if sentence is None:
        assert read_gestures(path) == {1: [Gesture("ONE", 2, 9)]}
        return
    with pytest.raises(InputError, match=f"annotations.txt: {sentence}"):
        read_gestures(path)


def test_a_gesture_that_ends_with_its_sequence_is_no_fault() -> None:
    faults: list[str] = []
    assert sound_gestures([Gesture("ONE", 0, 50)], 50, "here", faults) == (Gesture("ONE", 0, 50),)
    assert faults == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "expected rows of numbers; got none"),
        ("0.1;0.2;\n", "expected numbers separated by ';'"),
        ("word;" * 140 + "\n", "expected numbers separated by ';'"),
        ("nan;" * 140 + "\n", "row 0: expected finite numbers"),
    ],
)
def test_a_damaged_sequence_is_one_sentence(content: str, sentence: str, hands: tuple[Path, Manifest]) -> None:
    folder, manifest = hands
    (folder / "test_set/sequences/109.txt").write_text(content)
    with pytest.raises(InputError, match=f"109.txt: {sentence}"):
        shrec21_data_set(Shrec21Data(folder=str(folder)), manifest)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("GYRO_1", "GYRO_X", "GYRO_1: expected a column of that name"),
        (",5.0,", ",7.0,", "row 80, label: expected a whole number, -1 to 6; got 7.0"),
        (",5.0,", ",0.5,", "row 80, label: expected a whole number, -1 to 6; got 0.5"),
        (",5.0,", ",five,", "expected numbers separated by ','"),
    ],
)
def test_a_damaged_recording_is_one_sentence(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "0" / "Freestyle_1.csv"
    write_recording(path, LABEL)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=sentence):
        read_recording(path, 0)


def test_missing_files_are_a_sentence_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps({"kind": "swimming"}))
    command = [sys.executable, "-m", "wtal", "prepare", "--settings", "data.json", "--out", "store"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "which `wtal fetch swimming` fetches; got 134 of 134 missing, 0/Freestyle_1527873200322.csv" in done.stderr
    assert not (tmp_path / "store").exists()


def test_the_store_is_made_anew_when_a_recording_or_what_was_accepted_changes(swimmers: tuple[Path, Manifest]) -> None:
    folder, manifest = swimmers
    before = fetched_listing(manifest, folder)
    assert len(before) == 3
    (folder / "lock.json").write_text("{}")
    assert fetched_listing(manifest, folder) != before
    (folder / "0/Freestyle_1.csv").unlink()
    assert fetched_listing(manifest, folder) == {}


def stated(manifest: Manifest, sha256: str = "0" * 64) -> Manifest:
    """The same files with a sha256 that none of them has."""
    files = tuple(ManifestFile(path=file.path, part=file.part, sha256=sha256) for file in manifest.files)
    words = {key: getattr(manifest, key) for key in ("dataset", "title", "licence", "citation", "address")}
    return Manifest(**words, files=files)


def test_files_with_other_sums_are_taken_only_when_asked_and_the_store_says_so(
    swimmers: tuple[Path, Manifest], tmp_path: Path
) -> None:
    manifest, into = stated(swimmers[1]), tmp_path / "data"
    with pytest.raises(MissingFilesError, match=r"another sha256 than 000000000000\.\.\."):
        fetch(FetchRequest(manifest, into, by_hand=swimmers[0]))
    assert not into.exists()
    lines = fetch(FetchRequest(manifest, into, by_hand=swimmers[0], accept_other_sums=True))
    assert lines[-1].startswith("swimming: 3 files are not the published ones by their sha256; accepted as asked, rec")
    assert lines[0].endswith("accepted with another sha256 than stated")
    assert set(json.loads((into / "lock.json").read_text())["accepted"]) == {file.path for file in manifest.files}
    assert fetch(FetchRequest(manifest, into))[0] == (
        "0/Freestyle_1.csv: already there, accepted with another sha256 than stated"
    )
    data = swimming_data_set(SwimmingData(folder=str(into)), manifest)
    assert "3 files are not the published ones by their sha256, accepted by who fetched them" in data.source
    write_recording(into / "0/Freestyle_1.csv", LABEL, seed=9)
    with pytest.raises(InputError, match=r"Freestyle_1\.csv: expected sha256 000000000000\.\.\."):
        swimming_data_set(SwimmingData(folder=str(into)), manifest)


def test_a_name_that_two_files_share_is_not_looked_for_at_the_top(tmp_path: Path) -> None:
    manifest = manifest_of("small", ["train/1.txt", "test/1.txt", "test/2.txt"])
    (tmp_path / "1.txt").write_text("of which?")
    (tmp_path / "2.txt").write_text("of the test set")
    with pytest.raises(MissingFilesError) as error:
        fetch(FetchRequest(manifest, tmp_path / "data", by_hand=tmp_path))
    assert "2 files of small could not be had (1 could" in str(error.value)


def test_accepting_other_sums_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "shrec21", "--accept-other-sums"]) == 2
    assert "--accept-other-sums: expected --from DIR beside it; got none" in capsys.readouterr().err


def test_the_manifests_have_fixed_addresses_and_the_published_sums(shared: Path) -> None:
    sums = json.loads((shared / "data/shrec21/sha256_of_published.json").read_text())
    folders = {"training_set": "train", "test_set": "test"}
    found = {
        f"{folders[file.path.split('/')[0]]}/{Path(file.path).name}": file.sha256
        for file in read_manifest("shrec21").files
        if file.part == "recordings"
    }
    assert found == sums
    index = json.loads((shared / "data/swimming/index.json").read_text())
    assert [file.path for file in read_manifest("swimming").files] == [name for name, _ in index["files"]]
    for name in ("shrec21", "swimming"):
        assert {source.split("/")[2] for file in read_manifest(name).files for source in file.sources} == {
            "raw.githubusercontent.com"
        }


def test_a_hand_that_is_moved_turned_and_grown_has_the_same_shape_in_its_own_axes() -> None:
    joints = posed(60)
    joints[:, hand.TIPS[1]] = joints[:, hand.TIPS[1]] * 0.5  # one finger bent
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    other = 3 * (joints @ turn.T) + np.array([1.0, 2, 3])
    own = slice(57, None)  # all but positions, which are in the axes of the room
    first, second = hand.shape_of_rows(joints), hand.shape_of_rows(other / 3)
    np.testing.assert_allclose(first[:, own], second[:, own], atol=1e-9)
    straight = first[0, 57 + 15 : 57 + 20]
    assert straight[1] == min(straight)


def test_velocities_are_lengths_of_a_hand_a_second_and_windows_are_centred() -> None:
    joints = np.repeat(posed(1), 100, axis=0)
    joints[:, :, 0] += 0.16 * np.arange(100)[:, None] / hand.ROWS_PER_SECOND  # 0.08 is the hand's length
    features = hand.hand_features(joints, 5, 20)
    assert features.shape == (20, hand.FEATURE_SIZE)
    assert sum(stream.columns for stream in hand.STREAMS) == hand.FEATURE_SIZE
    velocity = features[:, 2 * hand.SHAPE : 2 * hand.SHAPE + 4]
    np.testing.assert_allclose(velocity, [[2, 0, 0, 2]] * 20, atol=1e-4)
    joints[50:] += [0, 1, 0]  # a jump in the middle, at the edge of snippet 10
    changed = np.flatnonzero(np.abs(hand.hand_features(joints, 5, 20) - features).max(axis=1) > 1e-6)
    assert changed.tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize(("step", "window"), list(itertools.product([1, 5, 50], [2, 50, 250])))
def test_every_length_has_its_whole_snippets(step: int, window: int) -> None:
    for n_rows in (50, 101):
        features = hand.hand_features(posed(n_rows), step, window)
        assert features.shape == (n_rows // step, hand.FEATURE_SIZE)
        assert np.isfinite(features).all()


def unpacked(shared: Path, packed: str, n_columns: int, n_first: int, by_column: bool) -> list[np.ndarray]:
    """The first recordings of a packed data set, by its own unpacking."""
    unpack = runpy.run_path(str(shared / "data/unpack"))["unpacked"]
    index = json.loads((shared / f"data/{packed.split('/')[0]}/index.json").read_text())
    lengths = [entry[-1] for entry in (index["files"] if by_column else index)]
    rows = unpack(shared / "data" / packed, n_columns, lengths, by_column)
    return list(itertools.islice(rows, n_first))


def test_published_gestures_move_the_hand_more_than_the_still_ones(shared: Path) -> None:
    """Two real training sequences: CIRCLE of sequence 1 against ONE of sequence 2."""
    first, second = (rows.reshape(-1, 20, 3) for rows in unpacked(shared, "shrec21/positions.xz", 60, 2, False))
    gestures = read_gestures(shared / "data/shrec21/annotations_revised_training.txt")
    circle, one = gestures[1][1], gestures[2][0]
    assert (circle, one) == (Gesture("CIRCLE", 1609, 1655), Gesture("ONE", 312, 480))
    speed = [hand.hand_features(rows.astype(float), 5, 50)[:, 2 * hand.SHAPE + 3] for rows in (first, second)]
    assert speed[0][circle.start // 5 : circle.end // 5].mean() > 3 * speed[1][one.start // 5 : one.end // 5].mean()


def test_published_labels_are_runs_of_the_documented_numbers(shared: Path) -> None:
    rows = unpacked(shared, "swimming/sensors.xz", 10, 4, True)
    for one in rows:
        label = one[:, -1].astype(np.int64)
        assert set(np.unique(label)) <= {*swimming.CLASSES, *swimming.BACKGROUND, *swimming.UNDOCUMENTED}
        assert all(end - start > 30 for _, start, end in styles_of(label))


@pytest.mark.parametrize("name", ["shrec21", "swimming"])
def test_the_held_out_suite_differs_from_its_suite_in_the_split_alone(name: str) -> None:
    suite, held_out = read_suite(ROOT / f"config/{name}.yaml"), read_suite(ROOT / f"config/{name}-validation.yaml")
    assert (suite.file.dataset.split, held_out.file.dataset.split) == ("test", "validation")
    assert suite.variants["base"].method == held_out.variants["base"].method
    assert "licence" in suite.file.report.note
