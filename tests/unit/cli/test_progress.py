"""Lines of progress where there is no terminal."""

from __future__ import annotations

import pytest

from mien.cli import output


@pytest.mark.parametrize(
    ("done", "total", "unit", "seconds", "line"),
    [
        (500, 2000, "pictures", 2.5, "500 of 2,000 pictures, 200/s, 8 s left"),
        (0, 10, "pictures", 1.0, "0 of 10 pictures, 0/s"),
        (2_000_000, 10_000_000, "bytes", 2.0, "2.0 of 10.0 MB, 1.0 MB/s, 8 s left"),
    ],
)
def test_a_line_has_speed_and_time_left(done: int, total: int, unit: str, seconds: float, line: str) -> None:
    assert output.pace(done, total, unit, seconds) == line


def test_a_short_run_prints_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("looking at") as update:
        for done in range(100):
            update(done, 100)
    assert capsys.readouterr().err == ""
