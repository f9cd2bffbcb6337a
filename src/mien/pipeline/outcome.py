"""What becomes of each picture of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mien.image import Photo
from mien.types.outcome import Failure
from mien.types.template import Templates


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture before it is decoded: name, content and upright size. As an outcome: `skip` turned it down."""

    source: str
    sha256: str
    size: tuple[int, int]

    @classmethod
    def of(cls, photo: Photo) -> Seen:
        """What is known of an open picture."""
        return cls(photo.source, photo.sha256, photo.size)


@dataclass(frozen=True, slots=True)
class Acquired(Seen):
    """A picture and the templates of its faces; none where it shows nobody and the policy takes all."""

    templates: Templates


Outcome: TypeAlias = Acquired | Seen | Failure
