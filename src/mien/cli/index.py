"""``mien index -g GALLERY FOLDER``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.profile import recorded
from mien.errors import UsageError


def index(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of photographs, with all below it.")],
    gallery: options.AnyGallery,
    by_folder: Annotated[
        bool, typer.Option("--by-folder", help="A picture's own folder names the person in it (photos/ada/1.jpg).")
    ] = False,
    compact: options.Compact = False,
    detector: options.Detector = "yunet",
    embedder: options.Embedder = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    workers: options.Workers = 1,
    profile: options.Profile = False,
    trace: options.Trace = None,
    json: options.Json = False,
) -> int:
    """Add every face of a folder to a gallery, each picture once; an interrupted run goes on where it stopped."""
    from mien import service

    models = options.models(detector, embedder, engine, precision, allow_licence, side)
    measured = profile or trace is not None
    if service.is_address(gallery) and (measured or workers != 1):
        raise UsageError(f"the work is done by {gallery}: leave out --workers, --profile and --trace")
    with (
        options.opened(gallery, models, compact=compact) as opened,
        recorded(profile, trace) as recorder,
        output.progress("indexing") as progress,
    ):
        if isinstance(opened, service.LocalGallery):
            result = opened.index(folder, by_folder=by_folder, progress=progress, workers=workers, recorder=recorder)
        else:
            result = opened.index(folder, by_folder=by_folder, progress=progress)
    if json:
        output.document(result.to_dict())
    else:
        speed = f", {result.new / result.seconds:.0f} pictures/s" if result.new and result.seconds else ""
        output.say(f"{output.count(result.files, 'picture')}: {result.new} new, {result.skipped} known already")
        output.say(f"{output.count(result.faces, 'face')} added in {result.seconds:.1f} s{speed}")
    output.failures(result.failures)
    return output.batch_code(result.new + result.skipped, result.failures)
