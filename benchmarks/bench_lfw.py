"""LFW deep-funneled, view 2: accuracy over the official 10 folds, and TAR at FMR 1e-3. For reporting only.

    python benchmarks/bench_lfw.py --embedder sface,mobileface,fused --precision bf16

Accuracy is Huang's protocol: for each fold the threshold that is best on the other nine is applied to it. A picture
without a face counts as a wrong answer in every pair that it is in.
"""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from lfw import Pair, arguments, models, read_pairs, templates


def folds_accuracy(scores: NDArray[np.float64], mated: NDArray[np.bool_], fold: NDArray[np.int64]) -> list[float]:
    accuracies = []
    for held in np.unique(fold):
        train, test = fold != held, fold == held
        order = np.sort(scores[train & np.isfinite(scores)])
        candidates = np.concatenate([[-math.inf], (order[1:] + order[:-1]) / 2, [math.inf]])
        positive = np.sort(scores[train & mated])
        negative = np.sort(scores[train & ~mated])
        right = len(positive) - np.searchsorted(positive, candidates) + np.searchsorted(negative, candidates)
        best = candidates[np.flatnonzero(right == right.max())]
        threshold = best[len(best) // 2]
        answered = np.isfinite(scores[test])
        accuracies.append(float(np.mean(((scores[test] >= threshold) == mated[test]) & answered)))
    return accuracies


def scores_of(
    pairs: list[Pair], vectors: NDArray[np.float32], row: dict[str, int], failed: set[str]
) -> NDArray[np.float64]:
    """Cosine of each pair; -inf where a picture gave no template."""
    a = vectors[[row[p.a] for p in pairs]]
    b = vectors[[row[p.b] for p in pairs]]
    scores = np.einsum("nd,nd->n", a, b).astype(np.float64)
    scores[[p.a in failed or p.b in failed for p in pairs]] = -math.inf
    return scores


def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    pairs = read_pairs(options.data / "lfw" / "pairs.txt")
    names = sorted({p.a for p in pairs} | {p.b for p in pairs})
    row = {name: i for i, name in enumerate(names)}
    mated = np.array([p.mated for p in pairs])
    fold = np.array([p.fold for p in pairs])
    print(
        f"LFW deep-funneled, view 2: {mated.sum()} mated and {(~mated).sum()} non-mated pairs of {len(names)} pictures"
    )
    for embedder in options.embedder.split(","):
        chosen = models(options, embedder)
        used = chosen.pipeline(batch=True).embedder
        start = time.perf_counter()
        vectors, failed = templates(chosen, options.data / "lfw" / "images", names)
        seconds = time.perf_counter() - start
        scores = scores_of(pairs, vectors, row, set(failed))
        accuracy = folds_accuracy(scores, mated, fold)
        nonmated = np.sort(scores[~mated])[::-1]
        threshold = nonmated[3]  # three of 3,000 lie above: FMR 1e-3
        tar = int((scores[mated] > threshold).sum())
        print(
            f"{embedder:11} {used.precision} on {used.engine}: "
            f"accuracy {np.mean(accuracy):.4%} ± {np.std(accuracy):.4%}, "
            f"TAR {tar / mated.sum():.2%} ({tar} of {mated.sum()}) at FMR 1e-3 (3 of {(~mated).sum()}), "
            f"{len(failed)} pictures without a face, {seconds:.1f} s, {len(names) / seconds:.0f} pictures/s"
        )


if __name__ == "__main__":
    main()
