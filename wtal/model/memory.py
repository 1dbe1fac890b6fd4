"""The memory bank: for each class the prototypes that scored highest for it, carried from video to video."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(slots=True)
class MemoryBank:
    """Prototypes and their scores; slots carry no gradient, an empty slot is zero."""

    prototypes: Tensor  # [C, M, D]
    scores: Tensor  # [C, M] falling

    @staticmethod
    def empty(n_classes: int, n_slots: int, size: int, device: torch.device) -> MemoryBank:
        """A bank of zero prototypes."""
        prototypes = torch.zeros((n_classes, n_slots, size), device=device)
        return MemoryBank(prototypes, torch.zeros((n_classes, n_slots), device=device))

    def read(self, rows: list[int]) -> Tensor:
        """The slots [len(rows) * M, D] of some rows, concatenated; a row named twice is read twice."""
        return self.prototypes[rows].flatten(0, 1)

    def update(self, rows: list[int], prototypes: Tensor, probabilities: Tensor) -> None:
        """Put a video's prototypes [P, D] into rows, each by its score [P, K] for the row's class, one after the other."""
        n_slots = self.scores.shape[1]
        for row in rows:
            scores = torch.cat([self.scores[row], probabilities[:, row]])
            order = torch.sort(scores, descending=True, stable=True).indices[:n_slots]
            self.prototypes[row] = torch.cat([self.prototypes[row], prototypes])[order]
            self.scores[row] = scores[order]


def memory_rows(video_label: Tensor, memory_index: str) -> list[int]:
    """Rows of the bank for a video with label [C]; "class_zero" repeats the released code: row 0 for each class."""
    classes = torch.nonzero(video_label)[:, 0].tolist()
    return classes if memory_index == "label" else [0] * len(classes)


def padded_slots(slots: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Slots of several videos [S_v, D] as [V, S, D], and which of them count [V, S]."""
    padded = torch.nn.utils.rnn.pad_sequence(slots, batch_first=True)
    lengths = torch.tensor([len(entry) for entry in slots], device=padded.device)
    return padded, torch.arange(padded.shape[1], device=padded.device) < lengths[:, None]
