"""``mien verify A B``."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli import options, output


def verify(
    a: Annotated[str, typer.Argument(metavar="A", help="The probe picture.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The reference picture; with -g, the name of a subject.")],
    gallery: Annotated[
        str | None,
        typer.Option("--gallery", "-g", help="Compare with subject B of this gallery, a file or https://host."),
    ] = None,
    fmr: Annotated[float, typer.Option(help="False match rate: how often two different people may match.")] = 1e-4,
    faces: options.FacesPolicy = "largest",
    audit: options.Audit = False,
    purpose: options.Purpose = "",
    detector: options.Detector = "yunet",
    embedder: options.Embedder = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Whether two pictures show the same person. Exit code 0 = match, 1 = no match."""
    from mien import service

    models = options.models(detector, embedder, engine, precision, allow_licence)
    options.policy(faces)
    with options.stating(purpose, audit=audit, gallery=gallery):
        if gallery is None:
            options.fetch(models)
            result = service.verify(a, b, fmr=fmr, faces=faces, models=models)
        else:
            with options.opened(gallery, models, create=False, audit=audit) as opened:
                result = opened.verify(a, b, fmr=fmr, faces=faces)
    if json:
        output.document(result.to_dict())
    else:
        sign = "≥" if result.decision else "<"
        output.say(
            f"{'match' if result.decision else 'no match'}: score {result.score:.3f} {sign} {result.threshold:.3f}"
        )
        asked = f"  asked for  FMR {output.rate(fmr)}"
        output.say(asked + (f" over {result.pairs} pairs of faces" if result.pairs > 1 else ""))
        output.say(f"  basis      {output.basis(result.point)}")
        output.say(f"  model      {output.model_line(result.model)}")
        for name, face in (("probe", result.probe), ("reference", result.reference)):
            output.say(f"  {name:<9}  {face.source}: {output.place(face)}")
    return 0 if result.decision else 1
