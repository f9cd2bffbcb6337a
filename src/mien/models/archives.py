"""Single members of wheels, sdists and npm tarballs, read in memory: exact names, known sizes, nothing unpacked."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from mien.errors import ModelMissingError

MAX_UNPACKED = 2 << 30
"""Bytes of a tar stream read at most while looking for members: a small archive can unpack to anything."""

_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError)


def is_archive(path: Path) -> bool:
    """Whether it can be read as one."""
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def read_members(archive: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Regular members of a zip or tar archive.

    Args:
        archive: the file.
        sizes: exact member path to its length in bytes; a member of another length is left out.

    Returns:
        path to bytes, for those found.

    Raises:
        ModelMissingError: not an archive, or a broken one.
    """
    try:
        return _zip_members(archive, sizes) if zipfile.is_zipfile(archive) else _tar_members(archive, sizes)
    except _BROKEN as e:
        raise ModelMissingError(f"{archive.name} cannot be read as an archive: {e}") from e


def _zip_members(archive: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    found = {}
    with zipfile.ZipFile(archive) as z:
        for info in z.infolist():
            encrypted = info.flag_bits & 1
            if sizes.get(info.filename) == info.file_size and not encrypted:
                with z.open(info) as stream:
                    found[info.filename] = stream.read(info.file_size)
    return found


def _tar_members(archive: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    found = {}
    with tarfile.open(archive, "r|*") as t:  # a stream: read once, in order
        for info in t:
            if info.offset_data + info.size > MAX_UNPACKED:
                raise ModelMissingError(f"{archive.name} unpacks to more than {MAX_UNPACKED >> 20} MiB; not read")
            if info.isreg() and sizes.get(info.name) == info.size:
                stream = t.extractfile(info)
                if stream is not None:
                    found[info.name] = stream.read(info.size)
    return found
