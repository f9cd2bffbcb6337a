"""``mien gallery import-compreface URL``: take over a CompreFace installation."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from mien.cli import options, output

KEY = "COMPREFACE_KEY"
"""Environment variable with the key, which then stands in no list of processes."""


def import_compreface(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where CompreFace is, such as https://faces.example.")],
    gallery: options.Gallery,
    key: Annotated[
        str | None, typer.Option(help=f"API key of its recognition service; better in ${KEY}.", show_default=False)
    ] = None,
    detector: options.Detector = "yunet",
    embedder: options.Embedder = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Read all people and pictures of a CompreFace service through its REST, and enrol them anew."""
    from importlib.util import find_spec

    from mien.errors import UsageError

    key = key or os.environ.get(KEY)
    if not key:
        raise UsageError(f"CompreFace wants a key: --key, or ${KEY}")
    if not find_spec("httpx"):
        raise UsageError(
            "reading from a server is an extra of its own: pip install 'mien[serve]'", code="extra-missing"
        )
    from mien.compat.compreface import CompreFace
    from mien.compat.compreface import import_compreface as take_over
    from mien.service import open_gallery

    models = options.models(detector, embedder, engine, precision, allow_licence)
    options.fetch(models)
    with CompreFace(url, key) as source, open_gallery(gallery, models=models) as opened:
        result = take_over(source, opened)
    if json:
        output.document(result.to_dict())
    else:
        people, pictures = output.count(result.subjects, "subject"), output.count(result.faces, "picture")
        output.say(f"{gallery}: {output.count(result.added, 'reference')} added, of {people} and {pictures} at {url}")
    output.failures(result.failures)
    return output.batch_code(result.faces - len(result.failures), result.failures)
