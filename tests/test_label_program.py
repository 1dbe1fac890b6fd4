"""The solver of label programmes against a stock solver, with and without a solution to be found."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import highspy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from round_run import label_file, tiny_store

from wtal.base.files import digest_of_file, read_json, to_json, write_text
from wtal.base.records import Segments, VideoScores
from wtal.base.schema import from_mapping, to_mapping
from wtal.cli import main
from wtal.data.store.read import read_store
from wtal.localise.fusion.nms import Nms
from wtal.localise.labels import programme as programme_module
from wtal.localise.labels.file import read_labels
from wtal.localise.labels.make import INFEASIBLE, NOTHING_TO_SOLVE, SOLVED, pseudo_labels
from wtal.localise.labels.naive import NaiveLabels
from wtal.localise.labels.optimised import OptimisedLabels
from wtal.localise.labels.programme import (
    SLACK_COST,
    LabelProgramme,
    Solution,
    label_programme,
    solve_label_programmes,
)
from wtal.localise.propose import outer_margin
from wtal.localise.scores_file import write_scores
from wtal.suite.contracts import LabelMaker
from wtal.suite.method_settings import ProposalSettings
from wtal.suite.step_settings import LabelRoundSettings

MARGIN = partial(outer_margin, settings=ProposalSettings())
SOLUTIONS: tuple[Solution, ...] = ("centre", "vertex", "minimum_norm")


def random_programmes(count: int, spread: float, seed: int) -> list[LabelProgramme]:
    """Programmes of random segments; a wide spread of scores makes many of them infeasible."""
    stream = np.random.default_rng(seed)
    programmes = []
    for _ in range(count):
        n_snippets, n_segments = int(stream.integers(20, 120)), int(stream.integers(1, 12))
        start = stream.uniform(0, n_snippets - 5, n_segments)
        end = np.minimum(start + stream.uniform(1, n_snippets / 2, n_segments), n_snippets + 1)
        segments = Segments(start, end, stream.normal(0.05, spread, n_segments))
        programmes.append(label_programme(segments, n_snippets, MARGIN))
    return programmes


def stock_optimum(programme: LabelProgramme, slack_cost: float | None) -> float | None:
    """The optimum by HiGHS on the whole programme, with slack where a price is given; None where there is none."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    n_rows, n_snippets = programme.rows.shape
    for _ in range(n_snippets):
        solver.addVariable(0, 1, 1.0)
    for _ in range(2 * n_rows if slack_cost else 0):
        solver.addVariable(0, highspy.kHighsInf, slack_cost)
    for row, score in enumerate(programme.score):
        columns = np.flatnonzero(programme.rows[row]).tolist()
        values = [float(programme.rows[row, column]) for column in columns]
        if slack_cost:
            columns += [n_snippets + row, n_snippets + n_rows + row]
            values += [1.0, -1.0]
        solver.addRow(score, score, len(columns), np.array(columns, dtype=np.int32), np.array(values))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return float(solver.getObjectiveValue())


@pytest.mark.parametrize("spread", [0.03, 0.4])
def test_feasibility_and_optimum_agree_with_a_stock_solver(spread: float) -> None:
    programmes = random_programmes(120, spread, seed=1)
    for programme, found in zip(programmes, solve_label_programmes(programmes)):
        optimum = stock_optimum(programme, None)
        assert found.is_exact == (optimum is not None)
        if optimum is not None:
            assert found.label.sum() == pytest.approx(optimum, abs=1e-8)
            assert found.residual < 1e-8


def test_what_has_no_solution_is_violated_as_little_as_a_stock_solver_must() -> None:
    programmes = random_programmes(120, 0.4, seed=2)
    relaxed = [(one, found) for one, found in zip(programmes, solve_label_programmes(programmes)) if not found.is_exact]
    assert len(relaxed) > 10
    for programme, found in relaxed:
        residual = np.abs(programme.rows @ found.label - programme.score)
        cost = found.label.sum() + SLACK_COST * residual.sum()
        assert cost == pytest.approx(stock_optimum(programme, SLACK_COST), rel=1e-8)


def test_a_batch_changes_no_solution() -> None:
    programmes = random_programmes(40, 0.1, seed=3)
    together = solve_label_programmes(programmes)
    for programme, found in zip(programmes, together):
        alone = solve_label_programmes([programme])[0]
        # Padding changes the order of sums; where slack is spread, the centre is the less sharply defined.
        np.testing.assert_allclose(found.label, alone.label, rtol=0, atol=2e-6 if found.is_exact else 1e-4)


