"""``mien anonymize PHOTOS OUT``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.types.anonymized import Anonymization, Anonymized

SHOWN = 20


def anonymize(
    photos: Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder of photographs, with all below it.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the copies; originals are never changed.")],
    how: Annotated[str, typer.Option(help="blur, pixelate, fill, or replace by the drawn face of nobody.")] = "blur",
    fpir: Annotated[
        float,
        typer.Option(
            help="The check: how often a face of nobody in the run may match one. Higher finds more likeness."
        ),
    ] = 0.1,
    detector: options.Detector = "yunet",
    embedder: options.Embedder = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Copies of photographs with every face hidden and no metadata; then looks for everybody in the copies.

    Exit code 1 when somebody is still findable.
    """
    from mien.service.anonymize import anonymize as run

    models = options.models(detector, embedder, engine, precision, allow_licence, side)
    options.fetch(models)
    with output.progress("anonymising", "steps") as progress:
        result = run(photos, out, how=how, fpir=fpir, models=models, progress=progress)
    if json:
        output.document(result.to_dict())
    else:
        _say(result)
    output.failures(result.failures)
    return 1 if result.findable else output.batch_code(len(result.pictures), result.failures)


def _say(result: Anonymization) -> None:
    pictures = result.pictures
    hidden = sum(p.hidden for p in pictures)
    known = f", {result.skipped} of them done before" if result.skipped else ""
    output.say(f"{output.count(len(pictures), 'picture')}{known}: {output.count(hidden, 'face')} hidden ({result.how})")
    output.say("metadata (EXIF with place and time, thumbnails, colour profiles) is not in the copies")
    missed, found = sum(len(p.missed) for p in pictures), sum(len(p.found) for p in pictures)
    recognised = sum(len(p.recognised) for p in pictures)
    output.say(
        f"checked: {missed} missed, {found} still found as a face, {recognised} still recognised among "
        f"{output.count(result.references, 'original face')} (FPIR {result.fpir:g}), in {result.seconds:.1f} s"
    )
    for picture in result.findable[:SHOWN]:
        output.say(f"  {picture.output}: {_left(picture, result.how)}")
    if len(result.findable) > SHOWN:
        output.say(f"  … and {len(result.findable) - SHOWN} more")
    verdict = f"somebody is still findable in {output.count(len(result.findable), 'picture')}"
    output.say(verdict if result.findable else "nobody is findable in the copies")
    if result.point:
        output.say(f"threshold {result.point.threshold:.3f}: {output.basis(result.point)}")
    output.say(f"model {output.model_line(result.model)}")


def _left(picture: Anonymized, how: str) -> str:
    parts = [f"{output.place(face)} missed" for face in picture.missed]
    if how == "fill":
        parts += [f"{output.place(face)} still found" for face in picture.found]
    parts += [f"{output.place(r.face)} matches {r.original} ({r.score:.2f})" for r in picture.recognised]
    return "; ".join(parts)
