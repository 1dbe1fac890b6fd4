"""What each ingredient of a suite is worth: pairs that differ in it alone, their mean, and what they come to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_run import suite_values

from wtal.base.errors import InputError
from wtal.base.files import read_yaml, to_json
from wtal.evaluate.score.intervals import Interval, SeedScores
from wtal.report.inputs.plan import Plan, read_plan
from wtal.report.tables.contrasts import (
    Contrast,
    contrast_groups,
    contrasts_of,
    effect_sentence,
    read_contrasts,
    write_contrasts,
)
from wtal.report.tables.ingredients import WHOLE, ingredients_of
from wtal.suite.plan import plan_files, suite_from_mapping

CONFIG = Path(__file__).resolve().parents[1] / "config"


def plan_of(folder: Path, values: dict[str, object]) -> Plan:
    suite = suite_from_mapping(values, "suite.yaml")
    path = folder / "report.json"
    path.write_text(to_json({**plan_files(suite)["report.json"], "order": list(suite.variants)}))
    return read_plan(path)


@pytest.fixture(scope="module")
def hapt(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(tmp_path_factory.mktemp("hapt"), read_yaml(CONFIG / "hapt.yaml"))


def test_the_design_of_three_choices_gives_four_pairs_for_each(hapt: Plan) -> None:
    found = {ingredient.title: ingredient.pairs for ingredient in ingredients_of(hapt)}
    assert next(iter(found)) == WHOLE
    assert found[WHOLE] == (("optimised_delta", "base_nms"),)
    assert len(found["Pseudo labels: naive → optimised"]) == 4
    assert len(found["Fusion for labels: nms → gaussian"]) == 4
    assert found["Δ pseudo labels: off → on"] == (
        ("nms_naive_delta", "nms_naive"),
        ("nms_optimised_delta", "nms_optimised"),
        ("naive_delta", "naive"),
        ("optimised_delta", "optimised"),
    )


def test_settings_without_effect_tell_no_variants_apart(hapt: Plan) -> None:
    """The base has no label rounds, so what its labels would be like does not count."""
    found = {ingredient.title: ingredient.pairs for ingredient in ingredients_of(hapt)}
    assert found["Fusion at test time: nms → gaussian"] == (("base", "base_nms"),)
    assert found["Pseudo labels: none → naive from nms"] == (("nms_naive", "base"),)


def test_no_two_ingredients_have_one_title(hapt: Plan) -> None:
    titles = [ingredient.title for ingredient in ingredients_of(hapt)]
    assert len(set(titles)) == len(titles)
    assert "Δ pseudo labels: off → on (Δ at the full learning rate)" in titles


def scores_of(plan: Plan, **levels: float) -> dict[str, SeedScores]:
    draw = np.random.default_rng(0)
    drawn = {}
    for name in plan.file.variants:
        level = levels.get(name, 0.0)
        drawn[name] = SeedScores(level + draw.normal(0, 0.1, 3), level + draw.normal(0, 0.3, (3, 40)))
    return drawn


def test_the_mean_over_pairs_comes_first_and_is_their_mean(hapt: Plan) -> None:
    scores = scores_of(hapt, nms_naive_delta=4.0, naive_delta=2.0)
    rows = [row for row in contrasts_of(hapt, scores, 40) if row.ingredient == "Δ pseudo labels: off → on"]
    assert [row.n_contexts for row in rows] == [4, 1, 1, 1, 1]
    assert rows[0].context == "average over 4 comparisons"
    assert rows[1].context == "naive labels from NMS, Δ, against naive labels from NMS"
    assert rows[0].interval.estimate == pytest.approx(np.mean([row.interval.estimate for row in rows[1:]]))
    assert rows[0].points == pytest.approx(np.mean([row.points for row in rows[1:]], axis=0))
    assert all(row.interval.low < row.interval.estimate < row.interval.high for row in rows)


def test_rows_read_back_as_they_were_written(hapt: Plan, tmp_path: Path) -> None:
    rows = contrasts_of(hapt, scores_of(hapt), 40)
    write_contrasts(tmp_path / "contrasts.csv", rows)
    again = read_contrasts(tmp_path / "contrasts.csv")
    assert [row.ingredient for row in again] == [row.ingredient for row in rows]
    for one, other in zip(again, rows):
        assert (one.context, one.n_contexts) == (other.context, other.n_contexts)
        assert one.points == pytest.approx(other.points, abs=1e-4)
        assert one.interval.high == pytest.approx(other.interval.high, abs=1e-4)
    write_contrasts(tmp_path / "again.csv", again)
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "contrasts.csv").read_text()


def test_a_broken_cell_is_named(tmp_path: Path) -> None:
    path = tmp_path / "contrasts.csv"
    write_contrasts(path, [contrast(1.0, 0.5, 1.5)])
    path.write_text(path.read_text().replace("1.5000", "much"))
    with pytest.raises(InputError, match=r"contrasts\.csv: line 2, high: expected a number; got 'much'"):
        read_contrasts(path)


def contrast(estimate: float, low: float, high: float, contexts: int = 1) -> Contrast:
    return Contrast("Δ", "average", contexts, Interval(estimate, (3,), low, high, low / 2, high / 2), (estimate,) * 3)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([contrast(1.26, 0.5, 2.0)], "Raises mAP by 1.3 points [0.5, 2.0]."),
        ([contrast(-1.26, -2.0, -0.5)], "Lowers mAP by 1.3 points [−2.0, −0.5]."),
        ([contrast(0.2, -1.0, 1.4)], "No detectable effect on mAP: +0.2 [−1.0, 1.4] points."),
        (
            [contrast(0.2, -1.0, 1.4, 2), contrast(1.0, 0.5, 1.5), contrast(-0.6, -2.0, 1.0)],
            "No detectable effect on mAP: +0.2 [−1.0, 1.4] points, on average over 2 comparisons, 1 of which leave out "
            "0 by themselves.",
        ),
        ([contrast(0.2, float("nan"), float("nan"))], "+0.2 points of mAP; how surely cannot be told."),
    ],
)
def test_a_sentence_says_what_an_ingredient_does(rows: list[Contrast], sentence: str) -> None:
    assert effect_sentence(rows, "mAP") == sentence
    assert contrast_groups(rows, "mAP")[0].sentence == sentence


def test_a_suite_of_one_variant_has_no_ingredient(tmp_path: Path) -> None:
    values = suite_values()
    values["variants"] = {"base": values["variants"]["base"]}
    values["report"]["timeline_variant"] = None
    assert ingredients_of(plan_of(tmp_path, values)) == []
