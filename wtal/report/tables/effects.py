"""What ingredients do on each base network of a suite, whether more on weak ones, and how variants rank over all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wtal.base.files import write_text
from wtal.base.records import Floats
from wtal.evaluate.score.intervals import Interval, SeedScores, interval_over, interval_within, student
from wtal.evaluate.text.typeset import Block, Cell, Column, Table, bounds, difference, number, to_markdown
from wtal.report.inputs.frames import read_frame, write_frame
from wtal.report.inputs.metrics import RunMetrics
from wtal.report.inputs.plan import EffectPlan, MatrixPlan, Plan
from wtal.report.inputs.resampling import Resamples
from wtal.report.tables.contrasts import Contrast, ContrastGroup, effect_sentence

EFFECT_COLUMNS = (
    *("effect", "title", "base", "base_title", "strength", "seeds"),
    *("estimate", "low", "high", "videos_low", "videos_high", "verdict"),
)
EFFECT_TEXT = ("effect", "title", "base", "base_title", "verdict")
RANK_COLUMNS = ("variant", "title", "seeds", "mean", "rank", "low", "high", "best_on")
ALL, SLOPE = "all", "slope"  # instead of a base network: the mean over all, and how it changes with their strength
SELECTED = "selected_on_test"
STRENGTH_STEP = 10.0  # points of strength, by which a slope is told
Runs = Mapping[tuple[str, int], RunMetrics]


def write_matrix(out: Path, plan: Plan, matrix: MatrixPlan, runs: Runs, resamples: Resamples) -> None:
    """Write effects.csv, ranks.csv and both as Markdown."""
    effects = pd.DataFrame(effect_rows(plan, matrix, runs, resamples), columns=list(EFFECT_COLUMNS))
    ranks = pd.DataFrame(rank_rows(plan, matrix, resamples), columns=list(RANK_COLUMNS))
    write_frame(out / "effects.csv", effects)
    write_frame(out / "ranks.csv", ranks)
    over = interval_over((len(plan.file.seeds),))
    level = f"{100 * plan.file.evaluation.bootstrap_level:g} %"
    note = f"mAP@{plan.headline} in points; {level} intervals over {over}; bold: the interval leaves out 0."
    write_text(out / "effects.md", to_markdown(effects_table(read_effects(out / "effects.csv"), (note,))))
    note = f"1 is best; means over base networks, with {level} intervals over {over}."
    write_text(out / "ranks.md", to_markdown(ranks_table(read_ranks(out / "ranks.csv"), (note,))))


def read_effects(path: Path) -> pd.DataFrame:
    """effects.csv. Raises InputError naming column and row."""
    return read_frame(path, EFFECT_COLUMNS, EFFECT_TEXT)


def read_ranks(path: Path) -> pd.DataFrame:
    """ranks.csv. Raises InputError naming column and row."""
    return read_frame(path, RANK_COLUMNS, ("variant", "title"))


def effect_rows(plan: Plan, matrix: MatrixPlan, runs: Runs, resamples: Resamples) -> list[tuple[object, ...]]:
    """A row of EFFECT_COLUMNS for each effect and base network, and for all of them; points of the headline average.

    The slope is by how many points an effect changes where a base network is STRENGTH_STEP points stronger: least
    squares over the base networks, their strength being the mean over seeds of the variant that the plan names.
    """
    seeds, names = plan.file.seeds, [base.name for base in matrix.bases] or [""]
    titles = {base.name: base.title for base in matrix.bases}
    strengths = np.array(
        [resamples.scores(matrix.variant(base, matrix.strength), seeds).points.mean() for base in names]
    )

    def row(name: str, title: str, base: str, strength: float, scores: SeedScores | Floats) -> tuple[object, ...]:
        away = _interval(plan, scores, resamples.n_videos)
        words = titles.get(base, {ALL: "all", SLOPE: f"for each {STRENGTH_STEP:g} points of strength"}.get(base, ""))
        numbers = (away.estimate, away.low, away.high, away.videos_low, away.videos_high, away.verdict)
        return (name, title, base, words, strength, len(seeds), *numbers)

    rows = []
    for effect in matrix.effects:
        scores = [_effect(matrix, effect, base, seeds, resamples) for base in names]
        rows += [row(effect.name, effect.title, *known) for known in zip(names, strengths, scores, strict=True)]
        for base, weights in _over_bases(strengths):
            rows.append(row(effect.name, effect.title, base, math.nan, _combined(scores, weights)))
    selected = [_selected(plan, matrix, base, runs) for base in names]
    known = [scores for scores in selected if scores is not None]
    if len(known) == len(names):
        title = "the best epoch on the test set against the last"
        rows += [row(SELECTED, title, *entry) for entry in zip(names, strengths, known, strict=True)]
        if len(names) > 1:
            rows.append(row(SELECTED, title, ALL, math.nan, np.mean(known, axis=0)))
    return rows


def _effect(
    matrix: MatrixPlan, effect: EffectPlan, base: str, seeds: Sequence[int], resamples: Resamples
) -> SeedScores:
    """An effect on one base network, of each seed."""
    known = {
        side: [resamples.scores(matrix.variant(base, name), seeds) for name in variants]
        for side, variants in (("of", effect.of), ("against", effect.against))
    }
    parts = [*known["of"], *known["against"]]
    weights = [1 / len(effect.of)] * len(effect.of) + [-1 / len(effect.against)] * len(effect.against)
    return _combined(parts, np.array(weights))


def _combined(scores: Sequence[SeedScores], weights: Floats) -> SeedScores:
    """The weighted sum, seed by seed and resample by resample."""
    points = np.tensordot(weights, np.stack([entry.points for entry in scores]), axes=1)
    return SeedScores(points, np.tensordot(weights, np.stack([entry.resampled for entry in scores]), axes=1))


def _over_bases(strengths: Floats) -> Iterator[tuple[str, Floats]]:
    """By what each base network counts in the mean over all and in the slope; nothing for a single one."""
    if len(strengths) < 2:
        return
    yield ALL, np.full(len(strengths), 1 / len(strengths))
    away = strengths - strengths.mean()
    if len(strengths) > 2 and away.any():
        yield SLOPE, STRENGTH_STEP * away / float(away @ away)


def _selected(plan: Plan, matrix: MatrixPlan, base: str, runs: Runs) -> Floats | None:
    """By how much the best epoch on the test set beats the last, of each seed; None where no variant tells."""
    prefix = matrix.variant(base, "")
    for variant in plan.file.variants:
        found = [runs[variant, seed] for seed in plan.file.seeds]
        if variant.startswith(prefix) and all(run.selected_on_test is not None for run in found):
            return np.array([(run.selected_on_test or 0.0) - run.averages[plan.headline] for run in found])
    return None


def _interval(
    plan: Plan, scores: SeedScores | Floats, n_videos: int, limits: tuple[float, float] = (-100, 100)
) -> Interval:
    """The interval over videos and seeds; over seeds alone, by Student's t, where nothing was resampled."""
    level = plan.file.evaluation.bootstrap_level
    if isinstance(scores, SeedScores):
        return interval_within(scores, n_videos, level, limits)
    n_seeds = len(scores)
    half = student(level, n_seeds - 1) * float(scores.std(ddof=1)) / math.sqrt(n_seeds) if n_seeds > 1 else math.nan
    mean = float(scores.mean())
    return Interval(mean, (n_seeds,), mean - half, mean + half, math.nan, math.nan)


