"""What every loss must keep to; run this over one of your own. Needs PyTorch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mien.train.losses import LossEntry
from mien.train.losses.base import unit

PEOPLE, FACES, DIMENSION = 6, 3, 8


@dataclass(frozen=True, slots=True)
class _Batch:
    """Everything that some kind of loss takes; `embeddings` and `centres` are what is learned."""

    embeddings: Tensor
    centres: Tensor
    other: Tensor
    quality: Tensor
    lost: Tensor
    labels: Tensor

    def to(self, dtype: torch.dtype) -> _Batch:
        """The same in another precision, as fresh leaves."""
        return self.holding([leaf.detach().to(dtype).requires_grad_() for leaf in self.leaves()])

    def holding(self, leaves: Sequence[Tensor]) -> _Batch:
        """Other values with the same labels."""
        embeddings, centres, other, quality, lost = leaves
        return _Batch(embeddings, centres, other, quality, lost, self.labels)

    def leaves(self) -> list[Tensor]:
        """What can take a gradient."""
        return [self.embeddings, self.centres, self.other, self.quality, self.lost]


def check_loss(entry: LossEntry, **options: object) -> None:
    """Raise AssertionError, with the rule that is broken, unless the loss keeps to the contract.

    A scalar that is finite; the same twice in `eval()` mode; gradients that agree with differences in float64 (but for
    losses that say `rescales`); float32 out of bfloat16 in, near the float32 value; unchanged by the order of faces and
    by the names of classes; deaf to faces without a label; and thirty steps of it bring it down.
    """
    loss = entry.make(**options)
    assert entry.kind in _CALLS, f"kind must be one of {', '.join(_CALLS)}, got '{entry.kind}'"
    assert entry.summary.endswith("."), "the first line of the docstring must be a sentence"
    assert entry.paper, "a loss must name its paper"
    call = _CALLS[entry.kind]
    _check_value(loss, call)
    _check_gradient(loss, call)
    _check_precision(loss, call)
    _check_order(loss, call)
    _check_unlabelled(loss, entry.kind)
    _check_descent(loss, call)


def _check_value(loss: nn.Module, call: Call) -> None:
    batch = _batch()
    for mode in (False, True):
        learner = copy.deepcopy(loss).train(mode)
        value = call(learner, batch)
        assert value.shape == (), f"a loss must be a scalar, got shape {tuple(value.shape)}"
        assert torch.isfinite(value), f"the loss must be finite, got {float(value)}"
        for gradient in _gradients(value, batch):
            assert torch.isfinite(gradient).all(), "gradients must be finite"
    still = copy.deepcopy(loss).eval()
    state = copy.deepcopy(still.state_dict())
    first, again = call(still, batch), call(still, batch)
    assert torch.equal(first, again), "in eval() mode the same batch must give the same loss"
    assert all(torch.equal(state[k], v) for k, v in still.state_dict().items()), "eval() must not change the state"


def _check_gradient(loss: nn.Module, call: Call) -> None:
    if getattr(loss, "rescales", False):
        return
    still, batch = copy.deepcopy(loss).eval(), _batch().to(torch.float64)

    def value(*leaves: Tensor) -> Tensor:
        return call(still, batch.holding(leaves))

    leaves = batch.leaves()
    agree = torch.autograd.gradcheck(value, leaves, eps=1e-7, atol=1e-4, rtol=1e-3, raise_exception=False)
    assert agree, "gradients must agree with differences, or the loss say that it rescales them"


def _check_precision(loss: nn.Module, call: Call) -> None:
    still = copy.deepcopy(loss).eval()
    half = _batch().to(torch.bfloat16)
    whole = half.to(torch.float32)  # the same numbers, so that only the loss's own arithmetic can differ
    low, high = call(still, half), call(still, whole)
    assert low.dtype == torch.float32, f"bfloat16 in must give float32 out, got {low.dtype}"
    assert torch.isclose(low, high, rtol=0.05, atol=0.05), f"bfloat16 gave {float(low)}, float32 {float(high)}"
    for gradient in _gradients(low, half):
        assert torch.isfinite(gradient).all(), "gradients of bfloat16 must be finite"
    double = call(still, _batch().to(torch.float64))
    assert double.dtype == torch.float64, f"float64 in must give float64 out, got {double.dtype}"


def _check_order(loss: nn.Module, call: Call) -> None:
    still, batch = copy.deepcopy(loss).eval(), _batch().to(torch.float64)
    value = call(still, batch)
    random = torch.Generator().manual_seed(1)
    rows, names = torch.randperm(len(batch.labels), generator=random), torch.randperm(PEOPLE, generator=random)
    columns = names.argsort()
    turned = _Batch(
        batch.embeddings[rows],
        batch.centres[columns],
        batch.other[rows],
        batch.quality[rows],
        batch.lost,
        names[batch.labels[rows]],
    )
    assert torch.isclose(value, call(still, turned)), "order of faces and names of classes must not matter"


def _check_unlabelled(loss: nn.Module, kind: str) -> None:
    if kind in ("halves", "structure", "taught"):
        return
    call, still, batch = _CALLS[kind], copy.deepcopy(loss).eval(), _batch().to(torch.float64)
    labels = batch.labels.clone()
    labels[::4] = -1
    keep = labels >= 0
    partly = _Batch(batch.embeddings, batch.centres, batch.other, batch.quality, batch.lost, labels)
    without = _Batch(
        batch.embeddings[keep], batch.centres, batch.other[keep], batch.quality[keep], batch.lost, labels[keep]
    )
    assert torch.isclose(call(still, partly), call(still, without)), "a face with label -1 must have no part"
    nobody = _Batch(
        batch.embeddings, batch.centres, batch.other, batch.quality, batch.lost, torch.full_like(labels, -1)
    )
    nothing = call(still, nobody)
    assert not nothing.any(), f"without a label the loss must be 0, got {nothing}"
    nothing.backward()  # type: ignore[no-untyped-call]


def _check_descent(loss: nn.Module, call: Call) -> None:
    learner, batch = copy.deepcopy(loss).train(), _batch()
    before = float(call(copy.deepcopy(loss).eval(), batch).detach())
    rest = [*batch.leaves()[1:], *learner.parameters()]
    groups: list[dict[str, Any]] = [{"params": [batch.embeddings], "lr": 0.5}, {"params": rest}]
    optimizer = torch.optim.Adam(groups, lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        call(learner, batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    after = float(call(copy.deepcopy(loss).eval(), batch).detach())
    assert after < before, f"thirty steps must bring the loss down, went from {before} to {after}"


def _batch() -> _Batch:
    """Faces that lie loosely around their person's direction, of length 20 or so, as after a BatchNorm."""
    random = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    labels = torch.arange(PEOPLE).repeat_interleave(FACES)
    people = unit(draw(PEOPLE, DIMENSION))
    embeddings = 20 * unit(people[labels] + 0.4 * draw(len(labels), DIMENSION))
    other = 20 * unit(people[labels] + 0.4 * draw(len(labels), DIMENSION))
    leaves = (embeddings, people + 0.3 * draw(PEOPLE, DIMENSION), other, draw(len(labels)), draw(5) - 1)
    return _Batch(*leaves, labels).to(torch.float32)


