"""Wrong features and annotations: each gets the one sentence that says what is wrong, and nothing is written."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_size import write_features, write_object_array
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_convert import COLUMNS, annotations_json, quiet

from wtal.base.errors import InputError
from wtal.base.npy.mapped import map_object_array
from wtal.data.annotations.read import read_annotations
from wtal.data.convert.convert import converted_data_set
from wtal.data.convert.settings import FeatureData
from wtal.data.store.write import write_store
from wtal.suite.streams import Stream

Change = Callable[[FeatureData, Path], FeatureData]


@pytest.fixture
def small(tmp_path: Path) -> FeatureData:
    """Settings of a small data set as one object array."""
    annotations = annotations_json(tmp_path / "small.json")
    write_features(annotations, tmp_path / "features", layout="object_array", columns=COLUMNS)
    return FeatureData(
        kind="features",
        name="small",
        features=str(next((tmp_path / "features").iterdir())),
        annotations=str(annotations),
        train_subset="training",
        test_subset="validation",
        feature_size=COLUMNS,
        streams=(Stream(name="rgb", columns=COLUMNS // 2), Stream(name="flow", columns=COLUMNS // 2)),
    )


def arrays_of(settings: FeatureData) -> list[np.ndarray]:
    return list(np.load(settings.features, allow_pickle=True))


def with_arrays(settings: FeatureData, arrays: list[np.ndarray]) -> FeatureData:
    write_object_array(Path(settings.features), iter(arrays), len(arrays))
    return settings


def with_objects(settings: FeatureData, values: list[object]) -> FeatureData:
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    np.save(settings.features, objects)
    return settings


def with_text(settings: FeatureData, old: str, new: str) -> FeatureData:
    path = Path(settings.annotations)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    return settings


def one_file_a_video(settings: FeatureData, tmp_path: Path) -> FeatureData:
    write_features(Path(settings.annotations), tmp_path / "files", layout="npy_per_video", columns=COLUMNS)
    return replace(settings, features=str(tmp_path / "files"))


def shuffled(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, arrays_of(settings)[::-1])


def moved_by_one(settings: FeatureData, _: Path) -> FeatureData:
    arrays = arrays_of(settings)
    return with_arrays(settings, arrays[1:] + arrays[:1])


def another_rate(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, [np.repeat(rows, 2, axis=0) for rows in arrays_of(settings)])


def one_length(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, [np.resize(rows, (75, COLUMNS)) for rows in arrays_of(settings)])


def rgb_only(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, [rows[:, : COLUMNS // 2] for rows in arrays_of(settings)])


def one_transposed(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, [rows.T if n == 0 else rows for n, rows in enumerate(arrays_of(settings))])


def equal_streams(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, [np.tile(rows[:, : COLUMNS // 2], (1, 2)) for rows in arrays_of(settings)])


def dead(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, [np.zeros_like(rows) for rows in arrays_of(settings)])


def not_finite(settings: FeatureData, _: Path) -> FeatureData:
    arrays = arrays_of(settings)
    arrays[4] = arrays[4].copy()
    arrays[4][7, 1] = np.nan
    return with_arrays(settings, arrays)


def one_video_too_few(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, arrays_of(settings)[:-1])


def empty_array(settings: FeatureData, _: Path) -> FeatureData:
    return with_arrays(settings, [rows[:0] if n == 3 else rows for n, rows in enumerate(arrays_of(settings))])


def dictionary(settings: FeatureData, _: Path) -> FeatureData:
    return with_objects(settings, [{"rgb": rows} for rows in arrays_of(settings)])


def text_in_place_of_an_array(settings: FeatureData, _: Path) -> FeatureData:
    return with_objects(settings, ["features/v_000.npy", *arrays_of(settings)[1:]])


def plain_numbers(settings: FeatureData, _: Path) -> FeatureData:
    np.save(settings.features, np.zeros((12, 75, COLUMNS), dtype=np.float32))
    return settings


class Hostile:
    """Runs a command where it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch /tmp/wtal-was-here",)


def hostile(settings: FeatureData, _: Path) -> FeatureData:
    return with_objects(settings, [Hostile(), *arrays_of(settings)[1:]])


def hostile_stream(settings: FeatureData, _: Path) -> FeatureData:
    with Path(settings.features).open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": (12,)})
        pickle.dump(Hostile(), stream, protocol=2)
    return settings


