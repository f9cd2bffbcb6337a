"""What a command says: the answer on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.types.faces import Face
    from mien.types.outcome import Failure
    from mien.types.results import ModelId
    from mien.types.score import OperatingPoint

Progress = Callable[[int, int], None]
"""Called with (done, total)."""
PLAIN_S = 5.0
"""Seconds between lines of progress where there is no terminal."""


def document(value: dict[str, Any]) -> None:
    """One JSON document on stdout. NaN is no JSON and would be a fault of ours."""
    _write(json.dumps(value, ensure_ascii=False, allow_nan=False))


def error_document(error: dict[str, object]) -> None:
    """The error as the one JSON document on stdout."""
    document({"error": error})


def say(text: str = "") -> None:
    """A line of the answer, for people. Control characters in names and paths are shown, not obeyed."""
    _write(printable(text))


def _write(text: str) -> None:
    """A line on stdout; the end of the process, without complaint, when its reader has gone (`| head`)."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at exit
        raise SystemExit(0) from None


def note(text: str) -> None:
    """A line beside the answer, on stderr."""
    sys.stderr.write(f"mien: {printable(text)}\n")


def beside(text: str) -> None:
    """Lines of a table beside the answer, on stderr."""
    sys.stderr.write(printable(text) + "\n")


def complain(text: str) -> None:
    """The one line of an error, on stderr."""
    note(f"error: {text}")


def printable(text: str) -> str:
    """Text without terminal control: escapes, bidi controls and lone surrogates are written out."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def failures(items: Sequence[Failure]) -> None:
    """Pictures without an answer, on stderr; the message names the file."""
    for failure in items:
        note(failure.message if failure.source in failure.message else f"{failure.source}: {failure.message}")


def batch_code(answered: int, failed: Sequence[Failure]) -> int:
    """Exit code of a batch: 0 all went well, 9 some failed, the reason's own code when nothing was answered."""
    if not failed:
        return 0
    return 9 if answered else _code_of(failed[0].reason)


def _code_of(reason: str) -> int:
    return 4 if reason == "not-found" else 3


def count(number: int, one: str, many: str = "") -> str:
    """A number and its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def rate(value: float) -> str:
    """A rate with two digits: 0.003, 1.2e-5."""
    return f"{value:.2g}".replace("e-0", "e-")


def basis(point: OperatingPoint) -> str:
    """What a threshold rests on, in one line."""
    if point.extrapolated:
        return (
            f"FMR {rate(point.fmr)} lies beyond the {point.trials:,} comparisons counted, which show it to be at most "
            f"{rate(point.high)}; threshold from the fitted tail of {point.data}"
        )
    return (
        f"FMR {rate(point.fmr)} measured: {point.errors:,} of {point.trials:,} non-mated comparisons, "
        f"95 % interval {rate(point.low)} to {rate(point.high)}; {point.misses} of {point.mated:,} mated ones missed; "
        f"{point.data}"
    )


def place(face: Face) -> str:
    """Where a face is and how large."""
    x0, y0, x1, y1 = face.box
    return f"face of {x1 - x0:.0f}x{y1 - y0:.0f} px at {x0:.0f},{y0:.0f}"


def model_line(model: ModelId) -> str:
    """Which model answered."""
    return f"{model.name} {model.digest[:12]}, {model.precision} on {model.engine}"


@contextmanager
def progress(description: str, unit: str = "pictures") -> Iterator[Progress]:
    """A progress bar on stderr with speed, time passed and time left; plain lines when stderr is no terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain(description, unit)
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        *(
            [bars.DownloadColumn(), bars.TransferSpeedColumn()]
            if unit == "bytes"
            else [bars.MofNCompleteColumn(), bars.TextColumn(unit), bars.TextColumn("{task.fields[rate]}")]
        ),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(description, total=None, rate="")

        def update(done: int, total: int) -> None:
            speed = shown.tasks[0].speed
            shown.update(task, completed=done, total=total, rate="" if speed is None else f"{speed:.0f}/s")

        yield update


def _plain(description: str, unit: str) -> Progress:
    from time import monotonic

    start = last = monotonic()

    def update(done: int, total: int) -> None:
        nonlocal last
        now = monotonic()
        if now - last >= PLAIN_S:
            last = now
            note(f"{description}: {pace(done, total, unit, now - start)}")

    return update


def pace(done: int, total: int, unit: str, seconds: float) -> str:
    """How far a run is, how fast, and how long it will take.

    Example:
        >>> pace(500, 2000, "pictures", 2.5)
        '500 of 2,000 pictures, 200/s, 8 s left'
    """
    speed = done / seconds
    left = f", {(total - done) / speed:.0f} s left" if speed else ""
    shown = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB, {speed / 1e6:.1f} MB/s"
    return (shown if unit == "bytes" else f"{done:,} of {total:,} {unit}, {speed:.0f}/s") + left
