"""``mien detect IMAGE…``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output


def detect(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Pictures.")],
    draw: Annotated[Path | None, typer.Option(metavar="DIR", help="Write copies with the faces drawn here.")] = None,
    detector: options.Detector = "yunet",
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Boxes, five points and scores of the faces in pictures."""
    from mien import service
    from mien.errors import MienError
    from mien.types.faces import Faces
    from mien.types.outcome import Failure

    models = options.models(detector, None, engine, precision, allow_licence, side)
    options.fetch(models)
    found: list[Faces] = []
    failed: list[Failure] = []
    for name in images:
        try:
            found.append(service.faces(name, models=models))
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failed.append(Failure.of(error, name))
    if draw is not None:
        from mien.service.draw import draw_copies

        for path in draw_copies(found, draw):
            output.note(f"wrote {path}")
    if json:
        output.document({"images": [f.to_dict() for f in found], "failures": [f.to_dict() for f in failed]})
    else:
        for faces in found:
            output.say(f"{faces.source}: {output.count(len(faces), 'face')}")
            for face in faces:
                output.say(f"  {output.place(face)}, score {face.score:.2f}")
    output.failures(failed)
    return output.batch_code(len(found), failed)