def test_one_large_programme_does_not_make_the_memory_of_many_small_ones_large() -> None:
    stream = np.random.default_rng(4)
    start = stream.uniform(0, 700, 200)
    segments = Segments(start, start + stream.uniform(2, 90, 200), stream.normal(0.05, 0.1, 200))
    large = label_programme(segments, 800, MARGIN)
    tracemalloc.start()
    try:
        found = solve_label_programmes([large, *random_programmes(200, 0.4, seed=5)])[0]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60e6  # padded to the largest, one copy of their matrices alone would be 290 MB
    residual = np.abs(large.rows @ found.label - large.score)
    cost = found.label.sum() + SLACK_COST * residual.sum()
    assert cost == pytest.approx(stock_optimum(large, SLACK_COST), rel=1e-8)


def test_snippets_in_the_same_segments_and_margins_share_one_value() -> None:
    for programme, found in zip(programmes := random_programmes(20, 0.03, seed=4), solve_label_programmes(programmes)):
        _, group = np.unique(programme.rows, axis=1, return_inverse=True)
        for number in range(group.max() + 1):
            assert np.ptp(found.label[group.reshape(-1) == number]) == 0


def test_a_doubled_constraint_changes_nothing() -> None:
    programme = random_programmes(1, 0.03, seed=5)[0]
    doubled = LabelProgramme(np.concatenate([programme.rows] * 2), np.concatenate([programme.score] * 2))
    once, twice = solve_label_programmes([programme, doubled])
    assert once.is_exact == twice.is_exact
    np.testing.assert_allclose(once.label, twice.label, atol=1e-6)


def test_a_segment_that_rounds_to_nothing_is_a_violation_and_no_crash() -> None:
    segments = Segments(np.array([3.0]), np.array([3.4]), np.array([0.2]))
    found = solve_label_programmes([label_programme(segments, 10, MARGIN)])[0]
    assert not found.is_exact
    assert found.residual == pytest.approx(0.2)
    assert found.label.sum() == pytest.approx(0, abs=1e-9)


def test_a_vertex_is_found_whatever_another_user_of_the_stock_solver_set_before() -> None:
    programmes = random_programmes(3, 0.03, seed=6)
    expected = [found.label for found in solve_label_programmes(programmes, "vertex")]
    stock_optimum(programmes[0], None)  # starts the solver's threads with its own defaults
    for label, found in zip(expected, solve_label_programmes(programmes, "vertex")):
        np.testing.assert_array_equal(found.label, label)
        assert found.residual < 1e-6


@pytest.mark.parametrize("solution", SOLUTIONS)
def test_no_programme_gives_no_label(solution: Solution) -> None:
    assert solve_label_programmes([], solution) == []


@st.composite
def small_programmes(draw: st.DrawFn) -> LabelProgramme:
    """Few segments on few snippets, with every degeneracy: none, equal, of no or one snippet, at or beyond an edge.

    Scores are zero, negative, more than fits, or those of some label, which then solves the programme; all are eighths,
    so that what has no solution misses it by more than any rounding.
    """
    n_snippets = draw(st.integers(1, 12))
    start = st.integers(0, n_snippets + 1)
    segments = draw(st.lists(st.tuples(start, st.integers(0, n_snippets), st.integers(-8, 16)), max_size=5))
    segments += draw(st.lists(st.sampled_from(segments), max_size=2)) if segments else []
    table = np.array(segments, dtype=np.float64).reshape(-1, 3)
    margins = ProposalSettings(margin_factor=draw(st.sampled_from([0.0, 0.0785, 0.5])))
    bounded = Segments(table[:, 0], table[:, 0] + table[:, 1], table[:, 2] / 8)
    programme = label_programme(bounded, n_snippets, partial(outer_margin, settings=margins))
    if draw(st.booleans()):
        label = draw(st.lists(st.integers(0, 8), min_size=n_snippets, max_size=n_snippets))
        return LabelProgramme(programme.rows, programme.rows @ (np.array(label) / 8))
    return programme


