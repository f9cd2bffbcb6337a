"""Sealed rows: each carries a checksum, each table the sum of them; damage is an error and never an answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from mien.errors import StoreCorruptError
from mien.gallery.store import codec, trail
from mien.gallery.store.database import SALVAGE, Database
from mien.gallery.store.schema import CONTRACT, REFERENCE, SETTING, Table
from mien.gallery.store.trail import Decision
from mien.types.arrays import Embeddings
from mien.types.template import Precision, TemplateContract
from mien.version import __version__

Row: TypeAlias = tuple[Any, ...]
SEAL_BYTES = 16


def seal(key: bytes, row: Row, scalars: int) -> bytes:
    """Checksum of a row: 128 bits of BLAKE2b, keyed by what the row must belong to.

    Args:
        key: id of the gallery, for references followed by the digest of the contract.
        row: scalars first, then blobs.
        scalars: how many of them.
    """
    text = ascii(row[:scalars]).encode()  # ascii, not repr: which characters repr escapes changes with Python
    return hashlib.blake2b(text + b"".join(row[scalars:]), digest_size=SEAL_BYTES, key=key).digest()


def seal_word(mark: bytes) -> int:
    """The first 64 bits of a seal as SQLite's signed integer; tables keep the exclusive or of these."""
    return int.from_bytes(mark[:8], "little", signed=True)


