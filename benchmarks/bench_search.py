"""How fast and how right each search backend is, against the memory's bandwidth, numpy and graph indexes, in one run.

    python benchmarks/bench_search.py --sizes 1000,10000,100000 --graphs
    python benchmarks/bench_search.py --sizes 1000000
    python benchmarks/bench_search.py --sizes 100000 --dimension 512
    python benchmarks/bench_search.py --data ../shared/data --embedder sface
    python benchmarks/bench_search.py --filters --sizes 100000

Made templates: two of each person, mated cosine 0.66, impostors 0.085 +- 0.087 as SFace has on LFW (128-d). Half of the
probes are of people in the gallery, half of nobody. `agree` is the share of probes whose list of ten is the exact one.

Times are medians of single probes. The rivals take turns, and each begins its turn with 80 ms unmeasured: OpenBLAS's
threads spin on for some 30 ms after a product, which would be charged to whoever comes next. `idle_ms` is a first
answer after the process did nothing for 0.1 s. Graphs are given the effort at which they agree with the exact lists for
99 % of both kinds of probes, or the last of --efforts.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from machine import machine, machine_class
from mien.gallery.index import Index, indexes
from mien.types.arrays import Embeddings
from search_galleries import Made, make, real

Search = Callable[[Embeddings], Any]
HERE = Path(__file__).parent
BATCH = 64
TURN = 10
"""Measured probes of one turn."""
QUIET_S = 0.08
SHOWN = ("name", "size", "dimension", "build_s", "bytes_per_vector", "p50_ms", "idle_ms", "qps_64")
SHOWN += ("agree_mated", "agree_non_mated", "told", "effort")
FILTERS = ("name", "size", "share", "gathered_ms", "whole_ms", "agree")


def read_once(vectors: Embeddings) -> dict[str, Search]:
    """Plain ways to read every byte once with all cores; the best of them is the bandwidth that a scan can hope for."""
    halves = np.array_split(vectors.reshape(-1).view(np.int64), 2)
    pool = ThreadPoolExecutor(2)
    return {
        "read once: or": lambda _: list(pool.map(np.bitwise_or.reduce, halves)),
        "read once: max": lambda _: list(pool.map(np.max, halves)),
        "read once: X @ q": lambda probes: vectors @ probes[0],
    }


def numpy_search(vectors: Embeddings) -> Search:
    """Exact search as it is commonly written."""

    def search(probes: Embeddings) -> object:
        for probe in probes:
            scores = vectors @ probe
            best = np.argpartition(scores, -10)[-10:]
            best[np.argsort(-scores[best])]
        return None

    return search


def faiss_flat(vectors: Embeddings) -> Search:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda probes: index.search(probes, 10)


def faiss_hnsw(vectors: Embeddings) -> Callable[[int], Search]:
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.add(vectors)

    def at(effort: int) -> Search:
        parameters = faiss.SearchParametersHNSW(efSearch=effort)
        return lambda probes: index.search(probes, 10, params=parameters)[1] + 1

    return at


def usearch_hnsw(vectors: Embeddings) -> Callable[[int], Search]:
    from usearch.index import Index as Graph

    graph = Graph(ndim=vectors.shape[1], metric="ip", dtype="f32", connectivity=32, expansion_add=200)
    graph.add(np.arange(len(vectors)), vectors)

    def search(probes: Embeddings, effort: int) -> Any:
        graph.expansion_search = effort
        return np.atleast_2d(graph.search(probes, 10).keys.astype(np.int64)) + 1

    return lambda effort: lambda probes: search(probes, effort)


def medians(rivals: dict[str, Search], probes: Embeddings, rounds: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of one probe for each rival, in a row and after a pause."""
    taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in rivals}
    for turn in range(rounds):
        for name, search in rivals.items():
            row, idle = taken[name]
            end = time.perf_counter() + QUIET_S
            while time.perf_counter() < end:
                search(probes[:1])
            for i in range(TURN):
                row.append(timed(search, probes[(turn * TURN + i) % len(probes)][None]))
            time.sleep(0.1)
            idle.append(timed(search, probes[turn % len(probes)][None]))
    return {name: tuple(1000 * float(np.median(times)) for times in both) for name, both in taken.items()}  # type: ignore[misc]


def timed(search: Search, probes: Embeddings) -> float:
    start = time.perf_counter()
    search(probes)
    return time.perf_counter() - start


def throughput(search: Search, probes: Embeddings) -> float:
    """Probes a second in batches of 64; median of three."""
    batch = np.resize(probes, (BATCH, probes.shape[1]))
    search(batch)
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        search(batch)
        taken.append(time.perf_counter() - start)
    return BATCH / float(np.median(taken))


def agreement(found: Sequence[object], exact: Sequence[object]) -> float:
    return float(np.mean([a == b for a, b in zip(found, exact, strict=True)]))


def held(index: Index) -> float:
    """Bytes of the stored state for one reference."""
    return sum(array.nbytes for array in index.state().values()) / max(1, len(index))


class Truth:
    """The exact lists of the probes, by people for backends, by rows for graphs, which know none."""

    def __init__(self, made: Made) -> None:
        self.sets = (made.mated, made.non_mated)
        columns = {"references": made.references, "subjects": made.subjects, "vectors": made.vectors}
        by_people = indexes["flat"].restore(columns)
        by_rows = indexes["flat"].restore({**columns, "subjects": made.references})
        self._people = [by_people.search(p, 10) for p in self.sets]
        self._rows = [[[r for _, _, r in c] for c in by_rows.search(p, 10)] for p in self.sets]

    def of_backend(self, index: Index) -> list[float]:
        """Shares of mated and of non-mated probes with the exact list."""
        return [agreement(index.search(p, 10), e) for p, e in zip(self.sets, self._people, strict=True)]

    def of_graph(self, search: Search) -> list[float]:
        """The same of the rows that a graph names."""
        return [agreement(search(p).tolist(), e) for p, e in zip(self.sets, self._rows, strict=True)]


