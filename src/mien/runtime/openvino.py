"""OpenVINO: x86 processors with bfloat16, where it is more than twice as fast as anything in float32."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import openvino as ov
from openvino.preprocess import PrePostProcessor

from mien.cores import processor, usable_cores
from mien.errors import ModelInvalidError
from mien.runtime.choose import has_bf16
from mien.runtime.intermediate import unpack
from mien.runtime.prepared import Prepared
from mien.runtime.session import PixelInput, Shape, check_input, check_outputs
from mien.runtime.threads import Threads
from mien.types.arrays import FloatArray, Pixels
from mien.types.template import Precision

DEVICES = ("cpu",)
LEAST_SIDE = 64
"""Pixels a side of the first picture shown to a network that takes any size."""


@dataclass(frozen=True, slots=True)
class OpenVinoSession:
    """A network in OpenVINO. A request runs in one thread at a time: each call takes a free one, or makes one more.

    Shapes stay free. Compiled for one picture size a detector is at most a tenth faster, and takes 0.14 s for each.
    """

    compiled: ov.CompiledModel
    shape: Shape
    outputs: tuple[str, ...]
    precision: Precision
    pixels: PixelInput | None = None
    engine: str = "openvino"
    batch: int = 16
    idle: deque[ov.InferRequest] = field(default_factory=deque)

    def run(self, pixels: FloatArray | Pixels) -> tuple[FloatArray, ...]:
        """See `Session.run`."""
        check_input(pixels, self.shape, bytewise=self.pixels is not None)
        try:
            request = self.idle.pop()
        except IndexError:
            request = self.compiled.create_infer_request()
        try:
            results = request.infer([pixels], share_inputs=True, share_outputs=False)
        except RuntimeError as error:
            raise ModelInvalidError(f"OpenVINO cannot run this graph on {pixels.shape}: {_line(error)}") from error
        outputs = tuple(results.to_tuple())
        self.idle.append(request)
        return check_outputs(outputs, self.outputs)


def open_openvino(
    model: bytes,
    rewrites: tuple[str, ...],
    threads: Threads,
    precision: Precision,
    prepared: Prepared,
    pixels: PixelInput | None,
) -> OpenVinoSession:
    """A session on the processor.

    Raises:
        ModelInvalidError: OpenVINO rejects the graph.
    """
    settings = _settings(threads, precision)
    made_of = hashlib.sha256(model).hexdigest(), rewrites, str(precision), pixels
    facts = ("openvino", *made_of, ov.__version__, processor(), tuple(settings.items()))
    compiled = _imported(prepared.get(*facts), settings)
    if compiled is None:
        compiled = _compiled(model, rewrites, precision, settings, pixels)
        prepared.put(_exported(compiled), *facts)
    names = tuple(min(output.get_names()) for output in compiled.outputs)
    shape = _input_shape(compiled, ov.Type.u8 if pixels else ov.Type.f32)
    session = OpenVinoSession(compiled, shape, names, precision, pixels)
    # The first two calls of a process must not come at once: making a tensor of an array initialises a static of
    # OpenVINO's bindings (2026.4), whose guard and Python's lock then wait for each other, for ever.
    first = tuple(LEAST_SIDE if size is None else size for size in (1, *shape[1:]))
    session.run(np.zeros(first, np.uint8) if pixels else np.zeros(first, np.float32))
    return session


def _compiled(
    model: bytes,
    rewrites: tuple[str, ...],
    precision: Precision,
    settings: dict[str, Any],
    pixels: PixelInput | None,
) -> ov.CompiledModel:
    """The network for this processor, from its file."""
    if precision is Precision.INT8:
        parts: tuple[bytes, ...] = unpack(model)
    else:
        from mien.runtime.rewrites import Graph, rewrite

        parts = (rewrite(Graph.parse(model), rewrites).to_bytes(),)
    try:
        network = _core().read_model(*parts)
        _input_shape(network, ov.Type.f32)
        if pixels:
            network = _of_bytes(network, pixels)
        return _core().compile_model(network, "CPU", settings)
    except RuntimeError as error:
        raise ModelInvalidError(f"OpenVINO rejects the graph: {_line(error)}") from error


def _of_bytes(network: ov.Model, pixels: PixelInput) -> ov.Model:
    """The network that takes (b, h, w, 3) uint8 RGB: the same numbers, computed next to where they are used.

    Milliseconds for bytes to YuNet's answer, prepared by NumPy and so: 256 x 256 1.42 and 1.26, 1600 x 1216 38.5 and
    33.6 (bfloat16).
    """
    steps = PrePostProcessor(network)
    entry = steps.input()
    entry.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    entry.model().set_layout(ov.Layout("NCHW"))
    entry.preprocess().convert_element_type(ov.Type.f32)
    if pixels.reverse:
        entry.preprocess().reverse_channels()
    if any(pixels.mean):
        entry.preprocess().mean(list(pixels.mean))
    if pixels.scale != 1:
        entry.preprocess().scale(1 / pixels.scale)
    return steps.build()


def _exported(compiled: ov.CompiledModel) -> bytes:
    """The compiled network, as `_imported` takes it."""
    stream = io.BytesIO()
    compiled.export_model(stream)
    return stream.getvalue()


def _imported(exported: bytes | None, settings: dict[str, Any]) -> ov.CompiledModel | None:
    """A network compiled earlier; None if there is none, or OpenVINO will not have it any more."""
    if exported is None:
        return None
    try:
        return _core().import_model(io.BytesIO(exported), "CPU", settings)
    except RuntimeError:
        return None


def supports_bf16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> ov.Core:
    return ov.Core()


def _settings(threads: Threads, precision: Precision) -> dict[str, Any]:
    """Explicit in all that matters: OpenVINO's defaults would pick bfloat16 and pin two processes to one core.

    CPU_DENORMALS_OPTIMIZATION stays off, though it makes mobileface 1.5 times as fast: it leaves the calling thread in
    a mode in which subnormal numbers are zero, in everybody's arithmetic.
    """
    cores = usable_cores()
    # In an int8 network this is the arithmetic of what was not quantised.
    hint = (Precision.BF16 if has_bf16() else Precision.F32) if precision is Precision.INT8 else precision
    return {
        "INFERENCE_PRECISION_HINT": str(hint),
        "INFERENCE_NUM_THREADS": cores,
        "NUM_STREAMS": cores if threads == "throughput" else 1,
        "ENABLE_CPU_PINNING": False,
    }


def _input_shape(model: ov.Model | ov.CompiledModel, kind: ov.Type) -> Shape:
    """Shape of the one input, which must be of this kind."""
    inputs = model.inputs
    if len(inputs) != 1 or inputs[0].get_element_type() != kind or len(inputs[0].get_partial_shape()) != 4:
        raise ModelInvalidError("a network must have one float32 input (batch, channels, height, width)")
    return tuple(size.get_length() if size.is_static else None for size in inputs[0].get_partial_shape())


def _line(error: Exception) -> str:
    """The last line of OpenVINO's message, which says what; those before say where in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
