"""Pseudo labels of one class as an optimisation problem: its constraints, its reduction, its solutions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from wtal.base.records import Floats, Segments
from wtal.base.timebase import Rounding, cut_to_grid
from wtal.localise.labels import interior_point
from wtal.suite.contracts import SnippetLabel

if TYPE_CHECKING:
    from numpy.typing import NDArray

Solution = Literal["centre", "vertex", "minimum_norm"]
Infeasible = Literal["elastic", "last_iterate"]

SLACK_COST = 1e3  # of one unit of violation; far above what a unit of label costs
MET = 1e-7  # largest residual of a constraint that counts as met, as HiGHS has it
CURVATURE = 1e-4  # small enough that the penalised problem has the least-norm optimum of the linear one
LARGE = 48  # segments above which a programme is taken apart into those that have nothing to do with each other
BATCH = 256  # programmes solved at once, at most
BATCH_ENTRIES = 1 << 20  # of the padded constraint matrices of a batch: 8 MB, several of which exist at a time


@dataclass(frozen=True, slots=True)
class LabelProgramme:
    """min sum(x) subject to rows @ x = score and 0 <= x <= 1, for one class of one video."""

    rows: NDArray[np.int8]  # [n, T] one for each segment: +1 inside, -1 in its outer margins
    score: NDArray[np.float64]  # [n]


def label_programme(
    segments: Segments, n_snippets: int, outer_margin: Callable[[Floats], Floats], rounding: Rounding = "floor"
) -> LabelProgramme:
    """The constraints of the segments, by falling score; bounds are cut to whole snippets by the named rule.

    outer_margin: from lengths [S] to the widths [S] of the context on either side, in snippets.
    Source: pseudo-label generation of Zhou et al., CVPR 2023; docs/method.md#pseudo-labels-as-an-optimisation-problem.
    """
    ordered = segments.by_falling_score()
    start, end = cut_to_grid(ordered.start, rounding), cut_to_grid(ordered.end, rounding)
    margin = outer_margin(np.maximum(end - start, 0).astype(np.float64))
    left = np.maximum(0, np.floor(start - margin).astype(np.int64))
    right = np.minimum(n_snippets - 1, np.floor(end + margin + 1).astype(np.int64))
    snippet = np.arange(n_snippets)
    inside = (snippet >= start[:, None]) & (snippet < end[:, None])
    around = (snippet >= left[:, None]) & (snippet < right[:, None]) & ~inside
    return LabelProgramme(inside.astype(np.int8) - around.astype(np.int8), ordered.score)


@dataclass(frozen=True, slots=True)
class _Reduced:
    """A programme with one variable for each distinct column; snippets that no row touches are 0."""

    matrix: NDArray[np.float64]  # [n, G]
    multiplicity: NDArray[np.float64]  # [G]
    group: NDArray[np.intp]  # [T] variable of each snippet, -1 where no row touches it

    def sums(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each row sums to [n] where the variables take these values [G]."""
        return np.asarray(self.matrix @ (self.multiplicity * value), dtype=np.float64)

    def residual(self, value: NDArray[np.float64], score: NDArray[np.float64]) -> float:
        """The largest distance of a row's sum from its score, both [S]; 0 where there is no row. value: [T]."""
        return float(np.abs(self.sums(value) - score).max(initial=0.0))


def _reduce(programme: LabelProgramme) -> _Reduced:
    rows = programme.rows
    change = np.flatnonzero((rows[:, 1:] != rows[:, :-1]).any(axis=0)) + 1
    # Columns change only where a segment or margin begins or ends.
    pieces = np.concatenate([[0], change]).astype(np.intp)
    # A column as a word of letters 1, 2 and 3, none of which is the end of a word: words are sorted the fastest.
    words = np.full((len(pieces), max(1, len(rows))), 2, dtype=np.uint8)
    np.add(rows[:, pieces].T, 2, out=words[:, : len(rows)], casting="unsafe")
    _, first, of_piece = np.unique(words.view(f"S{words.shape[1]}")[:, 0], return_index=True, return_inverse=True)
    columns = rows[:, pieces[first]]
    touched = (columns != 0).any(axis=0)
    number = np.where(touched, np.cumsum(touched) - 1, -1)
    lengths = np.diff(np.concatenate([pieces, [rows.shape[1]]]))
    group = np.repeat(number[of_piece], lengths)
    multiplicity = np.bincount(group[group >= 0], minlength=int(touched.sum()))
    return _Reduced(columns[:, touched].astype(np.float64), multiplicity.astype(np.float64), group)


