"""Grouping: which method, which cut, which faces are too poor; and how time and memory grow.

    python benchmarks/bench_grouping.py --embedder sface --write
    python benchmarks/bench_grouping.py --embedder sface --incremental
    python benchmarks/bench_grouping.py --growth

Four folders, whose people are known: LFW view 1 (the pictures that ``pairsDevTest.txt`` names) with London; the same
with the bystanders in those pictures; the same with the crowds of WIDER FACE as strangers; and the first with every
second LFW picture shrunk until its face is 20 to 60 pixels high. Truth is the face nearest to the centre; all others
count as strangers, each a person of its own. Figures are BCubed precision, recall and F (Amigo et al. 2009), pairwise
F, the number of groups, how many of them mix people, and the largest.

The rule is the one with the highest mean F over the four folders. ``--write`` puts it into the card as ``[grouping]``.
"""

from __future__ import annotations

import datetime
import itertools
import platform
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import DBSCAN, HDBSCAN

from grouping_growth import added, growth, incremental
from lfw import arguments, models, read_pairs
from mien.evaluate.metrics.grouping import grouping_figures
from mien.evaluate.protocols.people_folder import label_faces
from mien.grouping import GroupingRule, group
from mien.image import encode_jpeg, load_image
from mien.models import find_card
from mien.pipeline import Pipeline

Labels = NDArray[np.int64]
CUTS = np.round(np.arange(0.38, 0.561, 0.02), 2)
ATTACH = (0.50, 0.54, 0.60)
MIN_SCORE = (0.0, 0.80, 0.85, 0.87, 0.89)
SEED = 0


@dataclass(frozen=True)
class Folder:
    """Faces as columns, with the truth."""

    vectors: NDArray[np.float32]
    pictures: Labels
    scores: NDArray[np.float32]
    people: NDArray[np.str_]

    def __getitem__(self, rows: NDArray[np.bool_]) -> Folder:
        return Folder(*(getattr(self, name)[rows] for name in self.columns()))

    def __add__(self, other: Folder) -> Folder:
        parts = [np.concatenate([getattr(self, n), getattr(other, n)]) for n in self.columns()]
        parts[1] = np.concatenate([self.pictures, other.pictures + self.pictures.max() + 1])
        return Folder(*parts)

    @staticmethod
    def columns() -> tuple[str, ...]:
        """Names of the columns."""
        return ("vectors", "pictures", "scores", "people")

    @property
    def strangers(self) -> NDArray[np.bool_]:
        """(n,) faces of people who appear once."""
        return np.char.startswith(self.people, "?")

    def grouped(self, rule: GroupingRule) -> Labels:
        """Group of each face under a rule."""
        weak = rule.weak(self.scores)
        return group(self.vectors, self.pictures, cut=rule.cut, attach_cut=rule.attach, weak=weak).labels


def read(pipeline: Pipeline, sources: Iterable[Path | bytes], names: list[str], tag: str) -> Folder:
    """All faces; the one nearest to the centre is `names[i]`, the others and everyone without a name are strangers."""
    faces = label_faces(pipeline, sources, names, tag=tag)
    return Folder(faces.vectors, faces.pictures, faces.scores, faces.people)


def folders(pipeline: Pipeline, data: Path) -> dict[str, Folder]:
    pairs = read_pairs(data / "lfw" / "pairsDevTest.txt")
    names = sorted({p.a for p in pairs} | {p.b for p in pairs})
    owners = [name.split("/")[0] for name in names]
    portraits = sorted(data.glob("london/*_front/*.jpg"))
    crowds = sorted(data.glob("widerface/**/*.jpg"))
    lfw = read(pipeline, [data / "lfw" / "images" / name for name in names], owners, "lfw")
    london = read(pipeline, portraits, [f"london {path.name[:3]}" for path in portraits], "london")
    wider = read(pipeline, crowds, [""] * len(crowds), "wider")
    odd = [data / "lfw" / "images" / name for name in names[1::2]]
    small = read(
        pipeline, (shrunk(path, (50, 75, 100, 125, 150)[i % 5]) for i, path in enumerate(odd)), owners[1::2], "s"
    )
    everybody = lfw + london
    half = lfw[(lfw.pictures % 2 == 0) & ~lfw.strangers] + small[~small.strangers] + london
    return {
        "people": everybody[~everybody.strangers],
        "bystanders": everybody,
        "crowds": everybody + wider,
        "small": half,
    }


