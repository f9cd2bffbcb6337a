"""Who is still recognised in anonymised pictures: rank-1 of LFW and London before and after, and what is still found.

    python benchmarks/bench_anonymize.py --sets lfw,london --how blur,pixelate,fill,replace --out benchmarks/results
    python benchmarks/bench_anonymize.py --tones --embedder sface,mobileface,fused    # whom an even colour is like

LFW: people with two pictures, drawn with --seed; reference = one picture, probe = the other, anonymised. London:
reference = neutral, probe = smiling. Each anonymised face is cut at the five points that it had before, so that no
detector's failure counts as success, and searched among all references (1:N, closed set); and once more among the
untouched probes themselves, which an attacker may hold. Intervals: 95 %, Clopper-Pearson.
"""

from __future__ import annotations

import csv
import random
import tempfile
from pathlib import Path

import numpy as np

from lfw import arguments, models
from machine import commit, machine, machine_class
from mien.compare.operating import at_fpir
from mien.evaluate.rates import Rate
from mien.geometry.align import align_faces
from mien.image import open_photo
from mien.pipeline import Acquired, Policy, stream
from mien.service.anonymize import SIDE, anonymize


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.set_defaults(embedder="sface")
    parser.add_argument("--sets", default="lfw,london")
    parser.add_argument("--how", default="blur,pixelate,fill,replace")
    parser.add_argument("--people", type=int, default=300, help="of LFW")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fpir", type=float, default=0.1)
    parser.add_argument("--tones", action="store_true", help="greatest cosine of even colours to people of LFW, only")
    parser.add_argument("--out", type=Path, help="folder of the CSV")
    options = parser.parse_args()
    if options.tones:
        tones(options)
        return
    rows = []
    for name in options.sets.split(","):
        pairs = PAIRS[name](options)
        for how in options.how.split(","):
            rows.append({"set": name, "how": how, **measure(options, pairs, how)})
            print(rows[-1], flush=True)
    if options.out:
        write(options, rows)


def lfw_pairs(options) -> list[tuple[Path, Path]]:
    people = [sorted(p.glob("*.jpg")) for p in sorted((options.data / "lfw" / "images").iterdir())]
    several = [pictures for pictures in people if len(pictures) > 1]
    drawn = random.Random(options.seed).sample(several, min(options.people, len(several)))
    return [(pictures[0], pictures[1]) for pictures in drawn]


def london_pairs(options) -> list[tuple[Path, Path]]:
    folder = options.data / "london"
    return [
        (p, folder / "smiling_front" / f"{p.name[:3]}_08.jpg") for p in sorted((folder / "neutral_front").glob("*"))
    ]


TONES = (0, 32, 64, 127, 192, 255, (200, 150, 120), (120, 80, 60), (120, 60, 60))
"""Greys, and tones of skin, RGB."""
PAIRS = {"lfw": lfw_pairs, "london": london_pairs}


def measure(options, pairs: list[tuple[Path, Path]], how: str) -> dict[str, object]:
    chosen = models(options, options.embedder)
    pipeline = chosen.pipeline(batch=True)
    references = found(pipeline, [reference for reference, _ in pairs])
    before = found(pipeline, [probe for _, probe in pairs])
    both = sorted(references.keys() & before.keys())
    gallery = np.concatenate([references[i].templates.vectors for i in both])
    probes = np.concatenate([before[i].templates.vectors for i in both])
    with tempfile.TemporaryDirectory() as work:
        photos, out = Path(work) / "photos", Path(work) / "out"
        photos.mkdir()
        for i in both:
            (photos / f"{i:04}.jpg").symlink_to(pairs[i][1].resolve())
        result = anonymize(photos, out, how=how, fpir=options.fpir, models=chosen)
        crops = [
            align_faces(
                open_photo(out / f"{i:04}.jpg").decode().pixels, np.array([before[i].templates.faces[0].points], "f4")
            )
            for i in both
        ]
    after = pipeline.embedder.embed(np.concatenate(crops))
    rates = {
        "before": rank1(probes, gallery),
        "after": rank1(after, gallery),
        "after_own_picture": rank1(after, probes),
    }
    row: dict[str, object] = {"probes": len(both), "side": SIDE}
    for name, rate in rates.items():
        row |= {name: rate.errors, f"{name}_low": round(rate.low or 0, 4), f"{name}_high": round(rate.high or 0, 4)}
    pictures = result.pictures
    return row | {
        "hidden": sum(p.hidden for p in pictures),
        "missed": sum(len(p.missed) for p in pictures),
        "found": sum(len(p.found) for p in pictures),
        "recognised": sum(len(p.recognised) for p in pictures),
        "findable": len(result.findable),
        "one_pass": sum(p.passes == 1 for p in pictures),
        "most_passes": max(p.passes for p in pictures),
        "threshold": round(result.point.threshold, 4) if result.point else "",
        "ms_a_picture": round(1000 * result.seconds / len(pictures), 1),
    }


def tones(options) -> None:
    """The greatest cosine of a crop of one colour to any of so many people, beside the threshold of the check."""
    paths = [picture for picture, _ in lfw_pairs(options)]
    for name in options.embedder.split(","):
        chosen = models(options, name)
        pipeline = chosen.pipeline(batch=True)
        people = np.concatenate([outcome.templates.vectors for outcome in found(pipeline, paths).values()])
        threshold = at_fpir(chosen.table(), options.fpir, len(people)).threshold
        print(f"{name}: {len(people)} people, threshold {threshold:.3f}")
        for tone in TONES:
            like = pipeline.embedder.embed(np.full((1, 112, 112, 3), tone, np.uint8)) @ people.T
            print(f"  {tone}: {like.max():.3f}", flush=True)


def found(pipeline, paths: list[Path]) -> dict[int, Acquired]:
    """The pictures with a face, by their place in the list; of several faces the central one."""
    outcomes = enumerate(stream(pipeline, paths, policy=Policy.CENTRAL))
    return {i: outcome for i, outcome in outcomes if isinstance(outcome, Acquired)}


def rank1(probes: np.ndarray, references: np.ndarray) -> Rate:
    """How many probes are most like the reference of their own row."""
    best = (probes @ references.T).argmax(axis=1)
    return Rate(int((best == np.arange(len(probes))).sum()), len(probes))


def write(options, rows: list[dict[str, object]]) -> None:
    facts = machine()
    data = options.sets.replace(",", "-")
    name = f"anonymize-{data}-{options.embedder}-{facts['date'][:10]}-{machine_class(facts)}-{commit()}.csv"
    with (options.out / name).open("w", newline="") as file:
        table = csv.DictWriter(file, [*rows[0], "seed", "fpir", *facts])
        table.writeheader()
        table.writerows({**row, "seed": options.seed, "fpir": options.fpir, **facts} for row in rows)
    print(f"wrote {options.out / name}")


if __name__ == "__main__":
    main()
