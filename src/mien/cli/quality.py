"""``mien quality PHOTOS…``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.service.quality import Rated, Rating
    from mien.types.outcome import Failure

SHOWN = 4
"""Components that a line names: those that cost most."""


def quality(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTOS...", help="Pictures, or folders of them.")],
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page: the worst first, what to change.")
    ] = None,
    thumbnails: Annotated[bool, typer.Option("--thumbnails", help="Put small pictures of the faces into it.")] = False,
    detector: options.Detector = "yunet",
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How good the faces in pictures are, of 0 to 100, what drives it down, and what to change.

    Components after ISO/IEC 29794-5. The score is made for recognition here; it is not OFIQ's.
    """
    from mien.errors import UsageError
    from mien.service.quality import QUALITY, rate

    if thumbnails and report is None:
        raise UsageError("--thumbnails go into a page: name it with --report")
    models = options.models(detector, None, engine, precision, allow_licence, side)
    options.fetch_heads([QUALITY], models)
    paths, unread = _found(photos)
    with output.progress("looking") as progress:
        rating = rate(paths, models, thumbnails=thumbnails, progress=progress, unread=unread)
    if report is not None:
        from mien.pages.quality import write_quality
        from mien.service.quality_page import quality_page

        write_quality(quality_page(rating), report)
        output.note(f"wrote {report}")
    if json:
        output.document(rating.to_dict())
    else:
        _say(rating)
    output.failures(rating.failures)
    return output.batch_code(len(rating.pictures), rating.failures)


def _found(photos: list[Path]) -> tuple[list[Path], list[Failure]]:
    """Folders written out; what is no folder stays, and says for itself what is wrong with it."""
    from mien.image import find_photos

    paths: list[Path] = []
    unread: list[Failure] = []
    for each in photos:
        inside, failures = find_photos(each) if each.is_dir() else ([each], [])
        paths += inside
        unread += failures
    return paths, unread


def _say(rating: Rating) -> None:
    for picture in rating.pictures:
        if not picture.faces:
            output.say(f"  –  {picture.source}: no face found")
        for face in picture.faces:
            output.say(f"{_score(face)}  {picture.source}: {output.place(face.face)}")
            for line in face.described["advice"]:
                output.say(f"     {line}")
            if costs := _costs(face):
                output.say(f"     costs: {costs}")
    if rating.ms is not None:
        output.say(f"{rating.ms:.0f} ms of processor time a face; the score is mien's own, not OFIQ's")


def _score(face: Rated) -> str:
    score = face.described["unified"]
    return "  –" if score is None else f"{score:3.0f}"


def _costs(face: Rated) -> str:
    found = sorted(face.described["components"].items(), key=lambda item: -float(item[1]["cost"]))
    return ", ".join(
        f"{name.replace('_', ' ')} {row['cost']:.0f} (quality {row['quality']:.0f})"
        for name, row in found[:SHOWN]
        if row["cost"] >= 1
    )
