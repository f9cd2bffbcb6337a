"""``mien evaluate differential``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists, score_out

if TYPE_CHECKING:
    from mien.evaluate.protocols.labelled import Labelled

DATA = "What is compared"


def differential(
    root: Annotated[
        Path,
        typer.Option(metavar="DIR", help="UTKFace, or what names in --csv are relative to.", rich_help_panel=DATA),
    ] = Path(),
    list_: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="A list: file,subject and group columns.", rich_help_panel=DATA),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(help="Attributes, with commas: each is measured, and all crossed.", rich_help_panel=DATA),
    ] = None,
    least_age: Annotated[
        int, typer.Option(min=0, max=120, help="Of UTKFace: leave out younger people.", rich_help_panel=DATA)
    ] = 0,
    fmr: Annotated[float, typer.Option(help="The threshold is the one in force for this false match rate.")] = 1e-3,
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
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Whether some groups of people are falsely matched, or missed, more often than others."""
    from mien.compare import at_fmr
    from mien.evaluate.differential import differential_report, measure
    from mien.evaluate.embed import embed_files
    from mien.evaluate.hygiene import hash_files

    policy = lists.one_face(faces)
    data = _data(root, list_, least_age)
    attributes = list(data.groups)[:2] if groups is None else lists.names(groups, "--groups")
    data.attribute(attributes)  # refuses an unknown one before any work
    score_out.check(report, None)
    chosen = {
        name: options.models(detector, name, engine, precision, allow_licence)
        for name in lists.names(embedder, "--embedder")
    }
    for models in chosen.values():
        at_fmr(models.table(), fmr)
    with output.progress("looking for copies") as progress:
        hashes, _ = hash_files(data.paths, progress=progress)
    measured = []
    for name, models in chosen.items():
        options.fetch(models)
        with output.progress(name) as progress:
            embedded = embed_files(models.pipeline(batch=True), data.paths, policy=policy, progress=progress)
        measured.append(measure(name, data, embedded, hashes, models.table(), fmr=fmr, attributes=attributes))
    score_out.keep([one.scores() for one in measured] if report else [], report, None)
    answer.give(differential_report(measured, command=answer.command()), report, json=json)
    if not json:
        for line in (line for one in measured for line in one.to_dict()["findings"]):
            output.say(f"\n{line}")
    return 0


def _data(root: Path, list_: Path | None, least_age: int) -> Labelled:
    from mien.errors import UsageError
    from mien.evaluate.protocols.labelled import read_labelled
    from mien.evaluate.protocols.utkface import read_utkface

    if list_ is None:
        return read_utkface(root, least_age=least_age)
    if least_age:
        raise UsageError("--least-age is for UTKFace, whose file names hold the age; leave people out of the list")
    return read_labelled(list_, root)