def cut(settings: FeatureData, _: Path) -> FeatureData:
    path = Path(settings.features)
    path.write_bytes(path.read_bytes()[:5000])
    return settings


def other_shape_in_the_header(settings: FeatureData, _: Path) -> FeatureData:
    path = Path(settings.features)
    path.write_bytes(path.read_bytes().replace(b"(12,)", b"(13,)", 1))
    return settings


def web_page(settings: FeatureData, _: Path) -> FeatureData:
    Path(settings.features).write_text("<!DOCTYPE html><html>quota exceeded</html>")
    return settings


def empty_file(settings: FeatureData, tmp_path: Path) -> FeatureData:
    settings = one_file_a_video(settings, tmp_path)
    (Path(settings.features) / "v_003.npy").write_bytes(b"")
    return settings


def cut_file(settings: FeatureData, tmp_path: Path) -> FeatureData:
    settings = one_file_a_video(settings, tmp_path)
    path = Path(settings.features) / "v_003.npy"
    path.write_bytes(path.read_bytes()[:-10])
    return settings


def pickled_file(settings: FeatureData, tmp_path: Path) -> FeatureData:
    settings = one_file_a_video(settings, tmp_path)
    np.save(Path(settings.features) / "v_003.npy", np.array([Hostile()], dtype=object))
    return settings


def missing_files(settings: FeatureData, tmp_path: Path) -> FeatureData:
    settings = one_file_a_video(settings, tmp_path)
    for name in ("v_003", "v_005"):
        (Path(settings.features) / f"{name}.npy").unlink()
    return settings


def twice_the_same_name(settings: FeatureData, tmp_path: Path) -> FeatureData:
    settings = one_file_a_video(settings, tmp_path)
    folder = Path(settings.features) / "more"
    folder.mkdir()
    (folder / "v_003.npy").write_bytes((folder.parent / "v_003.npy").read_bytes())
    return settings


def flow_missing(settings: FeatureData, tmp_path: Path) -> FeatureData:
    write_features(Path(settings.annotations), tmp_path / "two", layout="two_folders", columns=COLUMNS)
    (tmp_path / "two" / "flow" / "v_002.npy").unlink()
    return replace(settings, features=str(tmp_path / "two"))


def flow_shorter(settings: FeatureData, tmp_path: Path) -> FeatureData:
    write_features(Path(settings.annotations), tmp_path / "two", layout="two_folders", columns=COLUMNS)
    path = tmp_path / "two" / "flow" / "v_002.npy"
    np.save(path, np.load(path)[:-2])
    return replace(settings, features=str(tmp_path / "two"))


