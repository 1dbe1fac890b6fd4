"""The tables of a suite: exact text, escaping, sameness of bytes, and what bad input gets."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from report_run import make_run, suite_values

from wtal.base.errors import InputError
from wtal.base.files import DIGESTS, read_arrays, write_arrays
from wtal.base.records import Detections, training_columns
from wtal.cli import main
from wtal.evaluate.read.detections import read_detections_of_round
from wtal.evaluate.score.controls import oracle, random_segments
from wtal.evaluate.score.evaluation import match_detections
from wtal.evaluate.score.intervals import Interval
from wtal.evaluate.score.options import options_from_settings
from wtal.evaluate.score.uncertainty import bootstrap_average
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, bounds, difference, number, to_latex, to_markdown
from wtal.report.inputs.metrics import read_metrics
from wtal.report.inputs.plan import read_plan
from wtal.report.inputs.provenance import versions
from wtal.report.inputs.resampling import Resamples
from wtal.report.inputs.statistics import mean_and_deviation
from wtal.report.inputs.truth import read_truth
from wtal.report.tables.ablation import Row, ablation_rows, interval_of, read_ablation
from wtal.report.tables.main_table import read_published
from wtal.report.tables.names import TABLES
from wtal.report.tables.power import read_power
from wtal.report.tables.tables import (
    read_ablation_table,
    read_class_table,
    read_label_quality_table,
    read_main_table,
    write_tables,
)

TRAINING_COLUMNS = training_columns(("foreground", "background", "attention", "consistency"))

PUBLISHED = Path(__file__).resolve().parents[1] / "results" / "published"
HOSTILE = "50 % | of_a *b* `c` <i>{x}</i> $y$ & [z](w) ~ ^ # \\"


def tables_of(results: Path, out: Path | None = None) -> Path:
    """Write the tables of a run and return their folder."""
    folder = out or results
    write_tables(results / "settings" / "report.json", results / "data", results, folder, PUBLISHED)
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("run"))
    return tables_of(folder)


def test_the_tables_are_those_that_the_workflow_asks_for(results: Path, tmp_path: Path) -> None:
    assert {path.name for path in tables_of(results, tmp_path).iterdir()} == {*TABLES, DIGESTS}


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_metrics_hold_one_row_a_variant_and_seed_in_suite_order(results: Path) -> None:
    lines = lines_of(results / "metrics.csv")
    thresholds = ",".join(f"mAP@0.{k}" for k in range(1, 8))
    averages = "mAP@0.1:0.5,mAP@0.3:0.7,mAP@0.1:0.7"
    assert lines[0] == f"variant,seed,protocol,{thresholds},{averages},classification_mAP,n_detections"
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["base", "0", "activitynet"],
        ["base", "1", "activitynet"],
        ["whole", "0", "activitynet"],
        ["whole", "1", "activitynet"],
    ]
    recorded = json.loads((results / "base" / "seed0" / "metrics.json").read_text())
    expected = [*recorded["mAP"], *recorded["averages"].values(), recorded["classification_mAP"]]
    assert lines[1].split(",")[3:-1] == [f"{value:.4f}" for value in expected]
    assert lines[1].endswith(",90.0000,12")


def test_suite_order_is_kept_although_json_sorts_its_keys(tmp_path: Path) -> None:
    values = suite_values()
    values["variants"] = {"z_first": values["variants"]["base"], "a_second": values["variants"]["whole"]}
    values["variants"]["a_second"] |= {"compare_with": "z_first"}
    values["report"] = {"title": "order", "timeline_variant": "a_second"}
    folder = tables_of(make_run(tmp_path, values))
    assert [line.split(",")[0] for line in lines_of(folder / "metrics.csv")[1:]] == ["z_first"] * 2 + ["a_second"] * 2
    assert read_plan(folder / "settings" / "report.json").base == "z_first"


def test_two_runs_from_scratch_give_the_same_tables_byte_for_byte(results: Path, tmp_path: Path) -> None:
    again = make_run(tmp_path)
    call = [sys.executable, "-m", "wtal", "tables", "--report", "settings/report.json", "--data", "data"]
    call += ["--results", ".", "--out", ".", "--published", str(PUBLISHED)]
    subprocess.run(call, cwd=again, check=True)
    names = {path.name for pattern in ("*.csv", "*.md", "*.tex") for path in results.glob(pattern)}
    assert len(names) == 14
    assert all((results / name).read_bytes() == (again / name).read_bytes() for name in names)


def test_ablation_in_markdown_has_groups_spread_intervals_and_controls_apart(results: Path) -> None:
    lines = lines_of(results / "ablation.md")
    assert lines[0] == "**Ablation, mAP in percent**"
    assert lines[2].startswith(
        "| Variant | mAP@0.1:0.7 | 95 % interval | Compared with | Difference | over videos alone "
        "| Difference from base | over videos alone | @0.1 |"
    )
    first_cells = [line.split(" | ")[0].removeprefix("| ") for line in lines[4:12]]
    assert first_cells[:5] == ["**Fusion**", "base + NMS", "**Labels**", "labels, Δ", "**Controls**"]
    base, whole, *_ = rows_of(results)
    assert f"| {base['mean']:.1f} ± {base['sd']:.1f} |" in lines[5]
    away = interval_of(whole, "difference")
    assert not away.is_separated
    assert f"| base | {difference(away).text} | {bounds(away.videos_low, away.videos_high).text} |" in lines[7]
    assert "**+" not in lines[7]
    assert lines[-5].startswith(
        "Protocol activitynet; mean ± sample standard deviation over n = 2 seeds (0, 1); settings "
    )


def test_intervals_are_those_of_the_evaluator_for_the_same_resamples(results: Path) -> None:
    plan, truth = read_plan(results / "settings" / "report.json"), read_truth(results / "data", "test")
    options = options_from_settings(plan.file.evaluation, truth.snippets_per_second)
    matches = {
        name: [
            match_detections(
                read_detections_of_round(results / name / f"seed{seed}" / "rounds.npz", entry.rounds),
                truth.instances,
                options,
            )
            for seed in plan.file.seeds
        ]
        for name, entry in plan.file.variants.items()
    }
    expected = bootstrap_average(matches, comparisons=[("whole", "base")], n_resamples=50)
    _, whole, *_ = rows_of(results)
    away = interval_of(whole, "difference")
    assert bounds_of(interval_of(whole, "mean")) == pytest.approx(bounds_of(expected.average["whole"]), abs=1e-4)
    assert bounds_of(away) == pytest.approx(bounds_of(expected.differences["whole", "base"]), abs=1e-4)


def rows_of(results: Path) -> list[Row]:
    return [*read_ablation(results / "ablation.csv").to_dict("records")]


def bounds_of(interval: Interval) -> list[float]:
    return [interval.estimate, interval.low, interval.high, interval.videos_low, interval.videos_high]


def test_compare_prints_the_intervals_and_verdicts_of_the_tables(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    systems: dict[str, list[str]] = {}
    for name, rounds in (("base", 0), ("whole", 2)):
        for seed in (0, 1):
            found = read_detections_of_round(results / name / f"seed{seed}" / "rounds.npz", rounds)
            path = tmp_path / f"{name}{seed}.json"
            path.write_text(json.dumps({"results": by_video(found)}))
            systems.setdefault(name, []).append(str(path))
    call = ["compare", "--ground-truth", str(results / "data"), "--subset", "test", "--bootstrap", "50"]
    for name, files in systems.items():
        call += ["--system", name, *files]
    assert main([*call, "--format", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    rows = rows_of(results)
    for row in rows[:2]:
        system = value["systems"][row["variant"]]
        printed = [system["average"], *system["interval"], *system["interval_over_videos"]]
        assert printed == pytest.approx(bounds_of(interval_of(row, "mean")), abs=1e-4)
    (away,) = value["differences"]
    printed = [away["difference"], *away["interval"], *away["interval_over_videos"]]
    shown = interval_of(rows[1], "base_difference")
    assert printed == pytest.approx(bounds_of(shown), abs=1e-4)
    assert away["verdict"] == shown.verdict
    assert away["interval_over"] == "test videos and 2 seeds"
    assert main([*call, "--digits", "1"]) == 0
    assert difference(shown).text.replace("−", "-") in capsys.readouterr().out


def by_video(found: Detections) -> dict[str, list[dict[str, object]]]:
    """Detections as ActivityNet's JSON has them."""
    rows: dict[str, list[dict[str, object]]] = {}
    for video, label, start, end, score in zip(found.video, found.class_index, found.start, found.end, found.score):
        row = {"label": found.classes[label], "segment": [float(start), float(end)], "score": float(score)}
        rows.setdefault(found.videos[video], []).append(row)
    return rows


