"""What a network costs: parameters, multiply-adds of one picture, time.

One multiply-add (MAC) is one product that is added to a sum. Counted are convolutions, linear layers and the two
matrix products of attention; biases, normalisation, activations, pooling and soft-max are not, as in the tables of
the papers. A paper's "FLOPs" are mostly these MACs; where they are twice as many, the file of that family says so.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mien.backbones import Architecture
from mien.backbones.base import Backbone


@dataclass(frozen=True, slots=True)
class Cost:
    """Size and work of a network.

    Args:
        parameters: trainable or frozen numbers; running means and variances are none.
        macs: multiply-adds of one picture.
    """

    parameters: int
    macs: int


def cost(network: Backbone) -> Cost:
    """Count a network's parameters and multiply-adds, without computing anything."""
    parameters = sum(p.numel() for p in network.parameters())
    shadow = copy.deepcopy(network).to("meta").eval()
    counted = [0]
    handles = [module.register_forward_hook(_adding(counted, rule)) for module, rule in _rules(shadow)]
    with torch.no_grad():
        shadow.outputs(torch.zeros(1, 3, network.size, network.size, device="meta"))
    for handle in handles:
        handle.remove()
    return Cost(parameters, counted[0])


Rule = Callable[[Any, Any], int]


def cost_of(architecture: Architecture, **options: Any) -> Cost:
    """Count an architecture without drawing its weights; arguments as for `build`."""
    with torch.device("meta"):
        return cost(architecture.build(**options))


def milliseconds(network: Backbone, *, rounds: int = 7) -> float:
    """Median milliseconds for one picture in float32, after two that are not counted."""
    picture = torch.zeros(1, 3, network.size, network.size)
    network.eval()
    times = []
    with torch.no_grad():
        for _ in range(rounds + 2):
            start = time.perf_counter()
            network(picture)
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[2:])


def _rules(module: nn.Module) -> list[tuple[nn.Module, Rule]]:
    """The modules that do arithmetic; one that says what it costs speaks for all inside it."""
    own = getattr(module, "macs", None)
    if own is not None:
        return [(module, own)]
    if isinstance(module, nn.Conv2d):
        return [(module, lambda _, out: out.numel() * module.weight[0].numel())]
    if isinstance(module, nn.Linear):
        return [(module, lambda _, out: out.numel() * module.in_features)]
    return [pair for child in module.children() for pair in _rules(child)]


def _adding(counted: list[int], rule: Rule) -> Callable[[nn.Module, Any, Tensor], None]:
    def hook(_: nn.Module, inputs: Any, output: Tensor) -> None:
        counted[0] += rule(inputs, output)

    return hook
