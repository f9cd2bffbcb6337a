"""LFW deep-funneled, view 2: accuracy over the official 10 folds, and TAR at FMR 1e-3. For reporting only.

    python benchmarks/bench_lfw.py --embedder sface,mobileface,fused --precision bf16

The figures of `mien evaluate verification --dataset lfw`, one line a model.
"""

from __future__ import annotations

from lfw import arguments, models
from mien.evaluate.protocols.lfw import read_lfw
from mien.evaluate.run import score
from mien.evaluate.verification import measure


def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    pairs = read_lfw(options.data / "lfw")
    print(
        f"LFW deep-funneled, view 2: {pairs.mated.sum()} mated and {(~pairs.mated).sum()} non-mated pairs "
        f"of {len(pairs.samples)} pictures"
    )
    for embedder in options.embedder.split(","):
        pipeline = models(options, embedder).pipeline(batch=True)
        result = measure(score(pipeline, pairs, name=embedder))
        accuracy = result.accuracy
        point = next(point for point in result.tar if point.fmr == 1e-3)
        assert accuracy is not None
        assert point.tar is not None
        meta = result.scores.meta
        print(
            f"{embedder:11} {pipeline.embedder.precision} on {pipeline.embedder.engine}: "
            f"accuracy {accuracy.mean:.4%} ± {accuracy.std:.4%}, EER {result.eer}, "
            f"TAR {point.tar} at FMR 1e-3 (false matches {point.matches}), "
            f"{meta['pictures_failed']} pictures without a face, {meta['seconds']:.1f} s, "
            f"{meta['pictures'] / meta['seconds']:.0f} pictures/s"
        )


if __name__ == "__main__":
    main()
