"""Failure is a value with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from mien.errors import MienError


@dataclass(frozen=True, slots=True)
class Failure:
    """Tried and failed.

    Args:
        source: the picture.
        reason: stable code, such as ``no-face`` or ``image-truncated``; the codes of the errors.
        message: one line for a person.
    """

    source: str
    reason: str
    message: str

    @classmethod
    def of(cls, error: MienError, source: str = "") -> Failure:
        """The failure that an error stands for."""
        return cls(error.source or source, error.code, error.message)

    def to_dict(self) -> dict[str, str]:
        """For JSON: file, reason, message."""
        return {"file": self.source, "reason": self.reason, "message": self.message}
