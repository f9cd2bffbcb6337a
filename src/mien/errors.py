"""Everything that mien raises on purpose, and the exit code each kind becomes.

    MienError
    ├── UsageError        (ValueError)   2   wrong use: arguments, names, rates the data cannot support
    ├── ImageError        (ValueError)   3   a picture that cannot be used
    │   └── FaceError                    3   a picture that can, but whose faces cannot
    ├── NotFoundError     (LookupError)  4   no such file, subject, gallery, model
    ├── ConflictError                    5   it contradicts what is stored
    │   └── ModelMismatchError           5   templates of two models
    ├── StoreError        (OSError)      6   the gallery cannot be read or written
    │   ├── StoreFullError
    │   ├── StoreReadOnlyError
    │   ├── StoreLockedError
    │   └── StoreCorruptError
    ├── ModelError                       7   weights missing, altered, invalid, not allowed
    │   ├── ModelMissingError
    │   ├── HashMismatchError
    │   ├── ModelInvalidError
    │   └── LicenceError
    ├── LimitError                       8   more than mien takes at once
    └── AccessError                     10   a key that does not open it

Every message is one line: what is wrong, where, and what to do. `code` is a stable name for programs.
"""

from __future__ import annotations

from typing import ClassVar


class MienError(Exception):
    """Root of mien's own errors.

    Args:
        message: one line: what, where, what to do.
        code: stable machine name, such as ``image-truncated``; the class has a general one.
        source: the file, subject or model concerned, where there is one.
    """

    default_code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, code: str | None = None, source: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.source = source

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, object]:
        """The error as the JSON doors show it."""
        return {"code": self.code, "message": self.message, "source": self.source}


class UsageError(MienError, ValueError):
    """The call cannot be carried out as it was made."""

    default_code = "usage"
    exit_code = 2


class ImageError(MienError, ValueError):
    """A picture cannot be used; `code` says why (``image-empty``, ``image-truncated``, …)."""

    default_code = "image-unusable"
    exit_code = 3


class FaceError(ImageError):
    """The picture is sound, its faces are not what was asked for (``no-face``, ``several-faces``, …)."""

    default_code = "no-face"


class NotFoundError(MienError, LookupError):
    """What was named is not there."""

    default_code = "not-found"
    exit_code = 4


class ConflictError(MienError):
    """It contradicts what is stored already."""

    default_code = "conflict"
    exit_code = 5


class ModelMismatchError(ConflictError):
    """Templates of two different models were to be mixed."""

    default_code = "model-mismatch"


class StoreError(MienError, OSError):
    """A gallery file cannot be read or written."""

    default_code = "store"
    exit_code = 6


class StoreFullError(StoreError):
    """No space left; what was acknowledged before is kept."""

    default_code = "store-full"


class StoreReadOnlyError(StoreError):
    """The gallery or its folder may not be written."""

    default_code = "store-read-only"


class StoreLockedError(StoreError):
    """Another process held the gallery for longer than the wait."""

    default_code = "store-locked"


class StoreCorruptError(StoreError):
    """Stored bytes do not agree with their checksum, or the file is no gallery."""

    default_code = "store-corrupt"


class ModelError(MienError):
    """Weights cannot be used."""

    default_code = "model"
    exit_code = 7


class ModelMissingError(ModelError):
    """The weights are neither cached nor reachable."""

    default_code = "model-missing"


class HashMismatchError(ModelError):
    """The bytes are not those that the card names."""

    default_code = "model-hash"


class ModelInvalidError(ModelError):
    """A card or graph that breaks the rules, or a self-test that failed."""

    default_code = "model-invalid"


class LicenceError(ModelError):
    """The licence policy in force does not allow these weights."""

    default_code = "model-licence"


class LimitError(MienError):
    """More than one of the published limits."""

    default_code = "limit"
    exit_code = 8


class AccessError(MienError):
    """A key is missing, not good, or not for this."""

    default_code = "access"
    exit_code = 10
