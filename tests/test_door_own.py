"""`wtal new-dataset` on videos that lack features or labels and on arrays of another form, up to the store."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from test_convert import bytes_of, small_data_set
from test_own_data import SIZE, change, eight_videos, rows, store, table

from wtal.base.errors import InputError
from wtal.base.schema import to_mapping
from wtal.cli import main
from wtal.data.convert.convert import converted_data_set
from wtal.data.convert.settings import FeatureData
from wtal.data.kinds.prepare import prepare
from wtal.data.store.read import read_store
from wtal.data.store.write import write_store


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def said(*arguments: object, folder: Path) -> Said:
    """A command run in a folder, in this process."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        code = main(list(map(str, arguments)))
    return Said(code, out.getvalue(), error.getvalue())


def new(folder: Path, *arguments: object, annotations: str = "a.json") -> Said:
    return said("new-dataset", "mine", "--features", "f", "--annotations", annotations, *arguments, folder=folder)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return eight_videos(tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> FeatureData:
    return small_data_set(tmp_path)


def without_features(folder: Path, count: int, first: int = 100) -> list[str]:
    """Annotate videos that have no features; their names."""
    names = [f"video_{number}" for number in range(first, first + count)]
    for name in names:
        label = [{"label": "run", "segment": [1.0, 2.0]}]
        change(folder, name, subset="training", duration=20.0, annotations=label)
    return names


def test_every_video_without_features_is_named_and_the_way_on_too(mine: Path) -> None:
    names = without_features(mine, 25)
    done = new(mine)
    assert done.returncode == 2
    assert all(name in done.stderr for name in names)
    assert "to go on without the 25 that have no features: --ignore-missing" in done.stderr
    assert sorted(path.name for path in mine.iterdir()) == ["a.json", "f"]


def test_videos_without_features_are_left_out_and_listed_in_a_file(mine: Path) -> None:
    names = without_features(mine, 25)
    done = new(mine, "--ignore-missing")
    assert (done.returncode, done.stderr) == (0, "")
    listing = mine / "results/mine/settings/missing-features.txt"
    assert (
        "left out    25 videos without features, all named in results/mine/settings/missing-features.txt" in done.stdout
    )
    assert listing.read_text().split() == names
    prepared = said("prepare", "--settings", "results/mine/settings/data.json", "--out", "store", folder=mine)
    assert (prepared.returncode, prepared.stderr) == (0, "")
    assert len(read_store(mine / "store").names) == 8
    for name in names:
        store(mine, name, rows(40))
    assert new(mine, "--force").returncode == 0
    assert not listing.exists()


def test_a_class_that_is_lost_with_its_videos_is_a_problem(mine: Path) -> None:
    for number in (1, 3, 5):
        (mine / "f" / f"video_{number}.npy").unlink()
    done = new(mine, "--ignore-missing")
    assert done.returncode == 2
    assert "jump: a class of test videos that no training video has" in done.stderr


def test_features_with_other_names_throughout_are_one_sentence(mine: Path) -> None:
    for path in (mine / "f").iterdir():
        path.rename(path.with_name(f"clip{path.name}"))
    done = new(mine, "--ignore-missing")
    assert done.returncode == 2
    assert "expected features named like the videos, such as video_0; got clipvideo_0, clipvideo_1" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_suite_may_leave_videos_without_features_out(small: FeatureData, tmp_path: Path) -> None:
    for number in (3, 5):
        (Path(small.features) / f"v_00{number}.npy").unlink()
    with pytest.raises(InputError, match=r"missing_features: leave_out.*none of 2: v_003, v_005"):
        prepare(small, tmp_path / "store")
    told: list[str] = []
    write_store(tmp_path / "store", converted_data_set(replace(small, missing_features="leave_out"), told.append))
    assert "2 of 12 videos have no features and are left out: v_003, v_005" in told
    assert len(read_store(tmp_path / "store").names) == 10
    (tmp_path / "data.json").write_text(json.dumps(to_mapping(replace(small, missing_features="leave_out"))))
    checked = said("check-data", "data.json", folder=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "no features: left out" in checked.stdout


def test_transposed_features_are_read_and_prepared_alike(mine: Path) -> None:
    assert new(mine).returncode == 0
    prepare_own = ("prepare", "--settings", "results/mine/settings/data.json", "--out")
    assert said(*prepare_own, "one", folder=mine).returncode == 0
    for path in (mine / "f").iterdir():
        np.save(path, np.load(path).T)
    done = new(mine, "--force")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"snippets    376 of {SIZE} features" in done.stdout
    assert done.stdout.count("[features, snippets], and read as such") == 1
    assert said(*prepare_own, "two", folder=mine).returncode == 0
    assert bytes_of(mine / "one") == bytes_of(mine / "two")


def test_where_either_axis_may_be_snippets_the_user_is_asked(mine: Path) -> None:
    table(mine, "video,label\n" + "".join(f"video_{n},{'jump' if n % 2 else 'run'}\n" for n in range(8)))
    for number in range(8):
        store(mine, f"video_{number}", rows(40) + number)
    done = new(mine, "--rate", "2", annotations="a.csv")
    assert done.returncode == 2
    assert f"arrays of 40 by {SIZE}, and either may be snippets: say --snippets-are rows or columns" in done.stderr
    for axis, size in (("rows", SIZE), ("columns", 40)):
        given = new(mine, "--rate", "2", "--snippets-are", axis, "--force", annotations="a.csv")
        assert given.returncode == 0, given.stderr
        assert f"of {size} features" in given.stdout
        prepared = said("prepare", "--settings", "results/mine/settings/data.json", "--out", axis, folder=mine)
        assert prepared.returncode == 0, prepared.stderr
        assert read_store(mine / axis).feature_size == size


def test_nothing_is_said_of_a_rate_where_no_feature_could_be_read(mine: Path) -> None:
    for number in range(8):
        store(mine, f"video_{number}", np.zeros((40, 10, SIZE), np.float32))
    done = new(mine)
    assert done.returncode == 2
    assert done.stderr.count("expected an array of snippets times features; got shape (40, 10, 6)") == 8
    assert "snippets per second" not in done.stderr
    assert done.stderr.startswith("wtal new-dataset: 8 problems")


def test_a_training_video_without_a_label_is_told_to_be_background(mine: Path) -> None:
    change(mine, "video_0", annotations=[])
    done = new(mine)
    assert done.returncode == 0
    assert "video_0: no label: used as background" in done.stdout


REPORTED = {  # folders of reported data, with options: what is printed, and with which exit code
    "training-video-without-action": ((), 0, "video_training_0000004: no label: used as background"),
    "time-1-1-columns": ((), 0, "snippets    802 of 8 features"),
    "all-transposed": ((), 0, "arrays: [features, snippets], and read as such"),
    "videos-without-features": ((), 2, "video_validation_0000018"),
    "videos-without-features, left out": (("--ignore-missing",), 0, "left out    15 videos without features"),
}


def reported(shared: Path, name: str) -> Path:
    """The folder of reported data of a name."""
    found = list((shared / "cases").glob(f"*-{name}"))
    if not found:
        pytest.skip(f"{shared} has no reported data")
    return found[0]


@pytest.mark.parametrize("case", list(REPORTED))
def test_data_that_were_reported_are_read_or_refused_in_a_sentence(case: str, shared: Path, tmp_path: Path) -> None:
    options, code, sentence = REPORTED[case]
    folder = reported(shared, case.partition(",")[0])
    given = ("--features", folder / "features", "--annotations", folder / "annotations.json")
    done = said("new-dataset", "mine", *given, *options, folder=tmp_path)
    assert done.returncode == code
    assert sentence in done.stdout + done.stderr
    assert "no durations" not in done.stderr
    assert (tmp_path / "config").exists() == (code == 0)


@pytest.mark.parametrize(("file", "keys"), [("typo", "annotation"), ("other_keys", "action_localisation")])
def test_reported_annotations_without_a_label_name_their_keys(
    file: str, keys: str, shared: Path, tmp_path: Path
) -> None:
    folder = reported(shared, "no-label-anywhere")
    given = ("--features", folder / "features", "--annotations", folder / f"{file}.json", "--rate", "1.5625")
    done = said("new-dataset", "mine", *given, folder=tmp_path)
    assert done.returncode == 2
    assert "under 'annotations'" in done.stderr
    assert done.stderr.rstrip().endswith(keys)
    assert list(tmp_path.iterdir()) == []