def test_a_difference_is_paired_by_resample_and_not_by_overlap_of_intervals(results: Path) -> None:
    plan = read_plan(results / "settings" / "report.json")
    runs = read_metrics(plan, results)
    noise = np.random.default_rng(0).normal(0, 15, 500)
    steady = {(name, seed): noise + (3.0 if name == "whole" else 0.0) for name, seed in runs}
    points = {key: run.averages[plan.headline] for key, run in runs.items()}
    whole = ablation_rows(plan, runs, Resamples(30, points, steady))[1]
    average, away = interval_of(whole, "mean"), interval_of(whole, "difference")
    assert average.videos_high - average.videos_low > 40
    assert away.videos_high - away.videos_low == pytest.approx(0)
    assert away.high - away.low > 1  # the seeds differ


def test_a_table_says_how_many_seeds_a_difference_needs(results: Path) -> None:
    first, *_ = rows = read_power(results / "power.csv")
    assert [row.difference for row in rows] == [1.0, 2.0, 5.0]
    assert first.seeds_of_the_suite == 2
    assert rows[2].seeds_needed is None or rows[2].seeds_needed >= 3


def test_deviation_is_the_sample_one_and_missing_for_one_seed() -> None:
    assert mean_and_deviation([1.0, 3.0]) == (2.0, math.sqrt(2))
    mean, deviation = mean_and_deviation([5.0])
    assert mean == 5.0
    assert math.isnan(deviation)


