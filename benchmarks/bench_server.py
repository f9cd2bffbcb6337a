"""`mien serve` under load on loopback: identify requests with photographs of about 50 KB.

python benchmarks/bench_server.py DATA                        # start, one after the other, 1, 8 and 64 at once
python benchmarks/bench_server.py DATA --what connections     # 10,000 silent and half-open ones, dripping clients
python benchmarks/bench_server.py DATA --what soak            # 20 minutes, and the slope of its memory

The gallery holds the 102 people of the London set, enrolled with their neutral photographs, and 10,000 drawn
templates; the smiling photographs are asked for. The server is started as a user starts it, with the rate limit
lifted. Runs take turns (1, 8, 64, 1, 8, 64 …) over one server; between them the library is asked for the same in a
loop, in one process. Everything stays on 127.0.0.1. Writes CSV files into `--results`, prints Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import mien
from figures import three
from load_client import ask, drive, get
from load_connections import drip, hold
from load_server import Server, counted, make_gallery, make_pictures, serving
from load_soak import slope, soak
from machine import machine, machine_class

HERE = Path(__file__).parent
PICTURES = 24
AT_ONCE = (1, 8, 64)
WARM_S = {"connections": 3.0, "soak": 30.0}
SILENT, HALF_OPEN, PROBES = 5000, 5000, 100


@dataclass(frozen=True, slots=True)
class Row:
    """One run.

    Args:
        what: ``served``, ``shed`` (more at once than the server takes) or ``library``.
        at_once: connections.
        seconds: of the run.
        per_s: answers a second.
        p50_ms, p99_ms: of an answer.
        done, shed, errors: answers with 200, with 503, anything else.
        faces_a_call: of the embedder.
        server_ms, decoders_ms: processor time of an answer.
        rss_mb, pss_mb: memory of all processes after the run; pages that they share counted in each, and shared out.
    """

    what: str
    at_once: int
    seconds: float
    per_s: float
    p50_ms: float
    p99_ms: float
    done: int
    shed: int
    errors: int
    faces_a_call: float | None = None
    server_ms: float | None = None
    decoders_ms: float | None = None
    rss_mb: float | None = None
    pss_mb: float | None = None


def measure_served(
    server: Server, pictures: Sequence[Path], what: str, at_once: int, seconds: float, client: str
) -> Row:
    """One run over a server that runs."""
    before, cpu = _metrics(server), server.cpu_s()
    outcome = drive(server, pictures, concurrency=at_once, seconds=seconds, client=client)
    spent = [1000 * (b - a) / max(1, outcome.done) for a, b in zip(cpu, server.cpu_s(), strict=True)]
    faces, calls = (
        _metrics(server)[name] - before[name] for name in ("mien_batch_faces_sum", "mien_batch_faces_count")
    )
    return Row(
        what,
        at_once,
        outcome.seconds,
        outcome.per_s,
        outcome.p50_ms,
        outcome.p99_ms,
        outcome.done,
        outcome.shed,
        outcome.errors,
        faces / max(1, calls),
        *spent,
        *server.memory_mb(),
    )


def measure_library(gallery: Path, pictures: Sequence[Path], seconds: float) -> Row:
    """The same without a server: bytes in, an identification out, in a loop."""
    taken: list[float] = []
    sources = [picture.read_bytes() for picture in pictures]
    with mien.open(gallery) as opened:
        opened.identify(sources[0])
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            sent = time.perf_counter()
            opened.identify(sources[len(taken) % len(sources)])
            taken.append(time.perf_counter() - sent)
        whole = time.perf_counter() - start
    ms = sorted(1000 * each for each in taken)
    p99 = ms[min(len(ms) - 1, int(0.99 * len(ms)))]
    return Row("library", 1, whole, len(ms) / whole, statistics.median(ms), p99, len(ms), 0, 0)


def measure_start(gallery: Path, pictures: Sequence[Path], work: Path) -> tuple[float, float, float]:
    """Seconds from start to the first answer, and memory when idle: resident, shared out."""
    with serving(gallery, work) as server:
        asyncio.run(ask(server, pictures[:1], concurrency=1, seconds=0.01))
        first = time.perf_counter() - server.started
        return first, *server.memory_mb()


def load(gallery: Path, pictures: Sequence[Path], work: Path, options: argparse.Namespace) -> tuple[list[Row], str]:
    """Start-up, then rounds of runs."""
    starts = [measure_start(gallery, pictures, work) for _ in range(options.rounds)]
    first, rss, pss = (statistics.median(values) for values in zip(*starts, strict=True))
    rows: list[Row] = []
    with serving(gallery, work, "--in-flight", str(max(AT_ONCE))) as server:
        drive(server, pictures, concurrency=8, seconds=3, client=options.client)  # warm
        for _ in range(options.rounds):
            rows.append(measure_library(gallery, pictures, options.seconds))
            rows += [
                measure_served(server, pictures, "served", at_once, options.seconds, options.client)
                for at_once in AT_ONCE
            ]
    with serving(gallery, work) as server:  # as it comes: 16 at once
        rows.append(measure_served(server, pictures, "shed", max(AT_ONCE), options.seconds, "asyncio"))
    told = (
        f"Start to first answer {first:.2f} s; then {rss:,.0f} MB resident over all processes, {pss:,.0f} shared out."
    )
    return rows, told


def report(rows: Sequence[Row]) -> str:
    """Markdown: medians of the rounds."""
    lines = [
        "| | at once | answers/s | p50 ms | p99 ms | 503 | errors | faces a call | CPU ms: server, decoders | MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for what, at_once in dict.fromkeys((row.what, row.at_once) for row in rows):
        same = [row for row in rows if (row.what, row.at_once) == (what, at_once)]

        def middle(name: str, same: Sequence[Row] = same) -> str:
            values = [getattr(row, name) for row in same]
            return "" if None in values else three(statistics.median(values))

        shed, errors = (sum(getattr(row, name) for row in same) for name in ("shed", "errors"))
        lines.append(
            f"| {what} | {at_once} | {middle('per_s')} | {middle('p50_ms')} | {middle('p99_ms')} | {shed} | {errors} | "
            f"{middle('faces_a_call')} | {middle('server_ms')}, {middle('decoders_ms')} | {middle('rss_mb')} |"
        )
    return "\n".join(lines)


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows with the machine before them."""
    where = machine()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow([*where, *rows[0]])
        for row in rows:
            values = ("" if v is None else f"{v:.6g}" if isinstance(v, float) else v for v in row.values())
            writer.writerow([*where.values(), *values])


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the measurement pictures")
    parser.add_argument("--what", choices=("load", "connections", "soak"), default="load")
    parser.add_argument("--templates", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="of a run; default 8, of a soak 1200")
    parser.add_argument("--per-s", type=float, default=12.0, help="requests a second of a soak")
    parser.add_argument("--client", choices=("auto", "wrk", "asyncio"), default="auto")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args()
    options.seconds = options.seconds or (1200 if options.what == "soak" else 8)
    with tempfile.TemporaryDirectory() as folder:
        for text in measure(Path(folder), options):
            print(text)


