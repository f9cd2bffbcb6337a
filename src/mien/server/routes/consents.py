"""On what basis somebody is kept, for what, and until when."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from pydantic import Field

from mien.gallery.people.consent import BASES, MAX_BASIS, MAX_SCOPE
from mien.server import schemas
from mien.server.access import Operation, allowed
from mien.server.bodies import router as make_router
from mien.server.problems import documented
from mien.server.routes.galleries import Served
from mien.server.schemas import In

router = make_router("consents", "/v1/galleries/{gallery}/subjects/{subject}/consent")
_Date = Annotated[str, Field(max_length=40, examples=["2027-01-01"])]


class Statement(In):
    """Why somebody is kept; it takes the place of what was stated before."""

    basis: str = Field("consent", max_length=MAX_BASIS, description=f"One of {', '.join(BASES)}, or other text.")
    scope: str = Field("", max_length=MAX_SCOPE, description="For what, in words.", examples=["the door at night"])
    given: _Date | None = Field(None, description="Since when; null: now.")
    expires: _Date | None = Field(None, description="From then on the person is never matched; null: no end.")


@router.put(
    "",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    response_model=schemas.Consent,
    responses=documented(413, 415, 507),
)
def state_consent(subject: str, statement: Statement, served: Served) -> dict[str, Any]:
    """State on what basis somebody is kept; it renews one that has ended."""
    return served.writer.store.set_consent(subject, **statement.model_dump()).to_dict()


@router.delete(
    "",
    dependencies=[Depends(allowed(Operation.CORRECT))],
    response_model=schemas.Consent,
    responses=documented(507),
)
def withdraw_consent(subject: str, served: Served) -> dict[str, Any]:
    """Take somebody's consent back: never matched from now on, and erased by the next sweep."""
    return served.writer.store.withdraw(subject).to_dict()
