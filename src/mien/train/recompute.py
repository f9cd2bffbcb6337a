"""Memory for time: activations between the blocks of a backbone are kept, those inside are made again when needed.

Chen et al., Training deep nets with sublinear memory cost, 2016. Running statistics of BatchNorm must not count a batch
twice, so they stand still while a block is run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recompute_blocks(backbone: nn.Module) -> int:
    """Make the backbone recompute its blocks in training; returns how many it has.

    Blocks are the composite members of the outermost `Sequential` and `ModuleList` containers.
    """
    found = list(_blocks(backbone))
    for block in found:
        block.forward = partial(_again, block, block.forward)
    return len(found)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if not isinstance(child, (nn.Sequential, nn.ModuleList)):
            yield from _blocks(child)
            continue
        composite = [member for member in child if any(True for _ in member.children())]
        yield from composite


def _again(block: nn.Module, forward, *inputs, **named):  # type: ignore[no-untyped-def]
    if not block.training:
        return forward(*inputs, **named)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _still(block)

    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts, **named)


@contextmanager
def _still(block: nn.Module) -> Iterator[None]:
    """Running statistics keep their values inside."""
    norms = [module for module in block.modules() if isinstance(module, _BatchNorm)]
    before = [norm.momentum for norm in norms]
    counted = [norm.num_batches_tracked for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        norm.num_batches_tracked = None
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, before, counted, strict=True):
            norm.momentum = momentum
            norm.num_batches_tracked = count
