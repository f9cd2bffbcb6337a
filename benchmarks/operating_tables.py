"""False match rate against threshold, on development data, as the ``[operating]`` table of a card.

    python benchmarks/operating_tables.py --embedder sface --precision f32 --write

Every pair of pictures of different people of LFW view 1 (``pairsDevTest.txt``), the face nearest to the centre of each.
Intervals come from a bootstrap over people, since pairs that share a person are not independent. The extremal index is
the share of the independent-comparisons FPIR that probes really meet in searches among these people. The tail is a
generalised Pareto fit to the highest scores, by maximum likelihood.

``--write`` puts the table into the card's file, in place of the one there.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import genpareto

from lfw import arguments, models, read_pairs, templates
from mien.models import find_card

STEPS_A_DECADE = 10
RESAMPLES = 1000
TAIL_RATE = 1e-3
SEED = 19795


def table_lines(vectors: NDArray[np.float32], people: NDArray[np.int64], command: str) -> list[str]:
    left, right = np.triu_indices(len(vectors), 1)
    scores = (vectors @ vectors.T)[left, right]
    different = people[left] != people[right]
    left, right, scores = left[different], right[different], scores[different].astype(np.float64)
    mated = np.sort((vectors @ vectors.T)[np.triu(people[:, None] == people[None, :], 1)])
    order = np.argsort(-scores)[: len(scores) // 5]
    top, trials = scores[order], len(scores)
    rows = measured_rows(top, trials)
    low, high = bootstrap(people[left[order]], people[right[order]], people, [errors for _, errors in rows])
    start = top[int(TAIL_RATE * trials)]
    shape, _, scale = genpareto.fit(top[top > start] - start, floc=0)
    theta = extremal_index(vectors, people, top, trials)
    today = datetime.datetime.now(datetime.UTC).date()
    lines = [
        "[operating]",
        'data = "LFW deep-funneled, view 1 test people, all non-mated pairs"',
        f'date = "{today}"',
        f'command = "{command}"',
        f"mated = {len(mated)}",
        f"nonmated = {trials}",
        f"subjects = {len(np.unique(people))}",
        f"extremal = {theta:.3f}",
        f"tail = [{start:.5f}, {TAIL_RATE:g}, {shape:.5f}, {scale:.6f}] # threshold, rate, shape, scale",
        "points = [ # threshold, false matches, 95 % interval of their rate over subjects, false non-matches",
    ]
    for (threshold, errors), a, b in zip(rows, low, high, strict=True):
        misses = int(np.searchsorted(mated, threshold))
        lines.append(f"    [{threshold:.5f}, {errors}, {a:.3g}, {b:.3g}, {misses}],")
    return [*lines, "]"]


def measured_rows(top: NDArray[np.float64], trials: int) -> list[tuple[float, int]]:
    """(threshold, errors) with thresholds between two scores, from FMR 1e-1 down to the rule of three."""
    rows: list[tuple[float, int]] = []
    wanted = 10.0 ** -np.arange(1, 12, 1 / STEPS_A_DECADE)
    for rate in [*wanted[wanted > 3 / trials], 3 / trials]:
        allowed = int(rate * trials * (1 + 1e-9))
        threshold = np.ceil((top[allowed] + top[allowed - 1]) / 2 * 1e5) / 1e5
        errors = int((top >= threshold).sum())
        if not rows or errors < rows[-1][1]:
            rows.append((float(threshold), errors))
    return rows


def bootstrap(
    a: NDArray[np.int64], b: NDArray[np.int64], people: NDArray[np.int64], errors: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % interval of the rate at each row, people drawn with replacement."""
    random = np.random.default_rng(SEED)
    number = int(people.max()) + 1
    pictures = np.bincount(people, minlength=number)
    rates = np.empty((RESAMPLES, len(errors)))
    ends = np.array(errors) - 1
    for i in range(RESAMPLES):
        weight = np.bincount(random.integers(0, number, number), minlength=number).astype(np.float64)
        drawn = weight * pictures
        trials = (drawn.sum() ** 2 - (drawn**2).sum()) / 2
        rates[i] = np.cumsum(weight[a] * weight[b])[ends] / trials
    low, high = np.percentile(rates, [2.5, 97.5], axis=0)
    return low, high


def extremal_index(
    vectors: NDArray[np.float32], people: NDArray[np.int64], top: NDArray[np.float64], trials: int
) -> float:
    """Mean of log(1-FPIR) / (N log(1-FMR)) over FPIR 0.5 % to 10 %, every picture a probe against all other people."""
    scores = vectors @ vectors.T
    scores[people[:, None] == people[None, :]] = -1
    best = np.sort(scores.max(axis=1))[::-1]
    references = np.mean([np.sum(people != p) for p in people])
    ratios = []
    for fpir in np.geomspace(0.005, 0.1, 12):
        threshold = best[int(fpir * len(best))]
        fmr = (top >= threshold).sum() / trials
        ratios.append(np.log1p(-fpir) / (references * np.log1p(-fmr)))
    return float(min(1.0, np.mean(ratios)))


def write(path: Path, lines: list[str]) -> None:
    """Put the table in place of the card's own, or at its end."""
    text = path.read_text()
    table = "\n".join(lines) + "\n"
    found = re.search(r"^\[operating\]\n.*?^\]\n", text, re.DOTALL | re.MULTILINE)
    path.write_text(text.replace(found.group(), table) if found else f"{text.rstrip()}\n\n{table}")


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--write", action="store_true", help="put the table into the card")
    parser.add_argument(
        "--top", type=int, default=0, help="show so many of the highest non-mated pairs, to find wrong labels"
    )
    options = parser.parse_args()
    pairs = read_pairs(options.data / "lfw" / "pairsDevTest.txt")
    names = sorted({p.a for p in pairs} | {p.b for p in pairs})
    for embedder in options.embedder.split(","):
        vectors, failed = templates(models(options, embedder), options.data / "lfw" / "images", names)
        kept = [i for i, name in enumerate(names) if name not in failed]
        owners = sorted({name.split("/")[0] for name in names})
        people = np.array([owners.index(names[i].split("/")[0]) for i in kept])
        command = f"python benchmarks/operating_tables.py --embedder {embedder} --precision {options.precision}"
        lines = table_lines(vectors[kept], people, command)
        print("\n".join(lines))
        if options.top:
            show_top(vectors[kept], people, [names[i] for i in kept], options.top)
        if options.write:
            write(find_card(embedder, "embedder").path, lines)


def show_top(vectors: NDArray[np.float32], people: NDArray[np.int64], names: list[str], count: int) -> None:
    scores = np.triu(vectors @ vectors.T, 1)
    scores[people[:, None] == people[None, :]] = -1
    for flat in np.argsort(-scores, axis=None)[:count]:
        i, j = divmod(int(flat), len(names))
        print(f"# {scores[i, j]:.4f} {names[i]} {names[j]}")


if __name__ == "__main__":
    main()