def shrunk(path: Path, side: int) -> bytes:
    """The picture with its long side at `side` pixels, in the middle of a grey one of its own size, as JPEG."""
    pixels = load_image(path).pixels
    factor = side / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    canvas = np.full_like(pixels, 128)
    top, left = (canvas.shape[0] - small.shape[0]) // 2, (canvas.shape[1] - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return encode_jpeg(canvas, 95)


def figures(labels: Labels, people: NDArray[np.str_]) -> tuple[float, ...]:
    """BCubed precision, recall, F; pairwise F; groups; mixed groups; largest group."""
    f = grouping_figures(labels, people)
    agreement = (f.bcubed.precision, f.bcubed.recall, f.bcubed.f, f.pairwise.f)
    return (*(value or 0.0 for value in agreement), f.groups_of_several, f.mixed, f.largest)


def whispers(similarity: NDArray[np.float32], cut: float) -> Labels:
    """Chinese Whispers (Biemann 2006), 20 rounds."""
    random = np.random.default_rng(SEED)
    labels = np.arange(len(similarity))
    near = [np.flatnonzero(row >= cut) for row in similarity - 2 * np.eye(len(similarity), dtype=np.float32)]
    for _ in range(20):
        for i in random.permutation(len(labels)):
            if len(near[i]):
                found, which = np.unique(labels[near[i]], return_inverse=True)
                labels[i] = found[np.bincount(which, similarity[i, near[i]]).argmax()]
    return labels


def rivals(folder: Folder) -> dict[str, Callable[[float], Labels]]:
    """Other methods as functions of a cut, two faces of one picture as far apart as can be."""
    similarity = folder.vectors @ folder.vectors.T
    similarity[folder.pictures[:, None] == folder.pictures] = -1
    np.fill_diagonal(similarity, 1)
    far = np.clip(1 - similarity, 0, 2).astype(np.float64)
    condensed = squareform(far, checks=False)
    trees = {name: linkage(condensed, name) for name in ("average", "complete", "single")}

    def tree(name: str) -> Callable[[float], Labels]:
        return lambda cut: fcluster(trees[name], 1 - cut, "distance").astype(np.int64)

    return {
        "constrained average linkage": lambda cut: group(folder.vectors, folder.pictures, cut=cut).labels,
        **{f"{name} linkage": tree(name) for name in trees},
        "DBSCAN, 3 neighbours": lambda cut: DBSCAN(eps=1 - cut, min_samples=3, metric="precomputed").fit_predict(far),
        "Chinese Whispers": lambda cut: whispers(similarity, cut),
        "HDBSCAN (no cut)": lambda cut: HDBSCAN(2, 1, metric="precomputed", copy=True).fit_predict(far),
    }


def line(name: str, cut: float, row: tuple[float, ...]) -> str:
    p, r, f, pairwise, groups, mixed, largest = row
    return f"{name:34s} {cut:.2f}  {p:.4f} {r:.4f} {f:.4f}  {pairwise:.4f}  {groups:5.0f} {mixed:5.0f} {largest:5.0f}"


def compare_methods(name: str, folder: Folder) -> None:
    print(f"\n{name}, {len(folder.people)} faces, no face called weak: each method at its own best cut")
    print(f"{'':34s}  cut  BCubed P R F           pair F  groups mixed largest")
    for method, run in rivals(folder).items():
        cuts = CUTS if "no cut" not in method else CUTS[:1]
        rows = [(figures(run(cut), folder.people), cut) for cut in cuts.tolist()]
        best, cut = max(rows, key=lambda row: row[0][2])
        print(line(method, cut, best), flush=True)


