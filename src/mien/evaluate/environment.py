"""Where a measurement was made, without saying whose machine it was."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mien.version import __version__

_CPUINFO = Path("/proc/cpuinfo")


def environment() -> dict[str, Any]:
    """Versions, processor and engines: what a figure may depend on. No host name, user or path.

    Returns:
        ``date`` (UTC), ``mien``, ``python``, ``system``, ``machine``, ``cpu``, ``cores``, ``instruction_sets``,
        ``engines`` as a list of {name, version, precision, chosen}, and ``libraries`` with their versions.
    """
    from mien.cores import usable_cores
    from mien.runtime.report import engine_reports, instruction_sets

    return {
        "date": datetime.now(UTC).date().isoformat(),
        "mien": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "machine": platform.machine(),
        "cpu": cpu_name(_CPUINFO),
        "cores": usable_cores(),
        "instruction_sets": list(instruction_sets()),
        "engines": [
            {"name": r.name, "version": r.version, "precision": r.precision, "chosen": r.chosen}
            for r in engine_reports()
            if r.usable
        ],
        "libraries": _libraries(),
    }


def cpu_name(cpuinfo: Path) -> str | None:
    """The processor's name as Linux tells it, else as Python knows it; None if nobody does."""
    if cpuinfo.exists():
        for row in cpuinfo.read_text("utf-8", "replace").splitlines():
            key, _, value = row.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or None


def _libraries() -> dict[str, str]:
    """Versions of the libraries that turn pixels and numbers."""
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "opencv-python-headless", "pillow", "scipy")}
