"""What to expect on other machines: CPU time by stage and by thread, measured; the rest computed.

python benchmarks/bench_expect.py DATA

For each set of `bench_peers.py`: CPU milliseconds a picture by stage; pictures a second on this machine; and the share
of the CPU time that one thread alone must spend (ordering, pooling, storing), with which Amdahl's law gives the rate on
more cores of the same kind. For a GPU: the networks at a share of its published peak, the rest on the host's cores.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mien
from bench_peers import HERE, Bench
from figures import three
from machine import machine
from mien import Models
from mien.image import open_photo
from mien.runtime.threads import quiet_libraries
from peers import environments, pictures

CORES = (2, 8, 64)
ROUNDS = 5
SFACE_GFLOP = 1.148
YUNET_GFLOP = 0.688 / 640**2
"""A pixel of the network's input: both are counted from the graphs, 2 x multiply-accumulates."""
GPUS = {"T4": 65.0, "L4": 121.0, "A100": 312.0}
"""Published dense FP16 tensor peaks in TFLOP/s (NVIDIA data sheets)."""
GPU_SHARE = (0.02, 0.15)
"""Part of that peak that such small, narrow networks reach: an assumption, low to high; nothing was run on a GPU."""


@dataclass(frozen=True, slots=True)
class Stages:
    """CPU seconds a picture, sums over all threads, and what was in the pictures."""

    read: float
    decode: float
    detect_network: float
    detect_other: float
    align: float
    embed: float
    faces: float
    network_pixels: float

    @property
    def host(self) -> float:
        """What stays on the CPU when the networks run elsewhere."""
        return self.read + self.decode + self.detect_other + self.align


def amdahl(serial: float, cores: int) -> float:
    """Speed-up over one core (Amdahl 1967)."""
    return 1 / (serial + (1 - serial) / cores)


def gpu_rate(gflop: float, tflops: float, host_s: float, cores: int) -> float:
    """Pictures a second: the networks on the GPU and the rest on the host overlap, so the slower one decides.

    Args:
        gflop: of the networks, a picture.
        tflops: what the GPU reaches.
        host_s: CPU seconds a picture of everything else.
        cores: of the host.
    """
    return min(tflops * 1000 / gflop, cores / host_s)


class Counted:
    """A session that adds up its CPU time and the pixels it sees."""

    def __init__(self, session: Any) -> None:
        self._session, self.cpu, self.pixels = session, 0.0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, x: Any) -> Any:
        """As the session's own."""
        start = time.process_time()
        outputs = self._session.run(x)
        self.cpu += time.process_time() - start
        self.pixels += x.shape[0] * x.shape[2] * x.shape[3]
        return outputs


def stages(files: Sequence[Path]) -> Stages:
    """One picture after the other, so that CPU time can be told apart by stage; threads of the engines count."""
    from mien.geometry.align import align_faces

    pipeline = Models().pipeline(batch=True)
    session = Counted(pipeline.detector.session)  # type: ignore[attr-defined]
    detector = replace(pipeline.detector, session=session)  # type: ignore[type-var]
    sums = dict.fromkeys(("read", "decode", "detect", "align", "embed"), 0.0)
    faces = 0
    with quiet_libraries():
        for counted in (False, True):  # first a round that compiles and warms up
            for file in files:
                clock = [time.process_time()]
                photo = open_photo(file)
                clock.append(time.process_time())
                image = photo.decode(detector.side)
                clock.append(time.process_time())
                found = detector.detect(image)
                clock.append(time.process_time())
                crops = align_faces(image.pixels, found.points * image.scale[0])
                clock.append(time.process_time())
                pipeline.embedder.embed(crops)
                clock.append(time.process_time())
                if counted:
                    faces += len(found)
                    for name, start, end in zip(sums, clock, clock[1:], strict=False):
                        sums[name] += end - start
            if not counted:
                session.cpu, session.pixels = 0.0, 0
    n = len(files)
    return Stages(
        read=sums["read"] / n,
        decode=sums["decode"] / n,
        detect_network=session.cpu / n,
        detect_other=(sums["detect"] - session.cpu) / n,
        align=sums["align"] / n,
        embed=sums["embed"] / n,
        faces=faces / n,
        network_pixels=session.pixels / n,
    )


def rate(bench: Bench, files: list[Path]) -> float:
    """Pictures a second on all cores of this machine, median of rounds."""
    with bench.start("mien") as peer:
        seconds = [peer.ask(files).seconds for _ in range(ROUNDS + 1)][1:]
    return len(files) / statistics.median(seconds)


def serial_share(files: Sequence[Path]) -> float:
    """Part of the CPU time of indexing that the calling thread spends, which orders, pools and stores."""
    models = Models()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "pictures"
        folder.mkdir()
        for file in files:
            (folder / file.name).symlink_to(file)
        for name in ("warm.mien", "counted.mien"):
            with mien.open(Path(work) / name, models=models) as gallery:
                own, whole = time.thread_time(), time.process_time()
                gallery.index(folder)
                own, whole = time.thread_time() - own, time.process_time() - whole
    return own / whole


def report(name: str, cost: Stages, measured: float, serial: float, cores: int) -> str:
    """Markdown for one set.

    Args:
        name: of the set.
        cost: CPU time by stage.
        measured: pictures a second on this machine.
        serial: part of the CPU time that one thread must spend.
        cores: of this machine.
    """
    gflop = cost.faces * SFACE_GFLOP + cost.network_pixels * YUNET_GFLOP
    lines = [
        f"### {name}\n",
        f"CPU ms a picture: read and hash {1e3 * cost.read:.2f}, decode {1e3 * cost.decode:.2f}, detect: network "
        f"{1e3 * cost.detect_network:.2f}, rest {1e3 * cost.detect_other:.2f}, align {1e3 * cost.align:.2f}, embed "
        f"{1e3 * cost.embed:.2f}; {cost.faces:.1f} faces, {gflop:.2f} GFLOP.",
        f"One thread alone: {100 * serial:.1f} % of the CPU time.\n",
        "| machine | pictures/s | how |",
        "|---|---|---|",
    ]
    for n in CORES:
        gain = amdahl(serial, n) / amdahl(serial, cores)
        how = "measured" if n == cores else f"estimate: {gain:.1f} x this machine (Amdahl)"
        lines.append(f"| {n} cores | {three(measured * gain)} | {how} |")
    for gpu, peak in GPUS.items():
        low, high = (gpu_rate(gflop, peak * share, cost.host, 8) for share in GPU_SHARE)
        bound = "host's cores" if high == 8 / cost.host else "GPU"
        span = three(low) if low == high else f"{three(low)} to {three(high)}"
        lines.append(f"| {gpu} + 8 cores | {span} | estimate; upper end bound by the {bound} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the measurement pictures")
    parser.add_argument("--sets", default=",".join(pictures.SETS))
    parser.add_argument("--envs", type=Path, default=HERE / "envs")
    parser.add_argument("--lock", type=Path, help="as for bench_peers.py")
    options = parser.parse_args()
    envs = options.envs.resolve()
    bench = Bench(envs, environments.weights(envs / "home"), 600.0, options.lock)
    where = machine()
    print(f"{where['cpu']}, {where['cores']} cores, {where['date']}, commit {where['commit']}\n")
    for name in options.sets.split(","):
        files = pictures.choose(name, options.data, envs)
        with bench.turn():
            cost = stages(files)
            measured, serial = rate(bench, files), serial_share(files)
        print(report(name, cost, measured, serial, int(where["cores"])))


if __name__ == "__main__":
    main()
