"""Stored values of the published code of a base network, and what is compared with them alike for all of them.

See data/parity/methods/README.md.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from round_run import tiny_round

from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.contract import Losses, Method
from wtal.methods.sampling import pair_weight_of
from wtal.training.adam import Adam

CPU = torch.device("cpu")
SCORES, LOGITS, LOSSES, PARAMETERS = 2e-6, 1e-5, 3e-6, 3e-6  # tolerances that stand with the values


@dataclass(frozen=True)
class StoredMethod:
    """The file of one method, its constants, and the videos in it."""

    kind: str
    arrays: dict[str, np.ndarray]
    settings: dict[str, Any]
    videos: ArrayVideos

    def batch(self, prefix: str, step: int | None = None) -> Batch:
        """The batch, or that of one step; pairs first where there are any."""
        chosen = self.of_step(f"{prefix}/video", step)
        pairs = self.settings.get("pairs", 0)
        weight = pair_weight_of(self.videos.video_labels[chosen], pairs) if pairs else 0.0
        return batch_of(self.videos, chosen.tolist(), CPU, self.rows(prefix, step, chosen), pairs, weight)

    def rows(self, prefix: str, step: int | None, chosen: np.ndarray) -> list[np.ndarray]:
        """The snippets of each chosen video."""
        return list(self.of_step(f"{prefix}/index", step))

    def of_step(self, key: str, step: int | None) -> np.ndarray:
        """An array of the file, or what it has of one step."""
        return self.arrays[key] if step is None else self.arrays[key][step]

    def stored_name(self, parameter: str) -> str:
        """What the file calls a parameter."""
        return parameter

    def load(self, network: Method) -> None:
        """Give a network the stored parameters."""
        stored = {name: self.arrays[f"param/{self.stored_name(name)}"] for name in network.state_dict()}
        network.load_state_dict({name: torch.from_numpy(values) for name, values in stored.items()})

    def gradients_are(self, network: Method, prefix: str) -> None:
        """Hold the gradient of every parameter."""
        for name, parameter in network.named_parameters():
            expected = self.arrays[f"{prefix}/{self.stored_name(name)}"]
            close(parameter.grad, expected, max(2e-6, 1e-5 * float(np.abs(expected).max())))

    def trained_alike(self, network: Method, losses_of_step: Callable[[int], Losses]) -> None:
        """Train for the stored steps, and hold the parameters after the first and the last."""
        adam = Adam(network.parameters(), tuple(self.settings["betas"]), self.settings["weight_decay"])
        for step in range(self.settings["steps"]):
            losses_of_step(step).base.mean().backward()
            adam.step(self.settings["learning_rate"])
            adam.clear()
            if step == 0:
                self._parameters_are(network, "after_step_1")
        self._parameters_are(network, "final")

    def _parameters_are(self, network: Method, when: str) -> None:
        for name, parameter in network.named_parameters():
            close(parameter, self.arrays[f"trajectory/{when}/{self.stored_name(name)}"], PARAMETERS)


Stored = TypeVar("Stored", bound=StoredMethod)


def read_stored(kind: type[Stored], parity: Path, name: str) -> Stored:
    """The stored values of one method."""
    with np.load(parity / f"methods/{name}.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    settings = json.loads(str(arrays["settings"]))
    numbers = range(len(settings["lengths"]))
    features = [arrays[f"video{index}/features"] for index in numbers]
    labels = np.stack([arrays[f"video{index}/label"] > 0 for index in numbers])
    return kind(name, arrays, settings, ArrayVideos(features, labels))


def close(found: torch.Tensor, expected: np.ndarray, limit: float) -> None:
    """Hold a tensor to an array, to an absolute limit."""
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=limit, rtol=0)


def losses_of(network: Method, batch: Batch, epoch: int = 0) -> Losses:
    """The losses of a batch without dropout and labels, in some epoch."""
    return network.losses(batch, dataclasses.replace(tiny_round().epochs[0], epoch=epoch), None, None)
