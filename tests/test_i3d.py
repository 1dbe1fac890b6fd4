"""I3D as published: shapes, size, the same numbers again, and weights under any of their names or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is optional")
cv2 = pytest.importorskip("cv2", reason="OpenCV is optional")

from wtal.base.errors import InputError  # noqa: E402
from wtal.video.i3d import BLOCKS, COLUMNS, InflatedInception, Unit, pooled  # noqa: E402
from wtal.video.i3d_streams import I3d, two_states  # noqa: E402


@pytest.fixture(scope="module")
def networks() -> dict[str, InflatedInception]:
    torch.manual_seed(0)
    return {"rgb": InflatedInception(3), "flow": InflatedInception(2)}


@pytest.fixture(scope="module")
def weights(networks: dict[str, InflatedInception], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random weights of both streams, a classifier among them."""
    folder = tmp_path_factory.mktemp("weights")
    for name, network in networks.items():
        state = {**network.state_dict(), "logits.conv3d.weight": torch.zeros(400, 1024, 1, 1, 1)}
        torch.save(state, folder / f"{name}_imagenet.pt")
    return folder


def test_it_has_as_many_numbers_as_the_sum_over_the_layers_of_the_publication(
    networks: dict[str, InflatedInception],
) -> None:
    units = [(3, 64, 7), (64, 64, 1), (64, 192, 3)]
    n_in = 192
    for one, (two_in, two), (three_in, three), four in BLOCKS.values():
        units += [(n_in, one, 1), (n_in, two_in, 1), (two_in, two, 3), (n_in, three_in, 1), (three_in, three, 3)]
        units += [(n_in, four, 1)]
        n_in = one + two + three + four
    assert n_in == COLUMNS
    convolutions = sum(a * b * kernel**3 for a, b, kernel in units)
    normalisations = sum(2 * b for _, b, _ in units)
    assert sum(each.numel() for each in networks["rgb"].parameters()) == convolutions + normalisations
    assert convolutions + normalisations == pytest.approx(12.3e6, rel=0.005)  # 12.7 with 400 classes
    assert convolutions + normalisations + 1025 * 400 == pytest.approx(12.7e6, rel=0.005)


def test_time_and_space_shrink_as_published(networks: dict[str, InflatedInception]) -> None:
    seen = []
    network = networks["rgb"]
    handles = [
        network.get_submodule(name).register_forward_hook(lambda *calls: seen.append(tuple(calls[2].shape[1:])))
        for name in ("Conv3d_1a_7x7", "Mixed_3c", "Mixed_4f", "Mixed_5c")
    ]
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 3, 16, 64, 64)).shape == (1, 1024)
    for handle in handles:
        handle.remove()
    assert seen == [(64, 8, 32, 32), (480, 8, 8, 8), (832, 4, 4, 4), (1024, 2, 2, 2)]


def test_padding_is_even_or_has_one_more_at_the_end() -> None:
    unit = Unit(1, 1, kernel=7, stride=2).eval()
    torch.nn.init.zeros_(unit.conv3d.weight)
    unit.conv3d.weight.data[0, 0, 2, 2, 2] = 1  # of 5 rows too many, 2 come first: this sees the very picture
    clip = torch.rand(1, 1, 8, 8, 8)
    torch.testing.assert_close(unit(clip), clip[:, :, ::2, ::2, ::2] / (1 + 1e-3) ** 0.5)
    line = torch.arange(1.0, 5).reshape(1, 1, 1, 1, 4)
    assert pooled(line, (1, 1, 3), (1, 1, 2)).flatten().tolist() == [3, 4]


def features(weights: Path, pictures: list[np.ndarray]) -> np.ndarray:
    return I3d(flow="dis").load(weights, "cpu", 25.0)([tuple(pictures)])


def test_features_are_finite_the_same_again_and_motion_is_in_the_second_half_alone(weights: Path) -> None:
    random = np.random.default_rng(0)
    still = cv2.GaussianBlur(random.integers(0, 255, (256, 340, 3), dtype=np.uint8), (0, 0), 4)
    moved = np.roll(still, 3, axis=1)
    resting, moving = features(weights, [still] * 9), features(weights, [still, moved] * 4 + [still])
    assert resting.shape == (1, 2048)
    assert np.isfinite(resting).all()
    np.testing.assert_array_equal(moving, features(weights, [still, moved] * 4 + [still]))
    assert np.abs(moving - resting)[0, 1024:].max() > 0


