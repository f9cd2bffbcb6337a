"""London: 102 smiling probes against their 102 neutral references, and all 204 as strangers to a gallery of LFW.

    python benchmarks/bench_london.py --embedder sface,mobileface,fused

Prints rank-1 and acceptance at a stated FPIR, the scores, and the false positives of strangers with their 95 % interval
(Clopper-Pearson) beside the rate asked for.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from scipy.stats import binomtest

import mien
from lfw import arguments, models


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--fpir", type=float, default=0.01)
    parser.add_argument("--strangers", default="0.003,0.01,0.03,0.1", help="rates for the LFW gallery, with commas")
    parser.add_argument("--references", type=int, default=0, help="pictures in the LFW gallery; 0 = all")
    options = parser.parse_args()
    neutral = sorted((options.data / "london" / "neutral_front").glob("*.jpg"))
    smiling = sorted((options.data / "london" / "smiling_front").glob("*.jpg"))
    with tempfile.TemporaryDirectory() as work:
        for embedder in options.embedder.split(","):
            chosen = models(options, embedder)
            with mien.open(Path(work) / f"london-{embedder}.mien", models=chosen) as gallery:
                for picture in neutral:
                    gallery.enrol(picture.name[:3], picture, faces="largest")
                found = gallery.identify(smiling, fpir=options.fpir, top=2, faces="largest")
            first = [(p.face.source.rsplit("/", 1)[1][:3], p.candidates) for p in found.probes]
            rank1 = sum(c[0].subject == who for who, c in first)
            accepted = sum(c[0].subject == who and c[0].match for who, c in first)
            mated = min(c[0].score for who, c in first if c[0].subject == who)
            other = max(c[1].score for _, c in first)
            print(
                f"{embedder}: {rank1} of {len(first)} at rank 1, {accepted} accepted at FPIR {options.fpir:g} "
                f"(threshold {found.point.threshold:.3f}), lowest mated {mated:.3f}, highest second {other:.3f}"
            )
            strangers(options, embedder, [*neutral, *smiling], Path(work) / f"lfw-{embedder}.mien")


def strangers(options, embedder: str, probes: list[Path], path: Path) -> None:
    pictures = sorted((options.data / "lfw" / "images").glob("*/*.jpg"))
    folder = options.data / "lfw" / "images"
    if options.references:
        folder = path.with_suffix(".photos")
        for picture in pictures[:: max(1, len(pictures) // options.references)][: options.references]:
            (folder / picture.parent.name).mkdir(parents=True, exist_ok=True)
            (folder / picture.parent.name / picture.name).symlink_to(picture)
    with mien.open(path, models=models(options, embedder)) as gallery:
        gallery.index(folder, by_folder=True)
        for fpir in map(float, options.strangers.split(",")):
            found = gallery.identify(probes, fpir=fpir, top=1, faces="largest")
            false = sum(probe.decision is not None for probe in found.probes)
            low, high = binomtest(false, len(found.probes)).proportion_ci()
            print(
                f"  {len(found.probes)} strangers against {found.gallery_size} references of LFW at FPIR {fpir:g}: "
                f"{false} false positives, {false / len(found.probes):.2%} (95 % {low:.2%} to {high:.2%}), "
                f"threshold {found.point.threshold:.3f}{' extrapolated' if found.point.extrapolated else ''}"
            )


if __name__ == "__main__":
    main()
