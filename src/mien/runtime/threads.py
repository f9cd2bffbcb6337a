"""How many cores there are to use, and how to keep thread pools from fighting over them.

Two profiles. ``throughput``: one worker a core, each call on one thread; over many pictures 2.5 times as fast as
calls that share the cores. ``latency``: one call at a time on all cores, for a single picture.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from mien.errors import UsageError

Threads: TypeAlias = Literal["throughput", "latency"]

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Cores this process may use: the affinity mask, cut by the CPU quota of its control groups; at least 1."""
    affinity = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, math.ceil(min(affinity, cpu_quota(CGROUPS, OWN_CGROUP))))


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


def workers(threads: Threads) -> int:
    """How many calls should run at once."""
    return usable_cores() if check_threads(threads) == "throughput" else 1


def check_threads(threads: str) -> Threads:
    """The profile's name.

    Raises:
        UsageError: there is no such profile.
    """
    if threads not in ("throughput", "latency"):
        raise UsageError(f"threads must be 'throughput' or 'latency', got '{threads}'")
    return "throughput" if threads == "throughput" else "latency"


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """BLAS and OpenCV keep to one thread within the block.

    A pool of workers has the cores already; with the libraries' own threads on top it ran at two thirds of the speed.
    """
    import cv2
    from threadpoolctl import threadpool_limits

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        cv2.setNumThreads(before)


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