def _cosines(batch: _Batch) -> Tensor:
    directions = unit(batch.embeddings) @ unit(batch.centres).T
    return directions.to(batch.embeddings.dtype)


def _gradients(value: Tensor, batch: _Batch) -> list[Tensor]:
    found = torch.autograd.grad(value, batch.leaves(), allow_unused=True)
    used = [gradient for gradient in found if gradient is not None]
    assert used, "the loss must depend on what it is given"
    return used


Call = Callable[[nn.Module, _Batch], Tensor]


def _pair(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(b.embeddings, b.labels)
    return value


def _class(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(_cosines(b), b.labels, b.embeddings.norm(dim=1))
    return value


def _joint(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(b.embeddings, _cosines(b), b.labels)
    return value


def _halves(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(b.embeddings, b.other)
    return value


def _structure(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(b.other.detach(), b.embeddings)
    return value


def _quality(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(b.quality, _cosines(b), b.labels)
    return value


def _recognisability(loss: nn.Module, b: _Batch) -> Tensor:
    lost = unit(b.embeddings)[:, 0].to(b.embeddings.dtype)  # the unrecognisable gather along the first axis
    value: Tensor = loss(b.quality, _cosines(b), b.labels, lost, b.lost)
    return value


def _compatible(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(b.embeddings, b.other, b.labels)
    return value


def _taught(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(b.embeddings, b.other)
    return value


def _taught_class(loss: nn.Module, b: _Batch) -> Tensor:
    value: Tensor = loss(_cosines(b), b.labels, b.quality.tanh())
    return value


_CALLS: dict[str, Call] = {
    "pair": _pair,
    "class": _class,
    "joint": _joint,
    "halves": _halves,
    "structure": _structure,
    "quality": _quality,
    "recognisability": _recognisability,
    "compatible": _compatible,
    "taught": _taught,
    "taught-class": _taught_class,
}
