"""``mien evaluate compare A B``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options
from mien.cli.evaluate import answer, lists, score_out

if TYPE_CHECKING:
    from mien.evaluate.scores import Scores

RUN = "A report folder of `evaluate verification`, or a score file."


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help=RUN)],
    second: Annotated[Path, typer.Argument(metavar="B", help="The same; the same comparisons by another system.")],
    systems: Annotated[
        str | None,
        typer.Option(metavar="ONE,OTHER", help="One system of A and one of B, where a run holds several."),
    ] = None,
    fmr: Annotated[float, typer.Option(help="False match rate at which McNemar's test is made.")] = 1e-3,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    json: options.Json = False,
) -> int:
    """Which of two systems is better on the same comparisons: paired differences with intervals, McNemar's test."""
    from mien.errors import UsageError
    from mien.evaluate.comparison import compare_systems, comparison_report

    if not 0 < fmr < 1:
        raise UsageError(f"--fmr must lie between 0 and 1, got {fmr:g}")
    one, other = _choose(_read(first), _read(second), systems, (first, second))
    answer.give(comparison_report(compare_systems(one, other, fmr=fmr), answer.command()), report, json=json)
    return 0


def _read(path: Path) -> dict[str, Scores]:
    from mien.evaluate.scores import read_scores

    return {system.name: system for system in read_scores(path / score_out.FILE if path.is_dir() else path)}


def _choose(
    first: dict[str, Scores], second: dict[str, Scores], systems: str | None, paths: tuple[Path, Path]
) -> tuple[Scores, Scores]:
    """One system of each run, named apart."""
    from dataclasses import replace

    from mien.errors import UsageError

    names = lists.names(systems, "--systems") if systems else [next(iter(first)), next(iter(second))]
    if not systems and (len(first) > 1 or len(second) > 1):
        raise UsageError(f"name one system of each run: --systems ONE,OTHER ({', '.join({**first, **second})})")
    if len(names) == 1:
        names *= 2
    if len(names) != 2 or names[0] not in first or names[1] not in second:
        known = f"{', '.join(first)}; {', '.join(second)}"
        raise UsageError(f"--systems takes one system of each run, got '{systems}' (there are {known})")
    one, other = first[names[0]], second[names[1]]
    if one.name == other.name:
        labels = [path.stem if path.stem != "scores" else path.parent.name for path in paths]
        if labels[0] == labels[1]:
            labels = ["first", "second"]
        one, other = (
            replace(one, name=f"{one.name} of {labels[0]}"),
            replace(other, name=f"{other.name} of {labels[1]}"),
        )
    return one, other
