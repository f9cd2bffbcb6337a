"""``mien gallery optimize``: make searches start and run at their best."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output


def optimize(
    gallery: Annotated[Path, typer.Argument(metavar="GALLERY", help="The gallery file.")],
    index: Annotated[
        str | None,
        typer.Option(metavar="BACKEND", help="flat, fastscan, sq8, hnsw or ivf; chosen by size when left out."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Write the search file beside a gallery anew, so that a large one opens at once."""
    from mien.gallery import Gallery

    with Gallery.open(gallery) as opened:
        receipt = opened.optimize(index)
    if json:
        output.document(receipt)
        return
    output.say(
        f"{gallery}: {output.count(receipt['references'], 'reference')} in a {receipt['backend']} index, "
        f"{receipt['bytes']:,} bytes, {receipt['seconds']:.1f} s"
    )
    recall = receipt["recall"]
    if recall is not None:
        output.say(f"  top 10 as in an exact search: {recall['top10']:.2%}, measured on {recall['probes']} probes")
