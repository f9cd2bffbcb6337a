"""The SQLite file: how it is made, opened and refused, and what its errors are called."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import apsw

from mien.errors import (
    MienError,
    NotFoundError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
)
from mien.gallery.store import migration
from mien.gallery.store.schema import APPLICATION_ID, SCHEMA
from mien.version import __version__

LEAST_SQLITE = (3, 51, 3)
"""Older ones can corrupt a database in WAL mode that has two connections (https://sqlite.org/wal.html#walresetbug)."""
PAGE_BYTES = 8192  # three 512-d templates a page; the default of 4096 holds one and wastes the rest


def require_library(version: str) -> None:
    """Raise StoreError when SQLite is older than `LEAST_SQLITE`."""
    if tuple(int(part) for part in version.split(".")[:3]) < LEAST_SQLITE:
        floor = ".".join(str(part) for part in LEAST_SQLITE)
        raise StoreError(
            f"SQLite {version} can corrupt a gallery; install apsw {floor} or newer", code="sqlite-too-old"
        )


def create_database(path: Path, created: str) -> None:
    """Make an empty gallery; it appears under its name whole or not at all. Another process may win the race.

    Args:
        path: a file that is not there yet.
        created: UTC, ISO 8601.
    """
    require_library(apsw.sqlite_lib_version())
    if not path.parent.is_dir():
        raise NotFoundError(f"{path.parent} is no folder: make it first", source=str(path))
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    with named_errors(path):
        try:
            _write_schema(draft, created)
            _publish(draft, path)
        except OSError as error:
            raise os_error(error, path) from error
        finally:
            draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def make_private(path: Path) -> None:
    """An empty new file that nobody else on this machine may read: what goes into it is biometric."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _write_schema(draft: Path, created: str) -> None:
    make_private(draft)
    with contextlib.closing(apsw.Connection(str(draft))) as connection:
        connection.pragma("page_size", PAGE_BYTES)
        connection.pragma("synchronous", "FULL")
        connection.pragma("application_id", APPLICATION_ID)
        with connection:
            migration.create(connection)
            uid = secrets.token_bytes(16)
            connection.execute("INSERT INTO gallery VALUES (1, ?, ?, ?)", (uid, created, __version__))
            connection.execute("INSERT INTO revision VALUES (1, 0, 0)")
        connection.pragma("journal_mode", "WAL")


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name, unless another process was faster."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP) or path.exists():
            raise
        draft.rename(path)  # a file system without hard links


class Database:
    """An open gallery file with the settings it needs.

    Never read the file through `open()` beside it: closing any descriptor of a file drops the POSIX locks that
    SQLite holds on it in the same process.

    Args:
        path: the file.
        wait_s: how long to wait for another process.
        trust: take the schema as it is; only for salvaging.
    """

    def __init__(self, path: Path, *, wait_s: float = 10.0, trust: bool = False) -> None:
        require_library(apsw.sqlite_lib_version())
        self.path = path
        self._trust = trust
        self.had_log = log_bytes(path) > 0
        with named_errors(path):
            _require_file(path)
            self.connection, self.read_only = _connect(path)
            try:
                self._configure(wait_s)
                self._recognise()
            except BaseException:
                self.close()
                raise

    def _configure(self, wait_s: float) -> None:
        connection = self.connection
        connection.set_busy_timeout(round(wait_s * 1000))
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        # Nothing is copied from a log into the file before the rows were found to belong to it; see `trust_log`.
        if self.had_log:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.wal_autocheckpoint(0)
        for name, value in (
            ("synchronous", "FULL"),
            ("fullfsync", 1),  # macOS: fsync alone does not reach the medium there
            ("secure_delete", 1),
            ("foreign_keys", 1),
            ("cell_size_check", 1),
            ("trusted_schema", 0),
            ("temp_store", "MEMORY"),
            ("mmap_size", 0),
        ):
            connection.pragma(name, value)

    def _recognise(self) -> None:
        connection = self.connection
        if connection.pragma("application_id") != APPLICATION_ID:
            raise not_a_gallery(self.path, "it is another program's database")
        schema = self.schema
        if schema > SCHEMA:
            maker = connection.execute("SELECT mien FROM gallery").get
            raise StoreError(
                f"{self.path} was made by mien {maker} (schema {schema}, this is mien {__version__} with schema "
                f"{SCHEMA}): update mien",
                code="store-newer",
                source=str(self.path),
            )
        if self._trust:
            return
        if self._statements() != sorted(migration.tables(schema)):
            raise StoreCorruptError(f"{self.path}: the schema is damaged; {SALVAGE}", source=str(self.path))
        if self.had_log and _uid_without_log(self.path) not in (None, self.uid):
            raise StoreCorruptError(
                f"{self.path}: the log {self.path.name}-wal beside it belongs to another gallery: move it away",
                source=str(self.path),
            )

    @property
    def schema(self) -> int:
        """The schema of the file as it is now; another process may have brought it up to date."""
        if self._trust:  # of a damaged file the tables count, not what its header says
            return migration.version_of(self._statements())
        return int(self.connection.pragma("user_version"))

    def _statements(self) -> list[str]:
        found = self.connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").get
        return sorted(found if isinstance(found, list) else [found])

    @property
    def uid(self) -> bytes:
        """16 random bytes that tell this gallery from every other."""
        uid = self.connection.execute("SELECT uid FROM gallery").get
        if not isinstance(uid, bytes) or len(uid) != 16:
            raise StoreCorruptError(f"{self.path}: the gallery's own id is damaged; {SALVAGE}", source=str(self.path))
        return uid

    def trust_log(self) -> None:
        """The rows were verified: from now on the log may be copied into the file, and one left by a kill is."""
        if self.read_only:
            return
        self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        self.connection.wal_autocheckpoint(1000)
        if self.had_log:
            with contextlib.suppress(apsw.BusyError):  # whoever keeps it busy empties it when closing
                self.empty_log()
            self.had_log = False

    def empty_log(self) -> None:
        """Copy the log into the file and cut it to nothing, so that erased bytes are in neither."""
        self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reads of one state of the file."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Several writes as one change: all or nothing; within another, all or nothing of these.

        Other threads go on while it waits for the right to write. With the connection itself as the context manager
        apsw would hold them all, and the one that it waits for with them.
        """
        connection = self.connection
        if connection.in_transaction:
            with connection:  # a savepoint, which waits for nobody
                yield
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                with contextlib.suppress(apsw.Error):  # what went wrong before is what matters
                    connection.execute("ROLLBACK")
            raise

    def abandon(self) -> None:
        """Close after a failed write to the medium; a failed fsync must not be tried again."""
        self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self.close()

    def close(self) -> None:
        """Release the file."""
        self.connection.close()


SALVAGE = "restore a backup, or `mien gallery export --salvage` what is sound"

_KINDS: tuple[tuple[tuple[type[apsw.Error], ...], type[StoreError], str], ...] = (
    ((apsw.BusyError, apsw.LockedError), StoreLockedError, "another process is writing to it; try again"),
    ((apsw.FullError,), StoreFullError, "no space is left; what was acknowledged is kept, free some and repeat"),
    (
        (apsw.ReadOnlyError, apsw.PermissionsError),
        StoreReadOnlyError,
        "it may not be written; check its rights and its folder's",
    ),
    (
        (apsw.CorruptError, apsw.FormatError, apsw.SQLError, apsw.ConstraintError, apsw.TooBigError),
        StoreCorruptError,
        f"the file is damaged or no gallery; {SALVAGE}",
    ),
)


@contextlib.contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises inside into mien's own errors, naming the file."""
    try:
        yield
    except apsw.Error as error:
        raise _named(error, path) from error
    except UnicodeDecodeError as error:
        raise StoreCorruptError(f"{path}: a text is damaged; {SALVAGE}", source=str(path)) from error


def _named(error: apsw.Error, path: Path) -> MienError:
    if isinstance(error, apsw.NotADBError):
        return not_a_gallery(path, f"it is something else, or damaged; {SALVAGE}")
    detail = re.sub(r"\s+", " ", str(error))
    for kinds, named, advice in _KINDS:
        if isinstance(error, kinds):
            return named(f"{path}: {advice} ({detail})", source=str(path))
    if isinstance(error, apsw.CantOpenError):
        return StoreReadOnlyError(
            f"{path}: it or the files beside it may not be opened; check the rights of the folder ({detail})",
            code="store-cannot-open",
            source=str(path),
        )
    return StoreError(f"{path}: reading or writing failed, it was closed ({detail})", code="store-io", source=str(path))


def os_error(error: OSError, path: Path) -> MienError:
    """What a failed call of the operating system is called here."""
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{path}: the folder is not there; make it first", source=str(path))
    if error.errno == errno.ENOSPC:
        return StoreFullError(f"{path}: no space is left; free some and repeat", source=str(path))
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return StoreReadOnlyError(f"{path}: the folder may not be written ({error.strerror})", source=str(path))
    return StoreError(f"{path}: {error.strerror}", code="store-io", source=str(path))


def not_a_gallery(path: Path, why: str) -> StoreCorruptError:
    """The error for a file that is something else."""
    return StoreCorruptError(f"{path} is no gallery: {why}", code="not-a-gallery", source=str(path))


def log_bytes(path: Path) -> int:
    """Size of the write-ahead log beside a gallery; 0 when there is none."""
    try:
        return os.stat(f"{path}-wal").st_size
    except FileNotFoundError:
        return 0


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    if os.name == "nt":  # folders cannot be opened there; NTFS journals names itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_file(path: Path) -> None:
    if not path.exists():
        raise NotFoundError(
            f"no gallery at {path}: enrolling or indexing makes one", code="no-gallery", source=str(path)
        )
    if not path.is_file():
        raise not_a_gallery(path, "it is not a file")
    if path.stat().st_size == 0:
        raise not_a_gallery(path, "it is empty; remove it, or choose another name")


def _connect(path: Path) -> tuple[apsw.Connection, bool]:
    """A connection and whether it can only read."""
    flags = apsw.SQLITE_OPEN_READWRITE
    uri = path.absolute().as_uri()
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return apsw.Connection(str(path), flags=flags), False
    # In a folder that may not be written SQLite cannot make its shared memory; with no log, nothing is missed.
    frozen = not os.access(path.parent, os.W_OK) and log_bytes(path) == 0
    query = "?immutable=1" if frozen else "?mode=ro"
    return apsw.Connection(uri + query, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI), True


def _uid_without_log(path: Path) -> bytes | None:
    """The gallery id in the main file alone; its page is written once, when the file is made."""
    uri = f"{path.absolute().as_uri()}?immutable=1"
    with contextlib.closing(apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)) as bare:
        try:
            uid = bare.execute("SELECT uid FROM gallery").get
        except apsw.Error:  # a page caught while another process copies its log; the seals still decide
            return None
    return uid if isinstance(uid, bytes) else None
