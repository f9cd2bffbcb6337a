"""What the page of `mien quality` shows of a rating."""

from __future__ import annotations

import datetime
from pathlib import Path

from mien.pages.quality import PageComponent, PageRated, QualityPage
from mien.service.quality import Rated, RatedPicture, Rating
from mien.version import __version__

BASIS = (
    "Components after ISO/IEC 29794-5 with the parameters of OFIQ 1.1 where they are known; the score of 0 to 100 is "
    "mien's own, made to tell which pictures make poor templates here, and is not OFIQ's. Head {name} {sha256:.12}."
)


def quality_page(rating: Rating) -> QualityPage:
    """The page: one entry a face, the worst first."""
    faces = [
        (face.unified, PageRated(Path(picture.source).name, _place(picture, face), *_said(face), face.thumbnail))
        for picture in rating.pictures
        for face in picture.faces
    ]
    photos = len(rating.pictures) + len(rating.failures)
    return QualityPage(
        heading=f"Quality of {photos:,} {'photograph' if photos == 1 else 'photographs'}",
        faces=tuple(face for _, face in sorted(faces, key=lambda pair: pair[0])),
        empty=tuple(picture.source for picture in rating.pictures if not picture.faces),
        failures=rating.failures,
        basis=BASIS.format(**rating.head),
        made=f"mien {__version__}, {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M}",
    )


def _place(picture: RatedPicture, rated: Rated) -> str:
    x0, y0, x1, y1 = rated.face.box
    return f"face of {x1 - x0:.0f}x{y1 - y0:.0f} px at {x0:.0f},{y0:.0f}, in {Path(picture.source).parent}"


def _said(rated: Rated) -> tuple[float | None, tuple[str, ...], tuple[PageComponent, ...]]:
    described = rated.described
    rows = sorted(described["components"].items(), key=lambda item: (-item[1]["cost"], item[1]["quality"]))
    components = tuple(
        PageComponent(name, f"{round(row['native'], 3):.4g} {row['unit']}".rstrip(), row["quality"], row["cost"])
        for name, row in rows
    )
    return described["unified"], tuple(described["advice"]), components