def solve_label_programmes(
    programmes: Sequence[LabelProgramme], solution: Solution = "centre", infeasible: Infeasible = "elastic"
) -> list[SnippetLabel]:
    """A label in [0, 1] for each programme, never NaN, with its largest |rows @ label - score|.

    solution: "centre", the analytic centre of the optimal set; "minimum_norm", its point of least norm; "vertex", a
    vertex. infeasible: "elastic" adds slack at a high price where there is no solution, "last_iterate" keeps what the
    centre's method ended with, as the released code does.
    """
    parts = [_parts(programme) for programme in programmes]
    solved = iter(_solved_whole([part for of_one in parts for part, _ in of_one], solution, infeasible))
    return [
        _joined(programme, [(next(solved), where) for _, where in of_one])
        for programme, of_one in zip(programmes, parts)
    ]


def _parts(programme: LabelProgramme) -> list[tuple[LabelProgramme, slice]]:
    """Programmes over parts of the video whose solutions together are one of the whole: itself, unless it is large.

    Time and memory go with the square of the segments, and more; far segments share no snippet.
    """
    n_segments, n_snippets = programme.rows.shape
    if n_segments <= LARGE:
        return [(programme, slice(0, n_snippets))]
    touched = programme.rows != 0
    first = np.where(touched.any(axis=1), touched.argmax(axis=1), 0)
    after = np.where(touched.any(axis=1), n_snippets - touched[:, ::-1].argmax(axis=1), 1)
    by_time = np.argsort(first, kind="stable")
    reached = np.maximum.accumulate(after[by_time])
    begins = np.flatnonzero(first[by_time][1:] >= reached[:-1]) + 1
    found = []
    for rows in np.split(by_time, begins):
        where = slice(int(first[rows].min()), int(after[rows].max()))
        rows = np.sort(rows)  # by falling score, as before
        found.append((LabelProgramme(programme.rows[rows, where], programme.score[rows]), where))
    return found


def _joined(programme: LabelProgramme, solved: Sequence[tuple[SnippetLabel, slice]]) -> SnippetLabel:
    """The label of a programme from those of its parts and where they lie."""
    if len(solved) == 1 and len(solved[0][0].label) == programme.rows.shape[1]:
        return solved[0][0]
    label = np.zeros(programme.rows.shape[1])
    for part, where in solved:
        label[where] = part.label
    residual = max(part.residual for part, _ in solved)
    return SnippetLabel(label, residual=residual, is_exact=all(part.is_exact for part, _ in solved))


def _solved_whole(
    programmes: Sequence[LabelProgramme], solution: Solution, infeasible: Infeasible
) -> list[SnippetLabel]:
    """The label of each programme, not taken apart."""
    reduced = [_reduce(programme) for programme in programmes]
    scores = [programme.score for programme in programmes]
    curvature = CURVATURE if solution == "minimum_norm" else 0.0
    values, is_feasible = _solve_in_batches(reduced, scores, curvature, elastic=False)
    # Without a point inside all bounds there is no path to follow, and yet there may be a solution: slack finds it.
    failed = [index for index, solved in enumerate(is_feasible) if not solved]
    relaxed, _ = _solve_in_batches(
        [reduced[index] for index in failed], [scores[index] for index in failed], curvature, elastic=True
    )
    for index, value in zip(failed, relaxed):
        is_feasible[index] = reduced[index].residual(value, scores[index]) <= MET
        if is_feasible[index] or infeasible == "elastic":
            values[index] = value
    if solution == "vertex":
        columns = _at_vertices(reduced, scores, values, is_feasible)
    else:
        columns = [np.concatenate([value, [0.0]])[small.group] for small, value in zip(reduced, values)]  # -1: the 0
    labels = []
    for programme, column, solved in zip(programmes, columns, is_feasible):
        label = np.clip(column, 0.0, 1.0)
        residual = float(np.abs(programme.rows @ label - programme.score).max(initial=0.0))
        labels.append(SnippetLabel(label, residual=residual, is_exact=solved))
    return labels


