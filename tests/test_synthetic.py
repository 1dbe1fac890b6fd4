"""The made-up videos: the same each time, and each ingredient can be seen in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wtal.data.kinds.synthetic import Action, actions_of, directions, features_of, synthetic_data_set
from wtal.data.kinds.synthetic_settings import SyntheticData
from wtal.data.store.read import Store, read_store
from wtal.data.store.write import write_store
from wtal.suite.streams import Stream

SETTINGS = SyntheticData(kind="synthetic", feature_size=16)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("synthetic")
    write_store(folder, synthetic_data_set(SETTINGS))
    return read_store(folder, verify=True)


def test_the_store_has_what_the_settings_ask_for(store: Store) -> None:
    assert (len(store.videos("train")), len(store.videos("test"))) == (24, 12)
    assert store.feature_size == 32
    assert store.meta.streams == (Stream(name="rgb", columns=16), Stream(name="flow", columns=16))
    assert store.snippets_per_second == 25 / 16
    assert store.n_snippets.min() >= 40
    assert store.n_snippets.max() <= 90
    np.testing.assert_allclose(store.seconds * 25 / 16, store.n_snippets)


@settings(max_examples=15, deadline=None)
@given(
    n_train=st.integers(2, 9),
    n_test=st.integers(2, 9),
    n_classes=st.integers(2, 12),
    least=st.integers(16, 60),
    more=st.integers(0, 40),
    seed=st.integers(0, 9),
)
def test_every_class_is_in_training_and_in_test(
    tmp_path_factory: pytest.TempPathFactory,
    n_train: int,
    n_test: int,
    n_classes: int,
    least: int,
    more: int,
    seed: int,
) -> None:
    chosen = SyntheticData(
        kind="synthetic",
        seed=seed,
        train_videos=n_train,
        test_videos=n_test,
        classes=n_classes,
        feature_size=8,
        snippets=(least, least + more),
    )
    folder = tmp_path_factory.mktemp("store")
    write_store(folder, synthetic_data_set(chosen))
    store = read_store(folder, verify=True)
    for subset in ("train", "test"):
        truth = store.instances(subset)
        assert set(truth.class_index.tolist()) == set(range(n_classes))
        assert (truth.end > truth.start).all()
        assert (truth.end <= store.seconds[store.videos(subset)][truth.video]).all()


def test_another_seed_gives_other_videos_and_the_same_seed_the_same() -> None:
    def first(seed: int) -> np.ndarray:
        return next(iter(synthetic_data_set(SyntheticData(kind="synthetic", seed=seed)).videos)).features

    np.testing.assert_array_equal(first(3), first(3))
    assert first(3).shape != first(4).shape or not np.array_equal(first(3), first(4))


def test_a_video_does_not_depend_on_the_videos_before_it() -> None:
    few = SyntheticData(kind="synthetic", train_videos=8)
    many = SyntheticData(kind="synthetic", train_videos=24)
    short = {video.name: video.features for video in synthetic_data_set(few).videos}
    long = {video.name: video.features for video in synthetic_data_set(many).videos}
    np.testing.assert_array_equal(short["train_0003"], long["train_0003"])


def test_another_process_with_another_hash_seed_writes_the_same_bytes(store: Store, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom wtal.data.store.write import write_store\n"
        "from wtal.data.kinds.synthetic import synthetic_data_set\n"
        "from wtal.data.kinds.synthetic_settings import SyntheticData\n"
        "from wtal.suite.streams import Stream\n"
        "write_store(sys.argv[1], synthetic_data_set(SyntheticData(kind='synthetic', feature_size=16)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "77", "PATH": ""})
    for file in store.folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def projections(length: int, action: Action) -> dict[str, np.ndarray]:
    known, label = directions(SETTINGS), action.class_index
    features = np.mean([features_of(SETTINGS, f"probe{index}", length, [action]) for index in range(30)], axis=0)
    # The directions are not orthogonal, so that each one's share is found by least squares.
    basis = np.stack([known.body[label], known.core[label], known.context[label], *known.background])
    shares = np.linalg.lstsq(basis.T, features.T, rcond=None)[0]
    return dict(zip(("body", "core", "context"), shares))


def test_an_action_fades_in_and_out_over_its_bounds() -> None:
    body = projections(60, Action(class_index=1, start=20.0, end=40.0, context=(40.0, 44.0)))["body"]
    assert abs(body[:18]).max() < 0.2
    assert (np.diff(body[18:22]) > 0.3).all()
    assert body[19] + body[20] == pytest.approx(body[25], abs=0.3)  # one half at the bound
    assert (np.diff(body[38:42]) < -0.3).all()


def test_an_action_has_a_core_that_is_only_a_part_of_it() -> None:
    core = projections(60, Action(class_index=1, start=20.0, end=40.0, context=(40.0, 44.0)))["core"]
    assert core[28:32].min() > 2.5
    assert abs(np.concatenate([core[:26], core[34:]])).max() < 0.2


def test_context_lies_beside_its_action_and_not_inside() -> None:
    context = projections(60, Action(class_index=1, start=20.0, end=40.0, context=(40.0, 45.0)))["context"]
    assert context[42:45].min() > 1.5
    assert abs(context[20:38]).max() < 0.2
    assert abs(context[47:]).max() < 0.2


def test_context_occurs_with_its_action_alone() -> None:
    for index in range(20):
        _, actions = actions_of(SETTINGS, f"v{index}", [0, 2])
        assert {action.class_index for action in actions} == {0, 2}
        for action in actions:
            assert action.context[0] == action.end or action.context[1] == action.start
            overlaps = [other for other in actions if other.start < action.context[1] and action.context[0] < other.end]
            assert overlaps == []


def test_what_tells_classes_apart_best_is_the_core_then_the_context(store: Store) -> None:
    """A linear classifier of whole videos, scored on snippets: it likes the core, and context more than background."""
    train = store.videos("train")
    pooled = np.stack([store.features(index).mean(axis=0) for index in train])
    target = 2.0 * store.video_labels[train] - 1
    pooled_mean = pooled.mean(axis=0)
    centred = pooled - pooled_mean
    weights = np.linalg.solve(centred.T @ centred + 0.05 * np.eye(store.feature_size), centred.T @ target)
    known = directions(SETTINGS)
    own = {name: np.mean(np.sum(getattr(known, name) * weights.T, axis=1)) for name in ("body", "core", "context")}
    background = np.abs(known.background @ weights).mean()
    assert own["core"] * 3.0 > own["body"] * 1.6  # by the strengths with which they occur
    assert own["context"] > background
