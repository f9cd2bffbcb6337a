"""What 1 byte a dimension costs: view 1 of LFW and London, the same templates whole and compact.

    python benchmarks/bench_compact.py --embedder sface,mobileface

References and probes of London: every neutral face against every smiling one. In pairs of LFW one side is decoded, as
when a probe meets a stored reference. Prints accuracy (best threshold of the list itself; both forms alike), TAR at
FMR 1e-2 and 1e-3, the largest change of any score beside its bound, and the bytes of a gallery file for each template.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lfw import arguments, models, read_pairs, templates
from mien.gallery import Gallery
from mien.gallery.store.codec import decode, encode
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

FACE = Face((10.0, 20.0, 110.0, 140.0), 0.9, ((30.0, 60.0), (80.0, 60.0), (55.0, 85.0), (35.0, 110.0), (75.0, 110.0)))


def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    pairs = read_pairs(options.data / "lfw" / "pairsDevTest.txt")
    names = sorted({name for pair in pairs for name in (pair.a, pair.b)})
    row = {name: i for i, name in enumerate(names)}
    first, second = ([row[getattr(pair, side)] for pair in pairs] for side in ("a", "b"))
    mated = np.array([pair.mated for pair in pairs])
    london = options.data / "london"
    for embedder in options.embedder.split(","):
        chosen = models(options, embedder)
        vectors, failed = templates(chosen, options.data / "lfw" / "images", names)
        vectors[[row[name] for name in failed]] = np.eye(1, vectors.shape[1])
        small = decode(encode(vectors, True), True)
        print(f"{embedder}: {vectors.shape[1]} dimensions, {len(failed)} LFW pictures without a face")
        whole_scores = np.einsum("nd,nd->n", vectors[first], vectors[second])
        report("LFW view 1", whole_scores, np.einsum("nd,nd->n", small[first], vectors[second]), mated)
        sides = [sorted((london / part).glob("*.jpg")) for part in ("neutral_front", "smiling_front")]
        neutral, smiling = (templates(chosen, london, [str(p.relative_to(london)) for p in side])[0] for side in sides)
        stored = decode(encode(neutral, True), True)
        same = np.eye(len(neutral), dtype=bool).ravel()
        report("London", (smiling @ neutral.T).ravel(), (smiling @ stored.T).ravel(), same)
        error = np.abs(vectors).max(axis=1) * np.sqrt(vectors.shape[1]) / 254
        print(f"  bound of the change {2 * np.sin(np.arcsin(error) / 2).max():.4f}")
        print(
            f"  bytes a template in a file of 20,000: {file_bytes(vectors, False)} whole, {file_bytes(vectors, True)}"
        )


def report(data: str, whole: NDArray[np.float32], small: NDArray[np.float32], mated: NDArray[np.bool_]) -> None:
    figures = (
        f"{accuracy(s, mated):.3%}, TAR {tar(s, mated, 1e-2):.3%}, {tar(s, mated, 1e-3):.3%}" for s in (whole, small)
    )
    print(f"  {data}: whole {next(figures)}; compact {next(figures)}; largest change {np.abs(whole - small).max():.5f}")


def accuracy(scores: NDArray[np.float32], mated: NDArray[np.bool_]) -> float:
    """Share of right decisions, balanced, at the best threshold."""
    thresholds = np.unique(scores)
    hits = 1 - np.searchsorted(np.sort(scores[mated]), thresholds) / mated.sum()
    rejected = np.searchsorted(np.sort(scores[~mated]), thresholds) / (~mated).sum()
    return float((hits + rejected).max() / 2)


def tar(scores: NDArray[np.float32], mated: NDArray[np.bool_], fmr: float) -> float:
    """Share of mated pairs above the threshold that lets through `fmr` of the non-mated ones."""
    others = np.sort(scores[~mated])[::-1]
    return float((scores[mated] > others[int(fmr * len(others))]).mean())


def file_bytes(vectors: NDArray[np.float32], compact: bool) -> int:
    """Bytes of a gallery file for each of 20,000 templates of people without a name."""
    repeated = np.resize(vectors, (20_000, vectors.shape[1]))
    contract = TemplateContract("measured", "00" * 32, vectors.shape[1], "none")
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "g.mien"
        with Gallery.open(path, create=True) as gallery:
            if compact:
                gallery.make_compact()
            for start in range(0, len(repeated), 1000):
                part = repeated[start : start + 1000]
                gallery.enrol_many(Templates(part, Precision.F32, contract, (FACE,) * len(part)), [None] * len(part))
        return path.stat().st_size // len(repeated)


if __name__ == "__main__":
    main()
