"""`wtal check-method`: a method that keeps the contract passes, and each broken promise is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from plugin import environment_with, install_here, write_plugin

from wtal.base.members import BUILT_IN
from wtal.cli import main

ROOT = Path(__file__).resolve().parents[1]
SMALL = {
    "basnet": "{filter_size: 16, hidden_size: 16}",
    "rskp": "{embedding_size: 16, memory_from_epoch: 1}",
    "co2net": "{attention_size: 8, hidden_size: 16}",
    "delu": "{attention_size: 8, hidden_size: 16}",
}
NETWORKS = [kind for kind in BUILT_IN["wtal.methods"] if kind != "external"]


def example() -> str:
    """The method that the page of methods shows."""
    page = (ROOT / "docs/methods.md").read_text()
    return re.findall(r"```python\n(.*?)```", page[page.index("## Adding one") :], flags=re.S)[0]


ENTRIES = {"wtal.methods": {"top_k": "my_top_k:TopKSettings"}}


def plugged_in(folder: Path, source: str) -> Path:
    return write_plugin(folder, ENTRIES, my_top_k=source)


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_network_of_the_project_keeps_its_promises(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / "small.yaml"
    small.write_text(SMALL.get(kind, "{}"))
    assert main(["check-method", kind, "--settings", str(small)]) == 0, capsys.readouterr().out


def test_the_method_of_the_documentation_keeps_them_as_a_plug_in(tmp_path: Path) -> None:
    folder = plugged_in(tmp_path / "plugin", example())
    command = [sys.executable, "-m", "wtal", "check-method", "top_k"]
    done = subprocess.run(command, cwd=ROOT, env=environment_with(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok    ") == 10


BROKEN = {
    "attention": ("(1 - snippet.softmax(dim=2)[:, :, -1]) * batch.mask", "2 * batch.mask.float()", "values in [0, 1]"),
    "names": ('("classification",)', '("classification", "more")', "parts: expected"),
    "labels": (
        "label = label_loss(snippet, target, batch)",
        "label = torch.ones_like(classification)",
        "labels of zero",
    ),
    "chance": (
        "torch.nn.init.xavier_uniform_(self.head.weight, generator=generator)",
        "torch.nn.init.xavier_uniform_(self.head.weight)",
        "from the same seed",
    ),
    "batched": (" / labels.sum(dim=1, keepdim=True) ", " / labels.sum() ", "a video's own value"),
    "pairs": (
        "label = label_loss(snippet, target, batch)",
        "classification = classification + batch.pair_weight * classification.roll(1)\n"
        "        label = label_loss(snippet, target, batch)",
        "a pair alone and in a batch",
    ),
    "scores": ("video.softmax(dim=1), torch", "video, torch", "expected values in [0, 1]"),
    "fault": ("def logits(self, batch):", "def logits(self, batch, more):", "TypeError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_promise_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong, words = BROKEN[name]
    assert example().count(right) == 1
    install_here(plugged_in(tmp_path, example().replace(right, wrong)), monkeypatch)
    monkeypatch.delitem(sys.modules, "my_top_k", raising=False)
    assert main(["check-method", "top_k"]) == 2
    captured = capsys.readouterr()
    assert words in "\n".join(line for line in captured.out.splitlines() if line.startswith("BROKEN"))
    assert "breaks" in captured.err


def test_attention_that_is_said_to_learn_and_does_not_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = '    kind: Literal["top_k"] = "top_k"'
    claimed = example().replace(kind, f"    has_attention: ClassVar[bool] = True\n{kind}")
    claimed = claimed.replace("label_loss(snippet, target, batch)", "label_loss(snippet, target, batch, attention)")
    detached = claimed.replace("target, batch, attention)", "target, batch, attention.detach())")
    for number, (source, code) in enumerate(((claimed, 0), (detached, 2))):
        with monkeypatch.context() as patched:
            install_here(plugged_in(tmp_path / str(number), source), patched)
            patched.delitem(sys.modules, "my_top_k", raising=False)
            assert main(["check-method", "top_k"]) == code
        out = capsys.readouterr().out
        assert ("BROKEN  labels for attention are learnt" in out) == (detached == source)


def test_state_outside_of_parameters_and_buffers_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forgetful = (
        example()
        .replace("        torch.nn.init.zeros_(self.head.bias)\n", "        self.seen = 0\n")
        .replace(
            "        snippet = batch.padded(self.head(batch.features))\n",
            "        self.seen += 1\n        snippet = batch.padded(self.head(batch.features)) * (1 + self.seen)\n",
        )
    )
    install_here(plugged_in(tmp_path, forgetful), monkeypatch)
    monkeypatch.delitem(sys.modules, "my_top_k", raising=False)
    assert main(["check-method", "top_k"]) == 2
    assert re.search("BROKEN +(a state that is loaded|two rounds)", capsys.readouterr().out)


def test_an_unknown_kind_is_refused_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-method", "rksp"]) == 2
    assert "did you mean 'rskp'?" in capsys.readouterr().err