def rank_rows(plan: Plan, matrix: MatrixPlan, resamples: Resamples) -> list[tuple[object, ...]]:
    """A row of RANK_COLUMNS for each ranked variant: its rank on each base network and seed, as a mean over both."""
    seeds, bases, ranked = plan.file.seeds, [base.name for base in matrix.bases] or [""], matrix.ranked
    if not ranked:
        return []
    scores = [[resamples.scores(matrix.variant(base, entry.name), seeds) for entry in ranked] for base in bases]
    points = np.array([[entry.points for entry in row] for row in scores])  # [bases, variants, S]
    resampled = np.array([[entry.resampled for entry in row] for row in scores])  # [bases, variants, S, R]
    ranks = SeedScores(_ranks(points).mean(axis=0), _ranks(resampled).mean(axis=0))
    best = points.mean(axis=2).argmax(axis=1)
    rows: list[tuple[object, ...]] = []
    for number_, entry in enumerate(ranked):
        own = SeedScores(ranks.points[number_], ranks.resampled[number_])
        found = _interval(plan, own, resamples.n_videos, (1.0, float(len(ranked))))
        mean = float(points[:, number_].mean())
        values = (found.estimate, found.low, found.high, int((best == number_).sum()))
        rows.append((entry.name, entry.title, len(seeds), mean, *values))
    return rows