OTHER_NAMES = (
    ("Conv3d_", "conv3d_"),
    ("Mixed_", "mixed_"),
    (".b0.", ".branch_0."),
    (".b1a.", ".branch_1.0."),
    (".b1b.", ".branch_1.1."),
    (".b2a.", ".branch_2.0."),
    (".b2b.", ".branch_2.1."),
    (".b3b.", ".branch_3.1."),
    (".bn.", ".batch3d."),
)


def renamed(name: str) -> str:
    for usual, other in OTHER_NAMES:
        name = name.replace(usual, other)
    return f"module.{name}"


def test_other_common_names_and_one_file_with_both_streams_give_the_same_tensors(
    networks: dict[str, InflatedInception], weights: Path, tmp_path: Path
) -> None:
    both = {
        f"{stream}.{renamed(name)}": value
        for stream, network in networks.items()
        for name, value in network.state_dict().items()
    }
    torch.save({"state_dict": both}, tmp_path / "both.pt")
    one, record = two_states(tmp_path / "both.pt")
    two, _ = two_states(weights)
    assert record.file == "both.pt"
    for stream in ("rgb", "flow"):
        assert set(one[stream][1]) == set(two[stream][1])
        assert all(torch.equal(one[stream][1][name], two[stream][1][name]) for name in one[stream][1])


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("lost", r"rgb_x\.pt: rgb: expected the tensors of I3D .*; got 2 missing: Conv3d_1a_7x7\.bn\.bias, Conv3d_1a"),
        ("swapped", r"flow_x\.pt: flow: expected .*; got 1 of another shape: Conv3d_1a_7x7\.conv3d\.weight"),
        ("more", r"rgb_x\.pt: rgb: expected .*; got 1 not of it: head\.weight"),
        ("number", r"rgb_x\.pt: expected weights, tensors by name, .*; got int"),
        ("text", r"rgb_x\.pt: expected weights, tensors by name, .*; got others"),
        ("two", r"expected a folder with a file of weights for rgb .*; got 2 files with rgb in their name"),
    ],
)
def test_weights_that_do_not_fit_get_a_sentence_that_names_them(
    spoil: str, sentence: str, networks: dict[str, InflatedInception], tmp_path: Path
) -> None:
    states = {name: dict(network.state_dict()) for name, network in networks.items()}
    if spoil == "lost":
        for name in ("Conv3d_1a_7x7.bn.bias", "Conv3d_1a_7x7.conv3d.weight"):
            del states["rgb"][name]
    elif spoil == "swapped":
        states["flow"] = states["rgb"]
    elif spoil == "more":
        states["rgb"]["head.weight"] = torch.zeros(1)
    for name, state in states.items():
        torch.save(1 if (spoil, name) == ("number", "rgb") else state, tmp_path / f"{name}_x.pt")
    if spoil == "text":
        (tmp_path / "rgb_x.pt").write_text("no weights")
    elif spoil == "two":
        (tmp_path / "rgb_y.pt").write_text("")
    with pytest.raises(InputError, match=sentence):
        I3d(flow="dis").load(tmp_path, "cpu", 25.0)


def test_without_weights_or_the_contributed_part_of_opencv_a_sentence_says_what_is_needed(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"--weights: expected a folder with a file of weights for rgb .*; got none"):
        I3d(flow="dis").load(None, "cpu", 25.0)
    monkeypatch.delattr(cv2, "optflow", raising=False)
    with pytest.raises(InputError, match=r"extractor\.flow: expected opencv-contrib-python-headless in place of .*"):
        I3d().load(weights, "cpu", 25.0)


def test_tvl1_finds_a_known_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(cv2, "optflow"):
        pytest.skip("this OpenCV is without its contributed part")
    from wtal.video.i3d_streams import _flow

    still = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (64, 80, 3), dtype=np.uint8), (0, 0), 3)
    flow = _flow("tvl1")(still, np.roll(still, 2, axis=1))
    assert np.median(flow[..., 0]) == pytest.approx(2, abs=0.3)
    assert np.median(flow[..., 1]) == pytest.approx(0, abs=0.3)
