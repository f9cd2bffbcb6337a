"""Where a measurement was made, and not whose machine it was."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path

from mien.evaluate.environment import cpu_name, environment


def test_the_processor_is_named_as_linux_tells_it(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Example 9000 @ 3.00GHz\nflags\t: avx2\n")
    assert cpu_name(tmp_path / "cpuinfo") == "Example 9000 @ 3.00GHz"


def test_versions_and_engines_are_there_and_nothing_personal() -> None:
    facts = environment()
    assert facts["python"] == platform.python_version()
    assert {"date", "mien", "system", "machine", "cpu", "cores", "engines", "libraries"} <= facts.keys()
    text = json.dumps(facts, allow_nan=False)
    assert platform.node() not in text
    assert str(Path.home()) not in text
    assert getpass.getuser() == "root" or getpass.getuser() not in text
