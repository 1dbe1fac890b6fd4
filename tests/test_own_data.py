"""`wtal new-dataset` as a process: what it writes, and what it says of data that are wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from wtal.data.user.inspect import Request, inspect
from wtal.suite.plan import read_suite
from wtal.suite.streams import Stream

ROOT = Path(__file__).resolve().parents[1]
RATE = 2.0
SIZE = 6


def wtal(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wtal", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def new(folder: Path, *arguments: object, annotations: str = "a.json") -> subprocess.CompletedProcess[str]:
    return wtal("new-dataset", "mine", "--features", "f", "--annotations", annotations, *arguments, folder=folder)


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(count).standard_normal((count, SIZE)).astype(np.float32)


def eight_videos(folder: Path) -> Path:
    """Eight videos of 20 to 27 s with one instance each, two classes, six to train on."""
    database = {}
    (folder / "f").mkdir()
    for number in range(8):
        name, seconds = f"video_{number}", 20 + number
        np.save(folder / "f" / f"{name}.npy", rows(int(seconds * RATE)))
        label = "jump" if number % 2 else "run"
        database[name] = {
            "subset": "training" if number < 6 else "validation",
            "duration": float(seconds),
            "annotations": [{"label": label, "segment": [2.0, 5.0 + number]}],
        }
    (folder / "a.json").write_text(json.dumps({"database": database}))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return eight_videos(tmp_path)


def change(folder: Path, video: str, **values: object) -> None:
    content = json.loads((folder / "a.json").read_text())
    content["database"].setdefault(video, {}).update(values)
    (folder / "a.json").write_text(json.dumps(content))


def annotate(folder: Path, video: str, label: str, start: float, end: float) -> None:
    change(folder, video, annotations=[{"label": label, "segment": [start, end]}])


def table(folder: Path, text: str) -> None:
    (folder / "a.csv").write_text(text)


def store(folder: Path, video: str, array: np.ndarray) -> None:
    np.save(folder / "f" / f"{video}.npy", array, allow_pickle=True)


def test_a_data_set_of_ones_own_becomes_a_suite_that_can_be_planned(data: Path) -> None:
    done = new(data)
    assert (done.returncode, done.stderr) == (0, "")
    assert "train       6 videos, 6 instances in 6 of them" in done.stdout
    assert "rate        2 snippets per second, derived from the durations" in done.stdout
    suite = read_suite(data / "config" / "mine.yaml")
    assert list(suite.variants) == ["base", "naive", "optimised", "optimised_delta"]
    settings = json.loads((data / "results" / "mine" / "settings" / "data.json").read_text())
    assert (settings["kind"], settings["snippets_per_second"], settings["feature_size"]) == ("features", RATE, SIZE)
    prepared = wtal("prepare", "--settings", "results/mine/settings/data.json", "--out", "store", folder=data)
    assert prepared.returncode == 0, prepared.stderr


def test_the_schema_of_suites_accepts_the_file_as_written(data: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    assert new(data).returncode == 0
    schema = json.loads(wtal("schema", folder=data).stdout)
    jsonschema.validate(yaml.safe_load((data / "config" / "mine.yaml").read_text()), schema)


def test_nothing_is_replaced_without_force(data: Path) -> None:
    assert new(data).returncode == 0
    (data / "config" / "mine.yaml").write_text("suite: mine  # tuned\n")
    refused = new(data)
    assert refused.returncode == 2
    assert "config/mine.yaml: expected nothing there yet, or --force" in refused.stderr
    assert (data / "config" / "mine.yaml").read_text() == "suite: mine  # tuned\n"
    assert new(data, "--force").returncode == 0
    assert "tuned\n" not in (data / "config" / "mine.yaml").read_text().splitlines()[0]


def test_labels_alone_train_and_the_command_names_what_cannot_be_scored(data: Path) -> None:
    lines = [f"video_{number},{'jump' if number % 2 else 'run'}" for number in range(8)]
    table(data, "video,label\n" + "\n".join(lines) + "\n")
    done = new(data, "--rate", "2", annotations="a.csv")
    assert done.returncode == 0, done.stderr
    assert "train       6 videos, with video-level labels alone" in done.stdout
    assert "no mAP      the test videos have no bounds" in done.stdout
    assert "snakemake results/mine/optimised/seed0/detections.json --cores all" in done.stdout


def test_test_videos_without_bounds_are_left_out_where_others_have_them(data: Path) -> None:
    change(data, "video_7", annotations=[{"label": "jump"}])
    done = new(data)
    assert done.returncode == 0, done.stderr
    assert "video_7: left out: a test video with labels but no bounds" in done.stdout
    assert read_suite(data / "config" / "mine.yaml").file.dataset.exclude_videos == ("video_7",)


def test_two_folders_of_streams_are_named_in_the_suite(data: Path) -> None:
    for stream in ("rgb", "flow"):
        (data / "two" / stream).mkdir(parents=True)
        for path in (data / "f").glob("*.npy"):
            np.save(data / "two" / stream / path.name, np.load(path))
    done = wtal("new-dataset", "mine", "--features", "two", "--annotations", "a.json", folder=data)
    assert done.returncode == 0, done.stderr
    assert read_suite(data / "config" / "mine.yaml").file.dataset.streams == (
        Stream(name="rgb", columns=SIZE),
        Stream(name="flow", columns=SIZE),
    )


def test_features_of_unknown_videos_are_told_and_not_used(data: Path) -> None:
    store(data, "stranger", rows(10))
    done = new(data)
    assert done.returncode == 0
    assert "stranger: features of a video that the annotations do not know; not used" in done.stdout


def test_every_problem_is_told_with_its_video(data: Path) -> None:
    (data / "f" / "video_1.npy").unlink()
    store(data, "video_2", rows(44)[:, :4])
    annotate(data, "video_3", "jump", 30.0, 31.0)
    done = new(data)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("wtal new-dataset: 3 problems with f and a.json; nothing was written")
    for words in ("video_1: no features in f", "video_2: 4 columns where", "video_3: begins after the video's end"):
        assert words in done.stderr
    assert sorted(path.name for path in data.iterdir()) == ["a.json", "f"]


def test_annotations_past_the_end_stand_where_that_is_asked_for(data: Path) -> None:
    annotate(data, "video_3", "jump", 22.0, 33.0)
    assert "video_3: ends after the video's end: jump 22-33 (23.0 s)" in new(data).stderr
    assert new(data, "--keep-past-end").returncode == 0


def test_many_problems_of_a_kind_are_counted(data: Path) -> None:
    for number in range(100, 130):
        change(data, f"video_{number}", subset="training", annotations=[{"label": "run", "segment": [1.0, 2.0]}])
    done = new(data)
    assert done.stderr.count("no features in f") == 10
    assert "... 20 more: no features" in done.stderr


def wrong_rate(folder: Path) -> None:
    for number in range(8):
        change(folder, f"video_{number}", duration=float(20 + number) * 2)


def one_length(folder: Path) -> None:
    for number in range(8):
        store(folder, f"video_{number}", rows(100) + number)
        change(folder, f"video_{number}", duration=20.0 + 10 * number)


def no_subset_to_test_on(folder: Path) -> None:
    for number in range(8):
        change(folder, f"video_{number}", subset="training")


def hostile(folder: Path) -> None:
    class Runs:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return os.system, ("touch ran",)

    store(folder, "video_1", np.array(Runs(), dtype=object))


WRONG: dict[str, tuple[Callable[[Path], object], tuple[str, ...], str]] = {
    "no features": (
        lambda f: (f / "f").rename(f / "g"),
        (),
        "f: expected a file or folder of features; got no such path",
    ),
    "no annotations": (lambda f: (f / "a.json").unlink(), (), "a.json: expected a readable file"),
    "broken JSON": (lambda f: (f / "a.json").write_text('{"database": {'), (), "a.json: expected JSON"),
    "no database": (lambda f: (f / "a.json").write_text("[]"), (), "a.json: database: expected annotations by video"),
    "spelt twice": (
        lambda f: annotate(f, "video_1", "Jump", 2, 5),
        (),
        "each class spelt in one way; got 'Jump' and 'jump'",
    ),
    "reversed": (
        lambda f: annotate(f, "video_1", "jump", 5, 2),
        (),
        "expected seconds with 0 <= start <= end; got [5, 2]",
    ),
    "past the end": (
        lambda f: annotate(f, "video_1", "jump", 50, 52),
        (),
        "begins after the video's end: jump 50-52 (21.0 s)",
    ),
    "NaN": (lambda f: store(f, "video_1", np.full((42, SIZE), np.nan, np.float32)), (), "finite features; got NaN"),
    "whole numbers": (lambda f: store(f, "video_1", np.ones((42, SIZE), int)), (), "float32 or float64; got int64"),
    "no snippet": (lambda f: store(f, "video_1", rows(0)), (), "expected one snippet or more; got an empty array"),
    "empty file": (lambda f: (f / "f" / "video_1.npy").write_bytes(b""), (), "got an empty file"),
    "cut short": (
        lambda f: (f / "f/video_1.npy").write_bytes((f / "f/video_1.npy").read_bytes()[:-9]),
        (),
        "a whole .npy",
    ),
    "transposed": (lambda f: store(f, "video_1", rows(42).T), (), "video_1: 42 columns where most videos have 6"),
    "a pickle": (hostile, (), "f/video_1.npy: expected"),
    "wrong rate": (wrong_rate, ("--rate", "2"), "1 snippets a second where the settings say 2: another rate"),
    "one length": (one_length, (), "every video has 100 snippets whatever its duration"),
    "rate of zero": (lambda f: None, ("--rate", "0"), "--rate: expected a number in [0.0001, 100000]; got 0.0"),
    "rate that is none": (lambda f: None, ("--rate", "nan"), "--rate: expected a number in [0.0001, 100000]; got nan"),
    "unknown subset": (
        lambda f: None,
        ("--test-subset", "tset"),
        "--test-subset: expected the name of a subset; got 'tset'",
    ),
    "only training": (
        no_subset_to_test_on,
        (),
        "--test-subset: expected the name of a subset; got none; there are training",
    ),
    "untaught": (
        lambda f: annotate(f, "video_7", "swim", 2, 5),
        (),
        "swim: a class of test videos that no training video has",
    ),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_wrong_data_are_refused_in_a_sentence_and_nothing_is_written(case: str, data: Path) -> None:
    spoil, options, sentence = WRONG[case]
    spoil(data)
    before = sorted(path.name for path in data.iterdir())
    done = new(data, *options)
    assert done.returncode == 2, done.stdout
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in data.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("video,label\nvideo_0,run\nvideo_2,run\nvideo_4,run\n", "no durations to derive it from: give --rate"),
        (
            "video,label\nvideo_0,run\nvideo_1,jump\n",
            "expected enough videos of each class to set some aside for testing",
        ),
        ("video,lable\nvideo_0,run\n", "a.csv: lable: expected a known column (did you mean 'label'?)"),
        ("video,label,start,end\nvideo_0,run,a,b\n", "line 2: expected start and end in seconds; got 'a'"),
        ("video,label,start,end\nvideo_0,run,1\n", "line 2: expected 4 values"),
        ("", "a.csv"),
    ],
)
def test_a_wrong_table_is_refused_in_a_sentence(text: str, sentence: str, data: Path) -> None:
    table(data, text)
    done = new(data, annotations="a.csv")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["Mine", "my data", "../mine", "-", ""])
def test_a_name_that_no_suite_can_have_is_refused(name: str, data: Path) -> None:
    done = wtal("new-dataset", "--features", "f", "--annotations", "a.json", "--", name, folder=data)
    assert done.returncode == 2
    assert "NAME: expected lower-case letters, digits and -" in done.stderr


def test_the_command_starts_without_torch_and_pandas(data: Path) -> None:
    code = (
        "import sys; from wtal.cli import main; "
        "main(['new-dataset', 'mine', '--features', 'f', '--annotations', 'a.json']); "
        "print({'torch', 'pandas', 'matplotlib'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=data, env=environment, text=True, capture_output=True)
    assert done.stdout.endswith("set()\n"), done.stdout


def test_training_of_few_videos_is_given_time_and_narrow_features_a_rate_at_which_they_are_learnt(data: Path) -> None:
    assert new(data).returncode == 0
    training = read_suite(data / "config" / "mine.yaml").variants["base"].method.training
    assert training.collapse.first_epoch == 30  # six videos make six steps an epoch
    assert training.learning_rate[0].value == 0.0005


def test_the_rate_that_records_of_an_extraction_state_is_not_doubted(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wtal.data.user.inspect.another_rate", lambda *lengths: "another rate")
    request = Request(name="mine", features=str(data / "f"), annotations=str(data / "a.json"), rate=RATE)
    assert ("rate", "snippets per second", "another rate") in inspect(request).notes
    made_by = {"extractor": {"kind": "one"}, "weights": None, "frames_per_second": 32.0, "frames_per_snippet": 16}
    record = {"format": "wtal extracted features 1", **made_by, "stride": 16}
    for number in range(8):
        (data / "f" / f"video_{number}.json").write_text(json.dumps(record))
    assert not [note for note in inspect(request).notes if note[0] == "rate"]
