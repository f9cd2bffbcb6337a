"""A folder for each person."""

from __future__ import annotations

from pathlib import Path

from mien.errors import UsageError
from mien.image import find_photos
from mien.train.data.base import Pictures, number_people
from mien.train.data.sources import sources


@sources.register("folder")
def read_folder(root: Path) -> Pictures:
    """The photographs below `root`, whose first folder names the person; raises as `people_folder`."""
    return people_folder(root, "folder")


def people_folder(root: Path, kind: str) -> Pictures:
    """The photographs below `root`, whose first folder names the person; an empty folder is nobody.

    Raises:
        NotFoundError: no such folder.
        UsageError: no photograph, or one in no person's folder.
    """
    paths, failures = find_photos(root)
    if not paths:
        raise UsageError(f"{root} holds no photographs; give a folder with one folder of photographs a person")
    names = [path.relative_to(root).as_posix() for path in paths]
    people = [name.partition("/") for name in names]
    for name, (_, slash, _) in zip(names, people, strict=True):
        if not slash:
            raise UsageError(
                f"{root / name} lies in no person's folder; move it into one, or say unlabelled:{root}",
                code="no-person",
                source=name,
            )
    labels, who = number_people(person for person, _, _ in people)
    return Pictures(names, labels, who, paths.__getitem__, {"kind": kind}, failures=failures)
