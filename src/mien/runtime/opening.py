"""From the bytes of a model to a session."""

from __future__ import annotations

from collections.abc import Iterable

from mien.runtime.choose import choose
from mien.runtime.session import Session
from mien.runtime.threads import check_threads


def open_session(
    model: bytes,
    *,
    rewrites: Iterable[str] = (),
    engine: str = "auto",
    precision: str = "auto",
    threads: str = "throughput",
    device: str = "cpu",
) -> Session:
    """A network ready to run.

    Args:
        model: an ONNX file, complete in itself, with one float32 input (batch, channels, height, width).
        rewrites: what its card declares on top of those that every graph gets: ``free_size``, ``merge_yunet_heads``.
        engine: ``auto``, ``onnxruntime`` or ``openvino``.
        precision: ``auto``, ``f32`` or ``bf16``.
        threads: ``throughput``, one thread a call and as many calls as cores; or ``latency``, all cores for one call.
        device: ``cpu``, ``cuda``, ``coreml``, ``directml``, or ``auto``: the best that the installed build has.

    Raises:
        UsageError: an unknown name, or a combination that this machine cannot run.
        ModelInvalidError: the bytes are no network that can be run.
    """
    profile = check_threads(threads)
    choice = choose(engine, precision, profile, device)
    from mien.runtime.rewrites import Graph

    graph = Graph.parse(model)
    if choice.engine == "openvino":
        from mien.runtime.openvino import open_openvino

        return open_openvino(graph, rewrites, profile, choice.precision)
    from mien.runtime.onnxruntime import open_onnxruntime

    return open_onnxruntime(graph, rewrites, profile, device)
