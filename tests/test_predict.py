"""`wtal predict`: detections and pictures of videos to predict, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from round_run import settings_file, tiny_round, train

from wtal.base.files import to_json, write_text
from wtal.base.schema import to_mapping
from wtal.cli import main
from wtal.data.features.for_prediction import videos_to_predict
from wtal.data.store.write import DataSet, StoredVideo, write_store
from wtal.localise.fusion.gaussian import GaussianFusion
from wtal.localise.scores_file import read_scores
from wtal.methods.rskp.settings import RskpSettings
from wtal.suite.method_settings import DetectionSettings, ProposalSettings
from wtal.suite.step_settings import DetectSettings
from wtal.training.checkpoint import About, write_checkpoint
from wtal.training.predict import load_model, predict_scores
from wtal.training.runtime import deterministic

ROOT = Path(__file__).resolve().parents[1]
SIZE, CLASSES, RATE = 6, ("jump", "run"), 2.0
MODEL = RskpSettings(embedding_size=8, prototypes=2)
DETECTION = DetectSettings(
    proposals=ProposalSettings(thresholds=(0.1, 0.2, 0.3), threshold_kind="relative", class_threshold=0.0),
    detection=DetectionSettings(fusion=GaussianFusion()),
    report_best_test_epoch=False,
)


def checkpoint(path: Path, **changes: object) -> Path:
    """A checkpoint of an untrained network; `changes` are made to what it says of itself."""
    method = MODEL.network(SIZE, len(CLASSES), torch.Generator().manual_seed(0))
    about = {
        "classes": CLASSES,
        "feature_size": SIZE,
        "snippets_per_second": RATE,
        "round_index": 0,
        "settings_digest": "",
        "base": to_mapping(MODEL),
        "streams": (),
        "detection": to_mapping(DETECTION),
        **changes,
    }
    state: dict[str, object] = {"optimiser": {}, "doubt": None, "rng": {}, "progress": {}}
    text = About(**about).to_json()  # type: ignore[arg-type]
    write_checkpoint(path, {"about": text, "model": method.state_dict(), **state})
    return path


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, SIZE)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint and the features of three videos."""
    monkeypatch.chdir(tmp_path)
    checkpoint(tmp_path / "c.pt")
    (tmp_path / "f").mkdir()
    for number in range(3):
        np.save(tmp_path / "f" / f"video_{number}.npy", rows(30 + number, number))
    return tmp_path


def predict(*arguments: str) -> int:
    return main(["predict", "--checkpoint", "c.pt", "--features", "f", "--out", "d.json", *arguments])


