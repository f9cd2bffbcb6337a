"""UTKFace (Zhang, Song & Qi, CVPR 2017): aligned crops named ``age_gender_race_date``, one picture a person."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import NotFoundError
from mien.evaluate.protocols.labelled import Labelled

GENDERS = ("male", "female")
RACES = ("White", "Black", "Asian", "Indian", "Other")
"""The words of the data set, in the order of its numbers."""
BANDS = ((4, "0-3"), (13, "4-12"), (20, "13-19"), (40, "20-39"), (65, "40-64"), (200, "65+"))
_NAME = re.compile(r"(\d{1,3})_([01])_([0-4])_\d+.*\.jpe?g", re.IGNORECASE)


def read_utkface(root: Path, *, least_age: int = 0) -> Labelled:
    """The pictures of a folder, with groups by gender, race and age; labels are those of the file names.

    Who is shown is not known: each picture counts as a person of its own.

    Args:
        root: folder of the crops.
        least_age: leave out younger people.

    Raises:
        NotFoundError: no folder, or no picture in it is named so and old enough.
    """
    if not root.is_dir():
        raise NotFoundError(f"no folder {root}", source=str(root))
    found = [(path, match) for path in sorted(root.iterdir()) if (match := _NAME.fullmatch(path.name))]
    rows = [(path, *(int(n) for n in match.groups())) for path, match in found if int(match[1]) >= least_age]
    if not rows:
        raise NotFoundError(
            f"{root} has no picture named age_gender_race_date.jpg" + (f" of {least_age} or older" * bool(least_age)),
            source=str(root),
        )
    paths, ages, genders, races = zip(*rows, strict=True)
    return Labelled(
        "UTKFace" + (f", aged {least_age} or more" if least_age else ""),
        paths,
        np.arange(len(paths)),
        {
            "gender": np.array([GENDERS[g] for g in genders]),
            "race": np.array([RACES[r] for r in races]),
            "age": np.array([next(name for below, name in BANDS if age < below or below == 200) for age in ages]),
        },
    )


def ages_of(data: Labelled) -> NDArray[np.float64]:
    """(n,) years that the names of the pictures of `read_utkface` state."""
    return np.array([float(path.name.split("_", 1)[0]) for path in data.paths])
