"""From scores to fused segments for many classes and videos at once; what detection and labels have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wtal.base.records import ManySegments, VideoScores
from wtal.localise.propose import proposals_of_pairs
from wtal.suite.contracts import Fusion
from wtal.suite.method_settings import ProposalSettings

MOST_SNIPPETS = 200_000  # of the pairs that go together: memory, not segments, depends on it


def segments_of_pairs(
    scores: VideoScores, videos: Sequence[int], labels: Sequence[int], settings: ProposalSettings, fusion: Fusion
) -> ManySegments:
    """Segments, by falling score, of pairs of a video and a class [N], as many as there are; bounds in snippets."""
    return ManySegments.joined(
        [
            fusion.of_all(proposals_of_pairs(scores, videos[part], labels[part], settings)).by_falling_score()
            for part in _parts([int(scores.offsets[video + 1] - scores.offsets[video]) for video in videos])
        ]
    )


def _parts(lengths: Sequence[int]) -> Iterator[slice]:
    """Slices of pairs of these lengths in snippets that stay below MOST_SNIPPETS together, or hold a single pair."""
    first, held = 0, 0
    for number, length in enumerate(lengths):
        if held and held + length > MOST_SNIPPETS:
            yield slice(first, number)
            first, held = number, 0
        held += length
    if first < len(lengths):
        yield slice(first, len(lengths))
