"""Which engine and which precision, where the caller leaves it open.

Over many pictures OpenVINO in bfloat16 is the fastest by far on a processor that has it, ONNX Runtime in float32
elsewhere. For a single picture ONNX Runtime is taken: it starts a little sooner, takes less memory, and is exact.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mien.errors import UsageError
from mien.runtime.threads import Threads
from mien.types.template import Precision

ENGINES = ("onnxruntime", "openvino")
CPUINFO = Path("/proc/cpuinfo")
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Engine and precision to use."""

    engine: str
    precision: Precision


def choose(engine: str, precision: str, threads: Threads, device: str = "cpu") -> Choice:
    """The engine and the precision for a session.

    Args:
        engine: ``auto``, ``onnxruntime`` or ``openvino``.
        precision: ``auto``, ``f32``, ``bf16`` or ``int8``; the last is never chosen unasked.
        threads: ``latency`` stands for a single picture, ``throughput`` for many.
        device: anything but ``cpu`` is ONNX Runtime's.

    Raises:
        UsageError: a name that is not known, or a combination that this machine cannot run.
    """
    _check(engine, precision)
    name = _engine(precision, threads, device) if engine == "auto" else engine
    if not installed(name):
        raise UsageError(f"{name} is not installed: `pip install {name}`, or use engine 'auto'")
    if name == "onnxruntime" and precision in (Precision.BF16, Precision.INT8):
        raise UsageError("ONNX Runtime runs f32 only: use precision 'f32', or engine 'openvino'")
    if name == "openvino" and device not in ("cpu", "auto"):
        raise UsageError(f"OpenVINO runs on the processor here: use device 'cpu', or engine 'onnxruntime' for {device}")
    if precision == Precision.BF16 and not has_bf16():
        raise UsageError("this processor has no bfloat16 (AVX512_BF16 or AMX): use precision 'f32'")
    if precision == "auto":
        return Choice(name, Precision.BF16 if name == "openvino" and has_bf16() else Precision.F32)
    return Choice(name, Precision(precision))


def installed(engine: str) -> bool:
    """Whether the engine's package is there; it is not imported for that."""
    return find_spec(engine) is not None


@cache
def has_bf16() -> bool:
    """Whether the processor computes in bfloat16, by /proc/cpuinfo or else by what OpenVINO finds."""
    if CPUINFO.exists():
        return not BF16_FLAGS.isdisjoint(cpu_flags(CPUINFO))
    if platform.machine().lower() not in ("x86_64", "amd64") or not installed("openvino"):
        return False
    from mien.runtime.openvino import supports_bf16

    return supports_bf16()


def cpu_flags(cpuinfo: Path) -> frozenset[str]:
    """The first processor's feature flags, as Linux names them; on ARM they are called features."""
    for line in cpuinfo.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def _engine(precision: str, threads: Threads, device: str) -> str:
    """The engine where the caller has no wish."""
    if device != "cpu":
        return "onnxruntime"
    if precision in (Precision.BF16, Precision.INT8):
        return "openvino"
    quick = precision == "auto" and threads == "throughput" and has_bf16() and installed("openvino")
    return "openvino" if quick else "onnxruntime"


def _check(engine: str, precision: str) -> None:
    if engine not in ("auto", *ENGINES):
        raise UsageError(f"engine must be auto, {', '.join(ENGINES)}; got '{engine}'")
    if precision not in ("auto", *Precision):
        raise UsageError(f"precision must be auto, f32, bf16 or int8; got '{precision}'")
