"""Fusions and label makers of other packages: what they are given, what they may give, and how they are refused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from plugin import environment_with, install_here, write_plugin
from test_localise import bump, label_round, scores_of

from wtal.base.errors import InputError
from wtal.base.files import read_yaml
from wtal.base.ranges import Gt, settings
from wtal.base.records import Proposals, Segments
from wtal.localise.labels.make import SOLVED, pseudo_labels
from wtal.suite.contracts import Fusion, LabelMaker, LabelRequest, SnippetLabel
from wtal.suite.file import merge_files, suite_schema
from wtal.suite.method_settings import ProposalSettings
from wtal.suite.plan import label_settings, suite_from_mapping

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = {"wtal.fusions": {"union": "siblings:Union"}, "wtal.label_makers": {"bell": "siblings:Bell"}}


def example() -> str:
    """The fusion and the label maker that the documentation shows."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs/extending.md").read_text(), flags=re.S)[0]


@settings
class Given(LabelMaker):
    """What was given, as it is: the scores, weighted, and the label of the round before."""

    kind: Literal["given"] = "given"
    scale: Annotated[float, Gt(0)] = 1.0

    def __call__(self, requests: Sequence[LabelRequest]) -> list[SnippetLabel]:
        return [self.label(request) for request in requests]

    def label(self, request: LabelRequest) -> SnippetLabel:
        before = np.zeros(request.n_snippets) if request.previous is None else request.previous
        return SnippetLabel(request.scores + before, weight=np.full(request.n_snippets, self.scale), residual=0.5)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "siblings", raising=False)
    install_here(write_plugin(tmp_path / "plugin", ENTRIES, siblings=example()), monkeypatch)


def test_a_weight_stands_beside_the_label_and_the_label_of_the_round_before_is_given() -> None:
    scores = scores_of(bump(20, 5, 8, 0.5)[:, None], [0.9])
    asked = label_round(maker=Given(scale=0.5))
    first = pseudo_labels(scores, np.array([[True]]), asked)
    np.testing.assert_array_equal(first.label, scores.snippet_score)
    assert (first.weight[:, 0] == 0.5).all()
    assert (first.weight[:, 1:] == 1).all()  # nobody said anything of the others
    assert (first.target, first.kind) == ("logits", "positive")
    assert (first.status[0, 0], first.violation[0, 0]) == (SOLVED, 0.5)
    second = pseudo_labels(scores, np.array([[True]]), asked, first)
    np.testing.assert_array_equal(second.label, 2 * scores.snippet_score)


class AsTheyAre(Fusion):
    """Every proposal, in its order."""

    def __call__(self, proposals: Proposals) -> Segments:
        return Segments(proposals.start, proposals.end, proposals.contrast)


def test_a_request_has_segments_by_falling_score_and_the_margins_of_the_proposals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[LabelRequest] = []
    label = Given.label

    def kept(maker: Given, request: LabelRequest) -> SnippetLabel:
        asked.append(request)
        return label(maker, request)

    monkeypatch.setattr(Given, "label", kept)
    proposals = ProposalSettings(thresholds=(0.1,), margin_factor=0.5, margin_power=1.0)
    scores = scores_of((bump(40, 4, 10, 0.3) + bump(40, 20, 30, 0.9))[:, None], [0.9])
    made = pseudo_labels(
        scores, np.array([[True]]), label_round(maker=Given(), fusion=AsTheyAre(), proposals=proposals)
    )
    assert [one.segments.start.tolist() for one in asked] == [[20.0, 4.0]]
    assert made.segment_start.tolist() == [20.0, 4.0]
    assert asked[0].outer_margin(np.array([8.0, 3.0])).tolist() == [4.0, 1.5]
    np.testing.assert_array_equal(asked[0].scores, scores.snippet_score[:, 0])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([], "the label maker given: expected 1 labels, one for each request; got 0"),
        ([SnippetLabel(np.zeros(3))], "label: expected 20 finite numbers, by snippet; got an array of shape (3,)"),
        ([SnippetLabel(np.full(20, np.nan))], "label: expected 20 finite numbers"),
        ([SnippetLabel(np.zeros(20), weight=np.zeros(19))], "weight: expected 20 finite numbers, 0 or above"),
        ([SnippetLabel(np.zeros(20), weight=np.full(20, -1.0))], "weight: expected 20 finite numbers, 0 or above"),
    ],
)
def test_what_a_maker_must_not_give_is_refused_in_a_sentence(
    made: list[SnippetLabel], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Given, "__call__", lambda *_: made)
    scores = scores_of(bump(20, 5, 8, 0.5)[:, None], [0.9])
    with pytest.raises(InputError, match=re.escape(words)):
        pseudo_labels(scores, np.array([[True]]), label_round(maker=Given()))


def changed(method: dict[str, Any]) -> Any:
    path = ROOT / "config/tiny.yaml"
    return suite_from_mapping(merge_files(read_yaml(path), {"method": method}), path).variants["optimised"]


def test_members_of_another_package_are_read_checked_and_part_of_the_schema(installed: None) -> None:
    variant = changed({"labels": {"fusion": {"kind": "union", "gap": 2}, "maker": "bell"}})
    made = label_settings(variant, 2)  # the list of temperatures is not for this fusion
    assert (made.fusion.kind, made.fusion.gap, made.maker.kept) == ("union", 2, 0.25)  # type: ignore[attr-defined]
    labels = suite_schema()["$defs"]["method"]["properties"]["labels"]["properties"]
    assert {"union", "gaussian"} <= set(labels["fusion"]["anyOf"][0]["enum"])
    with pytest.raises(InputError, match=r"labels.maker.kept: expected a number in \[0, 1\); got 1"):
        changed({"labels": {"maker": {"kind": "bell", "kept": 1}}})
    with pytest.raises(InputError, match=r"detection.fusion.kind: expected a known kind \(did you mean 'union'\?\)"):
        changed({"detection": {"fusion": "unoin"}})


def test_the_example_joins_what_touches_and_paints_bells_that_fade(installed: None) -> None:
    made = label_settings(changed({"labels": {"fusion": "union", "maker": "bell"}}), 1)
    scores = scores_of((bump(30, 4, 12, 0.8) + bump(30, 20, 24, 0.6))[:, None], [0.9])
    first = pseudo_labels(scores, np.array([[True]]), replace(made, proposals=label_round().proposals))
    assert first.segment_start.tolist() == [4.0, 20.0]
    assert first.label[:, 0].argmax() in (7, 8, 9)
    nothing = scores_of(np.zeros((30, 1)), [0.9])
    assert not pseudo_labels(nothing, np.array([[True]]), made).label.any()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("def broken(:\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("class Another: ...\n", "AttributeError"),
        ("class Union: ...\n", "expected siblings:Union to be a settings class"),
    ],
)
def test_a_plug_in_that_cannot_be_imported_gets_one_sentence(source: str, words: str, tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "plugin", ENTRIES, siblings=source)
    suite = tmp_path / "suite.yaml"
    suite.write_text(f"extends: {ROOT}/config/tiny.yaml\nsuite: mine\nmethod: {{detection: {{fusion: union}}}}\n")
    command = [sys.executable, "-m", "wtal", "plan", str(suite)]
    done = subprocess.run(command, cwd=ROOT, env=environment_with(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "method.detection.fusion.kind: expected siblings:Union" in done.stderr
    assert words in done.stderr
