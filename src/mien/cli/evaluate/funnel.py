"""``mien evaluate funnel``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def funnel(
    gallery: options.Gallery,
    probes: Annotated[
        int, typer.Option(min=1, help="Most references to search with; of more, so many are drawn.")
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of that draw, and of the approximate search.")] = 0,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    json: options.Json = False,
) -> None:
    """Where accuracy is lost in a gallery: the embedding, smaller templates, or a faster search."""
    from mien.evaluate.funnel import measure_funnel
    from mien.evaluate.funnel_report import funnel_report
    from mien.gallery import Gallery

    with Gallery(gallery, read_only=True) as opened:
        stored = opened.grouped()
    output.note(f"searching {output.count(len(stored.ids), 'reference')}")
    measured = measure_funnel(stored.vectors, stored.subjects, stored.named, where=str(gallery), most=probes, seed=seed)
    answer.give(funnel_report(measured, str(gallery), answer.command()), report, json=json)
