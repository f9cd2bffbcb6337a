"""How an evaluation answers: one JSON document, or its tables as text, and a report folder where one is asked for."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli import output

if TYPE_CHECKING:
    from mien.evaluate.report import Report, Table


def command() -> str:
    """The command as it was typed."""
    return shlex.join(["mien", *sys.argv[1:]])


def give(report: Report, folder: Path | None, *, json: bool) -> None:
    """Write the report folder, if any, then the answer."""
    from mien.evaluate.report import write_report

    if folder is not None:
        for path in write_report(report, folder):
            output.note(f"wrote {path}")
    if json:
        output.document(report.data)
        return
    output.say(report.title)
    for section in report.sections:
        if section.tables:
            output.say(f"\n{section.heading}")
        for table in section.tables:
            output.say("\n".join(_lines(table)))


def _lines(table: Table) -> list[str]:
    """A table in columns that line up."""
    rows = [table.columns, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    return [
        f"  {table.caption}",
        *("    " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows),
    ]
