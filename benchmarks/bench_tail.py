"""How far the fitted tail can be believed: thresholds predicted from few people, counted on others.

    python benchmarks/bench_tail.py --embedder sface,mobileface,fused

An exponential tail is fitted to the non-mated scores of some people of LFW view 1 (an eighth, a quarter, half),
thresholds are predicted down to three decades below what those comparisons support, and the false match rate at them is
counted on the other people; ten random splits. The ratio is counted by promised rate, over all splits together: 1 is
right, above 1 is more false matches than promised. Then the tail of all of view 1 meets UTKFace, adults only: other
people, other cameras.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.stats import expon

from lfw import arguments, models, read_pairs, templates
from mien.evaluate.metrics.tables import compare_all, fit_tail
from mien.evaluate.protocols.utkface import read_utkface

SPLITS = 10
SHARES = (8, 4, 2)
ADULT = 18


def extrapolate(vectors: NDArray[np.float32], people: NDArray[np.int64], share: int) -> None:
    random = np.random.default_rng(19795)
    counted: dict[float, list[tuple[int, float]]] = defaultdict(list)
    smallest = 0.0
    for _ in range(SPLITS):
        inside = random.permutation(people.max() + 1)[people] < people.max() // share
        fitted = compare_all(vectors[inside], renumbered(people[inside]))
        other = compare_all(vectors[~inside], renumbered(people[~inside]))
        tail = fit_tail(fitted.top, fitted.nonmated)
        smallest = 3 / fitted.nonmated
        for decades in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0):
            rate = smallest * 10**-decades
            if tail is not None and rate * other.nonmated >= 0.3:
                errors = int((other.top >= tail_threshold(tail, rate)).sum())
                counted[decades].append((errors, rate * other.nonmated))
    print(f"  fitted to 1/{share} of the people, whose comparisons support {smallest:.1e}:")
    for decades, rows in counted.items():
        errors, promised = (sum(column) for column in zip(*rows, strict=True))
        each = [round(e / p, 2) for e, p in rows]
        print(
            f"    {decades:g} decades below: counted / promised {errors / promised:.2f} "
            f"({errors:,} for {promised:,.1f}), splits {min(each)} to {max(each)}"
        )


def tail_threshold(tail: tuple[float, float, float], fmr: float) -> float:
    start, rate, scale = tail
    return start + float(expon.isf(fmr / rate, scale=scale))


def renumbered(people: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(people, return_inverse=True)[1].ravel().astype(np.int64)


def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    pairs = read_pairs(options.data / "lfw" / "pairsDevTest.txt")
    names = sorted({p.a for p in pairs} | {p.b for p in pairs})
    people = renumbered(np.array([name.split("/")[0] for name in names]))
    crops = read_utkface(options.data / "utkface", least_age=ADULT)
    for embedder in options.embedder.split(","):
        chosen = models(options, embedder)
        vectors, _ = templates(chosen, options.data / "lfw" / "images", names)
        print(embedder)
        for share in SHARES:
            extrapolate(vectors, people, share)
        strangers, failed = templates(chosen, options.data / "utkface", [path.name for path in crops.paths])
        usable = np.array([path.name not in failed for path in crops.paths])
        other = compare_all(strangers[usable], np.arange(int(usable.sum())))
        whole = compare_all(vectors, people)
        tail = fit_tail(whole.top, whole.nonmated)
        print(f"  tail of all of view 1, counted on {other.nonmated:,} pairs of UTKFace adults:")
        for rate in (1e-4, 1e-5, 1e-6):
            errors = int((other.top >= tail_threshold(tail, rate)).sum()) if tail else 0
            print(
                f"    {rate:g}: {errors / other.nonmated:.2g} ({errors:,}), {errors / other.nonmated / rate:.0f} times"
            )


if __name__ == "__main__":
    main()
