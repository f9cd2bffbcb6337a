"""``mien evaluate identification``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists, score_out


def identification(
    gallery: Annotated[
        Path, typer.Option("--gallery", metavar="CSV", help="Who is enrolled: a list with the header file,subject.")
    ],
    probes: Annotated[
        Path,
        typer.Option(metavar="CSV", help="Who asks: the same. A subject that the gallery list has not is a stranger."),
    ],
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="What the paths start from; else the list's own folder.")
    ] = None,
    rank: Annotated[int, typer.Option(min=1, help="R of the FNIR: below it a subject counts as not found.")] = 1,
    fpir: Annotated[str, typer.Option(help="False positive identification rates to report, with commas.")] = (
        "0.001,0.003,0.01,0.03,0.1"
    ),
    repeats: Annotated[int, typer.Option(min=0, max=1000, help="So many redrawn galleries; their spread.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the redrawn galleries.")] = 0,
    faces: Annotated[
        str, typer.Option("--faces", help="Which face of a picture: central, largest or one.")
    ] = "central",
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the report page, JSON and scores here.")
    ] = None,
    detector: options.Detector = "yunet",
    embedder: Annotated[str, typer.Option(help="Embedders, with commas.", rich_help_panel=options.MODELS)] = "sface",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    side: options.Side = None,
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How often a search in a gallery names a stranger, and how often it misses whom it knows."""
    import time

    from mien.evaluate.identification import Asked, identification_figures
    from mien.evaluate.identification_report import identification_report
    from mien.evaluate.protocols.identification import acquire, read_listing, without_copies

    start = time.perf_counter()
    score_out.check(report, None)
    asked = Asked(rank, lists.rates(fpir, "--fpir"), repeats, seed)
    policy = lists.one_face(faces)
    enrolled = read_listing(gallery, root)
    searched, copies = without_copies(enrolled, read_listing(probes, root))
    results, failures = [], []
    for name in lists.names(embedder, "--embedder"):
        models = options.models(detector, name, engine, precision, allow_licence, side)
        options.fetch(models)
        with output.progress(name) as progress:
            samples = acquire(models.pipeline(batch=True), enrolled, searched, policy=policy, progress=progress)
        results.append(identification_figures(name, samples, models.embedder_card.operating, asked))
        failures = samples.failures
    seconds = time.perf_counter() - start
    score_out.keep([result.scores for result in results], report, None)
    answer.give(
        identification_report(results, [str(path) for path in copies], answer.command(), seconds=seconds),
        report,
        json=json,
    )
    output.failures(failures)
    return output.batch_code(sum(len(r.searches) for r in results), failures)