def test_the_oracle_scores_100_and_the_controls_stand_in_the_table(results: Path) -> None:
    rows = rows_of(results)
    assert [row["variant"] for row in rows if row["control"] == "yes"] == ["oracle", "whole_video", "random"]
    assert rows[2]["mean"] == 100.0
    assert 0 < rows[4]["mean"] < 50


def test_random_segments_lie_within_their_videos_and_depend_on_the_seed_alone(results: Path) -> None:
    truth = read_truth(results / "data", "test")
    found, again = (random_segments(truth.instances, truth.seconds, np.random.default_rng(3)) for _ in range(2))
    assert (found.start >= 0).all()
    assert (found.end <= 20).all()
    assert np.array_equal(found.start, again.start)
    assert len(oracle(truth.instances)) == len(truth.instances)


def test_every_trained_round_stands_once_in_the_training_table(results: Path) -> None:
    lines = lines_of(results / "training.csv")
    assert lines[0] == ",".join(["variant", "seed", "round", *TRAINING_COLUMNS])
    assert sorted({tuple(line.split(",")[:3]) for line in lines[1:]}) == sorted(
        (variant, seed, str(index))
        for variant, seed, index in [("base", s, 0) for s in "01"] + [("whole", s, r) for s in "01" for r in (1, 2)]
    )


def test_the_training_table_has_the_losses_of_every_method_and_leaves_those_of_the_others_empty(tmp_path: Path) -> None:
    results = make_run(tmp_path)
    path = results / "whole/seed0/round1/training.csv"
    path.write_text(path.read_text().replace("loss_foreground", "loss_suppressed"))
    header, *lines = lines_of(tables_of(results) / "training.csv")
    first, other = (header.split(",").index(f"loss_{name}") for name in ("foreground", "suppressed"))
    assert max(first, other) < header.split(",").index("loss_label")
    for line in lines:
        cells = line.split(",")
        is_other = cells[:3] == ["whole", "0", "1"]
        assert (cells[first] == "", cells[other] == "") == (is_other, not is_other)


