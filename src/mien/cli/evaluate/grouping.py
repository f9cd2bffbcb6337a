"""``mien evaluate grouping``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists

if TYPE_CHECKING:
    from mien.evaluate.grouping import GroupingResult
    from mien.evaluate.protocols.people_folder import PeopleFolder
    from mien.pipeline import Policy
    from mien.service import Models


def grouping(
    root: Annotated[Path, typer.Option(metavar="DIR", help="A folder of photographs for each person.")],
    faces: Annotated[
        str,
        typer.Option(
            "--faces",
            help="Which faces take part: central, largest, one; all: bystanders too, each a person of its own.",
        ),
    ] = "central",
    sweep: Annotated[bool, typer.Option("--sweep", help="Show other cuts around the card's, too.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the order in which photographs are looked at.")] = 0,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    detector: options.Detector = "yunet",
    embedder: Annotated[str, typer.Option(help="Embedders, with commas.", rich_help_panel=options.MODELS)] = "sface",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    side: options.Side = None,
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How well photographs are sorted into people, and how much is left to correct."""
    from mien.evaluate.grouping_report import grouping_report
    from mien.evaluate.protocols.people_folder import read_people
    from mien.pipeline import Policy

    options.policy(faces)
    folder = read_people(root, seed=seed)
    results = []
    for name in lists.names(embedder, "--embedder"):
        models = options.models(detector, name, engine, precision, allow_licence, side)
        results.append(_measured(name, models, folder, Policy(faces), sweep))
    answer.give(grouping_report(results, answer.command()), report, json=json)
    output.failures(results[-1].failures)
    return output.batch_code(results[-1].figures.faces, results[-1].failures)


def _measured(name: str, models: Models, folder: PeopleFolder, policy: Policy, sweep: bool) -> GroupingResult:
    import time

    from mien.evaluate.grouping import measure_grouping
    from mien.evaluate.protocols.people_folder import acquire_people
    from mien.service.group import grouping_rule

    rule = grouping_rule(models)
    options.fetch(models)
    start = time.perf_counter()
    with output.progress(name) as progress:
        faces = acquire_people(models.pipeline(batch=True), folder, policy=policy, progress=progress)
    return measure_grouping(name, faces, rule, looking=time.perf_counter() - start, sweep=sweep)
