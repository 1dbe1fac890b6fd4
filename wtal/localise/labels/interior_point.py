"""Many small bounded programmes at once, each followed along its central path to the end.

minimise   sum_g m_g (c_g x_g + q x_g^2 / 2)   subject to   sum_g m_g a_ig x_g = b_i,   0 <= x_g <= u_g

A programme is written with one variable for each distinct column; m_g says how many equal variables it stands for. By
symmetry these are equal at the analytic centre of the optimal set, and the multiplicity drops out of the conditions of
the path: x z = mu, (u - x) w = mu, c + q x - a'y - z + w = 0.
Source: docs/method.md#pseudo-labels-as-an-optimisation-problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Batch: TypeAlias = "NDArray[np.float64]"

FINAL_MU = 1e-11  # of the complementarity products where the path ends; below it rounding outweighs what is gained
ON_PATH = 1e-3  # relative distance of a product from that value
MOST_ITERATIONS = 80
FEASIBLE = 1e-9  # largest residual of a constraint that counts as met
RIDGE = 1e-14  # relative; lets dependent constraints through


@dataclass(frozen=True, slots=True)
class Programmes:
    """A batch of programmes of one padded size: a padded variable has multiplicity 0, a padded row is all zero."""

    matrix: Batch  # a [B, n, G]
    multiplicity: Batch  # m [B, G]
    target: Batch  # b [B, n]
    cost: Batch  # c [B, G]
    upper: Batch  # u [B, G], may be infinite
    curvature: float = 0.0  # q


@dataclass(frozen=True, slots=True)
class Solutions:
    """What the method ended with, for each programme of the batch."""

    x: Batch  # [B, G]
    is_solved: NDArray[np.bool_]  # [B] on the path's end, with every constraint met


@dataclass(slots=True)
class _Point:
    x: Batch
    y: Batch
    z: Batch
    w: Batch

    def take(self, rows: NDArray[np.intp]) -> _Point:
        return _Point(self.x[rows], self.y[rows], self.z[rows], self.w[rows])


def solve(programmes: Programmes) -> Solutions:
    """The analytic centre of the optimal set of each programme, by primal-dual path following (Mehrotra)."""
    n_batch = len(programmes.matrix)
    x_all = np.zeros_like(programmes.cost)
    solved = np.zeros(n_batch, dtype=np.bool_)
    active = np.arange(n_batch)
    work, point = programmes, _start(programmes)
    # Where there is no solution the path runs off to infinity; the last finite point is kept.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        for _ in range(MOST_ITERATIONS):
            lost = ~(np.isfinite(point.x).all(axis=1) & np.isfinite(point.y).all(axis=1))
            done = _has_arrived(work, point)
            x_all[active[~lost]] = point.x[~lost]
            solved[active[done]] = True
            keep = np.flatnonzero(~done & ~lost)
            if not len(keep):
                break
            if len(keep) < len(active):
                active, work, point = active[keep], _take(work, keep), point.take(keep)
            _step(work, point)
    return Solutions(x_all, solved)


def _take(programmes: Programmes, rows: NDArray[np.intp]) -> Programmes:
    p = programmes
    return Programmes(p.matrix[rows], p.multiplicity[rows], p.target[rows], p.cost[rows], p.upper[rows], p.curvature)


def _start(programmes: Programmes) -> _Point:
    finite = np.isfinite(programmes.upper)
    x = np.where(finite, 0.5 * np.where(finite, programmes.upper, 1.0), 1.0)
    z = np.maximum(programmes.cost, 1.0)
    return _Point(x, np.zeros_like(programmes.target), z, np.where(finite, 1.0, 0.0))


def _room(programmes: Programmes, x: Batch) -> Batch:
    """Distance to the upper bound; 1 where there is none, so that it divides nothing away."""
    return np.where(np.isfinite(programmes.upper), programmes.upper - x, 1.0)


def _residuals(p: Programmes, point: _Point) -> tuple[Batch, Batch]:
    primal = p.target - np.einsum("bng,bg->bn", p.matrix, p.multiplicity * point.x)
    dual = np.einsum("bng,bn->bg", p.matrix, point.y) + point.z - point.w - p.cost - p.curvature * point.x
    return primal, dual


def _has_arrived(p: Programmes, point: _Point) -> NDArray[np.bool_]:
    primal, dual = _residuals(p, point)
    used = p.multiplicity > 0
    bounded = used & np.isfinite(p.upper)
    off_low = np.where(used, np.abs(point.x * point.z / FINAL_MU - 1), 0.0).max(axis=1)
    off_high = np.where(bounded, np.abs(_room(p, point.x) * point.w / FINAL_MU - 1), 0.0).max(axis=1)
    met = np.abs(primal).max(axis=1, initial=0.0) < FEASIBLE
    return np.asarray(
        met & (np.abs(np.where(used, dual, 0.0)).max(axis=1) < 1e-8) & (off_low < ON_PATH) & (off_high < ON_PATH)
    )


def _step(p: Programmes, point: _Point) -> None:
    room = _room(p, point.x)
    bounded = np.isfinite(p.upper)
    primal, dual = _residuals(p, point)
    low, high = point.x * point.z, np.where(bounded, room * point.w, 0.0)
    n_products = (p.multiplicity > 0).sum(axis=1) + (bounded & (p.multiplicity > 0)).sum(axis=1)
    used = p.multiplicity > 0
    mu = np.where(used, low + high, 0.0).sum(axis=1) / np.maximum(n_products, 1)
    factor = _Factor(p, point, room)
    dx, _, dz, dw = factor.direction(primal, dual, -low, -high)
    ahead_x, ahead_z = _lengths(p, point, room, dx, dz, dw, 1.0)
    x, z, w = point.x + ahead_x * dx, point.z + ahead_z * dz, point.w + ahead_z * dw
    ahead = np.where(used, x * z + np.where(bounded, (room - ahead_x * dx) * w, 0.0), 0.0).sum(axis=1)
    sigma = np.clip((ahead / np.maximum(n_products, 1) / mu) ** 3, 1e-6, 1.0)
    goal = np.maximum(sigma * mu, FINAL_MU)[:, None]
    # Near the end the corrector of second order is noise: a plain centring step settles on the path.
    second = np.where(mu[:, None] > 10 * FINAL_MU, 1.0, 0.0)
    to_low = goal - low - second * dx * dz
    to_high = np.where(bounded, goal - high + second * dx * dw, 0.0)
    dx, dy, dz, dw = factor.direction(primal, dual, to_low, to_high)
    step_x, step_z = _lengths(p, point, room, dx, dz, dw, 0.995)
    point.x = point.x + step_x * dx
    point.y = point.y + step_z * dy
    point.z, point.w = point.z + step_z * dz, point.w + step_z * dw


def _lengths(
    p: Programmes, point: _Point, room: Batch, dx: Batch, dz: Batch, dw: Batch, share: float
) -> tuple[Batch, Batch]:
    """Longest primal and dual steps [B, 1] that stay a share of the way inside the bounds."""
    bounded = np.isfinite(p.upper)

    def longest(value: Batch, change: Batch, counts: NDArray[np.bool_]) -> Batch:
        falls = counts & (change < 0)
        ratio = np.divide(-value, change, out=np.full_like(value, np.inf), where=falls)
        return np.asarray(ratio.min(axis=1, keepdims=True))

    used = p.multiplicity > 0
    primal = np.minimum(longest(point.x, dx, used), longest(room, -dx, used & bounded))
    dual = np.minimum(longest(point.z, dz, used), longest(point.w, dw, used & bounded))
    if p.curvature:  # a quadratic objective ties x to the dual residual: one length for both
        primal = dual = np.minimum(primal, dual)
    return np.minimum(1.0, share * primal), np.minimum(1.0, share * dual)


class _Factor:
    """The Newton matrix of a point, a' diag(m / theta) a with unit diagonal, ready for several right sides."""

    def __init__(self, p: Programmes, point: _Point, room: Batch) -> None:
        self.p, self.point, self.room = p, point, room
        self.theta = point.z / point.x + point.w / room + p.curvature
        weighted = p.matrix * (p.multiplicity / self.theta)[:, None, :]
        newton = weighted @ p.matrix.transpose(0, 2, 1)
        diagonal = np.einsum("bnn->bn", newton)
        self.scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        newton = newton * self.scale[:, :, None] * self.scale[:, None, :]
        n_rows = newton.shape[1]
        rows = np.arange(n_rows)
        newton[:, rows, rows] = np.where(diagonal > 0, 1.0 + RIDGE, 1.0)
        self.newton = newton
        self.weighted = weighted

    def direction(self, primal: Batch, dual: Batch, to_low: Batch, to_high: Batch) -> tuple[Batch, Batch, Batch, Batch]:
        """Changes of x, y, z and w that meet the residuals and move the products by `to_low` and `to_high`."""
        x, room, z, w = self.point.x, self.room, self.point.z, self.point.w
        # With z and w eliminated: theta dx = a'dy + gather.
        gather = to_low / x - to_high / room + dual
        rest = primal - np.einsum("bng,bg->bn", self.weighted, gather)
        dy = np.linalg.solve(self.newton, (self.scale * rest)[..., None])[..., 0] * self.scale
        dx = (np.einsum("bng,bn->bg", self.p.matrix, dy) + gather) / self.theta
        dz = (to_low - z * dx) / x
        dw = (to_high + w * dx) / room
        return dx, dy, dz, dw
