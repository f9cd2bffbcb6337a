"""``mien audit …``: who did what with a gallery."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.gallery import AuditRecord

app = typer.Typer(help="Who did what with a gallery, and whether that record is whole.", no_args_is_help=True)
Path_ = Annotated[Path, typer.Argument(metavar="GALLERY", help="The gallery file.")]


@app.command()
def verify(
    gallery: Path_,
    noted: Annotated[
        str | None,
        typer.Option(metavar="HEAD", help="A head that this command printed earlier; the trail must still hold it."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Compare every audit record with its hash. Exit code 6, naming the first that differs, when one was changed.

    The head that it prints is worth keeping elsewhere: with it, a trail that was cut or made anew is found as well.
    """
    from mien.gallery import Gallery

    with Gallery.open(gallery, read_only=True) as opened:
        head = opened.verify_audit(noted)
    if json:
        output.document({"records": head.records, "head": str(head)})
    else:
        output.say(f"{output.count(head.records, 'record')}, all as they were written")
        output.say(f"head {head}")


@app.command()
def show(
    gallery: Path_,
    since: Annotated[str | None, typer.Option(metavar="2026-11-01", help="Leave out what is older.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Only what concerns this subject: name, '#12', or the uid of a receipt.")
    ] = None,
    json: options.Json = False,
) -> None:
    """The audit records, oldest first."""
    from mien.gallery import Gallery

    with Gallery.open(gallery, read_only=True) as opened:
        records = opened.audit(since=since, subject=subject)
    if json:
        output.document({"records": [record.to_dict() for record in records]})
    else:
        for record in records:
            output.say(_line(record))


def _line(record: AuditRecord) -> str:
    parts = [f"{record.sequence:>6}  {record.utc}  {record.actor or '(unknown)'}  {record.action}"]
    parts += [f"{count:,} {what}" for what, count in record.counts.items()]
    parts += [f"subject {record.subject}"] if record.subject else []
    parts += [f"model {record.model[:12]}"] if record.model else []
    parts += [f"threshold {record.threshold:.4f}"] if record.threshold is not None else []
    parts += [f"rate {record.rate:g}"] if record.rate is not None else []
    return ", ".join([*parts, *([f"for {record.purpose}"] if record.purpose else [])])
