"""Which weights move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mien.errors import UsageError
from mien.registry import unknown_name


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a network moves.

    Args:
        trainable: numbers in weights that move.
        all: numbers in all weights, adapters included.
    """

    trainable: int
    all: int

    def __str__(self) -> str:
        return f"{self.trainable:,} of the network's {self.all:,} weights move: {self.trainable / self.all:.2%}"


def share(network: nn.Module) -> Share:
    """How much of a network has gradients; class centres and teachers are no part of it."""
    sizes = [(p.numel(), p.requires_grad) for p in network.parameters()]
    return Share(sum(size for size, moves in sizes if moves), sum(size for size, _ in sizes))


def freeze(network: nn.Module, *, but: Sequence[str] = ()) -> None:
    """No weight moves, but those of the parts named.

    Raises:
        UsageError: no part has that name.
    """
    network.requires_grad_(requires_grad=False)
    parts = {name: module for name, module in network.named_modules() if name and _weighted(module)}
    for name in but:
        if name not in parts:
            raise UsageError(unknown_name("part of the network", name, list(parts)), code="adapt-target")
        parts[name].requires_grad_(requires_grad=True)


def last_part(network: nn.Module) -> list[str]:
    """The last of a network's parts that has a matrix, and what follows it: what turns features into the embedding."""
    found: list[str] = []
    for name, child in reversed(list(network.named_children())):
        found.append(name)
        if any(parameter.ndim > 1 for parameter in child.parameters()):
            break
    return [name for name in found if _weighted(getattr(network, name))]


def hold_norms(network: nn.Module) -> None:
    """Batch normalisation that does not move keeps its running statistics too, and goes by them, also in training."""
    for module in network.modules():
        if isinstance(module, _BatchNorm) and not any(p.requires_grad for p in module.parameters()):
            module.register_forward_pre_hook(_hold)


def _hold(norm: nn.Module, _inputs: Any) -> None:
    norm.eval()


def linear_layers(network: nn.Module, ends: Sequence[str], kinds: tuple[type[nn.Module], ...]) -> list[str]:
    """Names of the layers that get adapters.

    Args:
        network: where they are.
        ends: of their names, whole parts between dots; empty = every linear layer.
        kinds: that can get one; convolutions in groups never do.

    Raises:
        UsageError: nothing has such a name, or there is no linear layer.
    """
    layers = {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, kinds) and getattr(module, "groups", 1) == 1
    }
    if not ends:
        linear = [name for name, module in layers.items() if isinstance(module, nn.Linear)]
        if not linear:
            raise UsageError("the network has no linear layer; name layers in adapt.targets", code="adapt-target")
        return linear
    for end in ends:
        if not any(_ends(name, end) for name in layers):
            known = sorted({part for name in layers for part in (name, name.rpartition(".")[2]) if not part.isdigit()})
            raise UsageError(unknown_name("layer for an adapter", end, known), code="adapt-target")
    return [name for name in layers if any(_ends(name, end) for end in ends)]


def _weighted(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())


def _ends(name: str, end: str) -> bool:
    return name == end or name.endswith(f".{end}")
