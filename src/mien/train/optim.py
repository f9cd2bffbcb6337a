"""Optimisers, and the learning rate as a function of the step alone: it has no state that could be lost."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from mien.train.recipe import Optimizer, Schedule


def make_optimizer(modules: Iterable[nn.Module], settings: Optimizer) -> torch.optim.Optimizer:
    """SGD with momentum, or AdamW (Loshchilov and Hutter 2019), over the parameters of some modules.

    Weight decay holds matrices and kernels only: pulling a gain, bias or slope to zero changes what a layer is, not how
    large its weights are.
    """
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if settings.name == "adamw":
        return torch.optim.AdamW(groups, lr=settings.lr)
    return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum)


def rate_at(step: int, steps: int, schedule: Schedule, top: float) -> float:
    """The learning rate of a step.

    Args:
        step: from 0.
        steps: of the whole run.
        schedule: its form.
        top: the highest rate.

    Example:
        >>> [round(rate_at(s, 4, Schedule("cosine", warmup=0.25), 1.0), 2) for s in range(4)]
        [1.0, 1.0, 0.75, 0.25]
    """
    warm = round(schedule.warmup * steps)
    if step < warm:
        return top * (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    match schedule.name:
        case "cosine":  # Loshchilov and Hutter 2017, without restarts
            return top * (1 + math.cos(math.pi * done)) / 2
        case "poly":
            return float(top * (1 - done) ** schedule.power)
        case "step":
            return float(top * schedule.gamma ** sum(step >= place * steps for place in schedule.milestones))
    return top


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
