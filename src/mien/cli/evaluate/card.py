"""``mien evaluate card``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output


def card(
    reports: Annotated[
        list[Path],
        typer.Option(
            "--from",
            metavar="PATH",
            help="A report folder or report.json of verification, differential, fruits or detection; repeat it.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The Markdown to write.")],
    embedder: Annotated[
        str, typer.Option(help="Name of a card, or a card file.", rich_help_panel=options.MODELS)
    ] = "sface",
    json: options.Json = False,
) -> None:
    """A model card in Markdown, from a model's facts and its measured error rates; refused where data are missing."""
    from mien.evaluate.card_evidence import read_evidence
    from mien.evaluate.model_card import model_card
    from mien.models import find_card
    from mien.pages.html import write_page

    model = find_card(embedder, "embedder")
    evidence = read_evidence(model, reports)
    write_page(model_card(model, evidence), out)
    used = {kind: len(getattr(evidence, kind)) for kind in ("verification", "differential", "fruits", "detection")}
    if json:
        output.document({"embedder": model.name, "card": str(out), "results": used})
    else:
        output.say(f"wrote {out}: {', '.join(f'{n} {kind}' for kind, n in used.items() if n)}")
