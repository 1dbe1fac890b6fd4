"""The solver of label programmes against a stock solver, with and without a solution to be found."""

from __future__ import annotations

import tracemalloc

import highspy
import numpy as np
import pytest

from wtal.localise.label_program import SLACK_COST, LabelProgram, label_program, solve_label_programs
from wtal.records import Segments
from wtal.settings import ProposalSettings

SETTINGS = ProposalSettings()


def random_programs(count: int, spread: float, seed: int) -> list[LabelProgram]:
    """Programmes of random segments; a wide spread of scores makes many of them infeasible."""
    stream = np.random.default_rng(seed)
    programs = []
    for _ in range(count):
        n_snippets, n_segments = int(stream.integers(20, 120)), int(stream.integers(1, 12))
        start = stream.uniform(0, n_snippets - 5, n_segments)
        end = np.minimum(start + stream.uniform(1, n_snippets / 2, n_segments), n_snippets + 1)
        segments = Segments(start, end, stream.normal(0.05, spread, n_segments))
        programs.append(label_program(segments, n_snippets, SETTINGS))
    return programs


def stock_optimum(program: LabelProgram, slack_cost: float | None) -> float | None:
    """The optimum by HiGHS on the whole programme, with slack where a price is given; None where there is none."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    n_rows, n_snippets = program.rows.shape
    for _ in range(n_snippets):
        solver.addVariable(0, 1, 1.0)
    for _ in range(2 * n_rows if slack_cost else 0):
        solver.addVariable(0, highspy.kHighsInf, slack_cost)
    for row, score in enumerate(program.score):
        columns = np.flatnonzero(program.rows[row]).tolist()
        values = [float(program.rows[row, column]) for column in columns]
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
    programs = random_programs(120, spread, seed=1)
    for program, found in zip(programs, solve_label_programs(programs)):
        optimum = stock_optimum(program, None)
        assert found.is_feasible == (optimum is not None)
        if optimum is not None:
            assert found.label.sum() == pytest.approx(optimum, abs=1e-8)
            assert found.violation < 1e-8


def test_what_has_no_solution_is_violated_as_little_as_a_stock_solver_must() -> None:
    programs = random_programs(120, 0.4, seed=2)
    relaxed = [(one, found) for one, found in zip(programs, solve_label_programs(programs)) if not found.is_feasible]
    assert len(relaxed) > 10
    for program, found in relaxed:
        residual = np.abs(program.rows @ found.label - program.score)
        cost = found.label.sum() + SLACK_COST * residual.sum()
        assert cost == pytest.approx(stock_optimum(program, SLACK_COST), rel=1e-8)


def test_a_batch_changes_no_solution() -> None:
    programs = random_programs(40, 0.1, seed=3)
    together = solve_label_programs(programs)
    for program, found in zip(programs, together):
        alone = solve_label_programs([program])[0]
        # Padding changes the order of sums; where slack is spread, the centre is the less sharply defined.
        np.testing.assert_allclose(found.label, alone.label, rtol=0, atol=2e-6 if found.is_feasible else 1e-4)


def test_one_large_programme_does_not_make_the_memory_of_many_small_ones_large() -> None:
    stream = np.random.default_rng(4)
    start = stream.uniform(0, 700, 200)
    segments = Segments(start, start + stream.uniform(2, 90, 200), stream.normal(0.05, 0.1, 200))
    large = label_program(segments, 800, SETTINGS)
    tracemalloc.start()
    try:
        found = solve_label_programs([large, *random_programs(200, 0.4, seed=5)])[0]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60e6  # padded to the largest, one copy of their matrices alone would be 290 MB
    residual = np.abs(large.rows @ found.label - large.score)
    cost = found.label.sum() + SLACK_COST * residual.sum()
    assert cost == pytest.approx(stock_optimum(large, SLACK_COST), rel=1e-8)


def test_snippets_in_the_same_segments_and_margins_share_one_value() -> None:
    for program, found in zip(programs := random_programs(20, 0.03, seed=4), solve_label_programs(programs)):
        _, group = np.unique(program.rows, axis=1, return_inverse=True)
        for number in range(group.max() + 1):
            assert np.ptp(found.label[group.reshape(-1) == number]) == 0


def test_a_doubled_constraint_changes_nothing() -> None:
    program = random_programs(1, 0.03, seed=5)[0]
    doubled = LabelProgram(np.concatenate([program.rows] * 2), np.concatenate([program.score] * 2))
    once, twice = solve_label_programs([program, doubled])
    assert once.is_feasible == twice.is_feasible
    np.testing.assert_allclose(once.label, twice.label, atol=1e-6)


def test_a_segment_that_rounds_to_nothing_is_a_violation_and_no_crash() -> None:
    segments = Segments(np.array([3.0]), np.array([3.4]), np.array([0.2]))
    found = solve_label_programs([label_program(segments, 10, SETTINGS)])[0]
    assert not found.is_feasible
    assert found.violation == pytest.approx(0.2)
    assert found.label.sum() == pytest.approx(0, abs=1e-9)


def test_a_vertex_is_found_whatever_another_user_of_the_stock_solver_set_before() -> None:
    programs = random_programs(3, 0.03, seed=6)
    expected = [found.label for found in solve_label_programs(programs, "vertex")]
    stock_optimum(programs[0], None)  # starts the solver's threads with its own defaults
    for label, found in zip(expected, solve_label_programs(programs, "vertex")):
        np.testing.assert_array_equal(found.label, label)
        assert found.violation < 1e-6


def test_no_programme_gives_no_label() -> None:
    assert solve_label_programs([]) == []
    assert solve_label_programs([], "vertex") == []


def test_float_noise_below_a_bound_loses_a_snippet_only_where_bounds_are_truncated() -> None:
    segments = Segments(np.array([4.999999999999998]), np.array([9.999999999999998]), np.array([0.3]))
    floored = label_program(segments, 20, SETTINGS, "floor")
    truncated = label_program(segments, 20, SETTINGS, "truncate")
    assert np.flatnonzero(floored.rows[0] == 1).tolist() == [5, 6, 7, 8, 9]
    assert np.flatnonzero(truncated.rows[0] == 1).tolist() == [4, 5, 6, 7, 8]
