"""What this machine offers to run networks on, for `mien doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from mien.errors import UsageError
from mien.runtime.choose import CPUINFO, ENGINES, choose, cpu_flags
from mien.types.template import Precision

INSTRUCTION_SETS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "bf16",
    "i8mm",
)
"""Those that decide the speed of networks and of searching, as Linux names them."""


@dataclass(frozen=True, slots=True)
class EngineReport:
    """One engine.

    Args:
        name: as `open_session` takes it.
        version: of the installed package; None if there is none.
        usable: whether it can be imported.
        precision: what it would pick; None if not usable.
        chosen: whether ``auto`` takes it for many pictures.
        devices: what it can run on.
        problem: why it is not usable, in one line; '' if it is.
    """

    name: str
    version: str | None
    usable: bool
    precision: Precision | None
    chosen: bool
    devices: tuple[str, ...] = ()
    problem: str = ""


def engine_reports() -> tuple[EngineReport, ...]:
    """All engines, installed or not."""
    return tuple(_report(name) for name in ENGINES)


def instruction_sets() -> tuple[str, ...]:
    """Those of INSTRUCTION_SETS that the processor has; empty where the system does not tell."""
    flags = cpu_flags(CPUINFO) if CPUINFO.exists() else frozenset()
    return tuple(name for name in INSTRUCTION_SETS if name in flags)


def _report(name: str) -> EngineReport:
    try:
        installed = version(name)
    except PackageNotFoundError:
        installed = None  # onnxruntime-gpu and -directml give the same module under another name
    try:
        devices = _devices(name)
        precision = choose(name, "auto", "throughput").precision
    except (ImportError, OSError, RuntimeError, UsageError) as error:
        problem = str(error).strip().partition("\n")[0]
        return EngineReport(name, installed, usable=False, precision=None, chosen=False, problem=problem)
    chosen = choose("auto", "auto", "throughput").engine == name
    return EngineReport(name, installed, usable=True, precision=precision, chosen=chosen, devices=devices)


def _devices(name: str) -> tuple[str, ...]:
    """Devices of an engine; importing it is the point."""
    if name == "openvino":
        from mien.runtime.openvino import DEVICES

        return DEVICES
    import onnxruntime

    from mien.runtime.onnxruntime import PROVIDERS

    available = onnxruntime.get_available_providers()
    return tuple(device for device, (provider, _) in PROVIDERS.items() if provider in available)
