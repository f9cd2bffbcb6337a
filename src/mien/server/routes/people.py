"""What the pages ask for besides the plain resources: people with their faces, splits, undo, doubts, and who asks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import Field

from mien.gallery import Subject
from mien.server.access import ALLOWED, Operation, allowed
from mien.server.bodies import router as make_router
from mien.server.keys import Key
from mien.server.paging import Cursor, PageLimit, SortKey, page
from mien.server.problems import documented
from mien.server.routes.galleries import Served
from mien.server.schemas import In, Out
from mien.server.schemas import Subject as SubjectOut
from mien.service.review import find_questions, to_dict

router = make_router("people")
_GALLERY = "/galleries/{gallery}"


class WhoAsks(Out):
    """The key of a request."""

    id: str
    role: str = Field(examples=["operator"])
    label: str
    galleries: list[str] | None = Field(description="null: all.")
    expires: str | None
    operations: list[str] = Field(examples=[["detect", "compare"]])


class PersonOut(SubjectOut):
    """A person and some faces to show."""

    faces: list[int] = Field(description="Ids of the first references.")


class People(Out):
    """One page of people."""

    people: list[PersonOut]
    next: str | None


class Split(In):
    """Which faces are somebody else's."""

    references: list[int] = Field(min_length=1, max_length=10_000, examples=[[31, 44]])
    name: str | None = Field(None, description="Of the new subject; null: without a name.")


class SplitOut(Out):
    """What a split made."""

    subject: str = Field(description="The new subject.", examples=["#12"])
    moved: int


class Undone(Out):
    """What was taken back."""

    undone: str = Field(examples=["merge"])
    left: int = Field(description="How many more corrections can be taken back.")


class Side(Out):
    """One side of a question."""

    id: int
    subject: str
    faces: list[int] = Field(description="Ids of references that stand for it.")


class QuestionOut(Out):
    """Whether two sides are the same person."""

    kind: Literal["join", "keep"] = Field(description="join: two people; keep: one face, and the others of its person.")
    first: Side
    second: Side
    score: float = Field(description="Average cosine between the sides.")


class QuestionsOut(Out):
    """The least sure places."""

    questions: list[QuestionOut]
    cut: float = Field(description="Grouping joins from this average cosine on.")
    people: int
    considered: int = Field(description="The largest people, which were compared.")


@router.get("/key", response_model=WhoAsks, responses=documented())
def show_key(key: Annotated[Key, Depends(allowed(Operation.MODELS))]) -> dict[str, Any]:
    """Who asks, and what that key may do."""
    operations = sorted(operation.value for operation in ALLOWED[key.role])
    return {**key.to_dict(), "operations": operations}


@router.get(
    _GALLERY + "/people",
    dependencies=[Depends(allowed(Operation.SUBJECTS))],
    response_model=People,
    responses=documented(),
)
def list_people(
    served: Served,
    limit: PageLimit = 60,
    cursor: Cursor = None,
    faces: Annotated[int, Query(ge=1, le=24, description="Faces of each person.")] = 4,
    text: Annotated[str, Query(max_length=200, description="Only names that contain this.")] = "",
    least: Annotated[int, Query(ge=0, description="Only people with so many faces or more.")] = 0,
) -> dict[str, Any]:
    """The people with some of their faces: those with names first, then those with most faces."""
    store, wanted = served.reader.store, text.casefold()
    found = [p for p in store.subjects() if p.references >= least and wanted in p.label.casefold()]
    rows, after = page(sorted(found, key=_order), _order, limit, cursor)
    covers = store.covers(faces)
    people = [{"id": each.id, "uid": each.uid, **each.to_dict(), "faces": covers.get(each.id, [])} for each in rows]
    return {"people": people, "next": after}


def _order(subject: Subject) -> SortKey:
    return (subject.name is None, -subject.references, subject.label.casefold(), subject.id)


@router.post(
    _GALLERY + "/subjects/{subject}/split",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    response_model=SplitOut,
    responses=documented(409, 413, 415, 507),
)
def split_subject(subject: str, split: Split, served: Served) -> dict[str, Any]:
    """Say that some faces of a subject are somebody else's; grouping never joins the two again."""
    label = served.writer.store.split(subject, split.references, split.name)
    return {"subject": label, "moved": len(set(split.references))}


@router.post(
    _GALLERY + "/undo",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    response_model=Undone,
    responses=documented(409, 507),
)
def undo_correction(served: Served) -> dict[str, Any]:
    """Take back the latest name, merge, split, move or separation of this server; what was changed since stays."""
    store = served.writer.store
    return {"undone": store.undo(), "left": len(store.undoable())}


@router.get(
    _GALLERY + "/questions",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    response_model=QuestionsOut,
    responses=documented(),
)
def list_questions(
    served: Served, limit: Annotated[int, Query(ge=1, le=500, description="How many.")] = 30
) -> dict[str, Any]:
    """Where grouping is least sure, most telling question first. Answer with merge, separate, split or move."""
    store = served.reader.store
    found = find_questions(store, served.engine.models, limit)
    return to_dict(found, {person.id: person.label for person in store.subjects()})
