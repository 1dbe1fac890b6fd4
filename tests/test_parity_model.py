"""The network, memory and losses against stored values of the published reference. See data/parity/README.md."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from wtal.methods.batch import ArrayVideos, Batch, batch_of
from wtal.methods.label_loss import BatchLabels
from wtal.methods.rskp.branches import Passed
from wtal.methods.rskp.losses import consistency_loss, video_losses
from wtal.methods.rskp.memory import MemoryBank, memory_rows, padded_slots
from wtal.methods.rskp.network import Network, NetworkOutput
from wtal.methods.rskp.settings import RskpSettings
from wtal.methods.rskp.walk import Slots

PARAMETERS = {
    "embedding.weight": "feature_embedding.0.weight",
    "embedding.bias": "feature_embedding.0.bias",
    "prototypes": "mu",
    "class_centres": "ac_center",
    "foreground_centre": "fg_center",
}
LOSSES = {"fore": "foreground", "back": "background", "att": "attention", "spl": "consistency", "pseudo": "label"}
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Visit:
    """One video of the stored file, visited after those before it."""

    stored: dict[str, np.ndarray]  # of this video
    some: Batch
    embedding: torch.Tensor  # [1, T, D]
    learnt: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
    output: NetworkOutput
    bank: MemoryBank  # after this video was put in
    gradients: dict[str, np.ndarray]
    losses: dict[str, float]
    no_memory_consistency: float


@pytest.fixture(scope="module")
def visits(parity: Path) -> list[Visit]:
    with np.load(parity / "model.npz", allow_pickle=False) as archive:
        stored = {key: archive[key] for key in archive.files}
    n_videos = len({key.split("/")[0] for key in stored if key.startswith("video")})
    n_classes = len(stored["video0/label"])
    settings = RskpSettings(
        embedding_size=stored["param/mu"].shape[1],
        prototypes=len(stored["param/mu"]),
        memory_slots=stored["video0/memory_score"].shape[1],
        dropout=0.0,
    )
    network = Network(stored["video0/x"].shape[1], n_classes, settings)
    parameters = {ours: torch.from_numpy(stored[f"param/{theirs}"]) for ours, theirs in PARAMETERS.items()}
    network.load_state_dict(parameters)
    videos = ArrayVideos(
        [stored[f"video{index}/x"] for index in range(n_videos)],
        np.stack([stored[f"video{index}/label"] > 0 for index in range(n_videos)]),
    )
    bank = MemoryBank(n_classes, settings.memory_slots, settings.embedding_size)
    return [visit(network, videos, bank, index, stored) for index in range(n_videos)]


def visit(network: Network, videos: ArrayVideos, bank: MemoryBank, index: int, stored: dict[str, np.ndarray]) -> Visit:
    """Forward, memory (updated, then read), losses and gradients of one video."""
    prefix = f"video{index}/"
    own = {key.removeprefix(prefix): value for key, value in stored.items() if key.startswith(prefix)}
    some = batch_of(videos, [index], CPU)
    rows = memory_rows(some.labels[0].tolist(), "label")

    def put_in_and_read(prototypes: torch.Tensor) -> Slots:
        probabilities = torch.softmax(network.prototype_logits(prototypes), dim=-1).detach()
        bank.update(rows, prototypes[0], probabilities[0])
        return padded_slots([bank.read(rows)])

    output = network(some, remember=put_in_and_read)
    target = torch.from_numpy(own["pseudo_label"].astype(np.float32)).T[None].contiguous()
    settings = RskpSettings()
    branches = (output.original, output.reallocated, output.memory)
    losses = video_losses(*branches, some.labels, some.mask, BatchLabels(target), settings)
    total = losses.total(settings, consistency_weight=1.0) + 10.0 * losses.label
    network.zero_grad()
    total.sum().backward()
    gradients = {name: value.grad.numpy().copy() for name, value in network.named_parameters()}
    values = {theirs: getattr(losses, ours).item() for theirs, ours in LOSSES.items()}
    alone = consistency_loss(output.original, output.reallocated, None, some.mask, settings).item()
    kept = copy.deepcopy(bank)
    embedding = network.embed(some, None).detach()
    learnt = network.prototypes.detach(), network.class_centres.detach(), network.foreground_centre.detach()
    return Visit(own, some, embedding, learnt, output, kept, gradients, {**values, "total": total.item()}, alone)


def close(found: torch.Tensor, stored: np.ndarray, limit: float) -> None:
    np.testing.assert_allclose(found.detach().numpy(), stored, atol=limit, rtol=0)


def test_parity_embedding_and_prototypes(visits: list[Visit]) -> None:
    for one in visits:
        close(one.embedding[0], one.stored["embedding"], 1e-5)
        close(one.output.prototypes[0], one.stored["mu"], 1e-5)


def test_parity_head_of_both_branches(visits: list[Visit]) -> None:
    for one in visits:
        for name, branch in (("o", one.output.original), ("m", one.output.reallocated)):
            close(branch.logits[0].T, one.stored[f"{name}/logits"], 2e-5)
            close(branch.attention[0], one.stored[f"{name}/attention"], 2e-6)
            agnostic = torch.softmax(branch.agnostic_logits[0], dim=0)
            class_wise = torch.softmax(branch.class_wise_logits[0], dim=0)
            close(agnostic, one.stored[f"{name}/class_agnostic_video_probability"], 2e-6)
            close(class_wise, one.stored[f"{name}/class_wise_video_probability"], 2e-6)


def test_parity_memory_and_its_branch(visits: list[Visit]) -> None:
    for one in visits:
        close(one.bank.prototypes, one.stored["memory_mu"], 1e-5)
        close(one.bank.scores, one.stored["memory_score"], 2e-6)
        close(one.output.memory.logits[0].T, one.stored["r/logits"], 2e-5)


def test_parity_random_walk_rows_from_prototypes_and_from_memory(visits: list[Visit]) -> None:
    for one in visits:
        slots = padded_slots([one.bank.read(memory_rows(one.some.labels[0].tolist(), "label"))])
        passed = Passed.of(one.embedding, *one.learnt, one.some.mask, RskpSettings(), lambda prototypes, own=slots: own)
        walk = passed.walks
        rows = one.embedding + walk.shares.share[0].transpose(1, 2) @ walk.moved
        rows = (1 - RskpSettings().random_walk_weight) * rows
        close(rows[0], one.stored["reallocated"], 1e-5)
        close(rows[1], one.stored["memory_reallocated"], 1e-5)


def test_parity_losses(visits: list[Visit]) -> None:
    for one in visits:
        for name, value in one.losses.items():
            assert value == pytest.approx(float(one.stored[f"loss/{name}"]), rel=5e-6), name
        assert one.no_memory_consistency == pytest.approx(float(one.stored["loss/spl_no_memory"]), rel=5e-6)


def test_parity_gradients_of_every_parameter(visits: list[Visit]) -> None:
    for one in visits:
        for ours, theirs in PARAMETERS.items():
            stored = one.stored[f"grad/{theirs}"]
            limit = 2e-4 if theirs == "mu" else 5e-6  # the prototypes' gradient is tiny, a sum of cancelling terms
            np.testing.assert_allclose(one.gradients[ours], stored, atol=limit * np.abs(stored).max(), rtol=0)
