"""Which references an earlier grouping has settled: all up to one id, as long as nobody has changed them since."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from mien.gallery.index import Ids
from mien.gallery.people.corrections import pairs
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import SETTING

NAME = "grouped"
"""The setting: the last id, and the fingerprint of what the grouping left."""


def read(rows: Rows, rule: str, ids: Ids, subjects: Ids, pinned: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) references settled by this rule; none when anything about them, but for names, has changed since.

    Args:
        rows: the open gallery.
        rule: what decides a grouping, in words.
        ids: (n,) all references, ascending.
        subjects: (n,) whose they are.
        pinned: (n,) a person said so.
    """
    value = next((row[2] for row in rows.scan(SETTING) if row[1] == NAME), "0 ")
    last, mark = value.split(" ")
    settled: NDArray[np.bool_] = ids <= int(last)
    if mark != _fingerprint(rows, rule, ids[settled], subjects[settled], pinned[settled]):
        settled[:] = False
    return settled


def write(rows: Rows, rule: str, ids: Ids, subjects: Ids, pinned: NDArray[np.bool_]) -> None:
    """Remember that all references have just been settled; the columns are as for `read`, after the change."""
    value = f"{ids.max(initial=0)} {_fingerprint(rows, rule, ids, subjects, pinned)}"
    known = next((row for row in rows.scan(SETTING) if row[1] == NAME), None)
    if known is None:
        rows.insert(SETTING, NAME, value)
    elif known[2] != value:
        rows.update(SETTING, known, value=value)


def _fingerprint(rows: Rows, rule: str, ids: Ids, subjects: Ids, pinned: NDArray[np.bool_]) -> str:
    contract = rows.contract.digest if rows.contract else ""
    found = hashlib.sha256(json.dumps([rule, contract, sorted(pairs(rows))]).encode())
    for column in (ids, subjects, pinned):
        found.update(np.asarray(column, "<i8").tobytes())
    return found.hexdigest()