@hypothesis_settings(deadline=None, max_examples=150)
@given(small_programmes())
def test_every_solution_solves_what_a_stock_solver_solves_however_degenerate(programme: LabelProgramme) -> None:
    optimum = stock_optimum(programme, None)
    for solution in SOLUTIONS:
        found = solve_label_programmes([programme], solution)[0]
        assert found.is_exact == (optimum is not None), solution
        assert found.label.shape == programme.rows.shape[1:]
        assert np.all((found.label >= 0) & (found.label <= 1))
        residual = np.abs(programme.rows @ found.label - programme.score)
        assert found.residual == residual.max(initial=0.0)
        if optimum is not None:
            assert found.residual < 1e-7
            assert found.label.sum() == pytest.approx(optimum, abs=1e-6), solution
        else:
            cost = found.label.sum() + SLACK_COST * residual.sum()
            assert cost == pytest.approx(stock_optimum(programme, SLACK_COST), rel=1e-6), solution


@pytest.mark.parametrize("infeasible", ["elastic", "last_iterate"])
@pytest.mark.parametrize("solution", SOLUTIONS)
def test_programmes_without_row_or_column_are_solved_beside_others(solution: Solution, infeasible: str) -> None:
    none = LabelProgramme(np.zeros((0, 4), dtype=np.int8), np.zeros(0))
    met = LabelProgramme(np.zeros((2, 4), dtype=np.int8), np.zeros(2))
    missed = LabelProgramme(np.zeros((2, 4), dtype=np.int8), np.array([0.0, 0.25]))
    found = solve_label_programmes([none, *random_programmes(3, 0.03, seed=7), met, missed], solution, infeasible)
    assert [found[place].is_exact for place in (0, 4, 5)] == [True, True, False]
    assert [found[place].residual for place in (0, 4, 5)] == [0, 0, 0.25]
    assert all(found[place].label.tolist() == [0, 0, 0, 0] for place in (0, 4, 5))


def with_lengths(folder: Path, lengths: Sequence[int]) -> None:
    """Give the first videos of a store these numbers of snippets, of the rows that it has."""
    head, *lines = (folder / "videos.csv").read_text().splitlines()
    columns = head.split(",")
    rows = [dict(zip(columns, line.split(","))) for line in lines]
    for row, length in zip(rows, lengths):
        row["n_snippets"] = str(length)
    first = 0
    for row in rows:
        row["first_row"] = str(first)
        first += int(row["n_snippets"])
    features = np.load(folder / "features.npy")
    np.save(folder / "features.npy", np.resize(features, (first, features.shape[1])))
    (folder / "videos.csv").write_text("\n".join([head, *(",".join(row.values()) for row in rows)]) + "\n")
    meta = read_json(folder / "meta.json")
    meta["files"] |= {name: digest_of_file(folder / name) for name in ("videos.csv", "features.npy")}
    write_text(folder / "meta.json", to_json(meta))


