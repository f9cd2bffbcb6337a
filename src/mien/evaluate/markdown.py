"""Text, tables and rates as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_SPACE = re.compile(r"\s+")


def escape(text: object) -> str:
    """Text that Markdown shows as it is, on one line; a table's pipe too."""
    return _SPECIAL.sub(r"\\\1", _line(text))


def code(text: object) -> str:
    """Text as code, on one line. A pipe, which would part a table's cell, is escaped; a backtick becomes a quote."""
    return "`" + _line(text).replace("`", "'").replace("|", "\\|") + "`"


def _line(text: object) -> str:
    """One line that UTF-8 can hold; labels of other people's files may contain anything."""
    return _SPACE.sub(" ", str(text)).strip().encode("utf-8", "replace").decode("utf-8")


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table under its caption; cells are escaped already."""
    lines = [" | ".join(columns), " | ".join("---" for _ in columns), *(" | ".join(row) for row in rows)]
    return caption + "\n\n" + "\n".join(f"| {line} |" for line in lines)


def rate(row: Mapping[str, Any]) -> str:
    """A rate as reports have it: value, counts where there are any, interval; – and the reason where undefined."""
    if row["value"] is None:
        return escape(f"– {row.get('note') or row.get('reason') or 'no comparisons'}")
    counts = f"{row['errors']:,} of {row['trials']:,}" if "trials" in row else ""
    ends = "" if row["low"] is None else f"95 % {row['low']:.2g} to {row['high']:.2g}"
    behind = "; ".join(part for part in (counts, ends, row.get("note", "")) if part)
    return escape(f"{row['value']:.4g} ({behind})")
