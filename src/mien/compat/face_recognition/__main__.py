"""``python -m mien.compat.face_recognition``: the commands of face_recognition, one comma-separated line a face."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.compat.face_recognition.encoding import TOLERANCE, face_distance, face_encodings
from mien.compat.face_recognition.locating import face_locations
from mien.errors import MienError

PICTURE = re.compile(r".*\.(jpg|jpeg|png)", re.IGNORECASE)

Known = dict[str, NDArray[np.float64]]
"""Encodings by name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    given = _parser().parse_args(arguments)
    failed = 0
    try:
        known = dict(_people(given.known)) if given.known else None
        for path in _pictures(given.image):
            try:
                for line in _detected(path) if known is None else _recognised(path, known, given):
                    _say(line)
            except MienError as error:
                failed = error.exit_code
                _warn(str(error))
    except MienError as error:
        _warn(str(error))
        return error.exit_code
    return failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mien.compat.face_recognition",
        description="KNOWN IMAGE names the people of IMAGE; IMAGE alone gives file,top,right,bottom,left of its faces.",
    )
    parser.add_argument("known", metavar="KNOWN", nargs="?", help="folder of one picture a person, named after them")
    parser.add_argument("image", metavar="IMAGE", help="a picture, or a folder of them")
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="largest distance that matches (default 0.6)"
    )
    parser.add_argument("--show-distance", type=_flag, default=False, metavar="BOOL", help="add the distance")
    return parser


def _flag(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"true or false, not {text!r}")
    return words[text.lower()]


def _pictures(place: str) -> list[Path]:
    path = Path(place)
    return sorted(p for p in path.iterdir() if PICTURE.fullmatch(p.name)) if path.is_dir() else [path]


def _people(folder: str) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for path in _pictures(folder):
        found = face_encodings(path)
        if len(found) > 1:
            _warn(f"{path}: more than one face, the surest is taken")
        if found:
            yield path.stem, found[0]
        else:
            _warn(f"{path}: no face, left out")


def _recognised(path: Path, known: Known, given: argparse.Namespace) -> Iterator[str]:
    found = face_encodings(path)
    if not found:
        yield _line(path, "no_persons_found", None, given.show_distance)
    for encoding in found:
        distances = face_distance(list(known.values()), encoding)
        near: list[tuple[str, float | None]] = [
            (n, float(d)) for n, d in zip(known, distances, strict=True) if d <= given.tolerance
        ]
        for name, distance in near or [("unknown_person", None)]:
            yield _line(path, name, distance, given.show_distance)


def _detected(path: Path) -> Iterator[str]:
    return (f"{path},{','.join(str(edge) for edge in location)}" for location in face_locations(path))


def _line(path: Path, name: str, distance: float | None, show: bool) -> str:
    return f"{path},{name},{distance}" if show else f"{path},{name}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _warn(line: str) -> None:
    sys.stderr.write(f"WARNING: {line}\n")


if __name__ == "__main__":
    sys.exit(main())
