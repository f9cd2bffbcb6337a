"""What `mien models` shows of a card."""

from __future__ import annotations

from typing import Any

from mien.models.card import Card
from mien.models.catalogue import parts_of
from mien.models.licences import POLICIES, licence_class
from mien.models.store import Store


def describe(card: Card, store: Store | None = None) -> dict[str, Any]:
    """The facts of a card, for people and for JSON.

    Args:
        card: whose facts.
        store: where to look whether its files are cached; hashes them. None leaves `cached` and `state` out.
    """
    licences = card.licences
    states = store.states(card) if store else {}
    return {
        "name": card.name,
        "kind": card.kind,
        "family": card.family or None,
        "summary": card.summary,
        "paper": card.paper or None,
        "licence": {"code": licences.code, "weights": licences.weights, "training_data": licences.training_data},
        "policy": max((licence_class(x) for x in (licences.code, licences.weights)), key=POLICIES.index),
        "bytes": sum(each.bytes for each in (card, *parts_of(card))),
        **({"cached": all(state == "good" for state in states.values())} if store else {}),
        "files": [
            {
                "name": file.name,
                "sha256": file.sha256,
                "bytes": file.bytes,
                "sources": [str(source) for source in file.sources],
                **({"state": states[file.name]} if store else {}),
            }
            for file in card.files
        ],
        "dimension": card.dimension,
        "parts": dict(zip(card.fuse.cards, card.fuse.weights, strict=True)) if card.fuse else None,
        "measured": _measured(card),
        "head": _head(card),
        "card": str(card.path),
    }


def _head(card: Card) -> dict[str, Any] | None:
    facts = card.head
    if facts is None:
        return None
    return {
        "use": "research" if facts.research else "general",
        "gives": facts.gives,
        "unit": facts.unit or None,
        "labels": list(facts.labels),
        "errors": [error.to_dict() for error in facts.errors],
    }


def _measured(card: Card) -> dict[str, Any] | None:
    table = card.operating
    if table is None:
        return None
    keys = ("data", "date", "command", "mated", "nonmated", "subjects")
    rows = [
        {
            "fmr": p.errors / table.nonmated,
            "threshold": p.threshold,
            "errors": p.errors,
            "interval": [p.low, p.high],
            "misses": p.misses,
        }
        for p in table.points
    ]
    histogram = table.histogram.to_dict() if table.histogram else None
    return {**{key: getattr(table, key) for key in keys}, "points": rows, "histogram": histogram}
