"""A kind of data set and a protocol of another package are found by their kind, as the documentation shows them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from plugin import environment_with, install_here, write_plugin

from wtal.base.errors import InputError
from wtal.base.members import member
from wtal.data.kinds.prepare import keep_listing, read_data_settings
from wtal.data.store.read import read_store
from wtal.evaluate import Detections, EvaluationOptions, Instances, evaluate_detections

DOCS = Path(__file__).resolve().parents[1] / "docs"
ENTRIES = {
    "wtal.data_kinds": {"noise": "my_noise:NoiseData"},
    "wtal.protocols": {"whole_steps": "my_steps:WholeStepsProtocol"},
}


def example(page: str, heading: str) -> str:
    """The first Python block below a heading of the documentation."""
    text = (DOCS / page).read_text()
    return re.findall(r"```python\n(.*?)```", text[text.index(heading) :], flags=re.S)[0]


def documented(folder: Path) -> Path:
    """The examples of the documentation as an installed package."""
    noise = example("data.md", "## Adding a kind of data set")
    return write_plugin(folder, ENTRIES, my_noise=noise, my_steps=example("evaluation.md", "### Adding a protocol"))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_here(documented(tmp_path / "plugin"), monkeypatch)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wtal", *arguments],
        env=environment_with(folder),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_kind_of_data_set_is_prepared_by_its_kind_alone_or_with_its_settings(tmp_path: Path) -> None:
    folder = documented(tmp_path / "plugin")
    for name, value, n_videos in (("word", "noise", 16), ("group", {"kind": "noise", "videos": 3}, 6)):
        (tmp_path / "data.json").write_text(json.dumps(value))
        done = run(folder, "prepare", "--settings", str(tmp_path / "data.json"), "--out", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
        store = read_store(tmp_path / name, verify=True)
        assert (store.meta.dataset, len(store.names), store.classes) == ("noise", n_videos, ("clap", "wave"))
    (tmp_path / "data.json").write_text('{"kind": "noise", "videos": 1}')
    done = run(folder, "prepare", "--settings", str(tmp_path / "data.json"), "--out", str(tmp_path / "none"))
    assert (done.returncode, done.stderr.partition("data.json: ")[2]) == (
        2,
        "videos: expected a whole number, 2 or above; got 1\n",
    )


def test_what_raw_files_look_like_is_kept_for_a_kind_that_reads_some(
    installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data.json").write_text('"noise"')
    settings, listing = read_data_settings(tmp_path / "data.json"), tmp_path / "raw.json"
    listing.write_text("{}")
    keep_listing(listing, settings)
    assert not listing.exists()
    monkeypatch.setattr(type(settings), "raw_files", lambda self: {"a.npy": "3 bytes"})
    keep_listing(listing, settings)
    assert json.loads(listing.read_text()) == {"a.npy": "3 bytes"}
    monkeypatch.setattr(type(settings), "raw_files", lambda self: {})  # gone once they were converted
    keep_listing(listing, settings)
    assert json.loads(listing.read_text()) == {"a.npy": "3 bytes"}


def test_a_protocol_decides_what_is_compared_and_its_settings_are_said(installed: None) -> None:
    def column(value: float) -> np.ndarray:
        return np.array([value])

    zero = np.array([0])
    truth = Instances(("a",), ("run",), zero, zero, column(1.0), column(4.0))
    found = Detections(("a",), ("run",), zero, zero, column(1.4), column(3.6), column(0.9))
    protocol = member("wtal.protocols", "whole_steps", file="test")
    score = {
        step: evaluate_detections(found, truth, EvaluationOptions(protocol=protocol(step=step), tiou=(0.9,))).headline
        for step in (1.0, 0.1)
    }
    assert score == {1.0: 100.0, 0.1: 0.0}
    assert EvaluationOptions(protocol=protocol(step=0.5)).protocol_title == "whole_steps (step 0.5)"
    assert EvaluationOptions(protocol=protocol()).described()["protocol"] == {"kind": "whole_steps", "step": 1.0}


def test_the_command_line_scores_under_any_protocol_and_names_those_there_are(tmp_path: Path) -> None:
    folder = documented(tmp_path / "plugin")
    (tmp_path / "truth.csv").write_text("video,label,start,end\na,run,1,4\n")
    (tmp_path / "found.csv").write_text("video,label,start,end,score\na,run,1.4,3.6,0.9\n")
    files = ["--detections", str(tmp_path / "found.csv"), "--ground-truth", str(tmp_path / "truth.csv")]
    command = ["evaluate", *files, "--tiou", "0.9", "--format", "json", "--protocol"]
    printed = [json.loads(run(folder, *command, protocol).stdout) for protocol in ("whole_steps", "step")]
    assert [each["mean"] for each in printed] == [100.0, 0.0]
    assert [each["protocol"] for each in printed] == ["whole_steps (step 1.0)", "step"]
    refused = run(folder, *command, "stepp")
    assert refused.returncode == 2
    assert "--protocol: kind: expected a known kind (did you mean 'step'?); got 'stepp'" in refused.stderr


def test_a_member_whose_module_is_gone_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_here(write_plugin(tmp_path, {"wtal.protocols": {"gone": "not_there:Gone"}}), monkeypatch)
    with pytest.raises(InputError, match=r"not_there:Gone, as the entry point gone of wtal\.protocols has it"):
        member("wtal.protocols", "gone", file="x")