def test_round_and_class_tables_leave_out_what_does_not_exist(results: Path) -> None:
    rounds = lines_of(results / "rounds.csv")
    assert rounds[1].startswith("base,0,0,")
    assert rounds[1].endswith(",,,,,,")
    assert len(rounds) == 1 + 2 * 1 + 2 * 3
    assert lines_of(results / "per_class.csv")[1].startswith("base,0,walk,")


def test_a_class_without_a_test_instance_has_no_figure(tmp_path: Path) -> None:
    folder = make_run(tmp_path, absent="walk")
    assert lines_of(tables_of(folder) / "per_class.csv")[1] == "base,0,walk,,,,,,,,"


def test_published_figures_stand_beside_the_run_with_the_difference_in_points(tmp_path: Path) -> None:
    values = suite_values()
    values["report"] = {**values["report"], "published": ["thumos14"], "published_row": "Zhou et al., CVPR 2023"}
    folder = tables_of(make_run(tmp_path, values))
    text = (folder / "main.md").read_text()
    assert "| STPN, CVPR 2018 | 27.0 | 52.0 | 44.7 | 35.5 | 25.8 | 16.9 | 9.9 | 4.3 | – | – |" in text
    assert "| W-TALC, ECCV 2018 | – | 55.2 | 49.6 | 40.1 | 31.1 | 22.8 | – | 7.6 | – | – |" in text
    plan = read_plan(folder / "settings" / "report.json")
    average = np.mean(
        [run.averages["0.1:0.7"] for (name, _), run in read_metrics(plan, folder).items() if name == "whole"]
    )
    row = next(line for line in text.splitlines() if line.startswith("| labels, Δ"))
    assert row.endswith(f"| {average - 48.3:.1f} | 2 |")
    assert "Published rows: as printed in their papers" in text


@pytest.mark.parametrize(
    ("name", "count", "method", "column", "value"),
    [
        ("thumos14", 17, "Zhou et al., CVPR 2023", "mAP@0.1:0.7", 48.3),
        ("thumos14", 17, "SAL, Neural Networks 2024", "mAP@0.7", 17.9),
        ("activitynet13", 12, "Zhou et al., CVPR 2023", "mAP@0.5:0.95", 28.8),
        ("activitynet12", 5, "DELU, ECCV 2022", "mAP@0.75", 26.7),
        ("thumos14_logs", 2, "Zhou et al., CVPR 2023", "mAP@0.1", 73.19),
    ],
)
def test_published_tables_hold_what_the_papers_print(
    name: str, count: int, method: str, column: str, value: float
) -> None:
    rows = read_published(PUBLISHED, [name])
    assert len(rows) == count
    assert next(row for row in rows if row["method"] == method)[column] == value
    assert all(row["source"] for row in rows)


def test_a_published_row_that_no_named_table_has_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"report\.published_row: expected a method of the tables .*did you mean 'DELU"
    ):
        read_published(PUBLISHED, ["thumos14"], "DELU, ECCV 2021")


def test_published_averages_are_the_means_of_their_columns() -> None:
    for row in read_published(PUBLISHED, ["thumos14", "thumos14_logs"]):
        mean = np.mean([row[f"mAP@0.{k}"] for k in range(1, 8)])
        if not np.isnan(mean):
            assert row["mAP@0.1:0.7"] == pytest.approx(mean, abs=0.11), row["method"]


def one_cell(text: str) -> Table:
    return Table(
        "x", "Title", (Column("Name", is_number=False), Column("A")), (Block("", ((Cell(text), number(1.0)),)),), ()
    )


def test_markdown_shows_special_characters_as_they_are_and_stays_in_one_cell() -> None:
    row = to_markdown(one_cell(f"{HOSTILE}\nnext")).splitlines()[4]
    assert row == r"| 50 % \| of\_a \*b\* \`c\` \<i\>{x}\</i\> $y$ \& [z\](w) \~ ^ # \\ next | 1.0 |"