def choose(sets: dict[str, Folder], date: str, command: str) -> GroupingRule:
    """The rule with the highest mean F; the cut first without a gate's help, then all three together around it."""
    data = "LFW deep-funneled view 1 and London, with bystanders, with WIDER FACE crowds, and half of LFW shrunk"

    def rule(cut: float, attach: float, score: float) -> GroupingRule:
        return GroupingRule(cut, max(cut, attach), score, data, date, command)

    def mean(candidate: GroupingRule) -> float:
        return float(np.mean([figures(f.grouped(candidate), f.people)[2] for f in sets.values()]))

    best = rule(0.46, 0.54, 0.85)
    for _ in range(2):
        best = max((rule(cut, best.attach, best.min_score) for cut in CUTS.tolist()), key=mean)
        gates = itertools.product(ATTACH, MIN_SCORE)
        best = max((rule(best.cut, attach, score) for attach, score in gates), key=mean)
    return best


def report(sets: dict[str, Folder], best: GroupingRule) -> None:
    print("\nBCubed F against the cut, weak faces as below")
    print(f"{'':24s}" + " ".join(f"{cut:7.2f}" for cut in CUTS))
    for name, folder in sets.items():
        rules = [GroupingRule(c, max(c, best.attach), best.min_score, "", "", "") for c in CUTS.tolist()]
        row = [figures(folder.grouped(rule), folder.people)[2] for rule in rules]
        print(f"{name:12s} {len(folder.people):6d} faces" + " ".join(f"{f:7.4f}" for f in row))
    for name, folder in sets.items():
        print(line(f"{name}, the rule", best.cut, figures(folder.grouped(best), folder.people)))
    open_to_all = GroupingRule(best.cut, best.cut, 0, "", "", "")
    for name, folder in sets.items():
        print(line(f"{name}, no face weak", best.cut, figures(folder.grouped(open_to_all), folder.people)))


def toml(rule: GroupingRule) -> str:
    return (
        f"[grouping]\ncut = {rule.cut:.2f}\nattach = {rule.attach:.2f}\n"
        f'min_score = {rule.min_score:.2f}\ndata = "{rule.data}"\ndate = "{rule.date}"\ncommand = "{rule.command}"\n'
    )


def write(path: Path, table: str) -> None:
    """Put the table in place of the card's own, or at its end."""
    text = path.read_text()
    found = re.search(r"^\[grouping\]\n(?:[^\[\n].*\n)*", text, re.MULTILINE)
    path.write_text(text.replace(found.group(), table) if found else f"{text.rstrip()}\n\n{table}")


def add_bit_by_bit(sets: dict[str, Folder], rule: GroupingRule) -> None:
    """Photographs in batches, each compared with what is there, against one full run."""
    for name in ("bystanders", "crowds"):
        folder = sets[name]
        run = partial(added, folder.vectors, folder.pictures, rule.weak(folder.scores), rule)
        incremental(name, folder.people, folder.grouped(rule), run, {1: 1, 10: 10, 100: 10, 1000: 10})


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--write", action="store_true", help="put the rule into the card")
    parser.add_argument("--methods", action="store_true", help="compare with other methods first")
    parser.add_argument("--growth", action="store_true", help="only time and memory on made-up templates")
    parser.add_argument("--incremental", action="store_true", help="only the card's rule, photographs bit by bit")
    options = parser.parse_args()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    print(f"{today}, {platform.processor() or platform.machine()}, detector {options.detector}")
    if options.growth:
        return growth()
    for embedder in options.embedder.split(","):
        sets = folders(models(options, embedder).pipeline(batch=True), options.data)
        print(f"\n== {embedder}: " + ", ".join(f"{name} {len(folder.people)} faces" for name, folder in sets.items()))
        if options.incremental:
            add_bit_by_bit(sets, GroupingRule.from_dict(find_card(embedder, "embedder").grouping or {}))
            continue
        if options.methods:
            compare_methods("people", sets["people"])
            compare_methods("bystanders", sets["bystanders"])
        best = choose(sets, today, f"python benchmarks/bench_grouping.py --embedder {embedder}")
        report(sets, best)
        print(f"\n{toml(best)}")
        if options.write:
            write(find_card(embedder, "embedder").path, toml(best))
    return None


if __name__ == "__main__":
    main()