def bench(made: Made, backends: Sequence[str], rounds: int, efforts: Sequence[int]) -> Iterator[dict[str, object]]:
    """One row a backend or rival."""
    truth = Truth(made)
    facts: dict[str, dict[str, object]] = {}
    rivals: dict[str, Search] = {}
    for backend in backends:
        start = time.perf_counter()
        index = made.index(backend)
        rivals[backend] = lambda p, i=index: i.search(p, 10)  # type: ignore[misc]
        facts[backend] = {"build_s": round(time.perf_counter() - start, 2), "bytes_per_vector": round(held(index))}
        facts[backend] |= told(index) | dict(zip(SHOWN[8:10], truth.of_backend(index), strict=True))
    rivals |= {"numpy": numpy_search(made.vectors), "faiss flat": faiss_flat(made.vectors), **read_once(made.vectors)}
    for name, maker in (("faiss HNSW32", faiss_hnsw), ("usearch HNSW32", usearch_hnsw)) if efforts else ():
        start = time.perf_counter()
        graph = maker(made.vectors)
        facts[name] = {"build_s": round(time.perf_counter() - start, 2)}
        for effort in efforts:
            rivals[name] = graph(effort)
            shares = truth.of_graph(rivals[name])
            facts[name] |= {"effort": effort, **dict(zip(SHOWN[8:10], shares, strict=True))}
            if min(shares) >= 0.99:
                break
    probes = np.random.default_rng(2).permutation(np.concatenate([made.mated, made.non_mated]))
    times = medians(rivals, probes, rounds)
    for name, search in rivals.items():
        row = dict(zip(SHOWN[1:3], made.vectors.shape, strict=True)) | facts.get(name, {})
        single, idle = times[name]
        once = name.startswith("read once")
        yield {"name": name, **row, "p50_ms": round(single, 4), "idle_ms": round(idle, 3)} | (
            {} if once else {"qps_64": round(throughput(search, probes))}
        )


def told(index: Index) -> dict[str, object]:
    """What a backend says of itself."""
    facts = index.describe()
    return {
        "told": facts["recall"]["top10"] if facts["recall"] else "",
        "effort": facts.get("ef") or facts.get("visited") or facts.get("depth", ""),
    }


def bench_filters(made: Made, backends: Sequence[str], rounds: int) -> Iterator[dict[str, object]]:
    """Milliseconds and agreement for filters that let through ever more, searched by gathering and by the whole."""
    rng = np.random.default_rng(1)
    people = np.unique(made.subjects)
    exact = indexes["flat"].create(made.vectors.shape[1])
    exact.add(made.references, made.subjects, made.vectors)
    for backend in backends:
        index = made.index(backend)
        kind = type(index)
        usual = kind.gathers  # type: ignore[attr-defined]
        for share in (1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9, 1.0):
            among = np.sort(rng.choice(people, max(1, round(share * len(people))), replace=False))
            row: dict[str, object] = {"name": backend, "size": len(made.vectors), "share": share}
            for way, gathers in (("gathered", 1.0), ("whole", 0.0)):
                kind.gathers = gathers  # type: ignore[attr-defined]
                search: Search = lambda p, i=index, a=among: i.search(p, 10, among=a)  # type: ignore[misc] # noqa: E731
                row[f"{way}_ms"] = round(medians({way: search}, made.mated, rounds)[way][0], 3)
            kind.gathers = usual  # type: ignore[attr-defined]
            right = exact.search(made.mated[:100], 10, among=among)
            row["agree"] = agreement(index.search(made.mated[:100], 10, among=among), right)
            yield row


def table(rows: Sequence[dict[str, object]], columns: Sequence[str]) -> Iterator[str]:
    """Markdown, line by line."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(str(row.get(column, '')) for column in columns)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--data", type=Path, help="folder of the measurement pictures: real templates instead")
    parser.add_argument("--embedder", default="sface", help="card, for --data")
    parser.add_argument("--backends", default="flat,fastscan,sq8")
    parser.add_argument("--graphs", action="store_true", help="faiss's and usearch's HNSW; 1M take minutes to build")
    parser.add_argument("--efforts", default="64,128,256,512,1024,2048,4096", help="efSearch of the graphs to try")
    parser.add_argument("--filters", action="store_true", help="searches among some subjects instead")
    parser.add_argument("--rounds", type=int, default=5, help="turns of 10 probes")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args()
    backends, efforts = options.backends.split(","), [int(e) for e in options.efforts.split(",") if options.graphs]
    columns = FILTERS if options.filters else SHOWN
    where, rows = machine(), []
    for size in [0] if options.data else [int(s) for s in options.sizes.split(",")]:
        made = real(options.data, options.embedder) if options.data else make(size, options.dimension)
        filtered = options.filters
        run = (
            bench_filters(made, backends, options.rounds)
            if filtered
            else bench(made, backends, options.rounds, efforts)
        )
        rows += list(run)
    print("\n".join(table(rows, columns)))
    kind = "filters" if options.filters else options.embedder if options.data else f"{options.dimension}d"
    stem = f"search-{kind}-{rows[-1]['size']}-{where['date']}-{machine_class(where)}-{where['commit']}"
    options.results.mkdir(parents=True, exist_ok=True)
    with (options.results / f"{stem}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*where, *columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows(where | row for row in rows)


if __name__ == "__main__":
    main()
