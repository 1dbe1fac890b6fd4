"""The network and losses of CO2-Net and DELU against the same written out plainly, one video at a time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from round_run import tiny_round

from wtal.base.errors import InputError, SettingError
from wtal.base.schema import from_mapping
from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.co2net.delu import Delu, uncertainty_weight
from wtal.methods.co2net.dropout import DropoutLayer, DropoutMasks
from wtal.methods.co2net.network import Co2Net
from wtal.methods.co2net.output import CrossModalOutput
from wtal.methods.co2net.settings import Co2NetSettings, CrossModalSettings, DeluSettings
from wtal.methods.contract import Losses
from wtal.methods.label_loss import BatchLabels

CPU = torch.device("cpu")
LENGTHS, LABELS = (20, 20, 11, 3), np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)
SMALL = {"first_stream": 4, "attention_size": 3, "hidden_size": 5, "dropout": 0.0, "filter_dropout": 0.0}
FEATURES, PAIR_WEIGHT, EPOCH = 7, 1.5, 3
Rows = NDArray[np.float64]


def batch(*lengths: int, labels: NDArray[np.bool_] = LABELS, n_pairs: int = 0, first: int = 0) -> Batch:
    """Videos of these lengths, the first of which is number `first` of those that are made up."""
    every = [np.random.default_rng(index).normal(size=(60, FEATURES)) for index in range(first, first + len(lengths))]
    arrays = [rows[:length].astype(np.float32) for rows, length in zip(every, lengths)]
    videos = ArrayVideos(arrays, labels[first : first + len(arrays)])
    return batch_of(videos, range(len(arrays)), CPU, n_pairs=n_pairs, pair_weight=PAIR_WEIGHT)


def network(kind: type[CrossModalSettings] = Co2NetSettings, **changes: object) -> Co2Net:
    settings = kind(**{**SMALL, "top_k_divisor": 4, "score_top_k_divisor": 5, **changes})  # type: ignore[arg-type]
    made: Co2Net = settings.network(FEATURES, 3, torch.Generator().manual_seed(0))
    for layer in made.modules():
        if isinstance(layer, torch.nn.Conv1d):
            torch.nn.init.normal_(layer.bias, generator=torch.Generator().manual_seed(1))
    return made


def losses_of(one: Co2Net, some: Batch, target: BatchLabels | None = None) -> Losses:
    return one.losses(some, dataclasses.replace(tiny_round().epochs[0], epoch=EPOCH), target, None)


@dataclass(frozen=True)
class Plain:
    """One video, written out: fused streams [T, W], logits [T, K], both attentions [T], and the settings."""

    fused: Rows
    logits: Rows
    attentions: tuple[Rows, Rows]
    settings: CrossModalSettings

    @property
    def attention(self) -> Rows:
        return (self.attentions[0] + self.attentions[1]) / 2

    @property
    def suppressed(self) -> Rows:
        least = self.logits.min(axis=1, keepdims=True)
        return self.attention[:, None] * (self.logits - least) + least

    def largest(self, logits: Rows, divisor: int) -> Rows:
        count = max(1, len(logits) // divisor)
        return np.sort(logits, axis=0)[-count:].mean(axis=0)


def rectified(values: Rows) -> Rows:
    return np.where(values > 0, values, 0.2 * values)


def sigmoid(values: Rows) -> Rows:
    return 1 / (1 + np.exp(-values))


def softmax(values: Rows) -> Rows:
    shares = np.exp(values)
    return shares / shares.sum(axis=-1, keepdims=True)


def averaged(rows: Rows, width: int) -> Rows:
    beyond = width // 2
    padded = np.pad(rows, [(beyond, beyond), *[(0, 0)] * (rows.ndim - 1)])
    return np.stack([padded[start : start + width].mean(axis=0) for start in range(len(rows))])


def plainly(one: Co2Net, rows: Rows) -> Plain:
    state = {name: value.double().numpy() for name, value in one.state_dict().items()}

    def convolved(values: Rows, layer: str) -> Rows:
        weight, bias = state[f"{layer}.weight"], state[f"{layer}.bias"]
        beyond = weight.shape[2] // 2
        padded = np.pad(values, ((beyond, beyond), (0, 0)))
        windows = np.stack([padded[start : start + weight.shape[2]] for start in range(len(values))])
        return np.einsum("tki,oik->to", windows, weight) + bias

    def filtered(main: Rows, auxiliary: Rows, module: str) -> tuple[Rows, Rows]:
        whole = rectified(convolved(main.mean(axis=0, keepdims=True), f"{module}.whole"))
        seen = sigmoid(rectified(convolved(auxiliary, f"{module}.local")) * whole) * main
        hidden = rectified(convolved(rectified(convolved(seen, f"{module}.attention_1")), f"{module}.attention_2"))
        return seen, sigmoid(convolved(hidden, f"{module}.attention_3"))[:, 0]

    first, second = rows[:, :4], rows[:, 4:]
    one_filtered, one_attention = filtered(first, second, "rgb_module")
    other_filtered, other_attention = filtered(second, first, "flow_module")
    fused = rectified(convolved(np.concatenate([one_filtered, other_filtered], axis=1), "fusion"))
    logits = convolved(rectified(convolved(fused, "classifier_1")), "classifier_2")
    width = one.settings.smoothing
    attentions = averaged(one_attention, width), averaged(other_attention, width)
    return Plain(fused, averaged(logits, width), attentions, one.settings)


def plain_losses(plain: Plain, label: NDArray[np.bool_]) -> dict[str, float]:
    def cross_entropy(logits: Rows, target: Rows) -> float:
        pooled = plain.largest(logits, plain.settings.top_k_divisor)
        return float(-(target / (target.sum() + plain.settings.label_epsilon) * np.log(softmax(pooled))).sum())

    first, second = plain.attentions
    each = np.mean(
        [np.abs(1 - seen - softmax(plain.logits)[:, -1]) for seen in (plain.attention, first, second)], axis=0
    )
    found = {
        "base": cross_entropy(plain.logits, np.append(label, 1.0)),
        "suppressed": cross_entropy(plain.suppressed, np.append(label, 0.0)),
        "mutual": float(((first - second) ** 2).mean()),
        "sparsity": float(plain.attention.mean()),
        "guide": float(each.mean()),
    }
    if isinstance(plain.settings, DeluSettings):
        found |= plain_evidence(plain, label, each)
    return found


def plain_evidence(plain: Plain, label: NDArray[np.bool_], guide: Rows) -> dict[str, float]:
    assert isinstance(plain.settings, DeluSettings)
    n_snippets, settings = len(guide), plain.settings
    count = max(1, n_snippets // settings.evidence_divisor)
    chosen = np.argsort(-plain.attention, kind="stable")[:count]
    alpha = np.exp(np.clip(plain.suppressed[chosen, :-1].mean(axis=0), -10, 10)) + 1
    ratio = label / alpha
    gain = (1 - len(alpha) / alpha.sum()) * label.sum() * ratio / ratio.sum()
    place = (np.arange(n_snippets) + 0.5) * 2 / n_snippets - 1
    curve = 0.7 * np.tanh(place * (1 - 2 * EPOCH / settings.uncertainty_epochs)) + 1
    uncertainty = 3 / (np.exp(np.clip(plain.suppressed, -10, 10)) + 1).sum(axis=1)
    order = np.argsort(uncertainty, kind="stable")
    rank = np.argsort(order) if settings.uncertainty_rank == "rank" else order
    return {
        "evidential": float((gain * (np.log(alpha.sum()) - np.log(alpha))).sum()),
        "uncertainty": float((curve[rank] * guide).mean()),
    }


CASES = [
    (Co2NetSettings, {}),
    (Co2NetSettings, {"smoothing": 5, "label_epsilon": 0.1, "video_suppression": "product"}),
    (DeluSettings, {"evidence_divisor": 5, "uncertainty_epochs": 10}),
    (DeluSettings, {"evidence_divisor": 5, "uncertainty_epochs": 10, "uncertainty_rank": "argsort"}),
]


@pytest.mark.parametrize(("kind", "changes"), CASES)
@torch.no_grad()
def test_losses_and_scores_are_those_written_out_plainly(
    kind: type[CrossModalSettings], changes: dict[str, object]
) -> None:
    one, some = network(kind, **changes), batch(*LENGTHS)
    losses, scores, output = losses_of(one, some), one.scores(some, "detection", None), one(some)
    weights = one.weights()
    for video, rows in enumerate(torch.arange(sum(LENGTHS)).split(list(LENGTHS))):
        plain = plainly(one, some.features[rows].double().numpy())
        close(output.features[video, : len(rows)], plain.fused)
        expected = plain_losses(plain, LABELS[video]) | {"coactivity": 0.0}
        found = {name: float(value[video]) for name, value in losses.parts.items()}
        assert found == pytest.approx(expected, rel=2e-5)
        total = sum(weights[name] * value for name, value in expected.items())
        assert float(losses.base[video]) == pytest.approx(total, rel=2e-5)
        assert float(losses.compared[video]) == pytest.approx(expected["base"] + expected["suppressed"], rel=2e-5)
        close(losses.video_logits[video], plain.largest(plain.suppressed, 4))
        close(scores.snippet[rows], softmax(plain.logits) * plain.attention[:, None])
        close(scores.attention[rows], plain.attention)
        is_product = one.settings.video_suppression == "product"
        logits = plain.attention[:, None] * plain.logits if is_product else plain.suppressed
        close(scores.video[video], softmax(plain.largest(logits, 5)))


def close(found: torch.Tensor, expected: Rows) -> None:
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_the_published_weights_are_the_defaults() -> None:
    own = {"base": 1, "suppressed": 1, "coactivity": 1, "mutual": 1, "sparsity": 0.8}
    assert network().weights() == {**own, "guide": 0.8}
    assert network(DeluSettings).weights() == {**own, "guide": 0.4, "evidential": 1.3, "uncertainty": 0.4}


@hypothesis_settings(max_examples=15)
@given(st.sampled_from([Co2NetSettings, DeluSettings]), st.lists(st.integers(1, 30), min_size=3, max_size=4))
def test_a_video_has_the_losses_that_it_has_alone_whatever_it_is_padded_and_batched_with(
    kind: type[CrossModalSettings], lengths: list[int]
) -> None:
    one = network(kind, dropout=0.5, filter_dropout=0.5, smoothing=3)
    rng, epoch = torch.Generator().manual_seed(3), tiny_round().epochs[0]
    whole = one.losses(batch(*lengths, n_pairs=1), epoch, None, torch.Generator().manual_seed(3))
    parts = [batch(*lengths[:2], n_pairs=1), *(batch(length, first=2 + k) for k, length in enumerate(lengths[2:]))]
    alone = [one.losses(part, epoch, None, rng) for part in parts]
    for name in one.loss_names:
        found = torch.cat([each.parts[name] for each in alone])
        torch.testing.assert_close(found, whole.parts[name], rtol=1e-4, atol=1e-5)
    assert torch.isfinite(whole.base).all()


def test_a_pair_learns_from_the_class_that_it_shares_and_others_do_not() -> None:
    loss = losses_of(network(), batch(*LENGTHS, n_pairs=1)).parts["coactivity"]
    assert (loss[:2] > 0).all()
    assert not loss[2:].any()


@pytest.mark.parametrize("kind", [Co2NetSettings, DeluSettings])
def test_a_video_without_a_label_teaches_background_and_nothing_about_classes(kind: type[CrossModalSettings]) -> None:
    some = batch(20, 11, labels=np.array([[True, False, False], [False, False, False]]))
    one = network(kind)
    losses = losses_of(one, some)
    losses.base.sum().backward()
    for name in {"suppressed", "evidential"} & set(losses.parts):
        assert losses.parts[name][1] == 0
        assert losses.parts[name][0] > 0
    assert losses.parts["base"][1] > 0
    assert all(torch.isfinite(parameter.grad).all() for parameter in one.parameters())


def test_each_attention_learns_from_the_other_half_of_what_the_squared_difference_would_teach() -> None:
    first, second = (torch.rand((1, 6), generator=torch.Generator().manual_seed(k)).requires_grad_() for k in (1, 2))
    output = CrossModalOutput(torch.zeros((1, 6, 5)), torch.zeros((1, 6, 4)), (first, second))
    one, some = network(), batch(6)
    one.parts(output, some, tiny_round().epochs[0])["mutual"].sum().backward()
    torch.testing.assert_close(first.grad, (first - second).detach() / 6)
    torch.testing.assert_close(second.grad, (second - first).detach() / 6)


def test_certainty_of_a_video_carries_no_gradient_and_its_evidence_does() -> None:
    settings = DeluSettings(evidence_divisor=1)
    logits = torch.tensor([[[1.0, -0.5, 0.2, -1.0]]], requires_grad=True)
    one = torch.ones((1, 1))
    output = CrossModalOutput(torch.zeros((1, 1, 5)), logits, (one, one))
    some = batch(1, labels=np.array([[True, True, False]]))
    from_parts = Delu(FEATURES, 3, dataclasses.replace(settings, **SMALL)).parts(output, some, tiny_round().epochs[0])
    from_parts["evidential"].sum().backward()
    alpha = (logits.detach()[0, 0, :3].exp() + 1).requires_grad_()
    ratio = torch.tensor([1.0, 1.0, 0.0]) / alpha
    certainty = 1 - 3 / float(alpha.detach().sum())
    (certainty * 2 * ratio / ratio.sum() * (alpha.sum().log() - alpha.log())).sum().backward()
    torch.testing.assert_close(logits.grad[0, 0, :3], alpha.grad * logits.detach()[0, 0, :3].exp())


def test_unsure_snippets_weigh_more_at_first_and_less_at_the_end() -> None:
    logits = torch.tensor([3.0, 0.0, 2.0, 1.0])[None, :, None] * torch.ones((1, 1, 4))
    ones = torch.ones((1, 4))
    output, some = CrossModalOutput(torch.zeros((1, 4, 5)), logits, (ones, ones)), batch(4)
    first, middle, last = (uncertainty_weight(output, some, progress, DeluSettings()) for progress in (0.0, 0.5, 1.0))
    assert first[0].argsort().tolist() == [0, 2, 3, 1]  # the more evidence, the surer
    assert middle[0].tolist() == [1.0] * 4
    torch.testing.assert_close(first + last, torch.full((1, 4), 2.0))
    swapped = uncertainty_weight(output, some, 0.0, DeluSettings(uncertainty_rank="argsort"))
    assert swapped[0].argsort().tolist() == [0, 3, 1, 2]


def test_labels_are_learnt_by_the_logits_of_every_snippet() -> None:
    some, one = batch(20, 11), network()
    target = torch.randn((2, 4, 20), generator=torch.Generator().manual_seed(1)) * some.mask[:, None, :]
    loss = losses_of(one, some, BatchLabels(target)).label
    logits = one(some).logits[1, :11].detach()
    expected = -(target[1, :, :11].T * torch.log_softmax(logits, dim=1)).sum() / 11
    torch.testing.assert_close(loss[1].detach(), expected)


def test_dropout_of_a_video_and_of_its_snippets_keep_the_mean() -> None:
    layers = [DropoutLayer(400, 0.5, is_of_video=True), DropoutLayer(300, 0.25), DropoutLayer(1, 0.5)]
    dropped = DropoutMasks(batch(20, 11), layers, torch.Generator().manual_seed(1))
    video, snippets, logit = (dropped(torch.ones(shape)) for shape in ((2, 400, 1), (2, 300, 20), (2, 1, 20)))
    assert set(video.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(video[0], video[1])
    assert float(snippets[0].mean()) == pytest.approx(1.0, abs=0.05)
    assert snippets.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert snippets[1, :, 11:].abs().sum() == 0
    assert set(logit.unique().tolist()) == {0.0, 2.0}


@torch.no_grad()
def test_dropout_on_the_logit_leaves_the_attention_of_half_of_the_snippets_at_a_half() -> None:
    some = batch(60, 60)
    for kind, share in (("logit", 0.25), ("features", 0.0)):
        one = network(attention_dropout=kind, filter_dropout=0.5)
        is_half = one(some, torch.Generator().manual_seed(1)).attention == 0.5  # where both logits were dropped
        assert float(is_half.float().mean()) == pytest.approx(share, abs=0.12 if share else 0.0)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"smoothing": 4}, "x: smoothing: expected an odd number; got 4"),
        ({"attention_dropout": "both"}, "x: attention_dropout: expected one of features, logit; got 'both'"),
        ({"kind": "co2net", "uncertainty_rank": "rank"}, "x: uncertainty_rank: expected a known key"),
        ({"uncertainty_amplitude": 1.5}, "x: uncertainty_amplitude: expected a number in"),
        ({"evidence_clip": 0}, "x: evidence_clip: expected a number above 0"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(values: dict[str, object], sentence: str) -> None:
    kind = Co2NetSettings if values.get("kind") == "co2net" else DeluSettings
    with pytest.raises(InputError) as told:
        from_mapping(kind, values, file="x")
    assert str(told.value).startswith(sentence)


@pytest.mark.parametrize(("first", "columns"), [(7, 7), (9, 7), (None, 1)])
def test_a_stream_without_a_column_is_refused(first: int | None, columns: int) -> None:
    with pytest.raises(SettingError, match="first_stream: expected some of the"):
        Co2NetSettings(first_stream=first).network(columns, 3, None)
