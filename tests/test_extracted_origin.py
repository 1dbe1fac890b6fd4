"""Features of two extractors, or of two files of weights, are never mixed: not in a data set, not in a prediction."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.data.convert.convert import converted_data_set
from wtal.data.convert.settings import FeatureData
from wtal.data.features.extracted import FORMAT, IDENTITY
from wtal.data.features.for_prediction import videos_to_predict
from wtal.data.kinds.prepare import prepare
from wtal.data.store.read import read_store
from wtal.training.checkpoint import About

SIZE, RATE = 8, 1.5625
ORIGIN: dict[str, Any] = {
    "extractor": {"kind": "lite0+dis", "appearance_frames": 4, "motion_weight": 8.0},
    "weights": {"file": "a.pth", "sha256": "a" * 64},
    "frames_per_second": 25.0,
    "frames_per_snippet": 16,
    "stride": 16,
}
OTHERS = {
    "extractor": {"kind": "s3d"},
    "weights": {"file": "a.pth", "sha256": "b" * 64},
    "frames_per_second": 30.0,
    "frames_per_snippet": 32,
    "stride": 8,
}


@pytest.fixture
def settings(tmp_path: Path) -> FeatureData:
    """Six videos with features, records and annotations."""
    folder, rows = tmp_path / "features", ["video,label,start,end,subset"]
    folder.mkdir()
    for number in range(6):
        name = f"v{number}"
        np.save(folder / f"{name}.npy", np.random.default_rng(number).normal(size=(20, SIZE)).astype(np.float32))
        write_record(folder / f"{name}.json", ORIGIN)
        rows.append(f"{name},run,1,3,{'train' if number < 4 else 'test'}")
    (tmp_path / "truth.csv").write_text("\n".join(rows) + "\n")
    return FeatureData(
        name="own",
        features=str(folder),
        annotations=str(tmp_path / "truth.csv"),
        feature_size=SIZE,
        streams=(),
        snippets_per_second=RATE,
    )


def write_record(path: Path, origin: dict[str, Any]) -> None:
    path.write_text(json.dumps({"format": FORMAT, **origin}))


def test_a_store_says_what_made_its_features(settings: FeatureData, tmp_path: Path) -> None:
    assert prepare(settings, tmp_path / "store").meta.origin == ORIGIN
    assert read_store(tmp_path / "store", verify=True).meta.origin == ORIGIN


def test_a_store_of_features_without_records_has_no_such_entry(settings: FeatureData, tmp_path: Path) -> None:
    for path in Path(settings.features).glob("*.json"):
        path.unlink()
    assert prepare(settings, tmp_path / "store").meta.origin is None
    assert "origin" not in json.loads((tmp_path / "store/meta.json").read_text())


@pytest.mark.parametrize("key", IDENTITY)
def test_a_data_set_of_two_origins_is_refused(key: str, settings: FeatureData) -> None:
    write_record(Path(settings.features) / "v3.json", {**ORIGIN, key: OTHERS[key]})
    with pytest.raises(InputError, match=rf"v3\.json: {key}: expected .*, as v0\.npy has it; got "):
        converted_data_set(settings)


def test_a_record_of_something_else_is_passed_over_and_a_broken_one_is_not(settings: FeatureData) -> None:
    folder = Path(settings.features)
    (folder / "v3.json").write_text('{"fps": 30}')
    converted_data_set(settings)
    (folder / "v3.json").write_text('{"format": ')
    with pytest.raises(InputError, match=r"v3\.json: expected JSON"):
        converted_data_set(settings)


@pytest.mark.parametrize("key", IDENTITY)
def test_features_of_another_origin_are_not_predicted_on(key: str, settings: FeatureData) -> None:
    folder = Path(settings.features)
    names, _, _ = videos_to_predict(folder, SIZE, (), ORIGIN)
    assert len(names) == 6
    with pytest.raises(InputError, match=rf"v0\.json: {key}: expected .*, as the checkpoint was trained on; got "):
        videos_to_predict(folder, SIZE, (), {**ORIGIN, key: OTHERS[key]})


def test_a_checkpoint_keeps_the_origin_where_there_is_one() -> None:
    about = About(("run",), SIZE, RATE, 0, "digest", {}, ())
    assert "origin" not in json.loads(about.to_json())
    assert json.loads(replace(about, origin=ORIGIN).to_json())["origin"] == ORIGIN
