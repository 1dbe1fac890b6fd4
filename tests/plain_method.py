"""The method written out a second time, plainly: one video at a time, in double precision, a dense inverse, no packs.

It shares no code with wtal; constants stand here as docs/method.md has them. Parameters are a mapping from the names of
the network to tensors. Axes: T snippets, D embedding, P prototypes, K = C + 1 classes with background last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Parameters = Mapping[str, Tensor]
SCALE, SHARPNESS, WALK, EM = 4.0, 5.0, 0.5, 2  # of the head's cosines, of responsibilities, w, iterations


@dataclass(frozen=True)
class Head:
    """What the head says of one branch."""

    logits: Tensor  # [T, K]
    attention: Tensor  # [T]
    agnostic: Tensor  # [K] logits of the video pooled by attention
    class_wise: Tensor  # [K] logits of the video pooled by each class


@dataclass(frozen=True)
class Forward:
    """One video through the network."""

    embedding: Tensor  # [T, D]
    prototypes: Tensor  # [P, D]
    original: Head
    reallocated: Head


def unit(rows: Tensor) -> Tensor:
    return rows / (rows.norm(dim=-1, keepdim=True) + 1e-9)


def shares(rows: Tensor, prototypes: Tensor) -> tuple[Tensor, Tensor]:
    """Responsibilities [P, T], and the same normalised over time."""
    share = torch.softmax(SHARPNESS * unit(prototypes) @ unit(rows).T, dim=0)
    return share, share / (share.sum(dim=1, keepdim=True) + 1e-9)


def walk(rows: Tensor, prototypes: Tensor) -> Tensor:
    """The random walk from prototypes to snippets [T, D], through the inverse of a T x T matrix."""
    share, over_time = shares(rows, prototypes)
    identity = torch.eye(len(rows), dtype=rows.dtype)
    inverse = torch.linalg.inv(identity - WALK**2 * share.T @ over_time)
    return (1 - WALK) * inverse @ (WALK * share.T @ prototypes + rows)


def head(parameters: Parameters, rows: Tensor) -> Head:
    centres = unit(parameters["class_centres"])
    logits = SCALE * unit(rows) @ centres.T
    attention = torch.sigmoid(SCALE * unit(rows) @ unit(parameters["foreground_centre"])[0])

    def pooled(weight: Tensor) -> Tensor:
        return unit(weight @ rows / (weight.sum() + 1e-5))

    class_wise = [SCALE * pooled(torch.sigmoid(logits[:, k])) @ centres[k] for k in range(len(centres))]
    return Head(logits, attention, SCALE * centres @ pooled(attention), torch.stack(class_wise))


def forward(parameters: Parameters, features: Tensor) -> Forward:
    rows = torch.relu(features @ parameters["embedding.weight"].T + parameters["embedding.bias"])
    prototypes = parameters["prototypes"]
    for _ in range(EM):
        prototypes = shares(rows, prototypes)[1] @ rows
    return Forward(rows, prototypes, head(parameters, rows), head(parameters, walk(rows, prototypes)))


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return -(target * torch.log_softmax(logits, dim=-1)).sum(dim=-1)


def losses(one: Forward, memory: Head | None, label: Sequence[float], target: Tensor | None) -> dict[str, Tensor]:
    """The losses of one video, unweighted. label: [C] zeros and ones; target: pseudo labels [T, K] or None."""
    fore, back = (torch.tensor([*label, float(background)], dtype=torch.float64) for background in (0, 1))
    fore, back = fore / fore.sum(), back / back.sum()
    original, other = one.original, one.reallocated
    foreground = cross_entropy(original.agnostic, fore) + cross_entropy(other.agnostic, fore)
    background = cross_entropy(original.class_wise, back) + cross_entropy(other.class_wise, back)
    goal = other.logits
    if memory is not None:
        foreground = foreground + 0.5 * cross_entropy(memory.agnostic, fore)
        background = background + 0.5 * cross_entropy(memory.class_wise, back)
        goal = 0.8 * other.logits + 0.2 * memory.logits
    in_order, eighth = original.attention.sort().values, max(len(original.attention) // 8, 1)
    goal = torch.softmax(goal.detach() / 0.2, dim=-1)
    labelled = torch.zeros((), dtype=torch.float64)
    if target is not None:
        labelled = 0.8 * cross_entropy(original.logits, target).mean()
        labelled = labelled + 0.2 * cross_entropy(other.logits, target).mean()
    return {
        "foreground": foreground,
        "background": background,
        "attention": in_order[:eighth].mean() - in_order[-eighth:].mean(),
        "consistency": cross_entropy(original.logits / 0.2, goal).mean(),
        "label": labelled,
    }


class Memory:
    """For each row the (score, prototype) pairs that scored highest; empty slots are zero prototypes of score 0."""

    def __init__(self, n_classes: int, slots: int, size: int) -> None:
        zero = torch.zeros(size, dtype=torch.float64)
        self.rows: list[list[tuple[float, Tensor]]] = [[(0.0, zero)] * slots for _ in range(n_classes)]

    def read(self, rows: Sequence[int]) -> Tensor:
        return torch.stack([prototype for row in rows for _, prototype in self.rows[row]])

    def put(self, rows: Sequence[int], parameters: Parameters, prototypes: Tensor) -> None:
        scores = torch.softmax(SCALE * unit(prototypes) @ unit(parameters["class_centres"]).T, dim=1).detach()
        for row in rows:
            held = self.rows[row] + [(float(scores[p, row]), prototypes[p].detach()) for p in range(len(prototypes))]
            self.rows[row] = sorted(held, key=lambda pair: -pair[0])[: len(self.rows[row])]

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Prototypes [C, M, D] and scores [C, M]."""
        prototypes = np.stack([self.read([row]).numpy() for row in range(len(self.rows))])
        return prototypes, np.array([[score for score, _ in row] for row in self.rows])


class PlainAdam:
    """Adam as in its paper, with weight decay added to the gradient."""

    def __init__(self, parameters: dict[str, Tensor], betas: tuple[float, float], decay: float) -> None:
        self.parameters, self.betas, self.decay, self.count = parameters, betas, decay, 0
        self.first = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.second = {name: torch.zeros_like(value) for name, value in parameters.items()}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        self.count += 1
        one, two = self.betas
        for name, value in self.parameters.items():
            gradient = value.grad + self.decay * value
            self.first[name] = one * self.first[name] + (1 - one) * gradient
            self.second[name] = two * self.second[name] + (1 - two) * gradient**2
            mean, square = self.first[name] / (1 - one**self.count), self.second[name] / (1 - two**self.count)
            value -= rate * mean / (square.sqrt() + 1e-8)
            value.grad = None
