"""``mien evaluate fruits``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists

if TYPE_CHECKING:
    from mien.evaluate.fruits import Configuration, Timing
    from mien.types.image import Image

MOST_PICTURES = 50


def fruits(
    budget: Annotated[str, typer.Option(help="Milliseconds, with commas.")] = "100,500,1000",
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Photographs to time on, the first 50; else the sample portraits."),
    ] = None,
    detector: Annotated[
        str, typer.Option(help="Detectors, with commas.", rich_help_panel=options.MODELS)
    ] = "yunet,centerface",
    embedder: Annotated[
        str, typer.Option(help="Embedders, with commas.", rich_help_panel=options.MODELS)
    ] = "sface,mobileface,fused",
    engine: Annotated[
        str, typer.Option(help="onnxruntime, openvino, or all that are installed.", rich_help_panel=options.MODELS)
    ] = "all",
    precision: Annotated[
        str, typer.Option(help="f32, bf16, or all that the processor has.", rich_help_panel=options.MODELS)
    ] = "all",
    side: Annotated[
        str,
        typer.Option(
            help="Long sides at which faces are looked for, with commas; own = the detector's.",
            rich_help_panel=options.MODELS,
        ),
    ] = "own,640",
    allow_licence: options.AllowLicence = "permissive",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    json: options.Json = False,
) -> None:
    """Which models finish from pixels to score within a time, on one core, and how good they are."""
    from mien.evaluate.fruits import configurations, one_core
    from mien.evaluate.fruits_report import fruits_report

    budgets = sorted(lists.numbers(budget, "--budget"))
    if not budgets[0] > 0:
        lists.refuse("--budget", f"takes milliseconds above zero, not {budgets[0]:g}")
    asked = configurations(
        lists.names(detector, "--detector"),
        lists.names(embedder, "--embedder"),
        lists.names(engine, "--engine"),
        lists.names(precision, "--precision"),
        _sides(side),
    )
    for each in asked:
        options.fetch(options.models(each.detector, each.embedder, each.engine, each.precision, allow_licence))
    pictures = _pictures(images)
    with one_core() as pinned:
        timings, skipped = _timed(asked, pictures, allow_licence)
    answer.give(fruits_report(timings, budgets, answer.command(), pinned=pinned, skipped=skipped), report, json=json)


def _timed(asked: list[Configuration], pictures: list[Image], allow_licence: str) -> tuple[list[Timing], list[str]]:
    """Times, and what could not be timed because it finds no face."""
    from mien.errors import FaceError
    from mien.evaluate.fruits import time_configuration

    timings: list[Timing] = []
    skipped: list[FaceError] = []
    with output.progress("timing", "configurations") as progress:
        for done, configuration in enumerate(asked):
            try:
                timings.append(time_configuration(configuration, pictures, allow_licence=allow_licence))
            except FaceError as error:
                skipped.append(error)
            progress(done + 1, len(asked))
    if not timings:
        raise skipped[0]
    return timings, [str(error) for error in skipped]


def _sides(text: str) -> list[int | None]:
    """Sides in the order given; None = the detector's own."""
    sides: list[int | None] = []
    for word in lists.names(text, "--side"):
        if word == "own":
            sides.append(None)
        elif word.isdecimal() and 64 <= int(word) <= 20_000:
            sides.append(int(word))
        else:
            lists.refuse("--side", f"takes own or pixels from 64 to 20000, not '{word}'")
    return sides


def _pictures(folder: Path | None) -> list[Image]:
    """Decoded pictures of a folder, or the sample portraits."""
    import tempfile

    from mien.evaluate.fruits import read_pixels
    from mien.image import find_photos
    from mien.models import Store, find_card

    if folder is not None:
        return read_pixels(find_photos(folder)[0][:MOST_PICTURES])
    card = find_card("samples", "samples")
    with tempfile.TemporaryDirectory() as work, output.progress("fetching samples", "bytes") as progress:
        return read_pixels(Store().put(card, Path(work), progress=progress))
