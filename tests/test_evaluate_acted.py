"""A rule that acted on a score is named with how often, and not where it did not: in tables, JSON and diagnoses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wtal.base.records import Detections, Instances
from wtal.cli import main
from wtal.evaluate import EvaluationOptions, evaluate_matches, match_detections
from wtal.evaluate.score.uncertainty import resampled_means

TRUTH: dict[str, list[tuple[str, float, float]]] = {
    "a": [("run", 1.0, 3.0)],
    "b": [("jump", 0.0, 4.0)],
    "c": [("run", 5.0, 6.0)],
    "d": [("run", 5.0, 6.0), ("run", 5.0, 6.0)],
}
PERFECT = {video: [(*row, 0.5) for row in dict.fromkeys(rows)] for video, rows in TRUTH.items()}


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """A command with detections and truth as given, and what it prints; the sentence where it is refused."""

    def run(name: str, found: Any, *arguments: str, truth: Any = None, prefix: str = "") -> str:
        database = {
            prefix + video: {"subset": "test", "annotations": [{"label": c, "segment": [s, e]} for c, s, e in rows]}
            for video, rows in (truth or TRUTH).items()
        }
        (tmp_path / "truth.json").write_text(json.dumps({"database": database}))
        systems = found if isinstance(found, list) else [found]
        files = []
        for number, system in enumerate(systems):
            results = {
                video: [{"label": c, "segment": [s, e], "score": p} for c, s, e, p in rows]
                for video, rows in system.items()
            }
            files.append(str(tmp_path / f"found{number}.json"))
            Path(files[-1]).write_text(json.dumps({"results": results}))
        place = files if name == "compare" else ["--detections", files[0]]
        code = main([name, *place, "--ground-truth", str(tmp_path / "truth.json"), "--tiou", "0.5", *arguments])
        printed = capsys.readouterr()
        return printed.out if code == 0 else printed.err

    return run


def without(*videos: str) -> dict[str, Any]:
    return {video: rows for video, rows in PERFECT.items() if video not in videos}


STRANGE = {**PERFECT, "x": [("run", 0.0, 1.0, 0.9)], "y": [("run", 0.0, 1.0, 0.9)]}
FLYING = {**PERFECT, "c": [*PERFECT["c"], ("fly", 0.0, 1.0, 0.9)]}
RULES: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "a missing class": (without("b"), [], "missing class zero: jump"),
    "unknown videos dropped": (
        STRANGE,
        ["--unknown-videos", "drop"],
        "unknown videos: 2 of 6 dropped (x, y; 2 detections)",
    ),
    "unknown videos counted": (
        STRANGE,
        ["--unknown-videos", "count"],
        "unknown videos: 2 of 6 counted as wrong (x, y;",
    ),
    "unknown classes": (
        FLYING,
        ["--unknown-classes", "drop"],
        "unknown classes: 1 of 3 dropped (fly; 1 detection)",
    ),
    "duplicates": (PERFECT, ["--deduplicate"], "duplicate instances: 1 removed"),
    "a part of the videos": (without("c"), [], "detections name 3 of 4 videos (c not)"),
    "videos left out": (PERFECT, ["--exclude-videos", "c"], "without c"),
}


@pytest.mark.parametrize("name", ["evaluate", "diagnose", "compare"])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_acted_is_named_in_every_command(command: Any, name: str, rule: str) -> None:
    found, arguments, clause = RULES[rule]
    assert clause in command(name, [PERFECT, found] if name == "compare" else found, *arguments)


@pytest.mark.parametrize("name", ["evaluate", "diagnose", "compare"])
def test_no_rule_is_named_where_none_acted(command: Any, name: str) -> None:
    printed = command(name, [PERFECT, PERFECT] if name == "compare" else PERFECT, *("--unknown-videos", "drop"))
    assert "protocol activitynet" in printed
    for word in ("missing", "unknown", "ambiguous", "duplicate", "detections name"):
        assert word not in printed


def test_a_comparison_names_what_only_one_system_met_by_its_name(command: Any) -> None:
    caption = command("compare", [PERFECT, without("b", "c")]).splitlines()[0]
    assert caption.endswith("found1.json: missing class zero: jump; detections name 2 of 4 videos (b, c not)")
    assert "2 to 4 detections" in caption


def test_json_holds_every_name(command: Any) -> None:
    arguments = ("--unknown-videos", "drop", "--unknown-classes", "drop", "--format", "json", "--deduplicate")
    found = {**STRANGE, "a": [("fly", 0.0, 1.0, 0.9)]}
    del found["b"]
    expected = {
        "missing_classes": ["jump"],
        "unknown_videos": ["x", "y"],
        "detections_of_unknown_videos": 2,
        "unknown_classes": ["fly"],
        "detections_of_unknown_classes": 1,
        "ambiguous_detections_dropped": 0,
        "ambiguous_intervals_left_out": 0,
        "duplicate_instances_removed": 1,
        "videos_not_named": ["b"],
    }
    assert json.loads(command("evaluate", found, *arguments))["acted"] == expected
    assert json.loads(command("diagnose", found, *arguments))["acted"] == expected
    systems = json.loads(command("compare", [PERFECT, found], *arguments))["systems"]
    assert systems["found1.json"]["acted"] == [expected]


def test_a_csv_table_has_its_caption_on_standard_error(command: Any, tmp_path: Path, capsys: Any) -> None:
    command("evaluate", without("b"))
    arguments = ["--detections", str(tmp_path / "found0.json"), "--ground-truth", str(tmp_path / "truth.json")]
    assert main(["evaluate", *arguments, "--format", "csv"]) == 0
    printed = capsys.readouterr()
    assert "missing" not in printed.out
    assert "missing class zero: jump" in printed.err


def test_a_video_listed_without_detections_is_covered(command: Any) -> None:
    found = {**PERFECT, "c": []}
    assert "detections name" not in command("evaluate", found, "--require-all-videos")
    sentence = command("evaluate", without("c"), "--require-all-videos")
    assert "expected all 4 videos of the subset; got 3, without c" in sentence


def test_an_unknown_class_is_refused_dropped_or_a_class_of_its_own(command: Any) -> None:
    assert "--unknown-classes drop or count" in command("evaluate", FLYING)
    for way, mean in (("drop", 87.5), ("count", 100 * (1 + 0.75) / 3)):
        value = json.loads(command("evaluate", FLYING, "--unknown-classes", way, "--format", "json"))
        assert value["mean"] == pytest.approx(mean)
        assert ("fly" in value["per_class"]) is (way == "count")


def test_a_counted_class_counts_in_resamples_too() -> None:
    columns = (np.zeros(2, np.int64), np.array([0, 1]), np.zeros(2), np.ones(2))
    truth = Instances(("a",), ("run",), *(column[:1] for column in columns))
    found = Detections(("a",), ("run", "fly"), *columns, np.ones(2))
    matches = match_detections(found, truth, EvaluationOptions(tiou=(0.5,), unknown_classes="count"))
    assert evaluate_matches(matches).mean.tolist() == [50.0]
    assert resampled_means(matches, np.ones((1, 1), np.int32)).tolist() == [[50.0]]


@pytest.mark.parametrize("spelt", ["{}", "{}.mp4", "{}.MKV", "v_{}", "v_{}.webm"])
@pytest.mark.parametrize("prefix", ["", "v_"])
def test_videos_are_found_by_their_names_without_ending_and_prefix(command: Any, spelt: str, prefix: str) -> None:
    found = {spelt.format(video): rows for video, rows in PERFECT.items()}
    value = json.loads(command("evaluate", found, "--format", "json", prefix=prefix))
    assert (value["mean"], value["acted"]["videos_not_named"]) == (pytest.approx(87.5), [])


def test_a_name_that_may_be_either_of_two_videos_is_refused_naming_both(command: Any) -> None:
    truth = {"a.mp4": TRUTH["a"], "a.avi": TRUTH["c"]}
    sentence = command("evaluate", {"a": PERFECT["a"]}, truth=truth)
    assert "expected the name of one video; got 'a', which may be 'a.mp4' or 'a.avi'" in sentence
    assert "mAP" in command("evaluate", {"a.mp4": PERFECT["a"], "a.avi": PERFECT["c"]}, truth=truth)


def test_ambiguous_intervals_in_annotations_are_no_class(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = shared / "cases" / "08-ambiguous-class"
    arguments = ["--detections", str(case / "detections.json"), "--ground-truth", str(case / "gt.json")]
    for protocol in (["activitynet"], ["step"], ["snippet", "--snippets-per-second", "1000"]):
        assert main(["evaluate", *arguments, "--protocol", *protocol]) == 0
        caption, _, figures = capsys.readouterr().out.splitlines()
        assert "ambiguous: 1 interval of the ground truth left out; 3 detections, 3 instances" in caption
        assert figures.split() == ["mAP", *["100.00"] * 8]


def test_real_annotations_with_ambiguous_intervals_score_as_those_without(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from wtal.evaluate.read.ground_truth import read_ambiguous, read_ground_truth

    truth, ambiguous = (
        read_ground_truth(shared / "thumos14", "test").instances,
        read_ambiguous(shared / "thumos14" / "Ambiguous_test.txt"),
    )
    database: dict[str, Any] = {
        name: {"subset": "Test", "annotations": []} for name in (*truth.videos, *ambiguous.video)
    }
    for v, c, start, end in zip(truth.video, truth.class_index, truth.start, truth.end):
        row = {"label": truth.classes[c], "segment": [str(start), str(end)]}
        database[truth.videos[v]]["annotations"].append(row)
    for video, start, end in zip(ambiguous.video, ambiguous.start, ambiguous.end):
        database[video]["annotations"].append({"label": "Ambiguous", "segment": [start, end]})
    (tmp_path / "gt.json").write_text(json.dumps({"database": database}))
    published = shared / "published_detections" / "pmil_base_thumos14_test.json"
    arguments = ["--detections", str(published), "--ground-truth", str(tmp_path / "gt.json"), "--dataset", "thumos14"]
    assert main(["evaluate", *arguments, "--exclude-videos", "wrongly-annotated", "--format", "json"]) == 0
    assert round(json.loads(capsys.readouterr().out)["mean"], 2) == 43.27
    assert main(["evaluate", *arguments, "--ambiguous"]) == 0
    caption = capsys.readouterr().out.splitlines()[0]
    assert f"ambiguous: {len(ambiguous.start)} intervals of the ground truth left out" in caption
    assert "ambiguous: 37 detections dropped" in caption
