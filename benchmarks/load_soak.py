"""A long run at a moderate load: whether memory grows, and how fast. Shared with `bench_server.py`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from load_client import Outcome, Tally, ask
from load_server import Server

EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at the server: seconds since the start, memory in MiB, open descriptors, answers so far."""

    seconds: float
    rss_mb: float
    pss_mb: float
    server_mb: float
    files: int
    done: int


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth in MiB an hour, with its 95 % interval."""

    per_hour: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.per_hour:.2f} MiB/h ({self.low:.2f} to {self.high:.2f})"


async def soak(
    server: Server, pictures: Sequence[Path], *, concurrency: int, seconds: float, per_s: float
) -> tuple[Outcome, list[Sample]]:
    """Ask for so long at a steady rate, and look every ten seconds."""
    tally, samples = Tally(), []
    asking = asyncio.create_task(
        ask(server, pictures, concurrency=concurrency, seconds=seconds, per_s=per_s, tally=tally)
    )
    start = time.perf_counter()
    while not asking.done():
        rss, pss = server.memory_mb()
        now = time.perf_counter() - start
        samples.append(Sample(now, rss, pss, server.own_mb(), server.files(), tally.done))
        print(",".join(f"{value:g}" for value in vars_of(samples[-1])), flush=True)
        await asyncio.wait([asking], timeout=EVERY_S)
    return asking.result(), samples


def vars_of(sample: Sample) -> tuple[float, ...]:
    """Its values, in order."""
    return tuple(getattr(sample, name) for name in sample.__dataclass_fields__)


def slope(seconds: Sequence[float], megabytes: Sequence[float]) -> Slope:
    """Least squares over the second half, when caches have filled.

    Neighbouring samples are not independent, so the interval counts only as many as their autocorrelation leaves
    (Bretherton and others 1999, eq. 30).
    """
    half = len(seconds) // 2
    hours, memory = np.array(seconds[half:]) / 3600, np.array(megabytes[half:])
    line = stats.linregress(hours, memory)
    left = memory - (line.intercept + line.slope * hours)
    spread = float(left @ left)
    lag = float(left[1:] @ left[:-1]) / spread if spread else 0.0
    count = max(3.0, len(left) * (1 - max(lag, 0.0)) / (1 + max(lag, 0.0)))
    error = line.stderr * np.sqrt((len(left) - 2) / (count - 2))
    room = float(stats.t.ppf(0.975, count - 2) * error)
    return Slope(float(line.slope), float(line.slope) - room, float(line.slope) + room)
