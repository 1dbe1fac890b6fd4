"""Scores of the test videos after each epoch of a round that is being trained: a file an epoch, none kept in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from wtal.base.errors import InputError
from wtal.base.files import read_arrays, write_arrays
from wtal.base.records import Integers, VideoScores

KEYS = ("snippet_score", "video_score", "attention")


class EpochScores:
    """A folder beside a running job, until its files are gathered in the round's test scores."""

    def __init__(self, folder: Path, identity: str, videos: Sequence[str], offsets: Integers) -> None:
        """identity: of the run, which tells its files from those of another. offsets: [V + 1] first rows of videos."""
        self.folder, self.identity, self.videos, self.offsets = folder, identity, tuple(videos), offsets

    def _file(self, epoch: int) -> Path:
        return self.folder / f"epoch{epoch}.npz"

    def write(self, epoch: int, scores: VideoScores) -> None:
        """Keep the scores after an epoch, whole or not at all. Raises InputError where they cannot be written."""
        arrays = {key: getattr(scores, key) for key in KEYS}
        write_arrays(self._file(epoch), {**arrays, "identity": np.array(self.identity)})

    def read(self, epoch: int) -> VideoScores:
        """The scores after an epoch. Raises InputError where there are none of this run."""
        arrays = read_arrays(self._file(epoch), (*KEYS, "identity"))
        if str(arrays["identity"]) != self.identity:
            raise InputError(file=self._file(epoch), expected="scores of this run", got="others")
        return VideoScores(self.videos, self.offsets, *(arrays[key] for key in KEYS))

    def gathered(self, epochs: Sequence[int]) -> Iterator[tuple[int, VideoScores]]:
        """Epochs with their scores, read one after the other. Raises InputError where there are none of this run."""
        for epoch in epochs:
            yield epoch, self.read(epoch)

    def remove(self) -> None:
        """Remove them all."""
        shutil.rmtree(self.folder, ignore_errors=True)
