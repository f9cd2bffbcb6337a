"""Score files: Parquet with metadata, or CSV, to and from `Scores`; through pyarrow."""

from __future__ import annotations

import csv
import difflib
import json
import math
import os
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from mien.errors import NotFoundError, StoreError, UsageError
from mien.evaluate.scores import Scores

KEY = b"mien"
"""Of the file's metadata: {"systems": {name: meta}}."""
REQUIRED = ("score", "mated")
TYPES = {"score": pa.float64(), "mated": pa.bool_(), "failed": pa.bool_(), "fold": pa.int64()}
IDS = ("a", "b", "subject_a", "subject_b")
RESERVED = {*TYPES, *IDS, "name"}
TRUTH = ("1", "0", "true", "false", "True", "False", "TRUE", "FALSE")


def read(path: Path) -> list[Scores]:
    """The systems of a file; see `mien.evaluate.scores.read_scores`."""
    if not path.is_file():
        raise NotFoundError(f"{path}: no such score file", source=str(path))
    if path.suffix not in (".csv", ".parquet"):
        raise _wrong(path, f"a score file ends in .parquet or .csv, not '{path.suffix}'")
    try:
        table = _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}", source=str(path)) from error
    if not len(table):
        raise _wrong(path, "no comparison in it")
    return [_scores(path, name, part, rows, table) for name, part, rows in _systems(path, table)]


def _wrong(path: Path, what: str) -> UsageError:
    return UsageError(f"{path}: {what}", code="score-file", source=str(path))


