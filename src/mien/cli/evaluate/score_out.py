"""Where a run keeps its scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli import output
from mien.errors import NotFoundError, StoreError, UsageError

if TYPE_CHECKING:
    from mien.evaluate.scores import Scores

FILE = "scores.parquet"
"""Of a report folder."""


def check(report: Path | None, file: Path | None) -> None:
    """Refuse before a long run what could not be written after it.

    Raises:
        UsageError: the file has another suffix, or the folder is a file.
        NotFoundError: the file's folder is not there.
    """
    if file is not None and file.suffix not in (".parquet", ".csv"):
        raise UsageError(f"--scores-out {file}: a score file ends in .parquet or .csv")
    if file is not None and not file.parent.is_dir():
        raise NotFoundError(f"--scores-out {file}: no folder {file.parent}", source=str(file))
    if report is not None and report.exists() and not report.is_dir():
        raise UsageError(f"--report {report}: it is a file; name a folder")


def keep(scores: Sequence[Scores], report: Path | None, file: Path | None) -> None:
    """Write the scores beside the report and into the file, where asked for.

    Raises:
        StoreError: they cannot be written.
    """
    from mien.evaluate.scores import write_scores

    if report is not None:
        try:
            report.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{report}: cannot be made: {error.strerror}", source=str(report)) from error
    for path in (None if report is None else report / FILE, file):
        if path is not None:
            write_scores(scores, path)
            output.note(f"wrote {path}")
