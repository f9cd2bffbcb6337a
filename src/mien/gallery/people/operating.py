"""The error rates that were measured on a gallery's own people, kept with the model they belong to."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple
from typing import Any

from mien.errors import ModelMismatchError, StoreCorruptError
from mien.gallery.store.database import SALVAGE
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import OPERATING
from mien.types.score import OperatingTable


def read(rows: Rows) -> OperatingTable | None:
    """The stored table, or None."""
    for _, digest, _, measured in rows.scan(OPERATING):
        if rows.contract is None or rows.contract.digest != digest:
            raise _unreadable(rows)
        return unpacked(measured, rows)
    return None


def write(rows: Rows, table: OperatingTable | None, digest: str, utc: str) -> None:
    """Store a table in place of the one there; None only takes that away.

    Args:
        rows: inside a transaction.
        table: what was measured.
        digest: of the contract whose templates it was measured on.
        utc: ISO 8601.

    Raises:
        ModelMismatchError: the gallery's templates are of another model by now.
    """
    if table is not None and (rows.contract is None or rows.contract.digest != digest):
        raise ModelMismatchError(
            f"{rows.database.path}: the operating points are of model {digest[:12]}, which its templates are not of; "
            "calibrate again",
            source=str(rows.database.path),
        )
    cleared = clear(rows)
    if table is None and not cleared:
        return
    if table is not None:
        rows.insert(OPERATING, digest, utc, packed(table))
        rows.record(utc, "calibrate", mated=table.mated, nonmated=table.nonmated, subjects=table.subjects)
    else:
        rows.record(utc, "uncalibrate")
    rows.advance(appended=True)


def clear(rows: Rows) -> bool:
    """Take the table away, since its templates go or it is replaced; whether there was one."""
    found = list(rows.scan(OPERATING))
    for row in found:
        rows.delete(OPERATING, row)
    return bool(found)


def summary(table: OperatingTable) -> dict[str, Any]:
    """What a table rests on, without its rows."""
    return {
        "data": table.data,
        "date": table.date,
        "mated": table.mated,
        "nonmated": table.nonmated,
        "subjects": table.subjects,
        "histogram": table.histogram.to_dict() if table.histogram else None,
    }


def packed(table: OperatingTable) -> str:
    """The table as JSON, in the form of a card's ``[operating]``."""
    return json.dumps(asdict(table) | {"points": [astuple(point) for point in table.points]}, sort_keys=True)


def unpacked(measured: str, rows: Rows) -> OperatingTable:
    """The table of its JSON."""
    try:
        facts = json.loads(measured)
        return OperatingTable.from_dict({name: value for name, value in facts.items() if value is not None})
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(rows) from error


def _unreadable(rows: Rows) -> StoreCorruptError:
    path = rows.database.path
    return StoreCorruptError(f"{path}: the operating points cannot be read; {SALVAGE}", source=str(path))
