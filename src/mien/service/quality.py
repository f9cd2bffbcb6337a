"""How good pictures of faces are: of many for a report, and of one as a condition of enrolment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mien.errors import FaceError, MienError, UsageError
from mien.image import Photo, PhotoSource, encode_jpeg, thumbnail
from mien.models import Card, Head, find_card
from mien.models.catalogue import card_paths
from mien.service.analyze import Analyzer, facts_of, open_analyzer
from mien.service.engine import Models, Progress
from mien.types.faces import Face, Faces
from mien.types.image import Image
from mien.types.outcome import Failure

QUALITY: Final = "quality"
BONA_FIDE: Final = "bona-fide"
PRESENTATION: Final = ("pad", "liveness")
"""Heads that tell a living face from a picture of one, the preferred first."""
THUMB_QUALITY: Final = 75


@dataclass(frozen=True, slots=True)
class Rated:
    """One face of a picture.

    Args:
        face: where it is.
        described: as the head ``quality`` describes it: unified, advice, components.
        thumbnail: JPEG, empty unless asked for.
    """

    face: Face
    described: dict[str, Any]
    thumbnail: bytes = b""

    @property
    def unified(self) -> float:
        """0..100; below 0 where nothing could be measured, so that it sorts first."""
        score = self.described["unified"]
        return -1.0 if score is None else float(score)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"box": [round(v, 1) for v in self.face.box], **self.described}


@dataclass(frozen=True, slots=True)
class RatedPicture:
    """A picture and its faces, the worst first."""

    source: str
    size: tuple[int, int]
    faces: tuple[Rated, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        width, height = self.size
        return {"file": self.source, "width": width, "height": height, "faces": [face.to_dict() for face in self.faces]}


@dataclass(frozen=True, slots=True)
class Rating:
    """What was found of many pictures.

    Args:
        pictures: the one with the worst face first; those without a face at the end.
        failures: pictures that could not be used.
        head: what the score is and rests on, as `Analyzer.describe` gives it.
        ms: processor milliseconds a face, all heads together; None without a face.
    """

    pictures: tuple[RatedPicture, ...]
    failures: tuple[Failure, ...]
    head: dict[str, Any]
    ms: float | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "head": self.head,
            "ms_per_face": None if self.ms is None else round(self.ms, 1),
            "images": [picture.to_dict() for picture in self.pictures],
            "failures": [failure.to_dict() for failure in self.failures],
        }


def rate(
    sources: Sequence[PhotoSource],
    models: Models | None = None,
    *,
    thumbnails: bool = False,
    unread: Sequence[Failure] = (),
    progress: Progress | None = None,
) -> Rating:
    """Score, components and advice for every face of the pictures.

    Args:
        sources: pictures.
        models: which detector, and how heads are run.
        thumbnails: keep a small picture of each face.
        unread: files that could not even be tried, for the answer.
        progress: called with (done, total) pictures.

    Raises:
        ModelError: weights of a head are missing, altered or invalid.
    """
    analyzer = open_analyzer([QUALITY], models)
    pictures: list[RatedPicture] = []
    failures = list(unread)
    spent, count = 0.0, 0
    for number, source in enumerate(sources, 1):
        try:
            image, found = analyzer.find(source)
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, str(source)))
        else:
            start = time.process_time()
            faces = analyzer.columns(image, found)
            spent, count = spent + time.process_time() - start, count + len(faces)
            pictures.append(_picture(analyzer, image, faces, thumbnails=thumbnails))
        if progress:
            progress(number, len(sources))
    pictures.sort(key=lambda picture: picture.faces[0].unified if picture.faces else np.inf)
    (head,) = analyzer.describe()
    return Rating(tuple(pictures), tuple(failures), head, 1000 * spent / count if count else None)


def _picture(analyzer: Analyzer, image: Image, faces: Faces, *, thumbnails: bool) -> RatedPicture:
    head = analyzer.head(QUALITY)
    scale = np.tile(image.scale, 2)
    rated = [
        Rated(
            face,
            head.describe(faces.columns[QUALITY], row),
            encode_jpeg(thumbnail(image.pixels, _box(face, scale)), THUMB_QUALITY) if thumbnails else b"",
        )
        for row, face in enumerate(faces)
    ]
    return RatedPicture(faces.source, faces.size, tuple(sorted(rated, key=lambda each: each.unified)))


def _box(face: Face, scale: Any) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(v) for v in np.array(face.box) * scale)
    return x0, y0, x1, y1


@dataclass(frozen=True, slots=True)
class Gate:
    """What a face must fulfil to become a reference.

    Args:
        analyzer: with the heads that the conditions need.
        least: unified quality, 0..100; None = any.
        presentation: name of the head that must find a living face; None = none must.
    """

    analyzer: Analyzer
    least: float | None
    presentation: str | None

    def check(self, photo: Photo, faces: Faces) -> None:
        """Pass the chosen faces of a picture.

        Raises:
            FaceError: ``quality-too-low`` or ``not-bona-fide``; says what to change.
            ImageError: the picture cannot be decoded in full.
        """
        seen = self.analyzer.columns(photo.decode(), faces)
        for row in range(len(seen)):
            if self.least is not None:
                _require_quality(self.analyzer.head(QUALITY), seen, row, self.least)
            if self.presentation is not None:
                _require_bona_fide(self.analyzer.head(self.presentation).card, seen, row)


def open_gate(models: Models, min_quality: float | None, require: Sequence[str]) -> Gate | None:
    """The conditions as something to check by; None where there are none.

    Args:
        models: how heads are run.
        min_quality: least unified quality, 0..100.
        require: ``bona-fide``, or nothing.

    Raises:
        UsageError: a quality outside of 0..100, an unknown condition, or a head without a stated threshold.
    """
    if min_quality is not None and not 0 <= min_quality <= 100:
        raise UsageError(f"the least quality is a number of 0 to 100, not {min_quality:g}")
    for condition in require:
        if condition != BONA_FIDE:
            raise UsageError(f"'{condition}' cannot be required of a face; known is {BONA_FIDE}")
    presentation = presentation_head() if require else None
    names = ([] if min_quality is None else [QUALITY]) + ([presentation] if presentation else [])
    return Gate(open_analyzer(names, models), min_quality, presentation) if names else None


def presentation_head() -> str:
    """The head that decides whether a face is bona fide, by the threshold on its card.

    Raises:
        UsageError: its card states none.
    """
    known = card_paths()
    name = next(name for name in PRESENTATION if name in known)
    if facts_of(find_card(name, "head")).operating is None:
        raise UsageError(
            f"the card of '{name}' states no threshold ([head.operating]), so nobody can be required to be bona fide: "
            "leave out the requirement, or add a card 'pad' that states one",
            code="head-uncalibrated",
        )
    return name


def _require_quality(head: Head, faces: Faces, row: int, least: float) -> None:
    described = head.describe(faces.columns[QUALITY], row)
    score = described["unified"]
    if score is not None and score >= least:
        return
    advice = "; ".join(described["advice"]) or f"most is lost by {_costliest(described['components'])}"
    raise FaceError(
        f"{faces.source}: quality {score or 0:.0f} of 100, at least {least:g} is asked for: {advice}",
        code="quality-too-low",
        source=faces.source,
    )


def _costliest(rows: dict[str, dict[str, Any]]) -> str:
    """The component that takes most points, in words."""
    return max(rows, key=lambda name: float(rows[name]["cost"]), default="what could not be measured").replace("_", " ")


def _require_bona_fide(card: Card, faces: Faces, row: int) -> None:
    facts = facts_of(card)
    probability = float(faces.columns[card.name].values[row].reshape(-1)[facts.labels.index(BONA_FIDE)])
    if facts.operating is None or probability >= facts.operating.value:
        return
    raise FaceError(
        f"{faces.source}: {card.name} takes the face for a picture or a mask (bona fide {probability:.2f}, at least "
        f"{facts.operating.value:g} is needed): photograph the person, not a print or a screen",
        code="not-bona-fide",
        source=faces.source,
    )
