"""Weights of the unified quality score, and what it says of pictures made worse.

    python benchmarks/fit_quality.py

Development pictures only: all pictures of the people of LFW view 1 but those in pairs of view 2, and London, smiling,
made worse in known ways and compared with the same person's neutral picture. Prints the weights of a non-negative least
squares fit of the loss of cosine (sface) by what the components lack, times 5; then, with the weights on the card, the
median score of each change beside its loss, and what leaving out the worst tenth of the mated pairs changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from lfw import arguments, models, read_pairs
from mien.evaluate.heads import central
from mien.geometry.align import align_faces
from mien.image import open_photo
from mien.models import load_head
from mien.models.views import Cuts
from mien.pipeline import Pipeline
from mien.quality import assess
from mien.quality.head import NAMES
from mien.types.image import Image

F8 = NDArray[np.float64]
Change = Callable[[Image, F8], NDArray[np.uint8]]
"""Picture and landmarks to other pixels."""
SCALE = 5.0
"""Loss in the score for a loss of 1 in cosine: a tenth less cosine leaves 61 of 100."""
MOST_PAIRS = 30
"""Of one person, so that nobody outweighs the others."""
SEED = 0
FMR = 1e-3


@dataclass(frozen=True)
class Seen:
    """What is kept of a face: qualities of 0..100 by component, its vector, its landmarks."""

    qualities: Mapping[str, float]
    vector: NDArray[np.float32]
    landmarks: F8


class Eyes:
    """Detector, embedder and heads over one picture at a time."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.heads = [load_head(name) for name in ("landmarks68", "pose", "eyes", "quality")]

    def look(self, image: Image) -> Seen | None:
        """The face nearest to the middle; None without one."""
        face = central(self.pipeline.detector.detect(image))
        if face is None:
            return None
        cuts = Cuts(image, face)
        for head in self.heads:
            cuts.faces = cuts.faces.with_columns({head.card.name: head.look(cuts)})
        columns = cuts.faces.columns
        values = dict(zip(NAMES, map(float, columns["quality"].values[0, 1:, 1]), strict=True))
        vector = self.pipeline.embedder.embed(align_faces(image.pixels, face.points))[0]
        return Seen(values, vector, columns["landmarks68"].values[0].astype(np.float64))


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture only")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    eyes = Eyes(models(options, options.embedder.split(",")[0]).pipeline(batch=True))
    weights = eyes.heads[-1].card.head.parameters if eyes.heads[-1].card.head else {}
    used = sorted(weights)
    people = lfw(options.data, options.every, eyes)
    made = list(london(options.data, options.every, eyes))
    pairs = mated(people)
    losses = np.array([1 - float(a.vector @ b.vector) for a, b in pairs])
    lacks = np.array([lack(a, used) + lack(b, used) for a, b in pairs])
    drops, worse = np.array([drop for _, drop, _ in made]), np.array([lack(seen, used) for _, _, seen in made])
    print(f"{len(pairs)} mated pairs of LFW view 1, {len(made)} pictures of London, untouched and made worse")
    for name, weight in zip(used, SCALE * fitted(lacks, losses, worse, drops), strict=True):
        print(f"{name:28s} fitted {weight:.2f}, on the card {weights[name]:g}")
    for change in dict.fromkeys(change for change, _, _ in made):
        rows = [(drop, assess(seen.qualities, weights).score) for name, drop, seen in made if name == change]
        drop, score = np.mean([row[0] for row in rows]), np.median([row[1] for row in rows])
        print(f"{change:14s} {len(rows):3d} found, drop {drop:.2f}, median score {score:.0f}")
    discard(people, pairs, weights)


def fitted(lacks: F8, losses: F8, worse: F8, drops: F8) -> F8:
    """Non-negative weights; both kinds of data count alike, each with an offset of its own."""
    one, two = 1 / len(losses) ** 0.5, 1 / len(drops) ** 0.5
    rows = [
        np.column_stack([one * lacks, np.full(len(losses), one), np.zeros(len(losses))]),
        np.column_stack([two * worse, np.zeros(len(drops)), np.full(len(drops), two)]),
    ]
    found: F8 = nnls(np.concatenate(rows), np.concatenate([one * losses, two * drops]))[0][:-2]
    return found


