"""``mien enrol -g GALLERY SUBJECT IMAGE…``."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli import options, output


def enrol(
    subject: Annotated[str, typer.Argument(help="The name.")],
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Pictures of this person.")],
    gallery: options.AnyGallery,
    faces: options.FacesPolicy = "one",
    attributes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="What else is known, for --where; may be given several times."),
    ] = None,
    min_quality: Annotated[
        float | None,
        typer.Option(
            metavar="0..100", help="Refuse pictures below this unified quality (see `mien quality`).", min=0, max=100
        ),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="bona-fide", help="Refuse faces that are taken for a print, a screen or a mask."),
    ] = None,
    compact: options.Compact = False,
    detector: options.Detector = "yunet",
    embedder: options.Embedder = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Add references of a named subject; the gallery is made if it is not there."""
    from mien.gallery import parse_attributes

    known = parse_attributes(attributes or [])
    models = options.models(detector, embedder, engine, precision, allow_licence)
    options.policy(faces)
    with options.opened(gallery, models, compact=compact) as opened:
        result = opened.enrol(
            subject, images, faces=faces, attributes=known, min_quality=min_quality, require=require or ()
        )
    if json:
        output.document(result.to_dict())
    elif result.references:
        again = len(result.references) - result.added
        output.say(
            f"{subject}: {output.count(result.added, 'reference')} added to {gallery}"
            + (f", {again} there already" if again else "")
        )
    output.failures(result.failures)
    return output.batch_code(len(result.references), result.failures)
