"""ONNX Runtime: everywhere, float32, quick to start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as errors

from mien.cores import usable_cores
from mien.errors import ModelInvalidError, UsageError
from mien.runtime.prepared import Prepared
from mien.runtime.session import Shape, check_input, check_outputs
from mien.runtime.threads import Threads
from mien.types.arrays import FloatArray, Pixels
from mien.types.template import Precision

# Options keep the arithmetic float32: both GPU engines would otherwise use shorter floats for speed.
PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    "cuda": ("CUDAExecutionProvider", {"use_tf32": "0"}),
    "directml": ("DmlExecutionProvider", {}),
    "coreml": ("CoreMLExecutionProvider", {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"}),
    "cpu": ("CPUExecutionProvider", {}),
}
"""Device to provider and its options, best first."""

# What ONNX Runtime raises for a graph or a call it rejects; they share no base class of their own.
_REJECTED = (
    errors.Fail,
    errors.InvalidArgument,
    errors.InvalidGraph,
    errors.InvalidProtobuf,
    errors.NotImplemented,
    errors.RuntimeException,
)


@dataclass(frozen=True, slots=True)
class OnnxRuntimeSession:
    """A network in ONNX Runtime; its own `run` is thread-safe."""

    inner: ort.InferenceSession
    input_name: str
    shape: Shape
    outputs: tuple[str, ...]
    batch: int
    engine: str = "onnxruntime"
    precision: Precision = Precision.F32
    pixels: None = None

    def run(self, pixels: FloatArray | Pixels) -> tuple[FloatArray, ...]:
        """See `Session.run`."""
        check_input(pixels, self.shape)
        try:
            outputs = tuple(self.inner.run(None, {self.input_name: pixels}))
        except _REJECTED as error:
            raise ModelInvalidError(f"ONNX Runtime cannot run this graph on {pixels.shape}: {_line(error)}") from error
        return check_outputs(outputs, self.outputs)


def open_onnxruntime(
    model: bytes, rewrites: tuple[str, ...], threads: Threads, device: str, prepared: Prepared
) -> OnnxRuntimeSession:
    """A session on one device.

    Raises:
        UsageError: the installed build has no such device.
        ModelInvalidError: ONNX Runtime rejects the graph.
    """
    device = pick_device(device, tuple(ort.get_available_providers()))
    provider, options = PROVIDERS[device]
    graph = _rewritten(model, rewrites, prepared, split_prelus=device == "cpu")
    providers: list[Any] = [(provider, options)] if device == "cpu" else [(provider, options), "CPUExecutionProvider"]
    try:
        inner = ort.InferenceSession(graph, _options(threads, device), providers=providers)
    except _REJECTED as error:
        raise ModelInvalidError(f"ONNX Runtime rejects the graph: {_line(error)}") from error
    if inner.get_providers()[0] != provider:
        raise UsageError(f"ONNX Runtime could not start {provider}; check its drivers, or use device 'cpu'")
    inner.disable_fallback()
    # On a CPU, activations of 4 faces stay in the cache; those of a crowd at once took 3.5 GB and twice the time.
    return OnnxRuntimeSession(inner, *_interface(inner), batch=4 if device == "cpu" else 32)


def _rewritten(model: bytes, rewrites: tuple[str, ...], prepared: Prepared, *, split_prelus: bool) -> bytes:
    """The graph as ONNX Runtime should get it. The graph that it optimises further is not kept: it opens no sooner."""
    facts = ("onnx", hashlib.sha256(model).hexdigest(), rewrites, split_prelus)
    if (kept := prepared.get(*facts)) is not None:
        return kept
    from mien.runtime.rewrites import Graph, rewrite

    made = rewrite(Graph.parse(model), rewrites, split_prelus=split_prelus).to_bytes()
    prepared.put(made, *facts)
    return made


def pick_device(device: str, available: tuple[str, ...]) -> str:
    """The device's name, with ``auto`` resolved to the best that the installed build has.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``coreml`` or ``directml``.
        available: the build's providers.
    """
    known = [name for name, (provider, _) in PROVIDERS.items() if provider in available]
    if device == "auto":
        return known[0]
    if device not in PROVIDERS:
        raise UsageError(f"device must be auto, {', '.join(PROVIDERS)}; got '{device}'")
    if device not in known:
        raise UsageError(f"the installed ONNX Runtime has no device '{device}' (it has {', '.join(known)})")
    return device


def _options(threads: Threads, device: str) -> ort.SessionOptions:
    """One thread a call for a pool of workers, or all cores for one call."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1 if threads == "throughput" else usable_cores()
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 4  # what matters comes as an exception
    options.enable_mem_pattern = device != "directml"  # DirectML cannot have it
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    return options


def _interface(inner: ort.InferenceSession) -> tuple[str, Shape, tuple[str, ...]]:
    """Name and shape of the one input, names of the outputs."""
    inputs = inner.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        raise ModelInvalidError("a network must have one float32 input (batch, channels, height, width)")
    shape = tuple(size if isinstance(size, int) else None for size in inputs[0].shape)
    return inputs[0].name, shape, tuple(output.name for output in inner.get_outputs())


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
