"""``/recognition/subjects``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from mien.errors import NotFoundError
from mien.gallery import Subject
from mien.server.access import Operation, context_of
from mien.server.compat.compreface.requests import json_object, required, subject_name
from mien.server.compat.serving import gallery_for
from mien.server.context import Context
from mien.server.problems import Problem
from mien.server.served import ServedGallery

router = APIRouter(prefix="/recognition/subjects")
Body = Annotated[dict[str, Any], Depends(json_object)]
Shared = Annotated[Context, Depends(context_of)]
Reading = Annotated[ServedGallery, Depends(gallery_for(Operation.SUBJECTS))]
Correcting = Annotated[ServedGallery, Depends(gallery_for(Operation.CORRECT))]
Forgetting = Annotated[ServedGallery, Depends(gallery_for(Operation.FORGET))]


def find_subject(served: ServedGallery, name: str) -> Subject:
    """Somebody by name.

    Raises:
        Problem: nobody is called so.
    """
    try:
        return served.reader.store.subject(name)
    except NotFoundError as error:
        raise Problem(404, "subject-unknown", f"Subject {name:.60} not found") from error


@router.post("", status_code=201)
def add_subject(served: Annotated[ServedGallery, Depends(gallery_for(Operation.ENROL))], body: Body) -> dict[str, Any]:
    """Make somebody without pictures."""
    name = subject_name(required(body, "subject"))
    served.writer.store.add_subject(name)
    return {"subject": name}


@router.get("")
@router.get("/")
def list_subjects(served: Reading) -> dict[str, Any]:
    """All names."""
    return {"subjects": [subject.label for subject in served.reader.store.subjects()]}


@router.put("/{subject}")
def rename_subject(subject: str, served: Correcting, body: Body, context: Shared) -> dict[str, Any]:
    """Another name; somebody who has it already becomes the same person."""
    name, store = subject_name(required(body, "subject")), served.writer.store
    person = find_subject(served, subject)
    if name == person.label:
        return {"updated": False}
    with store.batch():
        holder = next((other for other in _called(served, name) if other.id != person.id), None)
        if holder is None:
            store.rename(f"#{person.id}", name)
        else:
            store.merge(f"#{holder.id}", f"#{person.id}")
    context.answers.forget(served.name, person.label)
    return {"updated": True}


def _called(served: ServedGallery, name: str) -> list[Subject]:
    try:
        return [served.writer.store.subject(name)]
    except NotFoundError:
        return []


@router.delete("/{subject}")
def delete_subject(subject: str, served: Forgetting, context: Shared) -> dict[str, Any]:
    """Erase somebody with all faces."""
    return {"subject": _forget(served, find_subject(served, subject), context)}


@router.delete("")
def delete_subjects(served: Forgetting, context: Shared) -> dict[str, Any]:
    """Erase everybody."""
    people = served.reader.store.subjects()
    with served.writer.store.batch():
        for person in people:
            _forget(served, person, context)
    return {"deleted": len(people)}


def _forget(served: ServedGallery, person: Subject, context: Context) -> str:
    served.writer.forget(f"#{person.id}")
    context.answers.forget(served.name, person.label)
    return person.label
