"""Many classes and videos at once give what each gives alone, to the bit, and what a plain loop gives."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from plain_localise import plain_gaussian, plain_nms, plain_proposals

from wtal.base.records import ManyProposals, Proposals, Segments, VideoScores, offsets_of
from wtal.localise import fuse
from wtal.localise.fuse import segments_of_pairs
from wtal.localise.fusion.gaussian import GaussianFusion
from wtal.localise.fusion.nms import Nms
from wtal.localise.fusion.soft_nms import SoftNms
from wtal.localise.fusion.support_filter import SupportFilter
from wtal.localise.propose import proposals_of_class, proposals_of_pairs
from wtal.suite.contracts import Fusion
from wtal.suite.method_settings import ProposalSettings

PLAIN = ProposalSettings(thresholds=(0.1, 0.3, 0.5, 0.7))
SETTINGS = (
    PLAIN,
    dataclasses.replace(PLAIN, threshold_kind="relative"),
    dataclasses.replace(PLAIN, first_snippet="lost", minimum_length=1, run_length="exact"),
    dataclasses.replace(PLAIN, source="attention", video_score_weight=0.3),
)
FUSIONS = (GaussianFusion(), GaussianFusion(overlap=0.7, temperature=0.01), Nms(), SoftNms(), SupportFilter(score=0.0))
VIDEOS = st.lists(
    hnp.arrays(np.float32, st.tuples(st.integers(0, 50), st.just(3)), elements=st.floats(-1, 1, width=32)),
    min_size=1,
    max_size=6,
)


def scores_of(videos: list[np.ndarray]) -> VideoScores:
    """Made-up scores [T, 3] of videos; the last column is their attention."""
    rows = np.concatenate(videos)
    return VideoScores(
        videos=tuple(f"video {number}" for number in range(len(videos))),
        offsets=offsets_of([len(video) for video in videos]),
        snippet_score=rows[:, :2],
        video_score=np.linspace(0, 1, 2 * len(videos), dtype=np.float32).reshape(-1, 2),
        attention=rows[:, 2],
    )


def pairs_of(videos: list[np.ndarray]) -> tuple[list[int], list[int]]:
    numbers = [number for number in range(len(videos)) for _ in range(2)]
    return numbers, [0, 1] * len(videos)


def same(one: Proposals | Segments, other: Proposals | Segments) -> bool:
    names = [field.name for field in dataclasses.fields(one)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.mark.parametrize("settings", SETTINGS)
@given(VIDEOS)
def test_proposals_of_many_pairs_are_those_of_each_alone(settings: ProposalSettings, videos: list[np.ndarray]) -> None:
    scores, (numbers, labels) = scores_of(videos), pairs_of(videos)
    found = proposals_of_pairs(scores, numbers, labels, settings)
    assert len(found) == len(numbers)
    for pair, (number, label) in enumerate(zip(numbers, labels)):
        video = videos[number]
        alone = proposals_of_class(video[:, label], settings, video[:, 2], float(scores.video_score[number, label]))
        assert same(found.of(pair), alone)


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: fusion.kind)
@given(VIDEOS)
def test_segments_of_many_pairs_are_those_of_each_alone(fusion: Fusion, videos: list[np.ndarray]) -> None:
    scores, (numbers, labels) = scores_of(videos), pairs_of(videos)
    proposals = proposals_of_pairs(scores, numbers, labels, PLAIN)
    found = fusion.of_all(proposals)
    assert len(found) == len(proposals)
    assert all(same(found.of(pair), fusion(proposals.of(pair))) for pair in range(len(proposals)))


@given(VIDEOS)
def test_how_many_pairs_go_together_changes_nothing(videos: list[np.ndarray]) -> None:
    scores, (numbers, labels) = scores_of(videos), pairs_of(videos)
    whole = segments_of_pairs(scores, numbers, labels, PLAIN, FUSIONS[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuse, "MOST_SNIPPETS", 60)
        parts = segments_of_pairs(scores, numbers, labels, PLAIN, FUSIONS[0])
    assert same(whole.segments, parts.segments)
    assert whole.offsets.tolist() == parts.offsets.tolist()
    of_each = [whole.of(pair).score for pair in range(len(whole))]
    assert all((np.diff(score) <= 0).all() for score in of_each)


@given(VIDEOS)
def test_a_plain_loop_finds_the_same_proposals_and_segments(videos: list[np.ndarray]) -> None:
    scores, (numbers, labels) = scores_of(videos), pairs_of(videos)
    proposals = proposals_of_pairs(scores, numbers, labels, PLAIN)
    for pair, (number, label) in enumerate(zip(numbers, labels)):
        found = proposals.of(pair)
        plain = plain_proposals(videos[number][:, label].astype(float).tolist(), PLAIN.thresholds)
        columns = np.stack([found.start, found.end, found.contrast, found.inner], axis=1)
        np.testing.assert_allclose(columns, np.array(plain).reshape(-1, 4), atol=1e-9)


@given(st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(2, 12)), max_size=12), max_size=5), st.randoms())
def test_a_plain_loop_fuses_as_well(bounds: list[list[tuple[int, int]]], random: np.random.Generator) -> None:
    rows = [
        [(float(start), float(start + length), random.random(), random.random()) for start, length in pair]
        for pair in bounds
    ]
    table = np.array([row for pair in rows for row in pair]).reshape(-1, 4)
    many = ManyProposals(Proposals(*table.T), offsets_of([len(pair) for pair in rows]))
    for fusion, plain in (
        (GaussianFusion(overlap=0.3, temperature=0.2), lambda pair: plain_gaussian(pair, 0.3, 0.2)),
        (Nms(tiou=0.4), lambda pair: plain_nms(pair, 0.4)),
    ):
        found = fusion.of_all(many).by_falling_score()
        for number, pair in enumerate(rows):
            one = found.of(number)
            columns = np.stack([one.start, one.end, one.score], axis=1)
            np.testing.assert_allclose(columns, np.array(plain(pair)).reshape(-1, 3), atol=1e-9)


@pytest.mark.parametrize(
    ("scores", "starts"), [([0, 0, 1, 1], [2]), ([1, 0, 0], []), ([1, 1, 0], [0]), ([1, 0, 1], [0, 2]), ([0, 1], [1])]
)
def test_a_run_is_lost_where_it_is_the_first_snippet_and_no_other_is_above(
    scores: list[float], starts: list[int]
) -> None:
    lost = dataclasses.replace(PLAIN, thresholds=(0.5,), first_snippet="lost", minimum_length=1)
    assert proposals_of_class(np.array(scores, dtype=float), lost).start.tolist() == starts
