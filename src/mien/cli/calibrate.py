"""``mien calibrate -g GALLERY``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer

if TYPE_CHECKING:
    from mien.gallery import Gallery


def calibrate(
    gallery: options.Gallery,
    fmr: Annotated[
        float, typer.Option(help="The false match rate that is going to be asked for; too few people are refused.")
    ] = 1e-4,
    show: Annotated[bool, typer.Option("--show", help="Show what is stored, measure nothing.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Go back to the error rates of the model's card.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    json: options.Json = False,
) -> int:
    """Measure error rates on a gallery's own named people; verify and identify use them from then on."""
    from mien.errors import UsageError
    from mien.gallery import Gallery

    if show + clear + (report is not None) > 1:
        raise UsageError("--show, --clear and --report do not go together")
    if not 0 < fmr < 1:
        raise UsageError(f"--fmr must lie between 0 and 1, got {fmr:g}", code="fmr-range")
    with Gallery.open(gallery, read_only=show) as opened:
        if show:
            _show(opened, json)
        elif clear:
            opened.set_operating(None)
            _said({"operating": None}, f"{gallery}: error rates are those of the model's card", json)
        else:
            _measure(opened, fmr, report, json)
    return 0


def _measure(gallery: Gallery, fmr: float, report: Path | None, json: bool) -> None:
    import datetime

    from mien.evaluate.calibrate import calibrate
    from mien.evaluate.calibrate_report import calibration_report

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    found = calibrate(gallery, fmr=fmr, date=today, command=f"mien calibrate --fmr {fmr:g}")
    gallery.set_operating(found.table, found.digest)
    for a, b, score in found.doubtful:
        output.note(f"{a} and {b} look like one person or one picture (score {score:.3f}); left out")
    answer.give(calibration_report(found, command=answer.command()), report, json=json)
    output.note("stored; verify and identify on this gallery use it from now on")


def _show(gallery: Gallery, json: bool) -> None:
    from mien.errors import NotFoundError
    from mien.evaluate.calibrate import points
    from mien.evaluate.calibrate_report import points_table

    table = gallery.operating()
    if table is None:
        raise NotFoundError(
            f"{gallery.path} has no error rates of its own; `mien calibrate` measures them", source=str(gallery.path)
        )
    facts = gallery.info()["operating"]
    rows = points_table(table)
    lines = [
        rows.caption,
        *("  " + ", ".join(f"{c} {v}" for c, v in zip(rows.columns, r, strict=True)) for r in rows.rows),
    ]
    _said({"operating": {**facts, "points": points(table)}}, "\n".join(lines), json)


def _said(document: dict[str, object], text: str, json: bool) -> None:
    if json:
        output.document(document)
    else:
        output.say(text)
