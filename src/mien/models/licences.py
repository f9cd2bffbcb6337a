"""Which licences a policy lets through. Code and weights are judged; the terms of the training data are shown."""

from __future__ import annotations

from mien.errors import LicenceError, UsageError
from mien.models.card import Card
from mien.models.catalogue import parts_of

PERMISSIVE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC-BY-4.0",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "Unlicense",
        "Zlib",
    }
)
"""SPDX ids that allow any use, commercial too, and ask for no more than attribution."""

POLICIES = ("permissive", "non-commercial", "any")


def licence_class(spdx: str) -> str:
    """The narrowest policy that lets a licence through: ``permissive``, ``non-commercial`` or ``any``.

    Licences that forbid commercial use carry NC in their SPDX id; whatever is unknown, copyleft too, needs ``any``.
    """
    if spdx in PERMISSIVE:
        return "permissive"
    return "non-commercial" if "NC" in spdx.split("-") else "any"


def licence_needed(card: Card) -> str:
    """The narrowest policy that lets code and weights of the card through."""
    return max((licence_class(spdx) for spdx in (card.licences.code, card.licences.weights)), key=POLICIES.index)


def require_licence(card: Card, policy: str) -> None:
    """Raise unless the policy lets code and weights of the card, and of those it names, through.

    Raises:
        LicenceError: names the licence, what it covers and how to allow it.
        UsageError: no such policy.
    """
    if policy not in POLICIES:
        raise UsageError(f"no licence policy '{policy}' (known: {', '.join(POLICIES)})")
    for part in ("code", "weights"):
        spdx = getattr(card.licences, part)
        needed = licence_class(spdx)
        if POLICIES.index(needed) > POLICIES.index(policy):
            raise LicenceError(
                f"'{card.name}' is {spdx} ({part}); allow it with --allow-licence {needed}", source=card.name
            )
    for named in parts_of(card):
        require_licence(named, policy)
