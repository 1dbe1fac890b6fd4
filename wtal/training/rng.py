"""Random generators: each use of chance has its own, seeded by hash before all else, and saved in checkpoints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from wtal.base.seeds import seed_of


@dataclass(slots=True)
class RandomGenerators:
    """The random generators of one round of training."""

    initial: torch.Generator  # parameters at the start of round 0
    dropout: torch.Generator
    shuffle: np.random.Generator
    sampling: np.random.Generator  # which snippets of a long video is learnt from

    def state(self) -> dict[str, Any]:
        """All states as plain values and tensors."""
        return {
            "dropout": self.dropout.get_state(),
            "shuffle": json.dumps(self.shuffle.bit_generator.state, sort_keys=True),
            "sampling": json.dumps(self.sampling.bit_generator.state, sort_keys=True),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the generators where `state` left them."""
        self.dropout.set_state(state["dropout"].cpu())
        self.shuffle.bit_generator.state = json.loads(state["shuffle"])
        self.sampling.bit_generator.state = json.loads(state["sampling"])


def generators_of(suite: str, group: str, seed: int, round_index: int, device: torch.device) -> RandomGenerators:
    """The generators of one round. group: variants that share it draw the same numbers, so that they can be paired."""

    def torch_generator(purpose: str, where: torch.device) -> torch.Generator:
        return torch.Generator(where).manual_seed(seed_of(suite, group, seed, round_index, purpose))

    def numpy_generator(purpose: str) -> np.random.Generator:
        return np.random.default_rng(seed_of(suite, group, seed, round_index, purpose))

    return RandomGenerators(
        initial=torch_generator("initial", torch.device("cpu")),
        dropout=torch_generator("dropout", device),
        shuffle=numpy_generator("shuffle"),
        sampling=numpy_generator("sampling"),
    )