def lack(seen: Seen, names: Iterable[str]) -> F8:
    """(k,) what each component lacks, 0..1; 0 where it was not measured."""
    return np.nan_to_num(np.array([1 - seen.qualities[name] / 100 for name in names]))


def lfw(data: Path, every: int, eyes: Eyes) -> dict[str, list[Seen]]:
    """The people of view 1 with all their pictures that are in no pair of view 2."""
    listed = {name for pair in read_pairs(data / "lfw" / "pairsDevTest.txt") for name in (pair.a, pair.b)}
    later = {name for pair in read_pairs(data / "lfw" / "pairs.txt") for name in (pair.a, pair.b)}
    people = sorted({Path(name).parent.name for name in listed})[::every]
    names = [f"{p}/{path.name}" for p in people for path in sorted((data / "lfw" / "images" / p).glob("*.jpg"))]
    found: dict[str, list[Seen]] = {}
    for name in names:
        if name in listed or name not in later:
            seen = eyes.look(open_photo(data / "lfw" / "images" / name).decode())
            if seen is not None:
                found.setdefault(Path(name).parent.name, []).append(seen)
    return found


def mated(people: Mapping[str, list[Seen]]) -> list[tuple[Seen, Seen]]:
    """Pairs of pictures of a person, drawn where there are many."""
    random = np.random.default_rng(SEED)
    pairs: list[tuple[Seen, Seen]] = []
    for pictures in people.values():
        own = list(combinations(pictures, 2))
        chosen = range(len(own)) if len(own) <= MOST_PAIRS else random.choice(len(own), MOST_PAIRS, replace=False)
        pairs += [own[int(i)] for i in chosen]
    return pairs


def london(data: Path, every: int, eyes: Eyes) -> Iterable[tuple[str, float, Seen]]:
    """Name of the change, loss of cosine to the neutral picture against the untouched smiling one, and what is seen."""
    for path in sorted((data / "london" / "smiling_front").glob("*.jpg"))[:: 2 * every]:
        neutral = next((data / "london" / "neutral_front").glob(f"{path.name[:3]}*.jpg"))
        image, other = open_photo(path).decode(), eyes.look(open_photo(neutral).decode())
        plain = eyes.look(image)
        if plain is None or other is None:
            continue
        whole = float(plain.vector @ other.vector)
        yield "untouched", 0.0, plain
        for name, change, share in changes():
            seen = eyes.look(Image(np.ascontiguousarray(change(image, plain.landmarks))))
            if seen is not None:
                if share:
                    seen = Seen({**seen.qualities, "face_occlusion_prevention": 100 * (1 - share)}, *_rest(seen))
                yield name, whole - float(seen.vector @ other.vector), seen


def _rest(seen: Seen) -> tuple[NDArray[np.float32], F8]:
    return seen.vector, seen.landmarks


def changes() -> Iterable[tuple[str, Change, float]]:
    """Name, change, and the share of the face that it covers."""
    for sigma in (2, 4, 7, 10, 13):
        yield f"blur {sigma} px", _pixels(lambda p, s=sigma: cv2.GaussianBlur(p, (0, 0), s)), 0
    for factor in (0.3, 0.12, 0.05, 1.8, 2.6):
        yield f"light x {factor}", _pixels(lambda p, f=factor: np.clip(p * f, 0, 255)), 0
    for factor in (0.3, 0.15, 0.1):
        yield f"reduced {factor}", _pixels(lambda p, f=factor: reduced(p, f)), 0
    for quality in (30, 10, 5):
        yield f"JPEG {quality}", _pixels(lambda p, q=quality: compressed(p, q)), 0
    for sigma in (15, 40):
        noise = np.random.default_rng(SEED)
        yield f"noise {sigma}", _pixels(lambda p, s=sigma, n=noise: np.clip(p + n.normal(0, s, p.shape), 0, 255)), 0
    yield "light from side", _pixels(lambda p: p * np.linspace(1, 0.2, p.shape[1])[None, :, None]), 0
    for angle in (15, 30, 45):
        yield f"turned {angle}", _pixels(lambda p, a=angle: turned(p, a)), 0
    yield "lower covered", lambda i, m: covered(i, m[:, 0].min(), m[30, 1], m[:, 0].max(), m[:, 1].max()), 0.45
    yield "half covered", lambda i, m: covered(i, m[:, 0].min(), m[:, 1].min(), m[30, 0], m[:, 1].max()), 0.5
    yield "bar over eyes", bar, 0.15


