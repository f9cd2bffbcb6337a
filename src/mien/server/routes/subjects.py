"""The people of a gallery. A subject is addressed by its name or as ``#12`` (``%2312`` in an address)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query

from mien.gallery import Subject
from mien.server import schemas
from mien.server.access import Operation, allowed, context_of
from mien.server.bodies import router as make_router
from mien.server.context import Context
from mien.server.paging import Cursor, PageLimit, SortKey, page
from mien.server.problems import documented
from mien.server.routes.galleries import Served

router = make_router("subjects", "/v1/galleries/{gallery}/subjects")


def _row(subject: Subject) -> dict[str, Any]:
    return {"id": subject.id, "uid": subject.uid, **subject.to_dict()}


def _order(subject: Subject) -> SortKey:
    return (subject.name is None, (subject.name or "").casefold(), subject.id)


@router.get(
    "",
    dependencies=[Depends(allowed(Operation.SUBJECTS))],
    response_model=schemas.Subjects,
    responses=documented(),
)
def list_subjects(
    served: Served,
    limit: PageLimit = 100,
    cursor: Cursor = None,
    unnamed: Annotated[bool, Query(description="Also those without a name.")] = True,
) -> dict[str, Any]:
    """The people, by name; those without one follow."""
    found, after = page(served.reader.store.subjects(unnamed=unnamed), _order, limit, cursor)
    return {"subjects": [_row(subject) for subject in found], "next": after}


@router.get(
    "/{subject}",
    dependencies=[Depends(allowed(Operation.SUBJECTS))],
    response_model=schemas.Subject,
    responses=documented(),
)
def show_subject(subject: str, served: Served) -> dict[str, Any]:
    """One person."""
    return _row(served.reader.store.subject(subject))


@router.patch(
    "/{subject}",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    response_model=schemas.Subject,
    responses=documented(409, 413, 415, 507),
)
def change_subject(
    subject: str, change: schemas.Change, served: Served, context: Annotated[Context, Depends(context_of)]
) -> dict[str, Any]:
    """Give somebody a name, or another one; set or take away attributes. All of it or nothing."""
    store = served.writer.store
    with store.batch():
        number = f"#{store.subject(subject).id}"
        if change.attributes:
            store.set_attributes(number, change.attributes)
        if change.name is not None:
            store.rename(number, change.name)
    if change.name is not None:
        context.answers.forget(served.name, subject)
    return _row(store.subject(number))


@router.delete(
    "/{subject}",
    dependencies=[Depends(allowed(Operation.FORGET))],
    response_model=schemas.Receipt,
    responses=documented(507),
)
def forget_subject(subject: str, served: Served, context: Annotated[Context, Depends(context_of)]) -> dict[str, Any]:
    """Erase a person for good; the receipt says what was erased."""
    return context.eraser.forget(served, subject)


@router.post(
    "/{subject}/merge",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    response_model=schemas.Merged,
    responses=documented(413, 415, 507),
)
def merge_subjects(subject: str, merge: schemas.Merge, served: Served) -> dict[str, Any]:
    """Make one person of several; this one keeps its name."""
    store = served.writer.store
    moved = store.merge(subject, *merge.others)
    return {"subject": store.subject(subject).label, "moved": moved}


@router.post(
    "/{subject}/separate",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    status_code=204,
    responses=documented(413, 415, 507),
)
def separate_subjects(subject: str, separate: schemas.Separate, served: Served) -> None:
    """Say that two are not the same person; grouping never joins them."""
    served.writer.store.separate(subject, separate.other)
