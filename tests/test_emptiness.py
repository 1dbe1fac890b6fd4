"""What must not be empty is refused, and what may be is told, however the data come in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from test_convert import small_data_set
from test_door_own import said
from test_own_data import SIZE, rows

from wtal.base.errors import InputError
from wtal.base.schema import to_mapping
from wtal.data.annotations.read import read_annotations
from wtal.data.convert.convert import converted_data_set
from wtal.data.convert.settings import FeatureData
from wtal.data.kinds.prepare import prepare
from wtal.data.store.read import read_store
from wtal.data.store.write import DataSet, StoredVideo, write_store
from wtal.suite.streams import Stream


@pytest.fixture
def small(tmp_path: Path) -> FeatureData:
    return small_data_set(tmp_path)


def edited(settings: FeatureData, turn: Callable[[dict[str, dict[str, object]]], None]) -> FeatureData:
    path = Path(settings.annotations)
    values = json.loads(path.read_text())
    turn(values["database"])
    path.write_text(json.dumps(values))
    return settings


def no_labels(database: dict[str, dict[str, object]]) -> None:
    for entry in database.values():
        entry["annotations"] = []


def untaught(database: dict[str, dict[str, object]]) -> None:
    for entry in database.values():
        if entry["subset"] == "training":
            entry["annotations"] = []


def other_key(database: dict[str, dict[str, object]]) -> None:
    for entry in database.values():
        entry["annotation"] = entry.pop("annotations")


def one_other_key(database: dict[str, dict[str, object]]) -> None:
    database["v_003"]["action_localisation"] = database["v_003"].pop("annotations")


EMPTY: dict[str, tuple[Callable[[dict[str, dict[str, object]]], None], str]] = {
    "no label": (no_labels, "none in 12 videos, whose keys are subset, duration, annotations"),
    "no training label": (untaught, "train: expected labels of training videos; got none in"),
    "another key": (
        other_key,
        "under 'annotations', .*12 of 12 videos without, whose keys are subset, duration, annot",
    ),
    "another key once": (one_other_key, "1 of 12 videos without, whose keys are subset, duration, action_localisation"),
}


@pytest.mark.parametrize("case", list(EMPTY))
def test_emptiness_is_refused_alike_by_every_way_in(case: str, small: FeatureData, tmp_path: Path) -> None:
    turn, sentence = EMPTY[case]
    edited(small, turn)
    with pytest.raises(InputError, match=sentence):
        prepare(small, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    (tmp_path / "data.json").write_text(json.dumps(to_mapping(small)))
    checked = said("check-data", "data.json", folder=tmp_path)
    assert (checked.returncode, checked.stderr.count("\n")) == (2, 1)
    arguments = ("new-dataset", "mine", "--features", small.features, "--annotations", small.annotations)
    done = said(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert not (tmp_path / "config").exists()
    own = "train: no training video has a label" if case == "no training label" else sentence
    assert re.search(sentence, checked.stderr), checked.stderr
    assert re.search(own, done.stderr), done.stderr


def test_a_subset_that_is_left_empty_is_refused(small: FeatureData, tmp_path: Path) -> None:
    names = [video.name for video in read_annotations(small.annotations).of_subset("validation")]
    with pytest.raises(InputError, match="test: expected at least one test video; got none"):
        prepare(replace(small, exclude_videos=tuple(names)), tmp_path / "store")


def test_background_and_lonely_classes_are_told_and_used(small: FeatureData, tmp_path: Path) -> None:
    def background(database: dict[str, dict[str, object]]) -> None:
        database["v_000"]["annotations"] = []
        database["v_001"]["annotations"] = [{"label": "Rare", "segment": [1.0, 2.0]}]

    told: list[str] = []
    write_store(tmp_path / "store", converted_data_set(edited(small, background), told.append))
    assert "1 training video has no label: used as background" in told
    assert "Rare: a class that no test video has: trained and detected, but no part of the mAP" in told
    found = read_store(tmp_path / "store", verify=True)
    assert not found.video_labels[found.names.index("v_000")].any()

    def one_class(database: dict[str, dict[str, object]]) -> None:
        for entry in database.values():
            entry["annotations"] = [{"label": "Run", "segment": [1.0, 2.0]}]

    told.clear()
    write_store(tmp_path / "two", converted_data_set(edited(small, one_class), told.append))
    assert told == ["Run: one class alone: it can be told from background, and from nothing else"]


def stored(**changes: object) -> DataSet:
    """A data set of two videos as an embedded kind gives it."""
    videos = [
        StoredVideo(name=subset, subset=subset, seconds=3.0, instances=(("run", 0.0, 1.0),), features=rows(6))
        for subset in ("train", "test")
    ]
    usual: dict[str, object] = {
        "dataset": "made",
        "classes": ("run",),
        "snippets_per_second": 2.0,
        "feature_size": SIZE,
        "streams": (),
        "source": "none",
        "licence": "none",
        "citation": "none",
        "videos": videos,
    }
    return DataSet(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": ()}, "made: classes: expected at least one class; got none"),
        ({"videos": []}, "made: train: expected at least one train video; got none"),
        ({"classes": ("run", "walk")}, "made: walk: expected at least one training video of each class; got none"),
        (
            {"snippets_per_second": 0.0},
            r"store/meta.json: snippets_per_second: expected a number in \[0.0001, 100000\]; got 0.0",
        ),
        ({"streams": (Stream(name="all", columns=99),)}, r"store/meta.json: streams: expected columns that sum"),
    ],
)
def test_a_store_is_refused_by_its_own_name_and_never_by_a_temporary_one(
    changes: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence) as refused:
        write_store(tmp_path / "store", stored(**changes))
    assert ".preparing" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
