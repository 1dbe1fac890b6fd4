"""The memory bank: for each class the prototypes that scored highest for it, carried from video to video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from wtal.methods.batch import on_device


class MemoryBank(nn.Module):
    """Prototypes and their scores, as buffers; slots carry no gradient, an empty slot is zero."""

    prototypes: Tensor  # [C, M, D]
    scores: Tensor  # [C, M] falling

    def __init__(self, n_classes: int, n_slots: int, size: int) -> None:
        super().__init__()
        self.register_buffer("prototypes", torch.zeros((n_classes, n_slots, size)))
        self.register_buffer("scores", torch.zeros((n_classes, n_slots)))

    def clear(self) -> None:
        """Empty every slot."""
        self.prototypes.zero_()
        self.scores.zero_()

    def read(self, rows: list[int]) -> Tensor:
        """The slots [len(rows) * M, D] of some rows, concatenated; a row named twice is read twice."""
        found = [self.prototypes[row] for row in rows]
        return torch.cat(found) if found else self.prototypes.new_zeros((0, self.prototypes.shape[2]))

    def update(self, rows: list[int], prototypes: Tensor, probabilities: Tensor) -> None:
        """Put a video's prototypes [P, D] into rows one after the other, by their scores [P, K] for the row's class."""
        n_slots = self.scores.shape[1]
        # Which rows would change is asked of a processor alone: for a graphics card the answer would be waited for.
        if probabilities.device.type == "cpu":
            best, lowest = probabilities.amax(dim=0).tolist(), self.scores[:, -1].tolist()
            rows = [row for row in rows if not best[row] <= lowest[row]]
        for row in rows:
            scores = torch.cat([self.scores[row], probabilities[:, row]])
            order = torch.sort(scores, descending=True, stable=True).indices[:n_slots]
            self.prototypes[row] = torch.cat([self.prototypes[row], prototypes])[order]
            self.scores[row] = scores[order]


def memory_rows(video_label: Sequence[float], memory_index: str) -> list[int]:
    """Rows of the bank for a video with label [C]; "class_zero" repeats the released code: row 0 for each class.

    A video of background alone has none: it neither reads the bank nor puts anything in.
    """
    classes = [index for index, present in enumerate(video_label) if present]
    return classes if memory_index == "label" else [0] * len(classes)


def padded_slots(slots: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Slots of several videos [S_v, D] as [V, S, D], and which of them count [V, S].

    Of a video that read none one zero slot counts, so that its branch, which no loss uses, is made of numbers.
    """
    padded = torch.nn.utils.rnn.pad_sequence(slots, batch_first=True)
    lengths = on_device(np.array([max(1, len(entry)) for entry in slots]), padded.device)
    return padded, torch.arange(padded.shape[1], device=padded.device) < lengths[:, None]
