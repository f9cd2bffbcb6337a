"""A list of pictures: a CSV file whose first line names the columns path and person, others as you like."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from mien.errors import NotFoundError, UsageError
from mien.train.data.base import Pictures, number_people
from mien.train.data.sources import sources


@sources.register("csv")
def read_csv(path: Path) -> Pictures:
    """The pictures of a list, paths relative to its folder; an empty person is unlabelled.

    A picture that is not there is no error here: preparing counts it among the failures.

    Raises:
        NotFoundError: no such list.
        UsageError: wrong columns, an empty or doubled path, no row.
    """
    rows = list(_rows(path))
    if not rows:
        raise UsageError(f"{path} names no picture; write a row path,person for each", code="list-empty")
    names = [name for name, _ in rows]
    labels, people = number_people(person for _, person in rows)
    root = path.parent
    return Pictures(names, labels, people, lambda row: root / names[row], {"kind": "csv"})


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            if not {"path", "person"} <= set(reader.fieldnames or []):
                found = ",".join(reader.fieldnames or [])[:80]
                raise UsageError(
                    f"{path}: the first line must name the columns path and person, it is '{found}'",
                    code="list-columns",
                )
            for row in reader:
                name, person = row["path"], row["person"]
                if None in row or not name or person is None:
                    raise _wrong(path, reader.line_num, "a path is missing, or there are too many or too few cells")
                if name in seen:
                    raise _wrong(path, reader.line_num, f"'{name}' is there twice")
                seen.add(name)
                yield name, person
    except FileNotFoundError:
        raise NotFoundError(f"no file {path}", source=str(path)) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no CSV in UTF-8: {error}", code="list-format") from error


def _wrong(path: Path, line: int, what: str) -> UsageError:
    return UsageError(f"{path}, line {line}: {what}", code="list-line", source=str(path))
