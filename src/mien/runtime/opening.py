"""From the bytes of a model to a session."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mien.runtime.choose import choose
from mien.runtime.prepared import Prepared
from mien.runtime.session import PixelInput, Session
from mien.runtime.threads import check_threads


def open_session(
    model: bytes,
    *,
    rewrites: Iterable[str] = (),
    pixels: PixelInput | None = None,
    engine: str = "auto",
    precision: str = "auto",
    threads: str = "throughput",
    device: str = "cpu",
    cache: Path | None = None,
) -> Session:
    """A network ready to run.

    Args:
        model: an ONNX file, complete in itself, with one float32 input (batch, channels, height, width); for int8
            what `mien.runtime.quantise` made of one.
        rewrites: what its card declares on top of those that every graph gets: ``free_size``, ``merge_yunet_heads``.
        pixels: how bytes become what the network takes. An engine that does this faster than NumPy gives a session of
            bytes (its `pixels` is not None); with None the session takes float32 whatever the engine.
        engine: ``auto``, ``onnxruntime`` or ``openvino``.
        precision: ``auto``, ``f32``, ``bf16`` or ``int8``.
        threads: ``throughput``, one thread a call and as many calls as cores; or ``latency``, all cores for one call.
        device: ``cpu``, ``cuda``, ``coreml``, ``directml``, or ``auto``: the best that the installed build has.
        cache: folder where networks made ready for an engine are kept for the next start; None keeps none.

    Raises:
        UsageError: an unknown name, or a combination that this machine cannot run.
        ModelInvalidError: the bytes are no network that can be run.
    """
    profile = check_threads(threads)
    choice = choose(engine, precision, profile, device)
    prepared = Prepared(cache)
    if choice.engine == "openvino":
        from mien.runtime.openvino import open_openvino

        return open_openvino(model, tuple(rewrites), profile, choice.precision, prepared, pixels)
    from mien.runtime.onnxruntime import open_onnxruntime

    return open_onnxruntime(model, tuple(rewrites), profile, device, prepared)