def test_latex_escapes_every_special_character() -> None:
    text = to_latex(one_cell(HOSTILE))
    assert (
        r"50 \% \textbar{} of\_a *b* `c` \textless{}i\textgreater{}\{x\}\textless{}/i\textgreater{} \$y\$ \& [z](w) "
        r"\textasciitilde{} \textasciicircum{} \# \textbackslash{} & 1.0 \\"
    ) in text
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))


def test_a_latex_row_that_starts_with_a_bracket_is_no_option_of_the_row_before() -> None:
    assert "\n{}[0, 1] & 1.0 \\\\\n" in to_latex(one_cell("[0, 1]"))


def away(value: float, low: float, high: float) -> Interval:
    """A difference that videos alone would separate."""
    return Interval(value, (3,), low, high, value, value)


def test_numbers_have_true_minus_signs_and_differences_stand_out_only_away_from_0() -> None:
    assert number(-0.25, 2).text == "−0.25"
    assert number(-0.04).text == "0.0"
    assert difference(away(-0.04, -1.0, 1.0)).text == "+0.0 [−1.0, 1.0]"
    assert difference(away(1.04, 0.2, 2.0)) == Cell("+1.0 [0.2, 2.0]", 1.04, strong=True)
    assert difference(away(-1.0, -2.0, 0.5)) == Cell("−1.0 [−2.0, 0.5]", -1.0)
    assert number(math.nan).text == "–"


def test_provenance_names_settings_versions_code_data_and_steps(results: Path) -> None:
    facts = json.loads((results / "provenance.json").read_text())
    assert facts["settings_digest"] == read_plan(results / "settings" / "report.json").digest
    assert facts["steps"] == [{"step": "base/seed0/round0", "seconds": 12.5, "memory_mb": 345.6}]
    assert facts["versions"]["numpy"] == np.__version__
    assert len(facts["code_sha256"]) == 64
    assert set(facts["data"]["files"]) == {"features.npy", "videos.csv", "video_labels.csv", "annotations.csv"}


def test_provenance_names_the_snakemake_that_runs_the_job_in_an_environment_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WTAL_SNAKEMAKE", "9.99.9")
    assert versions()["snakemake"] == "9.99.9"
    monkeypatch.delenv("WTAL_SNAKEMAKE")
    assert versions()["snakemake"] == metadata.version("snakemake")


def test_tables_start_without_torch(results: Path) -> None:
    code = "import sys, wtal.report.tables.tables, wtal.report.page.page; print(*({'torch'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


def _remove(path: Path) -> None:
    path.unlink()


def _break_json(path: Path) -> None:
    path.write_text("{")


def _without_map(path: Path) -> None:
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "mAP": [1.0]}))


def _of_another_seed(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "seed": 7}))


def _unknown_order(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "order": ["base"]}))


def _other_bounds(path: Path) -> None:
    path.write_text(path.read_text().replace("test_1,walk,2.0", "test_1,walk,1.0"))


def _fewer_detections(path: Path) -> None:
    arrays = read_arrays(path)
    columns = ("round", "video", "label", "start", "end", "score")
    write_arrays(path, {**arrays, **{key: arrays[key][1:] for key in columns}})  # the first is of round 0


def _higher(*keys: str | int) -> Callable[[Path], None]:
    """A point more in one figure of metrics.json."""

    def change(path: Path) -> None:
        values = json.loads(path.read_text())
        group = values
        for key in keys[:-1]:
            group = group[key]
        group[keys[-1]] += 1
        path.write_text(json.dumps(values))

    return change


def _without_a_round(path: Path) -> None:
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "rounds": values["rounds"][:-1]}))


def _no_header(path: Path) -> None:
    path.write_text("loss\n1\n")


