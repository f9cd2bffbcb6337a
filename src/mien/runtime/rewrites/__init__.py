"""Load-time rewriting of networks: pure functions Graph -> Graph in a declared order, each exact to about 2e-6."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mien.errors import UsageError
from mien.registry import unknown_name
from mien.runtime.rewrites.drop_identities import drop_identities
from mien.runtime.rewrites.drop_stale_inputs import drop_stale_inputs
from mien.runtime.rewrites.flush_tiny import flush_tiny
from mien.runtime.rewrites.fold_batch_norm import fold_batch_norm
from mien.runtime.rewrites.fold_constants import fold_constants
from mien.runtime.rewrites.fold_dequantize import fold_dequantize
from mien.runtime.rewrites.fold_scale import fold_scale
from mien.runtime.rewrites.free_batch import free_batch, free_size
from mien.runtime.rewrites.graph import Graph
from mien.runtime.rewrites.merge_yunet_heads import merge_yunet_heads
from mien.runtime.rewrites.split_prelu import split_prelu

Rewrite = Callable[[Graph], Graph]

# Each needs those before it: integers become floats before they are reshaped, and have a shape before layers merge.
ALWAYS: tuple[Rewrite, ...] = (
    drop_stale_inputs,
    fold_dequantize,
    fold_constants,
    drop_identities,
    fold_batch_norm,
    fold_scale,
    flush_tiny,
    free_batch,
)
DECLARED: Mapping[str, Rewrite] = {"free_size": free_size, "merge_yunet_heads": merge_yunet_heads}
"""What a model's card may ask for, by name."""


def rewrite(graph: Graph, declared: Iterable[str] = (), *, split_prelus: bool = False) -> Graph:
    """The graph as an engine should get it.

    Args:
        graph: as parsed from the file.
        declared: names out of DECLARED.
        split_prelus: whether the engine is slow on PRelu; see `split_prelu`.

    Raises:
        UsageError: an unknown name.
        ModelInvalidError: the graph contradicts itself, or what a declared rewrite expects.
    """
    names = set(declared)
    if unknown := sorted(names - DECLARED.keys()):
        raise UsageError(unknown_name("rewrite", unknown[0], list(DECLARED)))
    for step in ALWAYS:
        graph = step(graph)
    for name, step in DECLARED.items():
        graph = step(graph) if name in names else graph
    return split_prelu(graph) if split_prelus else graph


__all__ = ["ALWAYS", "DECLARED", "Graph", "Rewrite", "rewrite"]
