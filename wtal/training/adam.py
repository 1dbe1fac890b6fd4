"""Adam with weight decay added to the gradient, on torch's own functional form.

torch's optimiser classes load its compiler at the first step, which takes longer than many a round of training.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim.adam import adam

EPSILON = 1e-8


class Adam:
    """The optimiser's state; gradients are summed by the caller and cleared after each step."""

    def __init__(self, parameters: Iterable[nn.Parameter], betas: tuple[float, float], weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.betas, self.weight_decay = betas, weight_decay
        self.means = [torch.zeros_like(parameter, requires_grad=False) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter, requires_grad=False) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in self.parameters]
        self.clear()

    def clear(self) -> None:
        """Forget every gradient."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One step with the gradients summed so far, zero where there is none."""
        found = [(parameter, parameter.grad) for parameter in self.parameters]
        gradients = [torch.zeros_like(each, requires_grad=False) if grad is None else grad for each, grad in found]
        adam(
            [parameter.data for parameter in self.parameters],
            gradients,
            self.means,
            self.squares,
            [],
            self.steps,
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=learning_rate,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def state(self) -> dict[str, Any]:
        """Everything a checkpoint holds of the optimiser, gradients of an unfinished step included; None: none yet."""
        found = [parameter.grad for parameter in self.parameters]
        # Copied, since one may be a part of a larger tensor, of which all would be written.
        gradients = [None if gradient is None else gradient.clone() for gradient in found]
        return {"means": self.means, "squares": self.squares, "steps": self.steps, "gradients": gradients}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the optimiser where `state` left it."""
        for name in ("means", "squares", "steps"):
            for moment, saved in zip(getattr(self, name), state[name]):
                moment.copy_(saved)
        for parameter, gradient in zip(self.parameters, state["gradients"]):
            parameter.grad = None if gradient is None else gradient.to(parameter.device).clone()
