"""What a report holds detections against, as the store gives it: verified, and never the features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wtal.base.records import Instances
from wtal.data.store.read import read_store
from wtal.data.store.tables import Subset


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of the videos of one subset."""

    instances: Instances
    seconds: dict[str, float]  # length by video
    snippets_per_second: float


def read_truth(data: Path, subset: Subset) -> Truth:
    """The ground truth of a subset, in store order. Raises InputError as the store does: no altered file is read."""
    store = read_store(data)
    lengths = store.seconds[store.videos(subset)].tolist()
    seconds = dict(zip(store.video_names(subset), lengths))
    return Truth(store.instances(subset), seconds, store.snippets_per_second)
