"""From rounds to a table: medians, ratios within a round, CSV, Markdown, plot."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from figures import on_its_own, three
from peers.process import Answer


@dataclass(frozen=True, slots=True)
class Round:
    """One system over one set, once; or why there is none.

    Args:
        set, pictures, digest: name, number and content of the set.
        system: name.
        round: from 1; 0 = the system failed.
        seconds, cpu_s, others_s, faces, templates, failed: as in `Answer`.
        peak_mb: peak memory so far in this set.
        startup_s: process start to the first result, median over fresh processes.
        settings: as the system states them.
        versions: of its packages.
        problem: why there are no figures; '' if there are.
    """

    set: str
    pictures: int
    digest: str
    system: str
    round: int
    seconds: float = 0.0
    cpu_s: float = 0.0
    others_s: float = 0.0
    faces: int = 0
    templates: int = 0
    failed: int = 0
    peak_mb: float = 0.0
    startup_s: float = 0.0
    settings: str = ""
    versions: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A system's medians over a set.

    Args:
        per_second: pictures a second.
        low, high: its slowest and fastest round.
        ratio: time of this system over the reference's, median over rounds of the same number; None without one.
        cpu_ms: CPU milliseconds a picture.
    """

    system: str
    per_second: float
    low: float
    high: float
    ratio: float | None
    cpu_ms: float
    peak_mb: float
    startup_s: float
    faces: int
    templates: int
    failed: int
    problem: str = ""


def measured(answer: Answer, **facts: object) -> Round:
    """A round's row."""
    return Round(**asdict(answer), **facts)  # type: ignore[arg-type]


def summary(rounds: Sequence[Round], reference: str) -> dict[str, list[Line]]:
    """Medians by set, systems in the order they came.

    Args:
        rounds: of all sets.
        reference: the system whose time ratios are to; 3.0 = three times as slow.
    """
    sets = dict.fromkeys(row.set for row in rounds)
    return {name: _lines([row for row in rounds if row.set == name], reference) for name in sets}


def _lines(rounds: Sequence[Round], reference: str) -> list[Line]:
    by_system: dict[str, list[Round]] = {}
    for row in rounds:
        by_system.setdefault(row.system, []).append(row)
    base = {row.round: row.seconds for row in by_system.get(reference, []) if row.round}
    return [_line(system, rows, base) for system, rows in by_system.items()]


def _line(system: str, rows: Sequence[Round], base: Mapping[int, float]) -> Line:
    good = [row for row in rows if row.round]
    problem = next((row.problem for row in rows if row.problem), "")
    if not good:
        return Line(system, 0, 0, 0, None, 0, 0, 0, 0, 0, 0, problem)
    speeds = [row.pictures / row.seconds for row in good]
    ratios = [row.seconds / base[row.round] for row in good if row.round in base]
    return Line(
        system=system,
        per_second=good[0].pictures / statistics.median(row.seconds for row in good),
        low=min(speeds),
        high=max(speeds),
        ratio=statistics.median(ratios) if ratios else None,
        cpu_ms=1000 * statistics.median(row.cpu_s for row in good) / good[0].pictures,
        peak_mb=max(row.peak_mb for row in good),
        startup_s=good[0].startup_s,
        faces=good[-1].faces,
        templates=good[-1].templates,
        failed=good[-1].failed,
        problem=problem,
    )


def markdown(rounds: Sequence[Round], reference: str) -> str:
    """The tables that go into the docs."""
    parts = []
    for name, lines in summary(rounds, reference).items():
        count = next(row.pictures for row in rounds if row.set == name)
        parts += [
            f"### {name}: {count} pictures\n",
            f"| system | pictures/s (slowest to fastest round) | time / {reference}'s | CPU ms/picture | peak MB "
            "| start to first result | faces | templates |",
            "|---|---|---|---|---|---|---|---|",
            *(_row(line) for line in lines),
            "",
            disturbance([row for row in rounds if row.set == name]),
            "",
        ]
    settings = {row.system: f"- {row.system}: {row.settings}; {row.versions}" for row in rounds if row.settings}
    return "\n".join([*parts, *settings.values(), ""])


def disturbance(rounds: Sequence[Round]) -> str:
    """How much other processes computed during the rounds; a quiet machine is below a few hundredths of a core."""
    shares = [row.others_s / row.seconds for row in rounds if row.round]
    if not shares:
        return ""
    return f"Meanwhile other processes kept {statistics.median(shares):.2f} cores busy (worst round {max(shares):.2f})."


def _row(line: Line) -> str:
    if not line.per_second:
        return f"| {line.system} | not measured: {line.problem} | | | | | | |"
    ratio = "" if line.ratio is None else f"{line.ratio:.2f}"
    note = f" ({line.failed} pictures failed)" if line.failed else ""
    note += f" (stopped: {line.problem})" if line.problem else ""
    speed = f"{three(line.per_second)} ({three(line.low)} to {three(line.high)})"
    return (
        f"| {line.system} | {speed} | {ratio} | {three(line.cpu_ms)} | {line.peak_mb:.0f} | {line.startup_s:.2f} s "
        f"| {line.faces} | {line.templates}{note} |"
    )


def write_csv(path: Path, rounds: Iterable[Round], machine: Mapping[str, str]) -> None:
    """Every round, each row with the machine and the commit, so that files can be joined."""
    names = [*machine, *(field.name for field in fields(Round))]
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, names, lineterminator="\n")
        writer.writeheader()
        for row in rounds:
            values = {
                name: f"{value:.6g}" if isinstance(value, float) else value for name, value in asdict(row).items()
            }
            writer.writerow({**machine, **values})


def plot(rounds: Sequence[Round], reference: str, note: str) -> str:
    """SVG: pictures a second by system and set, the slowest and fastest round as a line."""
    from mien.evaluate.plots import intervals

    rows = [
        (f"{name}: {line.system}", line.per_second or None, line.low or None, line.high or None)
        for name, lines in summary(rounds, reference).items()
        for line in lines
    ]
    return on_its_own(intervals(rows, log=True, title="Photographs to templates", note=note, label="pictures/s"))
