"""Proposals, fusion and label programmes against stored values. See data/parity/README.md."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from wtal.base.records import Proposals, Segments
from wtal.localise.fusion.gaussian import GaussianFusion, greedy_clusters
from wtal.localise.labels.programme import LabelProgramme, Solution, label_programme, solve_label_programmes
from wtal.localise.propose import outer_margin, proposals_of_class
from wtal.suite.method_settings import ProposalSettings

SETTINGS = ProposalSettings()


@dataclass(frozen=True)
class Case:
    """One class of one stored case."""

    name: str
    scores: np.ndarray  # [T] of the class
    temperature: float
    stored: dict[str, np.ndarray]

    @property
    def proposals(self) -> Proposals:
        return Proposals(*np.ascontiguousarray(self.table("proposals", 4).T))

    def table(self, name: str, width: int) -> np.ndarray:
        """Stored rows; none where the class has no proposal, however that is stored."""
        return np.asarray(self.stored.get(name, np.zeros(0)), dtype=np.float64).reshape(-1, width)

    @property
    def programme(self) -> LabelProgramme:
        """From the stored instances, whose bounds the reference truncated."""
        segments = Segments(*np.ascontiguousarray(self.table("instances", 3).T))
        return label_programme(segments, len(self.scores), partial(outer_margin, settings=SETTINGS), "truncate")

    @property
    def is_feasible(self) -> bool:
        return not len(self.table("instances", 3)) or int(self.stored["lp_status"]) == 0


@pytest.fixture(scope="module")
def cases(parity: Path) -> list[Case]:
    with np.load(parity / "pseudo_labels.npz", allow_pickle=False) as archive:
        stored = {key: archive[key] for key in archive.files}
    found = []
    for name in sorted({key.split("/")[0] for key in stored}):
        seen = np.flatnonzero(stored[f"{name}/video_probability"] >= SETTINGS.class_threshold)
        np.testing.assert_array_equal(seen, stored[f"{name}/classes"])
        for number in stored[f"{name}/classes"]:
            prefix = f"{name}/class{number}/"
            own = {key.removeprefix(prefix): value for key, value in stored.items() if key.startswith(prefix)}
            scores, temperature = stored[f"{name}/cas"][:, number], float(stored[f"{name}/temperature"])
            found.append(Case(prefix, scores, temperature, own))
    assert found
    return found


def columns(segments: Segments) -> np.ndarray:
    return np.stack([segments.start, segments.end, segments.score], axis=1)


def test_parity_proposals(cases: list[Case]) -> None:
    for case in cases:
        found, stored = proposals_of_class(case.scores, SETTINGS), case.table("proposals", 4)
        np.testing.assert_array_equal(np.stack([found.start, found.end], axis=1), stored[:, :2], err_msg=case.name)
        np.testing.assert_allclose(found.contrast, stored[:, 2], atol=1e-6, rtol=0)
        np.testing.assert_allclose(found.inner, stored[:, 3], atol=1e-6, rtol=0)


def test_parity_gaussian_fusion_of_the_stored_proposals(cases: list[Case]) -> None:
    for case in cases:
        fused = GaussianFusion(temperature=case.temperature)(case.proposals)
        for found, name in ((fused, "fused"), (fused.by_falling_score(), "instances")):
            np.testing.assert_allclose(columns(found), case.table(name, 3), atol=1e-9, rtol=0, err_msg=case.name)


def test_parity_gaussian_fusion_from_the_scores(cases: list[Case]) -> None:
    for case in cases:
        fused = GaussianFusion(temperature=case.temperature)(proposals_of_class(case.scores, SETTINGS))
        np.testing.assert_allclose(columns(fused), case.table("fused", 3), atol=1e-4, rtol=0, err_msg=case.name)


def test_parity_leaders_of_the_clusters(cases: list[Case]) -> None:
    for case in cases:
        table = case.table("proposals", 4)
        leaders = np.array(
            [rows[0] for rows in greedy_clusters(case.proposals, GaussianFusion().overlap)], dtype=np.intp
        )
        found, stored = table[leaders], table[case.table("nms_pick", 1)[:, 0].astype(np.intp)]
        np.testing.assert_array_equal(found[:, 2], stored[:, 2], err_msg=case.name)
        # Proposals of exactly the same contrast tie, and which of them leads depends on the sorting routine.
        alone = np.array([np.sum(table[:, 2] == contrast) == 1 for contrast in stored[:, 2]], dtype=bool)
        np.testing.assert_array_equal(found[alone], stored[alone], err_msg=case.name)


def test_parity_optimum_and_feasibility_of_the_label_programmes(cases: list[Case]) -> None:
    programmes = [case.programme for case in cases]
    for solution in get_args(Solution):
        for case, found in zip(cases, solve_label_programmes(programmes, solution)):
            assert found.is_exact == case.is_feasible, case.name
            assert np.all((found.label >= 0) & (found.label <= 1))
            if found.is_exact:
                optimum = float(case.stored["lp_objective"]) if len(case.programme.score) else 0.0
                assert found.label.sum() == pytest.approx(optimum, abs=1e-6), case.name
                assert found.residual < 1e-6


def test_parity_analytic_centre(cases: list[Case]) -> None:
    solved = [case for case in cases if case.is_feasible and len(case.programme.score)]
    labels = solve_label_programmes([case.programme for case in solved])
    worst = np.array([np.abs(found.label - case.stored["lp_centre"]).max() for case, found in zip(solved, labels)])
    assert worst.max() < 1e-2
    assert np.mean(worst < 1e-3) >= 0.85
