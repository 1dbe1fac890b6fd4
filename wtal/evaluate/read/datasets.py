"""What is fixed about the public data sets: subset, thresholds, averages, snippet rate, videos with known faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wtal.base.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicDataset:
    """How a data set is commonly scored."""

    subset: str
    tiou: str
    averages: tuple[str, ...] = ()
    snippets_per_second: float | None = None
    named_videos: dict[str, tuple[str, ...]] = field(default_factory=dict)  # groups that may be excluded by one name
    ambiguous: str | None = None  # file of ambiguous intervals beside the arrays


THUMOS14 = PublicDataset(
    subset="test",
    tiou="0.1:0.7:0.1",
    averages=("0.1:0.5", "0.3:0.7", "0.1:0.7"),
    snippets_per_second=25 / 16,
    named_videos={"wrongly-annotated": ("video_test_0000270", "video_test_0001496")},
    ambiguous="Ambiguous_test.txt",
)
# The toolkit's numbers are those of the 101 classes of UCF101, counted from 1; 20 of them are detected.
THUMOS14_NUMBERS = {
    7: "BaseballPitch",
    9: "BasketballDunk",
    12: "Billiards",
    21: "CleanAndJerk",
    22: "CliffDiving",
    23: "CricketBowling",
    24: "CricketShot",
    26: "Diving",
    31: "FrisbeeCatch",
    33: "GolfSwing",
    36: "HammerThrow",
    40: "HighJump",
    45: "JavelinThrow",
    51: "LongJump",
    68: "PoleVault",
    79: "Shotput",
    85: "SoccerPenalty",
    92: "TennisSwing",
    93: "ThrowDiscus",
    97: "VolleyballSpiking",
}
ACTIVITYNET = PublicDataset(subset="val", tiou="0.5:0.95:0.05", snippets_per_second=25 / 16)
DATASETS = {"thumos14": THUMOS14, "activitynet12": ACTIVITYNET, "activitynet13": ACTIVITYNET}


def default_folder(dataset: str) -> Path:
    """Where the annotations of a data set lie unless said otherwise. Raises InputError where they do not."""
    folder = Path("data") / dataset
    for candidate in (folder, folder / "annotations"):
        if (candidate / "segments.npy").is_file():
            return candidate
    expected = f"the annotation arrays of {dataset} (`wtal fetch {dataset}`, or name others with --ground-truth)"
    raise InputError(file=folder / "segments.npy", expected=expected, got="no such file")