def _ranks(values: Floats) -> Floats:
    """Ranks along axis 1, 1 for the greatest; equal ones share the mean of theirs."""
    above = (values[:, None] > values[:, :, None]).sum(axis=2)
    equal = (values[:, None] == values[:, :, None]).sum(axis=2)
    return np.asarray(above + (equal + 1) / 2)


def effect_groups(effects: pd.DataFrame, quantity: str) -> list[ContrastGroup]:
    """The effects as the forest shows them: of each the mean over base networks first, then it on every one of them.

    quantity: what the points are of, such as `mAP@0.1:0.7`.
    """
    groups = []
    for _, members in effects.groupby("effect", sort=False):
        named = {row["base"]: row for row in members.to_dict("records")}
        mean, slope = named.pop(ALL, None), named.pop(SLOPE, None)
        rows = [_contrast(row, f"{row['base_title']}, {row['strength']:.1f} by itself", 1) for row in named.values()]
        if mean is not None:
            rows.insert(0, _contrast(mean, f"average over {len(named)} base networks", len(named)))
        sentence = effect_sentence(rows, quantity, "base networks")
        if slope is not None:
            sentence += (
                f" For each {STRENGTH_STEP:g} points that a base network is stronger: {effect_cell(slope).text}."
            )
        groups.append(ContrastGroup(members["title"].iloc[0], tuple(rows), sentence))
    return groups


def _contrast(row: Mapping[Any, Any], context: str, n_contexts: int) -> Contrast:
    return Contrast(row["title"], context, n_contexts, _interval_of(row), ())


def effects_table(effects: pd.DataFrame, notes: Sequence[str]) -> Table:
    """Effects as readers see them: a row each, a column for each base network."""
    columns = effects.drop_duplicates("base")[["base", "base_title"]].to_dict("records")
    rows = []
    for _, members in effects.groupby("effect", sort=False):
        by_base = {row["base"]: row for row in members.to_dict("records")}
        rows.append((Cell(members["title"].iloc[0]), *(effect_cell(by_base.get(entry["base"])) for entry in columns)))
    heads = [Column("Effect", is_number=False), *(Column(entry["base_title"] or "difference") for entry in columns)]
    return Table("effects", "What ingredients do", tuple(heads), (Block("", tuple(rows)),), tuple(notes))


def effect_cell(row: Mapping[Any, Any] | None) -> Cell:
    """An effect with its interval, from a row of effects.csv; a dash where there is none."""
    if row is None:
        return Cell("–")
    return difference(_interval_of(row))


def _interval_of(row: Mapping[Any, Any]) -> Interval:
    numbers = (row[name] for name in ("low", "high", "videos_low", "videos_high"))
    return Interval(row["estimate"], (int(row["seeds"]),), *numbers)


def ranks_table(ranks: pd.DataFrame, notes: Sequence[str]) -> Table:
    """Ranks as readers see them."""
    heads = (
        Column("Variant", is_number=False),
        *(Column(name) for name in ("Mean mAP", "Mean rank", "Interval", "Best on")),
    )
    rows = [
        (
            Cell(row["title"]),
            number(row["mean"]),
            number(row["rank"], 2),
            bounds(row["low"], row["high"], 2),
            number(row["best_on"], 0),
        )
        for row in ranks.to_dict("records")
    ]
    return Table("ranks", "Ranks over base networks", heads, (Block("", tuple(rows)),), tuple(notes))
