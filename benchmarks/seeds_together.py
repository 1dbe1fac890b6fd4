"""What several seeds in one batch could save at most: the same rows through one network, in larger batches.

    python benchmarks/seeds_together.py [--seeds 8]

A network with a seed axis has as many products as single runs have, in fewer and larger calls, and a weight for each
seed besides. Here as many rows go through one weight, which is no slower: a bound on what a seed axis could gain. RSKP,
at the embedded data set's width and at THUMOS14's; seconds of the processor for each video of an epoch.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import training_speed

from wtal.methods.batch import ArrayVideos
from wtal.training import trainer

SINGLE = trainer.STEP_SNIPPETS
# Name: videos, mean snippets, columns of the features, and of the embedding.
WIDTHS = {"hapt": (60, 91, 80, 128), "THUMOS14": (12, 219, 2048, 2048)}


@contextmanager
def batches_of(times: int) -> Iterator[None]:
    """Batches that are so many times as large, as long as the block lasts."""
    trainer.STEP_SNIPPETS = SINGLE * times
    try:
        yield
    finally:
        trainer.STEP_SNIPPETS = SINGLE


def seconds_of_a_video(name: str, times: int) -> float:
    """Seconds for each video of an epoch where as many rows as `times` seeds have go through together."""
    n_videos, n_snippets, n_features, width = WIDTHS[name]
    few = training_speed.made_up(n_videos, n_snippets, n_features)
    videos = ArrayVideos(list(few.arrays) * times, np.tile(few.video_labels, (times, 1)))
    with batches_of(times):
        trained = training_speed.trainer_of("rskp", videos, "base", embedding_size=width)
        trained.settings = replace(trained.settings, videos_per_step=trained.settings.videos_per_step * times)
        return training_speed.epoch_of(trained) / len(videos.arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {}
    for name in WIDTHS:
        alone, together = (seconds_of_a_video(name, times) for times in (1, options.seeds))
        found[name] = {"alone": alone, "together": together}
        print(
            f"{name}: {1000 * alone:.2f} ms a video alone, {1000 * together:.2f} ms with the rows of {options.seeds} "
            f"seeds: at most {alone / together:.2f} times as fast"
        )
    if options.json:
        options.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
