"""Random streams: each use of chance has its own, seeded by hash before anything is built, and saved in checkpoints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from wtal.base.seeds import seed_of


@dataclass(slots=True)
class Streams:
    """The random streams of one round of training."""

    initial: torch.Generator  # parameters at the start of round 0
    dropout: torch.Generator
    shuffle: np.random.Generator
    sampling: np.random.Generator  # which snippets of a long video a visit sees

    def state(self) -> dict[str, Any]:
        """All states as plain values and tensors."""
        return {
            "dropout": self.dropout.get_state(),
            "shuffle": json.dumps(self.shuffle.bit_generator.state, sort_keys=True),
            "sampling": json.dumps(self.sampling.bit_generator.state, sort_keys=True),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the streams where `state` left them."""
        self.dropout.set_state(state["dropout"].cpu())
        self.shuffle.bit_generator.state = json.loads(state["shuffle"])
        self.sampling.bit_generator.state = json.loads(state["sampling"])


def streams_of(suite: str, name: str, seed: int, round_index: int, device: torch.device) -> Streams:
    """The streams of one round. name: variants that share it draw the same numbers, so that they can be paired."""

    def torch_stream(purpose: str, where: torch.device) -> torch.Generator:
        return torch.Generator(where).manual_seed(seed_of(suite, name, seed, round_index, purpose))

    def numpy_stream(purpose: str) -> np.random.Generator:
        return np.random.default_rng(seed_of(suite, name, seed, round_index, purpose))

    return Streams(
        initial=torch_stream("initial", torch.device("cpu")),
        dropout=torch_stream("dropout", device),
        shuffle=numpy_stream("shuffle"),
        sampling=numpy_stream("sampling"),
    )
