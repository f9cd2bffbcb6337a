"""The galleries that are served."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends

from mien.server import schemas
from mien.server.access import Operation, allowed, context_of
from mien.server.bodies import router as make_router
from mien.server.context import Context
from mien.server.keys import Key
from mien.server.problems import documented
from mien.server.served import ServedGallery

router = make_router("galleries")


def served(gallery: str, context: Annotated[Context, Depends(context_of)]) -> ServedGallery:
    """The gallery of a path."""
    return context.gallery(gallery)


Served = Annotated[ServedGallery, Depends(served)]
"""The gallery of a path, as a parameter of a route; stands after `allowed`, which decides whether it may be seen."""


@router.get("/galleries", response_model=schemas.Galleries, responses=documented())
def list_galleries(
    key: Annotated[Key, Depends(allowed(Operation.GALLERIES))], context: Annotated[Context, Depends(context_of)]
) -> dict[str, Any]:
    """The galleries that the key opens."""
    found = [(name, gallery.reader.store.info()) for name, gallery in context.galleries.items() if key.opens(name)]
    rows = [{"name": name, "subjects": i["subjects"], "references": i["references"]} for name, i in sorted(found)]
    return {"galleries": rows}


@router.get(
    "/galleries/{gallery}",
    dependencies=[Depends(allowed(Operation.GALLERIES))],
    response_model=schemas.GalleryInfo,
    responses=documented(),
)
def show_gallery(served: Served) -> dict[str, Any]:
    """A gallery in numbers: people, references, model, what its error rates rest on, how searches are answered."""
    return {**served.reader.store.info(), "name": served.name}


@router.put(
    "/galleries/{gallery}/crops",
    dependencies=[Depends(allowed(Operation.CROPS))],
    response_model=schemas.Crops,
    responses=documented(413, 415, 507),
)
def choose_crops(choice: schemas.KeepCrops, served: Served) -> dict[str, Any]:
    """Keep a small picture of each face that is sent from now on; or erase all of them, and keep none."""
    store = served.writer.store
    if choice.keep:
        store.keep_crops()
    else:
        store.drop_crops()
    found: dict[str, Any] = store.info()["crops"]
    return found
