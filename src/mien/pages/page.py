"""What a page of people shows: plain values and small encoded pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.types.outcome import Failure

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PagePhoto:
    """A photograph.

    Args:
        path: of the file.
        name: as it is shown, such as the path below the folder.
        size: (width, height) of the full upright picture.
        preview: JPEG, PNG or WebP of the whole upright picture; empty = the page shows the original file.
    """

    path: Path
    name: str
    size: tuple[int, int]
    preview: bytes = b""


@dataclass(frozen=True, slots=True)
class PageFace:
    """A face.

    Args:
        photo: row of its photograph.
        box: x0 y0 x1 y1 in pixels of the full upright picture.
        crop: square JPEG, PNG or WebP, shown at 96 pixels a side.
    """

    photo: int
    box: Box
    crop: bytes


@dataclass(frozen=True, slots=True)
class PagePerson:
    """A group of faces.

    Args:
        faces: at least one, the most telling first.
        name: as a person gave it, or the gallery's ``#12``; None = the page numbers the person.
        named: a person gave the name.
        rename: command that would name the person; empty = none.
    """

    faces: tuple[PageFace, ...]
    name: str | None = None
    named: bool = False
    rename: str = ""


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """All that one page shows.

    Args:
        heading: such as ``People in holiday``.
        people: largest group first.
        alone: faces seen once.
        photos: every photograph that a face points to.
        failures: pictures that could not be used.
        files: pictures looked at.
        basis: by which model and cut the groups were made, and what that was measured on.
        made: when and by which version.
    """

    heading: str
    people: tuple[PagePerson, ...]
    alone: tuple[PageFace, ...]
    photos: tuple[PagePhoto, ...]
    failures: tuple[Failure, ...]
    files: int
    basis: str
    made: str

    def __post_init__(self) -> None:
        for face in (*self.alone, *(face for person in self.people for face in person.faces)):
            if not 0 <= face.photo < len(self.photos):
                raise ValueError(f"a face names photograph {face.photo} of {len(self.photos)}")
        if not all(person.faces for person in self.people):
            raise ValueError("a person needs at least one face")


def preview_side(photos: int, *, budget: int = 40_000_000) -> int:
    """Long side in pixels at which the previews of all photographs fit the budget; 0 = not even small ones do.

    A 3:2 photograph at JPEG quality 75 takes about 0.15 bytes a pixel, and 4/3 of that as text in the page.

    Args:
        photos: how many there are.
        budget: bytes of the page that may go to previews.
    """
    side = 640 if photos == 0 else int((budget / photos / (0.15 * 4 / 3 * 2 / 3)) ** 0.5)
    return 0 if side < 320 else min(side, 640)
