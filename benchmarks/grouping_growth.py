"""How grouping grows: seconds and memory against faces, and what adding photographs bit by bit costs and loses."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics.grouping import grouping_figures
from mien.grouping import GroupingRule, group

Labels = NDArray[np.int64]
SIZES = (1_000, 10_000, 30_000, 100_000)
CUT = 0.46
SEED = 0


def made_up(n: int, per: int, d: int = 128) -> tuple[NDArray[np.float32], Labels]:
    """Templates like SFace's on LFW: mated cosine 0.66 with s.d. 0.08, non-mated 0.085 with 0.087 (128 numbers)."""
    random = np.random.default_rng(SEED)

    def directions(k: int) -> NDArray[np.float32]:
        rows = random.standard_normal((k, d), np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    people = np.arange(n) % (n // per)
    share = np.clip(random.normal(0.575, 0.1, n), 0.2, 0.9).astype(np.float32)[:, None]
    common = np.sqrt(np.float32(0.085)) * directions(1)
    rows = common + np.sqrt(share) * directions(n // per)[people] + np.sqrt(0.915 - share) * directions(n)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), people


def bcubed(labels: Labels, people: NDArray[np.str_]) -> float:
    """BCubed F."""
    return grouping_figures(labels, people).bcubed.f or 0.0


def one_size(n: int, per: int) -> tuple[float, float, float]:
    """Seconds, peak memory of the process in MB, and BCubed F of a full run on made-up templates."""
    vectors, people = made_up(n, per)
    start = time.perf_counter()
    labels = group(vectors, np.arange(n), cut=CUT).labels
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, bcubed(labels, people.astype(str))


def one_addition(n: int, per: int) -> tuple[float, float, float]:
    """The same for 100 faces that are added to `n` grouped ones, whose true people stand for the earlier run."""
    vectors, people = made_up(n + 100, per)
    fresh = np.arange(n + 100) >= n
    start = time.perf_counter()
    labels = group(vectors, np.arange(n + 100), cut=CUT, earlier=np.where(fresh, -1, people), fresh=fresh).labels
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, bcubed(labels, people.astype(str))


def growth() -> None:
    """Seconds and peak memory, each size in a process of its own."""
    context = multiprocessing.get_context("spawn")
    print("run        faces    people        s   peak MB  BCubed F")
    for name, work in (("full", one_size), ("add 100", one_addition)):
        for many in (True, False):
            points = []
            for n in SIZES:
                per = 2 if many else n // 20
                with context.Pool(1) as pool:
                    seconds, peak, f = pool.apply(work, (n, per))
                points.append((n, seconds))
                print(f"{name:8s} {n:7d} {n // per:9d} {seconds:8.2f} {peak:9.0f}    {f:.4f}", flush=True)
            sizes, times = np.log(np.array(points[1:])).T
            print(f"         s ~ n^{np.polyfit(sizes, times, 1)[0]:.2f} from {SIZES[1]} on")


def batches(pictures: Labels, size: int, seed: int) -> Iterator[tuple[Labels, NDArray[np.bool_]]]:
    """Rows of the faces known so far, and which of them are new, as `size` photographs arrive at a time."""
    order = np.random.default_rng(seed).permutation(np.unique(pictures))
    place = np.searchsorted(np.sort(order), pictures)
    when = np.argsort(order)[place] // size
    for step in range(int(when.max()) + 1):
        rows = np.flatnonzero(when <= step)
        yield rows, when[rows] == step


def added(
    vectors: NDArray[np.float32], pictures: Labels, weak: NDArray[np.bool_], rule: GroupingRule, size: int, seed: int
) -> Labels:
    """Group of each face after all photographs came in small numbers; -1 = alone."""
    labels = np.full(len(vectors), -1, np.int64)
    for rows, fresh in batches(pictures, size, seed):
        earlier = np.where(labels[rows] >= 0, labels[rows], len(vectors) + np.arange(len(rows)))
        labels[rows] = group(
            vectors[rows],
            pictures[rows],
            cut=rule.cut,
            attach_cut=rule.attach,
            weak=weak[rows],
            earlier=np.where(fresh, -1, earlier),
            fresh=fresh,
        ).labels
    return labels


def incremental(
    name: str,
    people: NDArray[np.str_],
    full: Labels,
    run: Callable[[int, int], Labels],
    plan: dict[int, int],
) -> None:
    """BCubed F against the truth and against the full run, over random orders.

    Args:
        name: of the folder.
        people: (n,) true person of each face.
        full: (n,) labels of the full run.
        run: (batch size, seed) to labels.
        plan: how many orders for each number of photographs a batch.
    """
    print(f"\n{name}, {len(people)} faces added bit by bit: BCubed F, mean (least) over random orders")
    print(f"full run                         truth {bcubed(full, people):.4f}")
    for size, orders in plan.items():
        runs = [run(size, seed) for seed in range(orders)]
        truth = [bcubed(labels, people) for labels in runs]
        same = [bcubed(labels, distinct(full).astype(str)) for labels in runs]
        print(
            f"batches of {size:4d}, {orders:2d} orders      truth {np.mean(truth):.4f} ({min(truth):.4f})  "
            f"full run {np.mean(same):.4f} ({min(same):.4f})",
            flush=True,
        )


def distinct(labels: Labels) -> Labels:
    """Labels in which every face that is alone has a number of its own."""
    return np.where(labels >= 0, labels, len(labels) + np.arange(len(labels)))