def _at_vertices(
    reduced: Sequence[_Reduced], scores: Sequence[Floats], values: Sequence[Floats], is_feasible: Sequence[bool]
) -> list[Floats]:
    """A vertex [T] of each programme, whose sums are those of `values` where it has no solution."""
    from wtal.localise.labels.vertex import VertexSolver

    solver = VertexSolver()
    columns = []
    for small, score, value, solved in zip(reduced, scores, values, is_feasible):
        reachable = score if solved else small.sums(value)
        columns.append(solver.label(small.matrix, small.multiplicity, small.group, reachable))
    return columns


def _solve_in_batches(
    reduced: Sequence[_Reduced], scores: Sequence[NDArray[np.float64]], curvature: float, *, elastic: bool
) -> tuple[list[NDArray[np.float64]], list[bool]]:
    """Solve programmes of similar size together; results in the order given. One without a variable is not solved."""
    values: list[NDArray[np.float64]] = [np.zeros(0)] * len(reduced)
    solved = [False] * len(reduced)
    size = [len(small.multiplicity) * (1 + len(score)) for small, score in zip(reduced, scores)]
    order = [index for index in sorted(range(len(reduced)), key=size.__getitem__) if size[index]]
    for chosen in _batches(order, reduced, elastic):
        batch = _padded([reduced[index] for index in chosen], [scores[index] for index in chosen], curvature, elastic)
        found = interior_point.solve(batch)
        for row, index in enumerate(chosen):
            values[index] = np.clip(found.x[row, : len(reduced[index].multiplicity)], 0.0, 1.0)
            solved[index] = bool(found.is_solved[row])
    return values, solved


def _batches(order: Sequence[int], reduced: Sequence[_Reduced], elastic: bool) -> Iterator[list[int]]:
    """Programmes in their order, as many at once as fit; a large one stands alone."""
    batch: list[int] = []
    n_rows = n_columns = 0
    for index in order:
        rows, columns = reduced[index].matrix.shape
        n_rows, n_columns = max(n_rows, rows), max(n_columns, columns)
        entries = n_rows * (n_columns + (2 * n_rows if elastic else 0))
        if batch and (len(batch) == BATCH or (len(batch) + 1) * entries > BATCH_ENTRIES):
            yield batch
            batch, n_rows, n_columns = [], rows, columns
        batch.append(index)
    if batch:
        yield batch


def _padded(
    reduced: Sequence[_Reduced], scores: Sequence[NDArray[np.float64]], curvature: float, elastic: bool
) -> interior_point.Programmes:
    n_rows = max(len(score) for score in scores)
    n_columns = max(len(small.multiplicity) for small in reduced)
    slack = 2 * n_rows if elastic else 0
    shape = (len(reduced), n_columns + slack)
    matrix, target = np.zeros((len(reduced), n_rows, shape[1])), np.zeros((len(reduced), n_rows))
    multiplicity, cost, upper = np.zeros(shape), np.ones(shape), np.ones(shape)
    for row, (small, score) in enumerate(zip(reduced, scores)):
        n, g = small.matrix.shape
        matrix[row, :n, :g] = small.matrix
        multiplicity[row, :g] = small.multiplicity
        target[row, :n] = score
        if elastic:
            over, under = np.arange(n_columns, n_columns + n), np.arange(n_columns + n_rows, n_columns + n_rows + n)
            matrix[row, np.arange(n), over], matrix[row, np.arange(n), under] = 1.0, -1.0
            multiplicity[row, over] = multiplicity[row, under] = 1.0
    if elastic:
        cost[:, n_columns:], upper[:, n_columns:] = SLACK_COST, np.inf
    return interior_point.Programmes(matrix, multiplicity, target, cost, upper, curvature)
