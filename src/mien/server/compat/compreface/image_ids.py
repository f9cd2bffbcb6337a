"""CompreFace's `image_id` for a reference: a UUID that names gallery and reference, and needs no table.

A UUID of version 8 (RFC 9562): 60 bits of SHA-256 over both, then the reference's number. One of another gallery, or a
made-up one, does not pass.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Final

NUMBER_BITS: Final = 62
_CHECK_LOW_BITS: Final = 12


def image_id(gallery: str, reference: int) -> str:
    """The UUID of a reference.

    Args:
        gallery: uid of the gallery.
        reference: its number there, below 2**62.
    """
    check = _check(gallery, reference)
    high, low = check >> _CHECK_LOW_BITS, check & ((1 << _CHECK_LOW_BITS) - 1)
    return str(uuid.UUID(int=high << 80 | 8 << 76 | low << 64 | 2 << NUMBER_BITS | reference))


def reference_number(gallery: str, text: str) -> int | None:
    """The reference that a UUID names in this gallery; None for any other UUID.

    Raises:
        ValueError: it is no UUID.
    """
    given = uuid.UUID(text)
    number = given.int & ((1 << NUMBER_BITS) - 1)
    return number if str(given) == image_id(gallery, number) else None


def _check(gallery: str, reference: int) -> int:
    digest = hashlib.sha256(gallery.encode() + reference.to_bytes(8, "big")).digest()
    return int.from_bytes(digest[:8], "big") >> 4
