"""Who did what."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import Out


class AuditRecord(Out):
    """One act, chained to the one before."""

    sequence: int
    utc: str = Field(examples=["2026-11-22T06:53:01Z"])
    action: str = Field(examples=["enrol"])
    subject: str | None = Field(description="uid of the person concerned; null for several or nobody.")
    counts: dict[str, int] = Field(examples=[{"references": 1}])
    actor: str | None = Field(description="Who, as the door that was used calls them.", examples=["local"])
    purpose: str | None
    model: str | None = Field(description="Digest of the template contract in force.")
    threshold: float | None
    rate: float | None = Field(description="The FMR or FPIR asked for, where a decision was made.")


class AuditTrail(Out):
    """One page of audit records, newest first."""

    records: list[AuditRecord]
    next: str | None = Field(description="`cursor` of the next page; null on the last.")