class Rows:
    """Reads and writes sealed rows of an open gallery.

    Args:
        database: the open file.

    Attributes:
        contract: what its templates are comparable with; None before the first one.
        precision: precision of the first template; int8 never mixes with the others.
        compact: templates are stored with 1 byte a dimension; see `codec`.
        sound_trees: tables whose look-up trees were compared with their rows since the file was opened.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._uid = database.uid
        self._execute = database.connection.execute
        self.contract: TemplateContract | None = None
        self.precision: Precision | None = None
        self.compact = False
        self.sound_trees: set[str] = set()
        self.read_contract()

    # -- reading

    def scan(self, table: Table, after: int = 0, tally: list[int] | None = None) -> Iterator[Row]:
        """All rows above id `after`, verified, without their seals.

        Args:
            table: which.
            after: the last id already read.
            tally: [rows, mix] of the rows up to `after`; it is carried on in place and compared at the end.

        Raises:
            StoreCorruptError: naming the row, or the table when rows are missing.
        """
        key, scalars, name = self._key(table), table.scalars, table.name
        count, mix = tally if tally is not None else (0, 0)
        if not self.has(table):
            return
        for found in self._execute(table.scan, (after,)):
            row, mark = found[:-1], found[-1]
            try:
                sound = seal(key, row, scalars) == mark
            except TypeError:  # a damaged record header can turn a blob into a number
                sound = False
            if not sound:
                raise self.damaged(f"{name} {row[0]}")
            count += 1
            mix ^= int.from_bytes(mark[:8], "little", signed=True)
            yield row
        if (count, mix) != self.tally(name):
            raise self.damaged(f"the table of {name}s (rows are missing or doubled)")
        if tally is not None:
            tally[:] = count, mix

    def get(self, table: Table, row_id: int) -> Row:
        """One row that is known to be there, verified."""
        found = self._execute(table.get, (row_id,)).fetchone()
        if found is None:
            raise self.damaged(f"{table.name} {row_id} (it is missing)")
        *values, mark = found
        if not self._agrees(self._key(table), tuple(values), table.scalars, mark):
            raise self.damaged(f"{table.name} {row_id}")
        return tuple(values)

    def try_get(self, table: Table, row_id: int) -> Row | None:
        """One row if it is there and sound; for salvaging."""
        found = self._execute(table.get, (row_id,)).fetchone()
        if found is None or not self._agrees(self._key(table), found[:-1], table.scalars, found[-1]):
            return None
        return tuple(found[:-1])

    def has(self, table: Table) -> bool:
        """Whether the file has a table; one of an older schema that was only read since lacks the newest."""
        return table.since <= self.database.schema

    def vectors(self, references: Sequence[Row]) -> Embeddings:
        """Templates of verified reference rows, (n, d) float32."""
        return codec.decode([row[9] for row in references], self.compact)

    def tally(self, name: str) -> tuple[int, int]:
        """(rows, mix) of a table as its writers kept it."""
        rows, mix, _ = self._tallied(name)
        return rows, mix

    def next_id(self, name: str) -> int:
        """The id that the next row of a table gets; ids are never used twice."""
        return self._tallied(name)[2]

    def revision(self) -> tuple[int, int]:
        """(revision, epoch): the first grows with every change, the second with those that do more than append."""
        found = self._execute("SELECT revision, epoch FROM revision").fetchone()
        if found is None or not all(isinstance(value, int) for value in found):
            raise self.damaged("the revision")
        return found[0], found[1]

    # -- writing, inside a transaction

    def insert(self, table: Table, *values: Any) -> int:
        """Add a row and give its id; `values` are the columns after the id."""
        return self.insert_many(table, [values])[0]

    def insert_many(self, table: Table, values: Sequence[Row]) -> range:
        """Add rows and give their ids; each of `values` holds the columns after the id."""
        first = self.next_id(table.name)
        ids = range(first, first + len(values))
        self.insert_rows(table, [(new, *row) for new, row in zip(ids, values, strict=True)])
        return ids

    def insert_rows(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows that have their ids already; counted once, however many."""
        key, scalars, mix, last = self._key(table), table.scalars, 0, 0
        sealed = []
        for row in rows:
            mark = seal(key, row, scalars)
            mix ^= int.from_bytes(mark[:8], "little", signed=True)
            last = max(last, row[0])
            sealed.append((*row, mark))
        self.database.connection.executemany(table.insert, sealed)
        self._count(table.name, len(sealed), mix, last + 1)

    def update(self, table: Table, row: Row, **changes: Any) -> None:
        """Put new values into columns of a row that was read before."""
        columns = _columns(table)
        new = tuple(changes.get(column, value) for column, value in zip(columns, row, strict=True))
        key = self._key(table)
        before, after = seal(key, row, table.scalars), seal(key, new, table.scalars)
        self._execute(table.update, (*new, after, row[0]))
        self._count(table.name, 0, seal_word(before) ^ seal_word(after))

    def delete(self, table: Table, row: Row) -> None:
        """Remove a row that was read before."""
        self._execute(table.delete, (row[0],))
        self._count(table.name, -1, seal_word(seal(self._key(table), row, table.scalars)))

    def advance(self, *, appended: bool) -> None:
        """Count a change; `appended` when rows were only added."""
        self._execute("UPDATE revision SET revision = revision + 1, epoch = epoch + ?", (0 if appended else 1,))

    def set_contract(self, contract: TemplateContract, precision: Precision, utc: str) -> None:
        """Write what the templates of this gallery are; any earlier one is replaced."""
        for row in list(self.scan(CONTRACT)):
            self.delete(CONTRACT, row)
        facts = (contract.model, contract.weights, contract.dimension, contract.preprocessing, contract.digest)
        self.insert(CONTRACT, *facts, precision.value, utc, __version__)
        self.contract, self.precision = contract, precision

    def read_contract(self) -> None:
        """Take the contract from the file; after a rollback it may be gone again."""
        found = list(self.scan(CONTRACT))
        self.contract, self.precision = None, None
        if found:
            _, model, weights, dimension, preprocessing, digest, precision, _, _ = found[0]
            self.contract = TemplateContract(model, weights, dimension, preprocessing)
            self.precision = Precision(precision)
            if self.contract.digest != digest:
                raise self.damaged("the contract")
        self.compact = (codec.SETTING, codec.COMPACT) in {row[1:] for row in self.scan(SETTING)}

    def set_compact(self) -> None:
        """Store templates with 1 byte a dimension from now on; there must be none yet."""
        self.insert(SETTING, codec.SETTING, codec.COMPACT)
        self.compact = True

    def replace_references(
        self, contract: TemplateContract, precision: Precision, utc: str, rows: Iterator[Row]
    ) -> None:
        """Write every reference anew under another contract; `rows` hold all of them."""
        self.set_contract(contract, precision, utc)
        key, count, mix = self._key(REFERENCE), 0, 0
        for row in rows:
            mark = seal(key, row, REFERENCE.scalars)
            self._execute(REFERENCE.update, (*row, mark, row[0]))
            count, mix = count + 1, mix ^ seal_word(mark)
        self._execute("UPDATE tally SET rows = ?, mix = ? WHERE name = 'reference'", (count, mix))

    # -- the audit trail

    def record(
        self, utc: str, action: str, subject: str | None = None, decision: Decision | None = None, /, **counts: int
    ) -> int:
        """Add one audit record, chained to the one before; it becomes durable with the change it records.

        Args:
            utc: ISO 8601.
            action: what was done.
            subject: uid of the subject concerned; never a name.
            decision: what decided, if anything was decided.
            counts: how many rows of what.

        Returns:
            The number of the record.
        """
        return trail.append(self, (utc, action, subject, json.dumps(counts, sort_keys=True)), decision)

    def trail(self) -> Iterator[Row]:
        """The audit records in order, verified; see `trail.read`."""
        return trail.read(self)

    # -- inner

    def _tallied(self, name: str) -> tuple[int, int, int]:
        found = self._execute("SELECT rows, mix, next FROM tally WHERE name = ?", (name,)).fetchone()
        if found is None or not all(isinstance(value, int) for value in found):
            raise self.damaged("the tally")
        return found[0], found[1], found[2]

    def _key(self, table: Table) -> bytes:
        if table is REFERENCE and self.contract is not None:
            return self._uid + bytes.fromhex(self.contract.digest)
        return self._uid + table.name.encode()

    def _count(self, name: str, rows: int, word: int, free: int = 0) -> None:
        # (a | b) - (a & b) is the exclusive or, which SQLite does not have.
        self._execute(
            "UPDATE tally SET next = max(next, ?), rows = rows + ?, mix = (mix | ?) - (mix & ?) WHERE name = ?",
            (free, rows, word, word, name),
        )

    @staticmethod
    def _agrees(key: bytes, row: Row, scalars: int, mark: Any) -> bool:
        try:
            return bool(seal(key, row, scalars) == mark)
        except TypeError:  # a damaged record header can turn a blob into a number
            return False

    def damaged(self, what: str) -> StoreCorruptError:
        """The error for what is not as it was written."""
        path = self.database.path
        return StoreCorruptError(f"{path}: {what} does not agree with its checksum; {SALVAGE}", source=str(path))


def _columns(table: Table) -> list[str]:
    """Names of the columns before the seal, in order."""
    return table.insert[table.insert.index("(") + 1 : table.insert.index(")")].split(", ")[:-1]
