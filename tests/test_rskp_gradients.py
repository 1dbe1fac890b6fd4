"""The gradients of RSKP's branches, which are written out, against differences of what goes forward, in 64 bits."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from wtal.methods.rskp.branches import Branches
from wtal.methods.rskp.settings import RskpSettings
from wtal.methods.rskp.shares import Units
from wtal.methods.rskp.walk import Slots

SETTINGS = RskpSettings(cosine_scale=4.0, responsibility_scale=3.0)
LENGTHS, SIZE, PROTOTYPES, COLUMNS = (7, 5, 1), 6, 4, 3
MASK = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]


def random(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def inputs() -> list[Tensor]:
    """Rows [V, T, D], zero in places and beyond the videos, the learnt prototypes, centres and foreground."""
    rows = random(len(LENGTHS), max(LENGTHS), SIZE, seed=0)
    rows = rows * (rows > 0.3) * MASK[..., None]
    learnt = [random(count, SIZE, seed=count) - 0.5 for count in (PROTOTYPES, COLUMNS, 1)]
    return [rows, *learnt]


def slots_of(counts: tuple[int, ...], empty: int | None = None) -> Slots:
    """Slots of a memory, of which each video has so many; those of one video are empty."""
    is_slot = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
    slots = random(len(counts), max(counts), SIZE, seed=9) * is_slot[..., None]
    if empty is not None:
        slots[empty] = 0
    return slots, is_slot


REMEMBERED: dict[str, Callable[[Tensor], Slots | None] | None] = {
    "no memory": None,
    "a memory of nothing": lambda prototypes: None,
    "fewer slots than prototypes": lambda prototypes: slots_of((3, 2, 1)),
    "more slots than prototypes": lambda prototypes: slots_of((6, 3, 1), empty=2),
}


@pytest.mark.parametrize("remembered", REMEMBERED)
@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        dataclasses.replace(SETTINGS, em_iterations=1, random_walk_weight=0.8),
        dataclasses.replace(SETTINGS, em_iterations=3, random_walk_weight=0.0),
    ],
    ids=["paper", "one iteration", "three iterations and no walk"],
)
def test_gradients_are_those_of_differences(settings: RskpSettings, remembered: str) -> None:
    remember = REMEMBERED[remembered]

    def outputs(rows: Tensor, *learnt: Tensor) -> tuple[Tensor, ...]:
        *found, _ = Branches.apply(rows * MASK[..., None], *learnt, MASK, settings, remember)
        return tuple(found)

    tensors = [each.requires_grad_() for each in inputs()]
    assert torch.autograd.gradcheck(outputs, tensors, eps=1e-6, atol=1e-7, rtol=1e-5)


def test_prototypes_are_told_once_and_have_no_gradient() -> None:
    told: list[Tensor] = []

    def remember(prototypes: Tensor) -> None:
        told.append(prototypes)

    *_, prototypes = Branches.apply(*(each.requires_grad_() for each in inputs()), MASK, SETTINGS, remember)
    assert len(told) == 1
    assert torch.equal(told[0], prototypes)
    assert not prototypes.requires_grad


def test_the_way_back_can_be_gone_more_than_once_and_with_a_part_of_what_is_given() -> None:
    tensors = [each.requires_grad_() for each in inputs()]
    logits, attention, *_ = Branches.apply(*tensors, MASK, SETTINGS, None)
    first, second = logits[:, 1].square().sum(), attention.square().sum()
    parts = [torch.autograd.grad(each, tensors, retain_graph=True) for each in (first, second)]
    whole = torch.autograd.grad(first + second, tensors)
    for one, other, both in zip(*parts, whole):
        torch.testing.assert_close(one + other, both)


def test_what_a_step_held_is_freed_with_its_results() -> None:
    tensors = [each.requires_grad_() for each in inputs()]
    found = Branches.apply(*tensors, MASK, SETTINGS, None)
    held = [weakref.ref(each) for each in found]
    gc.disable()  # a ring would be found only now and then, and until then each step would take new memory
    try:
        del found
        assert [each() for each in held] == [None] * len(held)
    finally:
        gc.enable()


def test_rows_of_zeros_give_numbers_and_no_gradient_of_their_own() -> None:
    rows, *learnt = inputs()
    tensors = [torch.zeros_like(rows).requires_grad_(), *(each.requires_grad_() for each in learnt)]
    *found, prototypes = Branches.apply(*tensors, MASK, SETTINGS, None)
    assert not prototypes.any()
    sum(each.sum() for each in found).backward()
    assert all(torch.isfinite(each.grad).all() for each in tensors)  # type: ignore[arg-type]


def test_units_of_zero_are_zero_and_pass_no_gradient_along_it() -> None:
    units = Units.of(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(units.rows, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
    assert torch.isfinite(units.gradient(torch.ones(2, 2))).all()
