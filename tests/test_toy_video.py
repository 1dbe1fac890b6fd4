"""Made-up videos are the same bytes from the same seed, show what their annotations say, and become a data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("av", reason="av is optional")
pytest.importorskip("cv2", reason="OpenCV is optional")

from wtal.base.files import digest_of_file, read_json
from wtal.base.schema import from_mapping
from wtal.cli import main
from wtal.data.kinds.prepare import prepare
from wtal.video import toy
from wtal.video.toy.make import SOURCE, make_videos, scenes_of, write_pictures
from wtal.video.toy.scene import CLASSES, pictures_of
from wtal.video.toy.settings import ToyVideoData

ROOT = Path(__file__).resolve().parents[1]


def small(folder: Path, **changes: object) -> ToyVideoData:
    values = {"folder": str(folder), "train_videos": 3, "test_videos": 3, "seconds": [6, 7], **changes}
    return from_mapping(ToyVideoData, values, file="test")


def test_every_class_is_in_both_subsets_and_actions_stand_apart_inside_their_video(tmp_path: Path) -> None:
    for own in scenes_of(small(tmp_path, train_videos=20, test_videos=10, seconds=[10, 20])).values():
        assert {action.label for scene in own for action in scene.actions} == set(CLASSES)
        for scene in own:
            ends = [0.0] + [action.end for action in scene.actions]
            starts = [action.start for action in scene.actions] + [scene.seconds]
            assert all(end < start for end, start in zip(ends, starts))
            assert all(action.start < action.end for action in scene.actions)


def test_pictures_change_more_in_an_action_than_at_rest(tmp_path: Path) -> None:
    scene = scenes_of(small(tmp_path, noise=0))["train"][1]
    pictures = np.stack(list(pictures_of(scene))).astype(np.float32)
    change = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3))
    times = (np.arange(len(change)) + 0.5) / 25
    acts = np.zeros(len(change), dtype=bool)
    for action in scene.actions:
        acts |= (times > action.start) & (times < action.end)
    assert change[acts].mean() > 2 * change[~acts].mean()


def test_a_killed_making_goes_on_and_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    paths, annotations = make_videos(small(tmp_path / "a"))
    digests = [digest_of_file(path) for path in (*paths, annotations)]
    paths[2].unlink()
    assert [digest_of_file(path) for path in (*make_videos(small(tmp_path / "a"))[0], annotations)] == digests
    other = scenes_of(small(tmp_path, seed=1))["train"][0]
    write_pictures(tmp_path / "other.mp4", pictures_of(other))
    assert digest_of_file(tmp_path / "other.mp4") not in digests


def test_the_data_set_names_its_streams_and_what_made_its_features_and_says_that_it_is_made_up(tmp_path: Path) -> None:
    store = prepare(small(tmp_path / "a", seconds=[6, 6]), tmp_path / "store")
    meta = read_json(tmp_path / "store" / "meta.json")
    assert [stream["name"] for stream in meta["streams"]] == ["appearance", "motion"]
    assert meta["origin"]["extractor"]["kind"] == "lite0+dis"
    assert "made-up video, not a benchmark" in meta["source"]
    assert store.classes == CLASSES
    assert len(store.names) == 6


def test_whatever_shows_the_made_up_videos_says_that_they_are_no_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    words = "made-up video, not a benchmark"
    text = (ROOT / "config/toy-video.yaml").read_text()
    report = yaml.safe_load(text)["report"]
    for shown in (text.splitlines()[0], report["title"], report["note"], SOURCE, toy.__doc__ or ""):
        assert words in shown.lower()
    assert main(["list", "data-kinds"]) == 0
    listed = capsys.readouterr().out
    assert words in listed[listed.index("toy_video") :].partition("\n\n")[0].lower()
    for page in (ROOT / "docs").glob("*.md"):
        for section in page.read_text().split("\n## "):
            if "toy-video" in section and page.stem != "settings":  # written from the code
                assert words in " ".join(section.lower().split()), page
