"""The cores that this process may use, and the processor they are on."""

from __future__ import annotations

import math
import os
import platform
import sys
from functools import cache
from pathlib import Path

from mien.errors import UsageError

CORES = "MIEN_CORES"
"""Environment variable: cores to use at most."""
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """The affinity mask, cut by the control groups' quota and by $MIEN_CORES; at least 1."""
    affinity = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, math.ceil(min(affinity, cpu_quota(CGROUPS, OWN_CGROUP), _wanted_cores())))


@cache
def processor() -> str:
    """The processor's model, as far as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return f"{platform.machine()} {platform.processor()}"


def cpu_quota(cgroups: Path, own: Path) -> float:
    """Cores' worth of time that control groups allow; infinite without a quota.

    Args:
        cgroups: where the groups are mounted.
        own: the file that names the process's groups.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return math.inf
    quotas = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            quotas += [_quota_v2(folder) for folder in _with_parents(cgroups, path)]
        elif "cpu" in controllers.split(","):
            quotas += [_quota_v1(folder) for folder in _with_parents(cgroups / "cpu", path)]
    return min(quotas)


def _wanted_cores() -> float:
    """What $MIEN_CORES allows; worker processes get their share by it."""
    named = os.environ.get(CORES, "")
    if named and not named.isdecimal():
        raise UsageError(f"{CORES} must be a number of cores, got '{named}'")
    return int(named) if named else math.inf


def _with_parents(root: Path, path: str) -> list[Path]:
    """A group's folder and those above it up to the mount; in a container only the mount may exist."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]


def _quota_v2(folder: Path) -> float:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return math.inf
    return math.inf if quota == "max" else int(quota) / int(period)


def _quota_v1(folder: Path) -> float:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return math.inf
    return quota / period if quota > 0 else math.inf