def _pixels(change: Callable[[NDArray[np.uint8]], NDArray[np.float64] | NDArray[np.uint8]]) -> Change:
    return lambda image, _: np.asarray(change(image.pixels), np.uint8)


def reduced(pixels: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """To a part of its size, averaged."""
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def compressed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Through a JPEG."""
    data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], np.uint8)


def turned(pixels: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """About the middle; the border is repeated."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def bar(image: Image, marks: F8) -> NDArray[np.uint8]:
    """A dark bar over both eyes."""
    height, eyes = np.ptp(marks[:, 1]), marks[36:48, 1].mean()
    left, right = marks[:, 0].min(), marks[:, 0].max()
    return covered(image, left, eyes - 0.1 * height, right, eyes + 0.12 * height, (20, 20, 20))


def covered(
    image: Image,
    left: float,
    top: float,
    right: float,
    bottom: float,
    colour: int | tuple[int, int, int] = (60, 70, 110),
) -> NDArray[np.uint8]:
    """A rectangle of one colour over the picture."""
    pixels = image.pixels.copy()
    pixels[max(int(top), 0) : int(bottom), max(int(left), 0) : int(right)] = colour
    return pixels


def discard(people: Mapping[str, list[Seen]], pairs: list[tuple[Seen, Seen]], weights: Mapping[str, float]) -> None:
    """What leaving out the tenth of the pairs with the worst picture does; bootstrap over people."""
    cosines = np.array([float(a.vector @ b.vector) for a, b in pairs])
    worst = np.array([min(assess(s.qualities, weights).score for s in pair) for pair in pairs])
    owner = {id(seen): number for number, pictures in enumerate(people.values()) for seen in pictures}
    who = np.array([owner[id(a)] for a, _ in pairs])
    vectors = np.stack([seen.vector for pictures in people.values() for seen in pictures])
    labels = np.repeat(np.arange(len(people)), [len(pictures) for pictures in people.values()])
    strangers = np.triu(labels[:, None] != labels[None, :], 1)
    for name, threshold in (
        (f"FMR {FMR:g}", np.quantile((vectors @ vectors.T)[strangers], 1 - FMR)),
        ("lowest twentieth", np.quantile(cosines, 0.05)),
    ):
        missed = cosines < threshold
        kept = np.argsort(worst, kind="stable")[len(pairs) // 10 :]
        low, high = np.percentile(_redrawn(missed, worst, who), [2.5, 97.5])
        print(
            f"{name}: {missed.sum()} of {len(missed)} missed, {missed[kept].sum()} of {len(kept)} without the worst "
            f"tenth; change {missed[kept].mean() - missed.mean():+.4f}, 95 % {low:+.4f} to {high:+.4f}"
        )


def _redrawn(missed: NDArray[np.bool_], worst: F8, who: NDArray[np.int64], times: int = 2000) -> list[float]:
    random = np.random.default_rng(SEED)
    people = np.unique(who)
    rows = {person: np.flatnonzero(who == person) for person in people}
    changes: list[float] = []
    for _ in range(times):
        drawn = np.concatenate([rows[person] for person in random.choice(people, len(people))])
        kept = drawn[np.argsort(worst[drawn], kind="stable")[len(drawn) // 10 :]]
        changes.append(float(missed[kept].mean() - missed[drawn].mean()))
    return changes


if __name__ == "__main__":
    main()