def parts_of_other_sizes(settings: FeatureData, tmp_path: Path) -> FeatureData:
    write_features(Path(settings.annotations), tmp_path / "two", layout="two_folders", columns=COLUMNS)
    streams = (Stream(name="rgb", columns=COLUMNS // 2 + 1), Stream(name="flow", columns=COLUMNS // 2 - 1))
    return replace(settings, features=str(tmp_path / "two"), streams=streams)


def one_video_of_other_parts(settings: FeatureData, tmp_path: Path) -> FeatureData:
    write_features(Path(settings.annotations), tmp_path / "two", layout="two_folders", columns=COLUMNS)
    for stream, width in (("rgb", COLUMNS // 2 + 1), ("flow", COLUMNS // 2 - 1)):
        path = tmp_path / "two" / stream / "v_002.npy"
        np.save(path, np.ones((len(np.load(path)), width), np.float32))
    return replace(settings, features=str(tmp_path / "two"), streams=(), feature_size=None)


def no_features(settings: FeatureData, tmp_path: Path) -> FeatureData:
    return replace(settings, features=str(tmp_path / "nowhere"))


def folder_without(settings: FeatureData, tmp_path: Path) -> FeatureData:
    (tmp_path / "bare").mkdir()
    return replace(settings, features=str(tmp_path / "bare"))


def past_the_end(settings: FeatureData, _: Path) -> FeatureData:
    return with_text(settings, "[2.0, 9.5]", "[2200.0, 2300.5]")


def in_frames(settings: FeatureData, _: Path) -> FeatureData:
    path = Path(settings.annotations)
    path.write_text(path.read_text().replace("[2.0, 9.5]", "[500, 2375]"))
    return settings


def spelt_twice(settings: FeatureData, _: Path) -> FeatureData:
    return with_text(settings, '"HighJump"', '"high jump"')


def reversed_bounds(settings: FeatureData, _: Path) -> FeatureData:
    return with_text(settings, "[2.0, 9.5]", "[9.5, 2.0]")


def no_duration(settings: FeatureData, _: Path) -> FeatureData:
    return with_text(settings, '"duration": 20.0', '"duration": 0')


def unknown_subset(settings: FeatureData, _: Path) -> FeatureData:
    return replace(settings, test_subset="valdation")


def unknown_video_excluded(settings: FeatureData, _: Path) -> FeatureData:
    return replace(settings, exclude_videos=("v_099",))


def fewer_videos(settings: FeatureData, _: Path) -> FeatureData:
    return replace(settings, expected_videos=412)


def untaught_class(settings: FeatureData, _: Path) -> FeatureData:
    path = Path(settings.annotations)
    values = json.loads(path.read_text())
    values["database"]["v_002"]["annotations"][0]["label"] = "Shotput"
    path.write_text(json.dumps(values))
    return settings


WRONG: list[tuple[Change, str]] = [
    (shuffled, "the lengths are those of the set: the videos are in another order"),
    (moved_by_one, "the videos are in another order"),
    (another_rate, "3.1.. snippets a second where the settings say 1.5625: another rate"),
    (one_length, "every video has 75 snippets whatever its duration: features resampled to one length"),
    (rgb_only, r"expected 8 columns \(rgb 4, flow 4\), not one stream alone .*; got 4"),
    (one_transposed, r"expected 8 columns \(rgb 4, flow 4\); snippets are rows here; got 31"),
    (equal_streams, "expected two different streams; got the same numbers in both halves"),
    (dead, "expected features that differ; got 0 everywhere"),
    (not_finite, "v_004, snippet 7: expected finite features; got NaN or infinity"),
    (one_video_too_few, "expected 12 arrays, one for each annotated video in their order; got 11"),
    (empty_array, r"\[3\]: expected one snippet or more; got an empty array"),
    (dictionary, r"got entry 0 that is no array of numbers \(dict\)"),
    (text_in_place_of_an_array, r"got entry 0 that is no array of numbers \(str\)"),
    (plain_numbers, "expected an object array with one array of features for each video; got an array of plain"),
    (hostile, "got the name 'posix.system'"),
    (hostile_stream, "got the name 'posix.system'"),
    (cut, "got a pickle that is cut short"),
    (other_shape_in_the_header, r"got an array of shape \(12,\) where the header says \(13,\)"),
    (web_page, "expected an .npy file; got ValueError: the magic string is not correct"),
    (empty_file, "v_003.npy: expected an .npy file with the features of a video; got an empty file"),
    (cut_file, "v_003.npy: expected a whole .npy file of numbers; got mmap length is greater"),
    (pickled_file, "v_003.npy: expected a whole .npy file of numbers; got Array can't be memory-mapped"),
    (missing_files, "features of all 12 videos .*; got none of 2: v_003, v_005"),
    (twice_the_same_name, "expected one file a video, like .*; got another of the same name"),
    (flow_missing, "expected a file of v_002 in each of rgb, flow; got v_002 in rgb alone"),
    (flow_shorter, "v_002.npy: expected streams of equal length; got 51 and 53 snippets"),
    (parts_of_other_sizes, "expected streams of rgb 5, flow 3 columns, as the settings .*; got rgb 4, flow 4"),
    (one_video_of_other_parts, "v_002: expected streams of rgb 4, flow 4 columns, .*; got rgb 5, flow 3"),
    (no_features, "nowhere: expected a file or folder of features; got no such path"),
    (folder_without, "bare: expected an .npy file of objects, an .h5 file, .npy files named like the videos"),
    (past_the_end, r"v_000: expected instances inside their videos \(past_end: keep.*\); got 1 after the end, first"),
    (in_frames, "got 12 of 24 instances after the end, .*: frames or milliseconds?"),
    (spelt_twice, "class: expected each class spelt in one way; got 'HighJump' and 'high jump'"),
    (reversed_bounds, r"Diving: expected seconds with 0 <= start <= end; got \[9.5, 2.0\]"),
    (no_duration, "v_000/duration: expected seconds above 0; got 0"),
    (unknown_subset, r"expected videos of the subset 'valdation' \(did you mean 'validation'\?\)"),
    (unknown_video_excluded, "exclude_videos: expected videos of the annotations; got v_099"),
    (fewer_videos, "expected 412 videos in both subsets; got 12"),
    (untaught_class, "Shotput: expected at least one training video of each class; got none"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG, ids=[change.__name__ for change, _ in WRONG])
def test_wrong_input_gets_its_sentence_and_leaves_no_store(
    small: FeatureData, tmp_path: Path, change: Change, sentence: str
) -> None:
    settings = change(small, tmp_path)
    with pytest.raises(InputError, match=sentence) as refused:
        write_store(tmp_path / "store", converted_data_set(settings, quiet))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "store").exists()
    assert not Path("/tmp/wtal-was-here").exists()


def test_a_few_videos_out_of_line_are_told_and_kept(small: FeatureData, tmp_path: Path) -> None:
    told: list[str] = []
    arrays = arrays_of(small)
    with_arrays(small, [rows[:-6] if number == 5 else rows for number, rows in enumerate(arrays)])
    write_store(tmp_path / "store", converted_data_set(small, told.append))
    assert told == ["v_005: 79 snippets where 55.0 s make 86"]


def test_streams_that_look_exchanged_and_videos_that_are_the_same_are_told(small: FeatureData, tmp_path: Path) -> None:
    told: list[str] = []
    half = COLUMNS // 2
    arrays = [np.concatenate([rows[:, half:], rows[:, :half]], axis=1) for rows in arrays_of(small)]
    arrays[1] = arrays[0]
    with_arrays(small, arrays)
    write_store(tmp_path / "store", converted_data_set(replace(small, alignment="warn"), told.append))
    assert any(line.startswith("rgb and flow may be in the wrong order") for line in told)
    assert any(line == "v_000 and v_001 have the same features" for line in told)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "video: expected a column of that name"),
        ("video,label\n", "expected a line for each instance or label; got no line"),
        ("video,label,begin\na,b,1\n", r"begin: expected a known column \(known are"),
        ("video,label,start\na,b,1\n", "end: expected a column of that name"),
        ("video,label,start,end\na,b,1\n", "line 2: expected 4 values; got another number"),
        ("video,label,start,end\na,b,x,2\n", "line 2: expected start and end in seconds; got 'x'"),
        ("video,label,start,end\na,b,3,2\n", "line 2, a, b: expected seconds with 0 <= start <= end"),
        ("video,label,start,end\na,b,0,inf\n", "line 2: expected start and end in seconds; got 'inf'"),
        ("video,label\n,b\n", "line 2: expected the name of a video; got nothing"),
        ("video,label,subset\na,b,train\na,c,test\n", "line 3: expected a in one subset, 'train'; got test"),
        ("video,label\na,__\n", "class: expected a name; got '__'"),
        ("video,label\na,run\nb,Run \n", "expected each class spelt in one way; got 'Run ' and 'run'"),
    ],
)
def test_a_broken_table_of_annotations_gets_its_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_annotations(path)


def refusal(path: Path) -> str:
    """The sentence with which a file is refused; nothing where it is read, and then it holds numbers."""
    try:
        found = map_object_array(path)
    except InputError as refused:
        return str(refused)
    return "" if all(array.dtype.kind in "fiu" for array in found) else "\n"


@given(place=st.integers(0, 30_000), value=st.integers(0, 255), kept=st.integers(0, 40_000))
@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_object_array_is_read_or_refused_and_never_worse(
    tmp_path: Path, place: int, value: int, kept: int
) -> None:
    path = tmp_path / "a.npy"
    write_object_array(path, iter([np.ones((40, 64), dtype=np.float32), np.ones((20, 64), dtype=np.float32)]), 2)
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content[: kept or None])
    assert "\n" not in refusal(path)


def test_each_byte_of_the_frame_may_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    write_object_array(path, iter([np.ones((2, 3), dtype=np.float32)]), 1)
    whole = path.read_bytes()
    n_refused = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        told = refusal(path)
        n_refused += bool(told)
        assert "\n" not in told
    assert n_refused > len(whole) // 2
