"""The ceiling of a suite: every base network can be taught the true class of each snippet."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scripts import script

from wtal.base.errors import InputError
from wtal.base.members import BUILT_IN
from wtal.data.kinds.prepare import prepare
from wtal.data.store.read import read_store
from wtal.suite.plan import read_suite, round_settings

ROOT = Path(__file__).resolve().parents[1]
frame_labels = script("benchmarks/frame_labels.py")
CPU = torch.device("cpu")
KINDS = [kind for kind in BUILT_IN["wtal.methods"] if kind != "external"]
SIZES = ("embedding_size", "hidden_size", "attention_size", "filter_size")
EXTERNAL = """
import shutil, sys
from pathlib import Path
import numpy as np
from wtal.base.records import VideoScores
from wtal.data.store.read import read_store
from wtal.localise.labels.file import read_labels
from wtal.localise.scores_file import write_scores
data, labels, out = sys.argv[1:]
store, taught = read_store(data), read_labels(labels)[0]
assert taught.videos == store.video_names("train") and np.allclose(taught.label.sum(axis=1), 1)
for subset in ("train", "test"):
    offsets, names = store.offsets(subset), store.video_names(subset)
    n, k = int(offsets[-1]), len(store.classes) + 1
    ones = np.full((n, k), 0.5, dtype=np.float32), np.full((len(names), k), 0.5, dtype=np.float32)
    scores = VideoScores(names, offsets, *ones, np.ones(n, dtype=np.float32))
    write_scores(Path(out) / f"scores_{subset}.npz", scores, store.classes)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames") / "data"
    prepare(read_suite(ROOT / "config/tiny.yaml").file.dataset, folder)
    return folder


def test_true_labels_are_the_instances_and_background_elsewhere(data: Path) -> None:
    store = read_store(data)
    labels = frame_labels.true_labels(store)
    np.testing.assert_allclose(labels.sum(axis=1), 1)
    truth = store.instances("train")
    taught = labels[:, :-1].sum() / store.snippets_per_second
    assert taught == pytest.approx(float((truth.end - truth.start).sum()), rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_base_network_learns_from_them(kind: str, data: Path) -> None:
    suite = read_suite(ROOT / "config/tiny.yaml")
    (variant,) = frame_labels.variants_of(suite, [], [kind])
    assert variant.method.base.kind == kind
    settings = round_settings(suite.name, variant, 0)
    sizes = {name: 16 for name in SIZES if hasattr(settings.base, name)}
    short = replace(settings, epochs=settings.epochs[:1], base=replace(settings.base, **sizes))
    store = read_store(data)
    scores = frame_labels.trained_scores(short, store, 0, CPU)
    assert scores.videos == store.video_names("test")
    assert np.isfinite(scores.snippet_score).all()


def test_an_external_method_is_given_them_as_labels(data: Path, tmp_path: Path) -> None:
    script = tmp_path / "external.py"
    script.write_text(EXTERNAL)
    suite = read_suite(ROOT / "config/tiny.yaml")
    from wtal.methods.external.settings import ExternalMethod

    base = ExternalMethod(command=f"{sys.executable} {script} {{data}} {{labels}} {{out}}")
    variant = next(frame_labels.variants_of(suite, [], []))
    variant = replace(variant, method=replace(variant.method, base=base))
    assert 0 <= frame_labels.ceiling(suite, variant, data, 0, CPU) <= 100


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(InputError, match="nobody: expected a variant of this suite"):
        list(frame_labels.variants_of(read_suite(ROOT / "config/tiny.yaml"), ["nobody"], []))
