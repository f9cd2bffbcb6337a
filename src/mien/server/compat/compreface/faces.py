"""``/recognition/faces``: the stored faces."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request

from mien.errors import NotFoundError
from mien.gallery.people.records import Reference
from mien.pipeline.acquire import require_size
from mien.server.access import Operation
from mien.server.bodies import parse_json
from mien.server.compat.compreface.image_ids import image_id, reference_number
from mien.server.compat.compreface.requests import least_score, page_of, pictures, subject_name
from mien.server.compat.compreface.subjects import find_subject
from mien.server.compat.serving import Wanted, gallery_for, look
from mien.server.decoding import Picture
from mien.server.problems import Problem
from mien.server.served import ServedGallery
from mien.service.local import ENROL_FACE_PX

router = APIRouter(prefix="/recognition/faces")
Correcting = Annotated[ServedGallery, Depends(gallery_for(Operation.CORRECT))]


def stored_face(served: ServedGallery, text: str) -> Reference:
    """The reference of an `image_id`.

    Raises:
        Problem: it is no UUID (code 36), or none of this gallery's (code 44).
    """
    try:
        number = reference_number(served.reader.store.uid, text)
    except ValueError as error:
        raise Problem(422, "argument", "an image_id is a UUID") from error
    try:
        if number is not None:
            return served.reader.store.reference(number)
    except NotFoundError:
        pass
    raise Problem(404, "reference-unknown", f"Embedding {text} not found")


def row(served: ServedGallery, reference: Reference) -> dict[str, str]:
    """A stored face as CompreFace lists it."""
    return {"image_id": image_id(served.reader.store.uid, reference.id), "subject": reference.subject}


def _subject(request: Request) -> str:
    """The ``subject`` of the query, which must be there."""
    if "subject" not in request.query_params:
        raise Problem(422, "parameter-missing", "Required parameter 'subject' is not present")
    return subject_name(request.query_params["subject"])


@router.post("", status_code=201)
def add_face(
    served: Annotated[ServedGallery, Depends(gallery_for(Operation.ENROL))],
    name: Annotated[str, Depends(_subject)],
    least: Annotated[float | None, Depends(least_score)],
    images: Annotated[list[Picture], Depends(pictures("file"))],
) -> dict[str, Any]:
    """Enrol a picture of one person."""
    looked = look(served.engine, images[0], Wanted(least_score=least)).require_one()
    require_size(looked.faces, ENROL_FACE_PX)
    store = served.writer.store
    crop = next(iter(looked.jpegs(store)), None)
    enrolled = store.enrol(name, looked.made, looked.record, crop=crop)
    return row(served, store.reference(enrolled.reference))


@router.get("")
def list_faces(
    request: Request, served: Annotated[ServedGallery, Depends(gallery_for(Operation.SUBJECTS))]
) -> dict[str, Any]:
    """A page of stored faces."""
    (page, size), name = page_of(request), request.query_params.get("subject") or None
    try:
        found, total = served.reader.store.references_page(page * size, size, subject=name)
    except NotFoundError:
        found, total = [], 0
    return {
        "faces": [row(served, reference) for reference in found],
        "page_number": page,
        "page_size": size,
        "total_pages": -(-total // size),
        "total_elements": total,
    }


@router.delete("")
def delete_faces(request: Request, served: Correcting) -> dict[str, Any]:
    """Erase the faces of a subject, or all; the subjects stay."""
    store, name = served.writer.store, request.query_params.get("subject")
    with store.batch():
        if name:
            doomed = [reference.id for reference in store.show(find_subject(served, name).label).references]
        else:
            doomed = [reference.id for reference in store.references()]
        return {"deleted": store.remove(doomed) if doomed else 0}


@router.delete("/{face}")
def delete_face(face: str, served: Correcting) -> dict[str, Any]:
    """Erase one face."""
    reference = stored_face(served, face)
    served.writer.store.remove([reference.id])
    return {"image_id": face, "subject": reference.subject}


async def _ids(request: Request) -> list[str]:
    ids = parse_json(await request.body())
    if not isinstance(ids, list) or not all(isinstance(text, str) for text in ids):
        raise Problem(422, "request-invalid", "the body must be a list of image_ids")
    return ids


@router.post("/delete")
def delete_several(served: Correcting, ids: Annotated[list[str], Depends(_ids)]) -> list[dict[str, Any]]:
    """Erase several faces; those that are not there are left out of the answer."""
    found = {}
    for text in ids:
        try:
            found[text] = stored_face(served, text)
        except Problem as problem:
            if problem.code != "reference-unknown":
                raise
    if found:
        served.writer.store.remove([reference.id for reference in found.values()])
    return [{"image_id": text, "subject": reference.subject} for text, reference in found.items()]