def measure(work: Path, options: argparse.Namespace) -> Iterator[str]:
    """What was asked for: writes its CSV, gives Markdown."""
    london = options.data / "london"
    pictures = make_pictures(sorted((london / "smiling_front").glob("*.jpg"))[:PICTURES], work / "pictures")
    gallery, where = work / "load.mien", machine()
    make_gallery(gallery, sorted((london / "neutral_front").glob("*.jpg")), options.templates)
    stem = f"{where['date']}-{machine_class(where)}-{where['commit']}.csv"
    if options.what == "load":
        rows, told = load(gallery, pictures, work, options)
        write_csv(options.results / f"server-load-{stem}", [asdict(row) for row in rows])
        yield f"{told}\n\n{report(rows)}"
        return
    with serving(gallery, work) as server:
        # As many at once as it takes: each further thread that searches keeps some memory, up to a number of them.
        drive(server, pictures, concurrency=16, seconds=WARM_S[options.what], client=options.client)
        if options.what == "soak":
            outcome, samples = asyncio.run(
                soak(server, pictures, concurrency=4, seconds=options.seconds, per_s=options.per_s)
            )
            write_csv(options.results / f"server-soak-{stem}", [asdict(sample) for sample in samples])
            seconds = [sample.seconds for sample in samples]
            yield f"{outcome.done} answers, {outcome.shed} 503, {outcome.errors} errors"
            for name in ("rss_mb", "pss_mb", "server_mb"):
                yield f"{name}: {slope(seconds, [getattr(sample, name) for sample in samples])}"
            return
        helds = [hold(server, silent=SILENT, half_open=HALF_OPEN, probes=PROBES) for _ in range(options.rounds)]
        slow = [drip(server, what) for what in ("head", "body")]
    rows: list[dict[str, object]] = [
        {"round": n, "measure": name, "value": value}
        for n, held in enumerate(helds, 1)
        for name, value in asdict(held).items()
    ]
    rows += [
        {"round": 1, "measure": f"dripping {each.what}: {each.status} after s", "value": each.seconds} for each in slow
    ]
    write_csv(options.results / f"server-connections-{stem}", rows)
    yield from (f"{row['round']} {row['measure']}: {row['value']:.6g}" for row in rows)


def _metrics(server: Server) -> Mapping[str, float]:
    return counted(asyncio.run(get(server.port, "/metrics", server.token))[1].decode())


if __name__ == "__main__":
    main()
