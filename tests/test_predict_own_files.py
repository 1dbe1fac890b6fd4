"""`wtal predict` on the test videos' own files gives the suite's own detections, and refuses other streams."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from full_size import write_object_array
from round_run import refused, settings_file, tiny_round, train

from wtal.base.files import digest_of_file, read_json, to_json, write_text
from wtal.base.schema import to_mapping
from wtal.cli import main
from wtal.suite.plan import plan_files, read_suite
from wtal.suite.step_settings import RoundSettings
from wtal.suite.streams import Stream
from wtal.training.checkpoint import read_checkpoint, write_checkpoint

ROOT = Path(__file__).resolve().parents[1]
WIDTHS = {"rgb": 6, "flow": 4}
NAMES = [f"clip_{number}" for number in range(9)]
TEST_NAMES = [name for number, name in enumerate(NAMES) if number % 3 == 2]

Videos = dict[str, dict[str, np.ndarray]]


def made_up(folder: Path) -> Videos:
    """Nine videos of two streams and their annotations, in which each class shows in one stream."""
    generator = np.random.default_rng(0)
    database, videos = {}, {}
    for number, name in enumerate(NAMES):
        count = 40 + 7 * number
        rows = {stream: generator.standard_normal((count, width)) for stream, width in WIDTHS.items()}
        rows["rgb" if number % 2 else "flow"][10:20] += 3.0
        videos[name] = {stream: part.astype(np.float32) for stream, part in rows.items()}
        row = {"label": "jump" if number % 2 else "run", "segment": [5.0, 10.0]}
        subset = "validation" if name in TEST_NAMES else "training"
        database[name] = {"subset": subset, "duration": count / 2, "annotations": [row]}
    (folder / "a.json").write_text(json.dumps({"database": database}))
    return videos


def joint(video: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([video["rgb"], video["flow"]], axis=1)


def npy_per_video(folder: Path, videos: Videos) -> Path:
    folder.mkdir(parents=True)
    for name, video in videos.items():
        np.save(folder / f"{name}.npy", joint(video))
    return folder


def folders_of(*names: str) -> Callable[[Path, Videos], Path]:
    """Writes the streams into folders of these names."""

    def write(folder: Path, videos: Videos) -> Path:
        for stream, called in zip(WIDTHS, names):
            (folder / called).mkdir(parents=True)
            for name, video in videos.items():
                np.save(folder / called / f"{name}.npy", video[stream])
        return folder

    return write


def h5(folder: Path, videos: Videos, names: tuple[str, ...] = ()) -> Path:
    h5py = pytest.importorskip("h5py", reason="h5py is optional")
    folder.mkdir(parents=True)
    with h5py.File(folder / "features.h5", "w") as file:
        for name, video in videos.items():
            if not names:
                file[name] = joint(video)
            for stream, called in zip(WIDTHS, names):
                file[f"{name}/{called}"] = video[stream]
    return folder / "features.h5"


def h5_groups(folder: Path, videos: Videos) -> Path:
    return h5(folder, videos, ("rgb", "flow"))


def object_array(folder: Path, videos: Videos) -> Path:
    folder.mkdir(parents=True)
    write_object_array(folder / "all.npy", map(joint, videos.values()), len(videos))
    return folder


LAYOUTS: dict[str, Callable[[Path, Videos], Path]] = {
    "npy_per_video": npy_per_video,
    "two_folders": folders_of("rgb", "flow"),
    "two_folders_in_capitals": folders_of("RGB", "Flow"),
    "h5": h5,
    "h5_groups": h5_groups,
}


def short_round() -> RoundSettings:
    """Two epochs of a small network."""
    settings = tiny_round()
    return dataclasses.replace(settings, epochs=settings.epochs[:2])


def trained(folder: Path, features: Path, rate: float = 2, **changes: object) -> Path:
    """A suite made of features with `wtal new-dataset`, prepared, trained and detected; the folder of the run."""
    given = ["--annotations", "a.json", "--rate", str(rate)]
    assert main(["new-dataset", "mine", "--features", str(features), *given]) == 0
    data = folder / "results" / "mine" / "settings" / "data.json"
    write_text(data, to_json({**read_json(data), **changes}))
    assert main(["prepare", "--settings", str(data), "--out", "store"]) == 0
    return trained_on(folder)


def trained_on(folder: Path) -> Path:
    detect = plan_files(read_suite(ROOT / "config/tiny.yaml"))["base/detect.json"]
    detect["proposals"]["class_threshold"] = 0.0
    write_text(folder / "detect.json", to_json(detect))
    assert (
        main(train(Path("store"), settings_file(folder, short_round()), Path("r"), "--detection", "detect.json")) == 0
    )
    own = ["detect", "--settings", "detect.json", "--data", "store", "--scores", "r/scores_test.npz"]
    assert main([*own, "--detections", "own.json", "--rounds", "rounds.npz"]) == 0
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predict(features: Path | str) -> list[str]:
    return ["predict", "--checkpoint", "r/checkpoint.pt", "--features", str(features), "--out", "p.json"]


def of_test(videos: Videos) -> Videos:
    return {name: videos[name] for name in TEST_NAMES}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_own_files_give_the_suites_own_detections_byte_for_byte(folder: Path, layout: str) -> None:
    videos = made_up(folder)
    trained(folder, LAYOUTS[layout](folder / "all", videos))
    assert main(predict(LAYOUTS[layout](folder / "new", of_test(videos)))) == 0
    found = json.loads((folder / "own.json").read_text())["results"]
    assert sum(map(len, found.values())) > 0
    assert (folder / "p.json").read_bytes() == (folder / "own.json").read_bytes()


def test_folders_of_streams_that_a_suite_was_tested_on_are_predicted_alike(shared: Path, folder: Path) -> None:
    case = shared / "cases" / "01-stream-order"
    (folder / "a.json").write_bytes((case / "annotations.json").read_bytes())
    trained(folder, case / "two", rate=1.5625)
    assert main(predict(case / "new")) == 0
    assert (folder / "p.json").read_bytes() == (folder / "own.json").read_bytes()


def test_an_object_array_gives_the_same_suite_and_features_without_names_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = made_up(folder)
    trained(folder, object_array(folder / "all", videos))
    assert main(predict(npy_per_video(folder / "new", of_test(videos)))) == 0
    assert (folder / "p.json").read_bytes() == (folder / "own.json").read_bytes()
    capsys.readouterr()
    refused(predict("all"), capsys, "expected features by the names of their videos; got an array without names")


def test_a_store_of_half_precision_is_met_by_its_own_files_too(folder: Path) -> None:
    videos = made_up(folder)
    trained(folder, npy_per_video(folder / "all", videos), precision="float16")
    assert main(predict(npy_per_video(folder / "new", of_test(videos)))) == 0
    assert (folder / "p.json").read_bytes() == (folder / "own.json").read_bytes()


def test_store_and_checkpoint_name_the_streams_in_their_order(folder: Path) -> None:
    videos = made_up(folder)
    trained(folder, folders_of("rgb", "flow")(folder / "all", videos))
    streams = (Stream(name="rgb", columns=6), Stream(name="flow", columns=4))
    assert read_json("store/meta.json")["streams"] == to_mapping(streams)
    assert read_checkpoint("r/checkpoint.pt")[1].streams == streams
    stored = np.load("store/features.npy")
    first = joint(videos["clip_0"])
    np.testing.assert_array_equal(stored[: len(first)], first)


def exchanged(videos: Videos) -> Videos:
    return {name: {"rgb": video["flow"], "flow": video["rgb"]} for name, video in videos.items()}


def one_folder(folder: Path, videos: Videos) -> Path:
    folders_of("rgb", "flow")(folder, videos)
    return folder / "rgb"


OTHERS: dict[str, tuple[Callable[[Path, Videos], Path], str]] = {
    "folders of other names": (
        folders_of("spatial", "temporal"),
        "expected one file a video, like new/spatial/clip_2.npy, or folders of rgb and flow; got another",
    ),
    "groups of other names": (
        lambda folder, videos: h5(folder, videos, ("spatial", "temporal")),
        "clip_2: expected one data set a video, or one for each of rgb, flow; got spatial, temporal",
    ),
    "parts of other sizes in folders": (
        lambda folder, videos: folders_of("rgb", "flow")(folder, exchanged(videos)),
        "clip_2: expected streams of rgb 6, flow 4 columns, as the checkpoint was trained on; got rgb 4, flow 6",
    ),
    "parts of other sizes in groups": (
        lambda folder, videos: h5_groups(folder, exchanged(videos)),
        "clip_2: expected streams of rgb 6, flow 4 columns, as the checkpoint was trained on; got rgb 4, flow 6",
    ),
    "one stream alone": (one_folder, "expected 10 columns (rgb 6, flow 4), as the checkpoint was trained on; got"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on two folders of streams, which no test changes."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        trained(folder, folders_of("rgb", "flow")(folder / "all", made_up(folder)))
    return folder


@pytest.mark.parametrize("case", list(OTHERS))
def test_other_streams_are_refused(case: str, run: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "r").symlink_to(run / "r")
    write, sentence = OTHERS[case]
    path = write(folder / "new", of_test(made_up(folder))).relative_to(folder)
    refused(predict(path), capsys, sentence)
    assert not (folder / "p.json").exists()


def test_one_array_a_video_is_taken_for_the_streams_side_by_side(run: Path, folder: Path) -> None:
    (folder / "r").symlink_to(run / "r")
    assert main(predict(npy_per_video(folder / "new", of_test(made_up(folder))))) == 0
    assert digest_of_file("p.json") == digest_of_file(run / "own.json")


def test_streams_are_refused_where_nobody_named_those_of_the_training(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = made_up(folder)
    trained(folder, npy_per_video(folder / "all", videos))
    folders_of("rgb", "flow")(folder / "new", of_test(videos))
    capsys.readouterr()
    refused(predict("new"), capsys, "expected one array a video, as the checkpoint was trained on; got rgb 6, flow 4")


def test_a_checkpoint_without_the_order_of_its_columns_is_refused(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, _ = read_checkpoint(run / "r" / "checkpoint.pt")
    about = json.loads(content["about"])
    del about["streams"]
    (folder / "r").mkdir()
    write_checkpoint(folder / "r" / "checkpoint.pt", {**content, "about": json.dumps(about)})
    words = "about.streams: expected a list, each a group of keys: name, columns; got nothing"
    refused(predict("new"), capsys, words)


def test_scores_of_a_store_whose_streams_are_in_another_order_are_refused(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "store").mkdir()
    for path in (run / "store").iterdir():
        (folder / "store" / path.name).write_bytes(path.read_bytes())
    meta = read_json("store/meta.json")
    write_text("store/meta.json", to_json({**meta, "streams": meta["streams"][::-1]}))
    score = ["score", "--settings", str(settings_file(folder, short_round())), "--data", "store", "--seed", "0"]
    score += ["--checkpoint", str(run / "r" / "checkpoint.pt"), "--out", "s.npz"]
    refused(score, capsys, "checkpoint.pt: streams: expected flow 4, rgb 6; got rgb 6, flow 4")
