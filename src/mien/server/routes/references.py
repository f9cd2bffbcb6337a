"""The stored faces of people."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Depends, Header, Query
from fastapi import Path as InPath
from starlette.responses import Response

from mien.gallery import Reference
from mien.server import schemas
from mien.server.access import Operation, allowed, context_of
from mien.server.answers import digest_of
from mien.server.bodies import Pictures, picture_body
from mien.server.bodies import router as make_router
from mien.server.context import Context
from mien.server.keys import Key
from mien.server.originals import kept_picture
from mien.server.paging import Cursor, PageLimit, page
from mien.server.problems import PICTURES, documented, refused
from mien.server.routes.galleries import Served
from mien.server.served import OnePolicy
from mien.server.shaping import answer, hide_paths

router = make_router("references", "/v1/galleries/{gallery}")
ReferenceId = Annotated[int, InPath(ge=1, lt=1 << 63)]
_REPLAYED = {"headers": {"Idempotency-Replayed": {"schema": {"type": "string"}, "description": "An earlier answer."}}}


def _row(reference: Reference) -> dict[str, Any]:
    document: dict[str, Any] = hide_paths(reference.to_dict())
    return {
        **document,
        "picture": reference.picture,
        "precision": reference.precision,
        "pinned": reference.pinned,
    }


@router.post(
    "/subjects/{subject}/references",
    status_code=201,
    response_model=schemas.Enrolment,
    responses={**documented(409, 507, *PICTURES), 201: _REPLAYED},
    openapi_extra=picture_body("image"),
)
def enrol_subject(
    subject: str,
    key: Annotated[Key, Depends(allowed(Operation.ENROL))],
    served: Served,
    images: Pictures,
    context: Annotated[Context, Depends(context_of)],
    response: Response,
    faces: Annotated[OnePolicy, Query(description="Which face of a picture is the subject's.")] = "one",
    idempotency_key: Annotated[
        str | None, Header(description="The same request with the same key has one effect.")
    ] = None,
) -> dict[str, Any]:
    """Add references of a subject, one a picture; a new name makes a new subject.

    When no picture can be used, the answer is the problem of the first.
    """

    def work() -> dict[str, Any]:
        start = time.perf_counter()
        result = served.enrol(subject, images, faces=faces)
        told = answer(result, start, model=served.engine.model.to_dict())
        if not result.references:
            raise refused(result.failures[0], answer=told)
        return told

    if idempotency_key is None:
        return work()
    request = digest_of(served.name, subject, faces, *(image.data for image in images))
    found, earlier = context.answers.once(key.id, idempotency_key, request, (served.name, subject), work)
    if earlier:
        response.headers["Idempotency-Replayed"] = "true"
    return found


@router.get(
    "/subjects/{subject}/references",
    dependencies=[Depends(allowed(Operation.SUBJECTS))],
    response_model=schemas.References,
    responses=documented(),
)
def list_references(subject: str, served: Served, limit: PageLimit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """The stored faces of a person, oldest first."""
    person = served.reader.store.show(subject)
    found, after = page(person.references, lambda reference: (reference.id,), limit, cursor)
    return {"references": [_row(reference) for reference in found], "next": after}


@router.get(
    "/references/{reference}",
    dependencies=[Depends(allowed(Operation.SUBJECTS))],
    response_model=schemas.Reference,
    responses=documented(),
)
def show_reference(reference: ReferenceId, served: Served) -> dict[str, Any]:
    """One stored face."""
    return _row(served.reader.store.reference(reference))


@router.delete(
    "/references/{reference}",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    status_code=204,
    responses=documented(507),
)
def remove_reference(reference: ReferenceId, served: Served) -> None:
    """Erase a stored face that is none, or not wanted."""
    served.writer.store.remove([reference])


@router.post(
    "/references/{reference}/move",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    response_model=schemas.Reference,
    responses=documented(413, 415, 507),
)
def move_reference(reference: ReferenceId, move: schemas.Move, served: Served) -> dict[str, Any]:
    """Say whose face it is; grouping keeps to it."""
    served.writer.store.move(reference, move.subject)
    return _row(served.writer.store.reference(reference))


@router.get(
    "/references/{reference}/crop",
    dependencies=[Depends(allowed(Operation.SUBJECTS))],
    response_class=Response,
    responses={**documented(415), 200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
def show_crop(
    reference: ReferenceId,
    served: Served,
    context: Annotated[Context, Depends(context_of)],
    side: Annotated[int, Query(ge=32, le=512, description="Pixels of the square.")] = 160,
) -> Response:
    """A small picture of the face: as the gallery keeps it, or cut from its picture, if that is still where it was."""
    kept = served.reader.store.crop(reference)
    if kept is not None:
        return Response(kept, media_type="image/jpeg")
    found = served.reader.store.reference(reference)
    picture = kept_picture(found, context.settings)
    return Response(context.engine.decoders.cut(picture, found.face.box, side), media_type="image/jpeg")