def test_detections_of_a_folder_are_written_with_every_video(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict() == 0
    results = json.loads((folder / "d.json").read_text())["results"]
    assert list(results) == ["video_0", "video_1", "video_2"]
    for number, found in enumerate(results.values()):
        assert found
        assert {row["label"] for row in found} <= set(CLASSES)
        assert all(0 <= row["segment"][0] < row["segment"][1] <= (31 + number) / RATE for row in found)  # e + 1
    assert capsys.readouterr().out.startswith("3 videos at 2 snippets per second: ")


def test_a_single_file_and_float16_and_float64_are_read(folder: Path) -> None:
    for kind in (np.float16, np.float64):
        np.save(folder / "one.npy", rows(30).astype(kind))
        assert predict("--features", "one.npy", "--out", "one.csv") == 0
        assert (folder / "one.csv").read_text().startswith("video,label,start,end,score\none,")


def test_a_video_gets_the_same_detections_alone_and_among_others(folder: Path) -> None:
    assert predict() == 0
    together = json.loads((folder / "d.json").read_text())["results"]["video_1"]
    assert predict("--features", "f/video_1.npy") == 0
    alone = json.loads((folder / "d.json").read_text())["results"]["video_1"]
    assert [row["label"] for row in alone] == [row["label"] for row in together]
    for key in ("segment", "score"):  # float32, packed otherwise
        np.testing.assert_allclose([row[key] for row in alone], [row[key] for row in together], rtol=1e-4)


def test_pictures_are_drawn_on_request_and_are_the_same_each_time(folder: Path) -> None:
    assert predict() == 0
    assert not (folder / "p").exists()
    assert predict("--timelines", "p") == 0
    names = sorted(path.name for path in (folder / "p").iterdir())
    assert names == [f"video_{number}.{form}" for number in range(3) for form in ("png", "svg")]
    text = (folder / "p" / "video_0.svg").read_text()
    assert "detections" in text
    assert "snippet score" in text
    before = (folder / "p" / "video_0.svg").read_bytes()
    assert predict("--timelines", "p") == 0
    assert (folder / "p" / "video_0.svg").read_bytes() == before


def test_settings_given_stand_before_those_carried(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = to_mapping(DETECTION)
    values["proposals"]["class_threshold"] = 1.0
    (folder / "detect.json").write_text(json.dumps(values))
    assert predict("--settings", "detect.json", "--timelines", "p") == 0
    out = capsys.readouterr().out
    assert "0 detections of 0 of 2 classes" in out
    assert "nothing in video_2: no class reaches 1" in out
    assert (folder / "p" / "video_2.svg").is_file()


def test_a_checkpoint_of_before_settings_were_carried_asks_for_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint(folder / "c.pt", detection=None)
    assert predict() == 2
    assert "c.pt: about.detection: expected detection settings (give --settings" in capsys.readouterr().err
    (folder / "detect.json").write_text(json.dumps(to_mapping(DETECTION)))
    assert predict("--settings", "detect.json") == 0


def store(folder: Path, array: np.ndarray) -> None:
    np.save(folder / "f" / "video_1.npy", array, allow_pickle=True)


def with_nan() -> np.ndarray:
    array = rows(30)
    array[7, 2] = np.nan
    return array


def truncated(folder: Path) -> None:
    path = folder / "f" / "video_1.npy"
    path.write_bytes(path.read_bytes()[:-9])


def empty_folder(folder: Path) -> None:
    for path in (folder / "f").iterdir():
        path.unlink()


def truncated_checkpoint(folder: Path) -> None:
    path = folder / "c.pt"
    path.write_bytes(path.read_bytes()[:-2000])


REFUSED: dict[str, tuple[Callable[[Path], object], tuple[str, ...], str]] = {
    "no checkpoint": (lambda f: (f / "c.pt").unlink(), (), "c.pt: expected a readable file"),
    "another file": (lambda f: (f / "c.pt").write_text("hello"), (), "c.pt: expected a whole file of the format"),
    "cut short": (truncated_checkpoint, (), "c.pt: expected a whole file of the format"),
    "another size": (
        lambda f: checkpoint(f / "c.pt", feature_size=7),
        (),
        "c.pt: model: expected weights for 7 features",
    ),
    "other classes": (
        lambda f: checkpoint(f / "c.pt", classes=("run",)),
        (),
        "expected weights for 6 features and 1 classes",
    ),
    "unknown setting": (
        lambda f: checkpoint(f / "c.pt", base={"kind": "rskp", "layers": 3}),
        (),
        "c.pt: about.base.layers",
    ),
    "no features": (lambda f: None, ("--features", "g"), "g: expected a file or folder of features; got no such path"),
    "no such array": (
        lambda f: None,
        ("--features", "g.npy"),
        "g.npy: expected an .npy file with the features of a video",
    ),
    "an empty folder": (empty_folder, (), "f: expected"),
    "narrower": (
        lambda f: store(f, rows(30)[:, :4]),
        (),
        "video_1: expected 6 columns, as the checkpoint was trained on; got",
    ),
    "transposed": (lambda f: store(f, rows(30).T), (), "snippets are rows; got 6 rows of 30"),
    "NaN": (
        lambda f: store(f, with_nan()),
        (),
        "video_1.npy: snippet 7: expected finite features; got NaN or infinity",
    ),
    "whole numbers": (
        lambda f: store(f, np.ones((9, SIZE), int)),
        (),
        "expected features as float16, float32 or float64; got int64",
    ),
    "complex": (
        lambda f: store(f, np.ones((9, SIZE), complex)),
        (),
        "expected an array of numbers; got one of type complex128",
    ),
    "text": (lambda f: store(f, np.full((9, SIZE), "a")), (), "expected an array of numbers; got one of type <U1"),
    "no snippet": (lambda f: store(f, rows(0)), (), "expected one snippet or more; got an empty array"),
    "one axis": (lambda f: store(f, rows(30)[0]), (), "expected an array of snippets times features; got shape (6,)"),
    "an empty file": (lambda f: (f / "f" / "video_1.npy").write_bytes(b""), (), "got an empty file"),
    "features cut short": (truncated, (), "video_1.npy: expected a whole .npy file of numbers"),
    "a pickle": (
        lambda f: store(f, np.array([print], dtype=object)),
        (),
        "video_1.npy: expected a whole .npy file of numbers",
    ),
    "no settings": (lambda f: None, ("--settings", "s.json"), "s.json: expected a readable file"),
    "wrong settings": (
        lambda f: (f / "s.json").write_text("{}"),
        ("--settings", "s.json"),
        "s.json: proposals: expected",
    ),
    "a folder as output": (
        lambda f: (f / "d.json").mkdir(),
        (),
        "--out: expected a file to write; got d.json, a folder",
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_does_not_fit_is_refused_in_a_sentence_and_nothing_is_written(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, options, sentence = REFUSED[case]
    spoil(folder)
    assert predict("--timelines", "p", *options) == 2
    error = capsys.readouterr().err
    assert error.startswith("wtal predict: ")
    assert sentence in error
    assert error.count("\n") == 1
    assert not (folder / "d.json").is_file()
    assert not (folder / "p").exists()


NAMES = ("zebra", "ant", "Mole", "cow_2", "cow_10", "bee")


def trained(folder: Path, precision: str) -> Path:
    """A round trained on made-up videos that do not lie in the order of their names; test features in files beside.

    With so large a scale some class probabilities are denormal numbers, which training takes for zero.
    """
    videos = [(f"train_{number}", "train", 20 + number) for number in range(6)]
    videos += [(name, "test", 400 + 90 * number) for number, name in enumerate(NAMES)]
    stored = []
    (folder / "features").mkdir()
    for number, (name, subset, length) in enumerate(videos):
        features = np.random.default_rng(number).standard_normal((length, SIZE)).astype(np.float32)
        instances = ((CLASSES[number % 2], 1.0, 4.0),)
        stored.append(
            StoredVideo(name=name, subset=subset, seconds=length / RATE, instances=instances, features=features)  # type: ignore[arg-type]
        )
        if subset == "test":
            np.save(folder / "features" / f"{name}.npy", features)
    about = {"dataset": "made-up", "classes": CLASSES, "snippets_per_second": RATE, "feature_size": SIZE}
    words = dict.fromkeys(("source", "licence", "citation"), "none")
    data = DataSet(**about, **words, streams=(), videos=stored)  # type: ignore[arg-type]
    write_store(folder / "data", data, precision=precision)
    write_text(folder / "detect.json", to_json(to_mapping(DETECTION)))
    base = tiny_round()
    sharper = dataclasses.replace(base.base, cosine_scale=150.0)
    settings = settings_file(folder, base, epochs=base.epochs[:2], base=sharper)
    detection = ("--detection", str(folder / "detect.json"))
    assert main(train(folder / "data", settings, folder / "round", *detection)) == 0
    return folder


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_the_test_videos_own_features_get_the_scores_and_detections_of_training(precision: str, tmp_path: Path) -> None:
    folder = trained(tmp_path, precision)
    expected, _ = read_scores(folder / "round/scores_test.npz")
    assert expected.videos == NAMES
    model = load_model(folder / "round/checkpoint.pt", torch.device("cpu"))
    names, features, _ = videos_to_predict(folder / "features", SIZE, ())
    assert names == sorted(NAMES)
    found = predict_scores(model, names, features)
    for place, name in enumerate(names):
        before = NAMES.index(name)
        for values, wanted in (
            (found.snippet_score[found.rows(place)], expected.snippet_score[expected.rows(before)]),
            (found.attention[found.rows(place)], expected.attention[expected.rows(before)]),
            (found.video_score[place], expected.video_score[before]),
        ):
            assert values.tobytes() == wanted.tobytes(), name
    suite = ["detect", "--settings", str(folder / "detect.json"), "--data", str(folder / "data")]
    suite += ["--scores", str(folder / "round/scores_test.npz"), "--rounds", str(folder / "rounds.npz")]
    assert main([*suite, "--detections", str(folder / "suite.json")]) == 0
    one = ["predict", "--checkpoint", str(folder / "round/checkpoint.pt"), "--features", str(folder / "features")]
    assert main([*one, "--out", str(folder / "predicted.json")]) == 0
    assert (folder / "predicted.json").read_bytes() == (folder / "suite.json").read_bytes()


def test_features_that_do_not_fit_the_precision_of_training_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint(folder / "c.pt", precision="float16")
    store(folder, rows(30) * 1e6)
    assert predict() == 2
    assert "video_1: expected features within float16, as which those of the training were" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("device", "flushes"), [("cpu", False), ("cpu", True), ("cuda", False)]
)  # a card's flags can be set without one
def test_a_deterministic_block_leaves_everything_as_it_was(
    device: str, flushes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    smallest = torch.full((1,), torch.finfo(torch.float32).tiny)

    def state() -> list[object]:
        algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
        workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
        return [torch.get_num_threads(), not (smallest / 2).any(), algorithms, workspace]

    def fail() -> None:
        with deterministic(torch.device(device)):
            algorithms, workspace = ((True, False), ":4096:8") if device == "cuda" else ((False, False), None)
            assert state() == [3, True, algorithms, workspace]
            raise KeyError("stands for a failure")

    monkeypatch.setenv("OMP_NUM_THREADS", "3,1")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        torch.set_flush_denormal(flushes)
        with pytest.raises(KeyError, match="stands for"):
            fail()
        assert state() == [2, flushes, (False, False), None]
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


@pytest.mark.parametrize("text", ["", "many", "0", "-1"])
def test_a_number_of_threads_that_is_none_is_refused(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert predict() == 2
    expected = f"OMP_NUM_THREADS: expected a whole number, 1 or above; got {text!r}"
    assert expected in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="only where no CUDA device is found")
def test_a_device_that_is_not_there_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict("--device", "cuda") == 2
    assert "--device: expected cpu or auto where no CUDA device is found" in capsys.readouterr().err


def test_the_command_runs_as_a_process(folder: Path) -> None:
    command = [sys.executable, "-m", "wtal", "predict", "--checkpoint", "c.pt", "--features", "f", "--out", "d.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "wrote d.json\n")
    store(folder, with_nan())
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("wtal predict: f/video_1.npy: snippet 7: expected finite features")
