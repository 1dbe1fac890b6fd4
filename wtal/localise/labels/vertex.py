"""A vertex of the optimal set of a label programme, by HiGHS's simplex."""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray

from wtal.base.errors import SolverError
from wtal.base.records import Floats


class VertexSolver:
    """HiGHS's simplex, one solver object for all programmes."""

    def __init__(self) -> None:
        self.highs = highspy.Highs()  # type: ignore[no-untyped-call]
        options: dict[str, bool | int | str] = {
            "output_flag": False,
            "log_to_console": False,
            "solver": "simplex",
            "parallel": "off",  # not "threads", which fails where another user of the solver has set them
            "presolve": "off",
        }
        for key, value in options.items():
            self.highs.setOptionValue(key, value)

    def label(self, matrix: Floats, multiplicity: Floats, group: NDArray[np.intp], target: Floats) -> Floats:
        """A vertex [T]: the mass of each group is laid on its snippets one after the other, 1 at most on each.

        matrix: [n, G]. multiplicity: [G] snippets of each group. group: [T] of each snippet, -1 for none. target: [n].
        Raises SolverError where the solver finds no optimum.
        """
        mass = self._masses(matrix, multiplicity, target)
        label = np.zeros(len(group))
        for number, total in enumerate(mass):
            if total > 0:
                rows = np.flatnonzero(group == number)
                label[rows] = np.clip(total - np.arange(len(rows)), 0.0, 1.0)
        return label

    def _masses(self, matrix: Floats, multiplicity: Floats, target: Floats) -> Floats:
        n_rows, n_columns = matrix.shape
        if not n_columns:  # the solver calls such a programme empty, and solves nothing
            return np.zeros(0)
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = n_rows, n_columns
        lp.col_cost_, lp.col_lower_ = np.ones(n_columns), np.zeros(n_columns)
        lp.col_upper_ = multiplicity
        # A hair of room lets through what float error makes of dependent rows.
        lp.row_lower_, lp.row_upper_ = target - 1e-9, target + 1e-9
        column, row = np.nonzero(matrix.T)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=n_columns))])
        lp.a_matrix_.index_, lp.a_matrix_.value_ = row, matrix[row, column]
        self.highs.passModel(lp)
        self.highs.run()
        status = self.highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            said = self.highs.modelStatusToString(status)
            raise SolverError(f"vertex of a label programme of {n_rows} segments: expected an optimum; got {said!r}")
        return np.array(self.highs.getSolution().col_value)