def _check_columns(path: Path, columns: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        named = ", ".join(columns[:12]) or "nothing"
        raise _wrong(
            path, f"the column {' and '.join(missing)} is missing; a score file has score,mated, this: {named}"
        )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice or "" in columns:
        raise _wrong(path, f"the column {', '.join(twice) or 'without a name'} is there twice or unnamed")
    for name in columns:
        near = difflib.get_close_matches(name.lower(), sorted(RESERVED), n=1, cutoff=0.8)
        if near and name not in RESERVED:
            raise _wrong(path, f"unknown column '{name}'; did you mean '{near[0]}'? A group needs another name")
    for one, other in (("a", "b"), ("subject_a", "subject_b")):
        if (one in columns) != (other in columns):
            raise _wrong(path, f"the columns {one} and {other} come together")


def _read_csv(path: Path) -> pa.Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise _wrong(path, f"is not CSV text in UTF-8: {error}") from error
    _check_columns(path, header)
    text = pa.dictionary(pa.int32(), pa.string())
    options = pyarrow.csv.ConvertOptions(
        column_types={name: TYPES.get(name, text) for name in header}, null_values=[""], strings_can_be_null=False
    )
    try:
        return pyarrow.csv.read_csv(path, convert_options=options)
    except pa.ArrowInvalid as error:
        raise _wrong(path, _first_fault(path) or " ".join(str(error).split())) from error


def _first_fault(path: Path) -> str | None:
    """Where a CSV file goes wrong, in words; slower than reading it, and only needed when that failed."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        rows = csv.reader(file)
        header = next(rows)
        for row in rows:
            if row and (fault := _fault(header, row)):
                return f"line {rows.line_num}: {fault}"
    return None


def _fault(header: list[str], row: list[str]) -> str | None:
    if len(row) != len(header):
        return f"{len(row)} fields where the header has {len(header)}"
    cells = dict(zip(header, row, strict=True))
    for name in ("mated", "failed"):
        if cells.get(name, "0") not in TRUTH:
            return f"{name} must be 1 or 0, got '{cells[name]}'"
    for name, number, kind in (("score", float, "number"), ("fold", int, "whole number")):
        text = cells.get(name, "0")
        try:
            number(text or "0")
        except ValueError:
            return f"{name} must be a {kind}, got '{text}'"
    return None


def _read_parquet(path: Path) -> pa.Table:
    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except pa.ArrowException as error:
        raise _wrong(path, f"is no Parquet file: {' '.join(str(error).split())}") from error
    _check_columns(path, table.column_names)
    for i, name in enumerate(table.column_names):
        kind = TYPES.get(name)
        try:
            if kind is not None:
                table = table.set_column(i, name, table[name].cast(kind))
            elif not pa.types.is_dictionary(table[name].type):
                table = table.set_column(i, name, table[name].cast(pa.string()).dictionary_encode())
        except pa.ArrowException as error:
            raise _wrong(path, f"the column {name} cannot be read as {kind or 'text'}: {error}") from error
    return table


def _systems(path: Path, table: pa.Table) -> Iterator[tuple[str, pa.Table, NDArray[np.int64] | None]]:
    """Name, comparisons, and their rows in the file (None = all) of each system."""
    if "name" not in table.column_names:
        yield path.stem, table, None
        return
    codes, names = _codes(path, table["name"], "name")
    for code, name in enumerate(names):
        rows = np.flatnonzero(codes == code)
        if len(rows):
            yield (name, table, None) if len(rows) == len(table) else (name, table.take(rows), rows)


def _scores(path: Path, name: str, table: pa.Table, rows: NDArray[np.int64] | None, whole: pa.Table) -> Scores:
    columns = set(table.column_names)
    for column in columns & {"mated", "failed", "fold"}:
        if table[column].null_count:
            row = int(np.argmax(_array(pc.is_null(table[column]))))
            raise _wrong(path, f"{_place(path, row, rows)}: no {column}")
    mated = _array(table["mated"])
    failed = _array(table["failed"]) if "failed" in columns else np.zeros(len(table), np.bool_)
    score = _array(pc.fill_null(table["score"], math.nan)).copy()
    bad = ~failed & ~np.isfinite(score)
    if bad.any():
        row = int(np.argmax(bad))
        what = "an empty score" if table["score"][row].as_py() is None else f"the score {score[row]}"
        raise _wrong(path, f"{_place(path, row, rows)}: {what}; write failed = 1 where a comparison has no score")
    score[failed] = -math.inf
    a, b, samples, subjects = _sides(path, table, mated, rows)
    groups = {}
    for column in table.column_names:
        if column not in RESERVED:
            codes, names = _codes(path, table[column], column)
            groups[column] = np.array(names)[codes]
    return Scores(
        name=name,
        score=score,
        mated=mated,
        failed=failed,
        fold=_array(table["fold"]) if "fold" in columns else None,
        a=a,
        b=b,
        samples=samples,
        subjects=subjects,
        groups=groups,
        meta=_meta(path, whole, name),
    )


Sides = tuple[NDArray[np.int64] | None, NDArray[np.int64] | None, tuple[str, ...], NDArray[np.int64] | None]


def _sides(path: Path, table: pa.Table, mated: NDArray[np.bool_], rows: NDArray[np.int64] | None) -> Sides:
    """What was compared, and who that is; people stand for their samples where only people are named."""
    columns = table.column_names
    who = _pair(path, table, "subject_a", "subject_b") if "subject_a" in columns else None
    if who is not None:
        wrong = (who[0] == who[1]) != mated
        if wrong.any():
            row = int(np.argmax(wrong))
            raise _wrong(path, f"{_place(path, row, rows)}: mated contradicts subject_a and subject_b")
    if "a" not in columns:
        return (None, None, (), None) if who is None else (*who, np.arange(len(who[2])))
    a, b, samples = _pair(path, table, "a", "b")
    if who is None:
        return a, b, samples, None
    subjects = np.full(len(samples), -1, np.int64)
    subjects[a], subjects[b] = who[0], who[1]
    wrong = (subjects[a] != who[0]) | (subjects[b] != who[1])
    if wrong.any():
        row = int(np.argmax(wrong))
        raise _wrong(path, f"{_place(path, row, rows)}: {samples[a[row]]} or {samples[b[row]]} belongs to two subjects")
    return a, b, samples, subjects


def _pair(
    path: Path, table: pa.Table, one: str, other: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """Codes of two columns with one set of names."""
    both = pa.chunked_array([*table[one].chunks, *table[other].chunks], table[one].type)
    codes, names = _codes(path, both, one)
    return codes[: len(table)], codes[len(table) :], names


def _codes(path: Path, column: pa.ChunkedArray, name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """(n,) codes of a text column and their names."""
    if column.null_count:
        raise _wrong(path, f"the column {name} has empty cells")
    coded = column.unify_dictionaries().combine_chunks()
    if isinstance(coded, pa.ChunkedArray):  # an empty one, or more than fits one chunk
        coded = pa.concat_arrays(coded.chunks)
    return _array(coded.indices).astype(np.int64), tuple(str(text) for text in coded.dictionary.to_pylist())


def _array(column: Any) -> NDArray[Any]:
    array: NDArray[Any] = column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    return array


def _place(path: Path, row: int, rows: NDArray[np.int64] | None) -> str:
    """Where a row of a system stands in its file."""
    row = row if rows is None else int(rows[row])
    if path.suffix != ".csv":
        return f"row {row}"
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        seen = count()
        for cells in reader:
            if cells and next(seen) == row:
                break
        return f"line {reader.line_num}"


def _meta(path: Path, table: pa.Table, name: str) -> Mapping[str, Any]:
    text = (table.schema.metadata or {}).get(KEY)
    if text is None:
        return {}
    try:
        meta = json.loads(text)["systems"][name]
    except (ValueError, LookupError, TypeError) as error:
        raise _wrong(path, f"its metadata '{KEY.decode()}' cannot be read: {error}") from error
    if not isinstance(meta, dict):
        raise _wrong(path, f"its metadata '{KEY.decode()}' is no table of {name}")
    return meta


def write(systems: list[Scores], path: Path) -> None:
    """Write the systems; see `mien.evaluate.scores.write_scores`."""
    names = [scores.name for scores in systems]
    if not systems or len(set(names)) != len(names):
        raise UsageError(f"{path}: a score file holds one or more systems of different names, got {names}")
    if path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"{path}: a score file ends in .parquet or .csv, not '{path.suffix}'")
    tables = [_table(scores) for scores in systems]
    if any(table.column_names != tables[0].column_names for table in tables):
        raise UsageError(f"{path}: systems in one score file have the same columns; write a file for each")
    meta = {KEY: json.dumps({"systems": {scores.name: dict(scores.meta) for scores in systems}})}
    table = pa.concat_tables(tables).replace_schema_metadata(meta)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.suffix == ".csv":
            pyarrow.csv.write_csv(_plain(table), part)
        else:
            pyarrow.parquet.write_table(table.unify_dictionaries(), part, compression="zstd")
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror or error}", source=str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def _table(scores: Scores) -> pa.Table:
    n = len(scores)
    columns: dict[str, pa.Array] = {
        "name": _named(np.zeros(n, np.int32), (scores.name,)),
        "score": pa.array(scores.score, mask=scores.failed),
        "mated": pa.array(scores.mated),
        "failed": pa.array(scores.failed),
    }
    if scores.fold is not None:
        columns["fold"] = pa.array(scores.fold)
    if scores.a is not None and scores.b is not None:
        columns |= {"a": _named(scores.a, scores.samples), "b": _named(scores.b, scores.samples)}
    if scores.people is not None:
        numbers, codes = np.unique(np.concatenate(scores.people), return_inverse=True)
        names = tuple(str(number) for number in numbers)
        columns |= {"subject_a": _named(codes[:n], names), "subject_b": _named(codes[n:], names)}
    for name, groups in scores.groups.items():
        if name in RESERVED:
            raise UsageError(f"a group column may not be called '{name}': score files have a column of that name")
        values, codes = np.unique(groups, return_inverse=True)
        columns[name] = _named(codes, tuple(str(value) for value in values))
    return pa.table(columns)


def _named(codes: NDArray[Any], names: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))


def _plain(table: pa.Table) -> pa.Table:
    """Without dictionaries, truth as 1 and 0."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        elif pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        columns[name] = column
    return pa.table(columns)
