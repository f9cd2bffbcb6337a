"""``mien gallery consent | withdraw | sweep``: why people are kept, and until when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.gallery import Consent

Path_ = Annotated[Path, typer.Argument(metavar="GALLERY", help="The gallery file.")]
Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="A name, or '#12' for someone without one.")]


def consent(
    gallery: Path_,
    subject: Subject,
    basis: Annotated[
        str,
        typer.Option(
            help="consent, contract, legal-obligation, vital-interest, public-task, legitimate-interest, or other text."
        ),
    ] = "consent",
    scope: Annotated[str, typer.Option(help="For what, in words.")] = "",
    given: Annotated[str | None, typer.Option(metavar="2026-05-01", help="Since when. Default: now.")] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="2027-01-01", help="From this day on (0:00 UTC) never matched, then swept. Default: no end."
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Put down on what basis a subject is kept, and until when; renews what has ended."""
    from mien.gallery import Gallery

    with Gallery.open(gallery) as opened:
        stated = opened.set_consent(subject, basis=basis, scope=scope, given=given, expires=expires)
    _say(subject, stated, json)


def withdraw(gallery: Path_, subject: Subject, json: options.Json = False) -> None:
    """Take a subject's consent back: never matched from now on, and erased by the next sweep."""
    from mien.gallery import Gallery

    with Gallery.open(gallery) as opened:
        stated = opened.withdraw(subject)
    _say(subject, stated, json)


def sweep(gallery: Path_, json: options.Json = False) -> None:
    """Erase for good whoever's consent has expired or was withdrawn."""
    from mien.gallery import Gallery

    with Gallery.open(gallery) as opened:
        receipts = opened.sweep()
    if json:
        output.document({"swept": receipts})
    else:
        references = sum(receipt["references"] for receipt in receipts)
        output.say(f"swept: {output.count(len(receipts), 'subject')}, {output.count(references, 'reference')}")


def describe(consent: Consent) -> str:
    """A consent in one line."""
    parts = [f"basis {consent.basis}" if consent.basis else "no basis", f"for {consent.scope}" if consent.scope else ""]
    parts += [f"{word} {when}" for word, when in (("since", consent.given), ("until", consent.expires)) if when]
    if consent.withdrawn:
        parts.append(f"withdrawn {consent.withdrawn}")
    parts.append("" if consent.in_force else "never matched, erased by `mien gallery sweep`")
    return ", ".join(part for part in parts if part)


def _say(subject: str, consent: Consent, json: bool) -> None:
    if json:
        output.document({"subject": subject, "consent": consent.to_dict()})
    else:
        output.say(f"{subject}: {describe(consent)}")