def awkward_scores(folder: Path) -> tuple[VideoScores, tuple[str, ...]]:
    """A store's training videos, scored so that their programmes are the awkward ones, in turn."""
    store = read_store(tiny_store(folder))
    columns = [
        np.zeros(30),  # no proposal
        np.ones(1),  # a video of one snippet, whose label must be 1
        np.full(1, 0.3),
        np.where(np.arange(30) % 10 == 0, 0.9, 0.0),  # runs of one snippet, at the edge too
        np.where(np.arange(20) // 4 == 2, 0.9, 0.2),  # a peak that asks for more than the whole around it may have
        np.full(12, 0.5),  # one run from edge to edge
    ]
    columns += [np.zeros(5)] * (len(store.video_names("train")) - len(columns))
    n_classes = len(store.classes)
    with_lengths(folder, [len(column) for column in columns])
    snippet = np.concatenate(columns).astype(np.float32)[:, None].repeat(n_classes + 1, axis=1)
    offsets = np.concatenate([[0], np.cumsum([len(column) for column in columns])]).astype(np.int64)
    video = np.full((len(columns), n_classes + 1), 0.9, dtype=np.float32)
    return VideoScores(store.video_names("train"), offsets, snippet, video, snippet[:, 0]), store.classes


@pytest.mark.parametrize(
    "maker", [NaiveLabels(), *(OptimisedLabels(solution=name) for name in SOLUTIONS)], ids=lambda maker: repr(maker)
)
def test_labels_of_awkward_scores_are_made_from_file_to_file_whatever_the_solution(
    maker: LabelMaker, tmp_path: Path
) -> None:
    scores, classes = awkward_scores(tmp_path / "store")
    write_scores(tmp_path / "scores.npz", scores, classes)
    base = from_mapping(LabelRoundSettings, read_json(label_file(tmp_path)), file="labels.json")
    proposals = ProposalSettings(thresholds=(0.1, 0.6), minimum_length=1)
    command = ["solve-labels"]
    for option, name in {
        "settings": "labels.json",
        "scores": "scores.npz",
        "data": "store",
        "out": "labels.npz",
    }.items():
        command += [f"--{option}", str(tmp_path / name)]
    settings = dataclasses.replace(base, maker=maker, proposals=proposals, fusion=Nms(), classes="score")
    write_text(tmp_path / "labels.json", to_json(to_mapping(settings)))
    assert main(command) == 0
    labels, _ = read_labels(tmp_path / "labels.npz")
    column = np.full(len(scores.videos), NOTHING_TO_SOLVE)
    column[1:6] = [SOLVED, SOLVED, SOLVED, INFEASIBLE if maker.kind == "optimised" else SOLVED, SOLVED]
    assert (labels.status == column[:, None]).all()
    assert labels.label[labels.rows(1)] == pytest.approx(1.0, abs=1e-6)
    assert labels.label[labels.rows(0)].max() == 0
    again = pseudo_labels(scores, np.zeros((len(scores.videos), len(classes)), dtype=bool), settings)
    np.testing.assert_array_equal(labels.label, again.label)


def test_float_noise_below_a_bound_loses_a_snippet_only_where_bounds_are_truncated() -> None:
    segments = Segments(np.array([4.999999999999998]), np.array([9.999999999999998]), np.array([0.3]))
    floored = label_programme(segments, 20, MARGIN, "floor")
    truncated = label_programme(segments, 20, MARGIN, "truncate")
    assert np.flatnonzero(floored.rows[0] == 1).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(truncated.rows[0] == 1).tolist() == [4, 5, 6, 7, 8]


def long_programme(n_segments: int, seed: int, spread: float = 0.02) -> LabelProgramme:
    """Segments along a long video, some of which share snippets with their neighbours."""
    stream = np.random.default_rng(seed)
    start = np.cumsum(stream.uniform(6, 20, n_segments))
    segments = Segments(
        start, start + stream.uniform(3, 12, n_segments), np.abs(stream.normal(0.3, spread, n_segments))
    )
    return label_programme(segments, int(start[-1]) + 40, MARGIN)


@pytest.mark.parametrize("solution", SOLUTIONS)
def test_a_large_programme_is_taken_apart_and_solved_as_well_as_the_whole(
    solution: Solution, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [long_programme(60, seed) for seed in range(4)]
    apart = solve_label_programmes(made, solution)
    monkeypatch.setattr(programme_module, "LARGE", 1000)
    whole = solve_label_programmes(made, solution)
    for programme, one, other in zip(made, apart, whole):
        assert one.is_exact == other.is_exact
        assert np.abs(programme.rows @ one.label - programme.score).max() == pytest.approx(one.residual, abs=1e-12)
        assert one.label.sum() == pytest.approx(other.label.sum(), abs=1e-6)
        if solution == "centre":  # the one solution that is unique and well determined
            np.testing.assert_allclose(one.label, other.label, atol=2e-5)


def test_a_large_programme_without_solution_violates_no_more_than_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [long_programme(60, seed, spread=8.0) for seed in range(4)]
    apart = solve_label_programmes(made)
    monkeypatch.setattr(programme_module, "LARGE", 1000)
    for programme, one, other in zip(made, apart, solve_label_programmes(made)):
        assert not one.is_exact
        assert not other.is_exact
        violated = [np.abs(programme.rows @ label.label - programme.score).sum() for label in (one, other)]
        assert violated[0] == pytest.approx(violated[1], rel=1e-4)


def test_segments_that_touch_no_snippet_do_no_harm_in_a_large_programme() -> None:
    programme = long_programme(60, 0)
    beyond = programme.rows.shape[1]
    rows = np.concatenate([programme.rows, np.zeros((2, beyond), dtype=np.int8)])
    found = solve_label_programmes([LabelProgramme(rows, np.append(programme.score, [0.5, 0.0]))])[0]
    assert np.isfinite(found.label).all()
    assert not found.is_exact
    assert found.residual == pytest.approx(0.5)
