"""``mien group FOLDER``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.profile import recorded


def group(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder of photographs, with all below it.")],
    out: Annotated[Path | None, typer.Option(metavar="people.html", help="Write the people as one page.")] = None,
    gallery: Annotated[
        Path | None, typer.Option("--gallery", "-g", help="Keep people and their names in this gallery.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="With --gallery: compare all its faces again, not only the new ones.")
    ] = False,
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
    """Sort a folder of photographs into people, without any names."""
    from mien import service

    models = options.models(detector, embedder, engine, precision, allow_licence, side)
    if gallery is None:
        options.fetch(models)
        with recorded(profile, trace) as recorder, output.progress("looking at") as progress:
            result = service.group(folder, models=models, progress=progress, workers=workers, recorder=recorder)
    else:
        with service.open_gallery(gallery, models=models) as opened:
            options.fetch(opened.models)
            with recorded(profile, trace) as recorder, output.progress("looking at") as progress:
                result = opened.group(folder, progress=progress, workers=workers, recorder=recorder, full=full)
    if out is not None:
        from mien.service.page import write_page

        write_page(result, out, folder=folder, gallery=gallery)
        output.note(f"wrote {out}")
    if json:
        output.document(result.to_dict())
    else:
        output.say(
            f"{output.count(result.files, 'picture')}, {output.count(result.faces, 'face')}: "
            f"{output.count(len(result.groups), 'person', 'people')} seen more than once, "
            f"{output.count(len(result.ungrouped), 'face')} alone, in {result.seconds:.1f} s"
        )
        for person in result.groups[:20]:
            pictures = sorted({face.source for face in person.faces})
            shown = ", ".join(Path(name).name for name in pictures[:4]) + (" …" if len(pictures) > 4 else "")
            output.say(f"  {person.name or f'person {person.id + 1}'}: {len(person.faces)} faces ({shown})")
        if len(result.groups) > 20:
            output.say(f"  … and {len(result.groups) - 20} more")
        output.say(f"model {output.model_line(result.model)}; {result.basis}")
    output.failures(result.failures)
    return output.batch_code(result.files - len(result.failures), result.failures)
