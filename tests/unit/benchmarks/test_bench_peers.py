from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import pytest

from bench_peers import Bench, run_set
from peers.process import Peer, PeerError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness reads /proc")

GOOD = """
import json, sys
print(json.dumps({"versions": {"toy": "1"}, "settings": "none"}), flush=True)
for line in sys.stdin:
    n = len(json.loads(line)["pictures"])
    print(json.dumps({"faces": n, "templates": n, "failed": 0}), flush=True)
"""
DIES = GOOD.replace("for line in sys.stdin:", "for _ in range(2):\n    line = sys.stdin.readline()")


class Toys:
    """Stands for a Bench whose systems are scripts."""

    turn = staticmethod(contextlib.nullcontext)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, system: str) -> Peer:
        if system == "absent":
            raise PeerError("absent: cannot be installed: no wheel")
        code = {"good": GOOD, "dies": DIES}[system]
        return Peer(system, [sys.executable, "-c", code], self.folder / f"{system}.log", os.environ)

    def startup(self, system: str, picture: Path) -> float:
        del system, picture
        return 0.25


def test_one_bad_system_costs_the_others_nothing_and_is_not_left_out(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"\xff\xd8")
    rows = run_set(Toys(tmp_path), ["good", "dies", "absent"], "toys", [picture, picture], 2, {})
    assert [(row.system, row.round, row.faces, row.problem) for row in rows] == [
        ("good", 1, 2, ""),
        ("good", 2, 2, ""),
        ("dies", 0, 0, "dies: while working on 2 pictures, ended with status 0: it printed nothing"),
        ("dies", 1, 2, ""),
        ("absent", 0, 0, "absent: cannot be installed: no wheel"),
    ]
    assert rows[0].startup_s == 0.25
    assert rows[0].versions == "toy 1"


def test_a_lock_that_others_hold_is_waited_for(tmp_path: Path) -> None:
    import fcntl

    bench = Bench(tmp_path, tmp_path, 1.0, tmp_path / "lock")
    with bench.turn(), (tmp_path / "lock").open("a") as f, pytest.raises(BlockingIOError):
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / "lock").open("a") as f:
        fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
