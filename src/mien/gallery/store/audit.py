"""What the audit trail tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mien.gallery.store.trail import Record


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who did what, and when.

    Args:
        sequence: number of the record, from 1 without gaps; the order of what happened, whatever the clock said.
        utc: ISO 8601.
        action: what was done.
        subject: uid of the person concerned; None for several or nobody.
        counts: how many of what.
        actor: who, opaque; None in records made under schema 1 or 2, as are the following.
        purpose: why; may be empty.
        model: digest of the template contract in force.
        threshold: cosine, where a decision was made.
        rate: the FMR or FPIR asked for.
    """

    sequence: int
    utc: str
    action: str
    subject: str | None
    counts: Mapping[str, int]
    actor: str | None
    purpose: str | None
    model: str | None
    threshold: float | None
    rate: float | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "sequence": self.sequence,
            "utc": self.utc,
            "action": self.action,
            "subject": self.subject,
            "counts": dict(self.counts),
            "actor": self.actor,
            "purpose": self.purpose,
            "model": self.model,
            "threshold": self.threshold,
            "rate": self.rate,
        }


def to_record(row: Record) -> AuditRecord:
    """A verified row as callers see it."""
    sequence, utc, action, subject, counts, *detail = row
    return AuditRecord(sequence, utc, action, subject, json.loads(counts), *detail)