def _bad_timing(path: Path) -> None:
    path.write_text("s\th:m:s\tmax_rss\nmany\t0:00:12\t1\n")


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("settings/report.json", _remove, r"report\.json: expected a readable file"),
        ("settings/report.json", _unknown_order, r"report\.json: order: expected each of base, whole once; got base"),
        ("whole/seed1/metrics.json", _remove, r"whole/seed1/metrics\.json: expected a readable file"),
        ("whole/seed1/metrics.json", _break_json, r"metrics\.json: expected JSON"),
        ("whole/seed0/metrics.json", _without_map, r"metrics\.json: mAP: expected a list of 7 numbers; got \[1\.0\]"),
        ("base/seed0/metrics.json", _of_another_seed, r"expected base, seed 0, as its folder says; got base, seed 7"),
        ("base/seed0/rounds.npz", _break_json, r"rounds\.npz: expected a whole \.npz archive"),
        ("base/seed0/round0/training.csv", _no_header, r"training\.csv: epoch: expected a column of that name"),
        ("base/seed0/round0/scores_test.npz", _remove, r"scores_test\.npz: expected a readable file"),
        ("data/meta.json", _break_json, r"meta\.json: expected JSON"),
        ("data/annotations.csv", _other_bounds, r"annotations\.csv: expected the file that was prepared"),
        (
            "whole/seed1/rounds.npz",
            _fewer_detections,
            r"metrics\.json: rounds\[0\].*, as .*whole/seed1/rounds\.npz scores",
        ),
        (
            "base/seed1/metrics.json",
            _higher("mAP", 2),
            r"base/seed1/metrics\.json: mAP\[2\]: expected .* \(delete metrics",
        ),
        ("base/seed1/metrics.json", _higher("averages", "0.1:0.7"), r"metrics\.json: averages\.0\.1:0\.7: expected"),
        ("whole/seed0/metrics.json", _higher("per_class", "walk", 0), r"metrics\.json: per_class\.walk\[0\]: expected"),
        ("whole/seed0/metrics.json", _higher("rounds", 1, "average"), r"metrics\.json: rounds\[1\]\.average: expected"),
        ("whole/seed0/metrics.json", _higher("n_detections"), r"metrics\.json: n_detections: expected 12, as"),
        ("whole/seed0/metrics.json", _without_a_round, r"metrics\.json: rounds: expected 3 rounds"),
        ("benchmarks/base/seed0/round0.tsv", _bad_timing, r"round0\.tsv: s: expected a number; got 'many'"),
    ],
)
def test_bad_input_gets_one_sentence_and_no_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: object, message: str
) -> None:
    folder = make_run(tmp_path)
    damage(folder / name)  # type: ignore[operator]
    out = tmp_path / "out"
    call = ["tables", "--report", str(folder / "settings" / "report.json"), "--data", str(folder / "data")]
    assert main([*call, "--results", str(folder), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("wtal tables: ")
    assert error.count("\n") == 1
    with pytest.raises(InputError, match=message):
        tables_of(folder, out)
    assert not out.exists()


def test_an_unknown_published_table_is_refused_by_name(tmp_path: Path) -> None:
    values = suite_values()
    values["report"] = {**values["report"], "published": ["../secret"]}
    folder = make_run(tmp_path, values)
    with pytest.raises(InputError, match=r"report\.published: expected the name of a table there; got '\.\./secret'"):
        tables_of(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("ablation.csv", "variant", "varient", r"ablation\.csv: variant: expected a column of that name"),
        (
            "ablation.csv",
            "yes,1,100.0000",
            "yes,1,all",
            r"ablation\.csv: line 4, mean: expected a number or nothing; got",
        ),
        ("main.csv", "mAP@0.1:0.7", "mAP", r"main\.csv: mAP@0\.1:0\.7: expected a column of that name"),
        ("rounds.csv", "base,0,0,", "base,0,first,", r"rounds\.csv: line 2, round: expected a number or nothing"),
        ("per_class.csv", "base,0,walk,", "base,walk,", r"per_class\.csv: line 2: expected \d+ values"),
    ],
)
def test_a_table_that_somebody_changed_is_refused_by_line_and_column(
    results: Path, tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    for path in results.glob("*.csv"):
        shutil.copy(path, tmp_path)
    path = tmp_path / name
    path.write_text(path.read_text().replace(old, new, 1))
    plan = read_plan(results / "settings" / "report.json")
    readers = (read_ablation_table, read_main_table, read_label_quality_table, read_class_table)
    with pytest.raises(InputError, match=message):
        print([read(plan, tmp_path) for read in readers])
