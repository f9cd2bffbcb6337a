from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from peers.process import Peer, PeerError, cpu_seconds, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness reads /proc")

READY = """
import json, os, subprocess, sys, time
print(json.dumps({"versions": {"toy": "1"}, "settings": "none"}), flush=True)
"""
ECHO = """
for line in sys.stdin:
    n = len(json.loads(line)["pictures"])
    print(json.dumps({"faces": 2 * n, "templates": 2 * n - 1, "failed": 0}), flush=True)
"""
BURN = """
for line in sys.stdin:
    burn = "import time\\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", burn])
    print(json.dumps({"faces": 0, "templates": 0, "failed": 0}), flush=True)
"""
COUNT = """
n = 0
import threading
def count():
    global n
    while True:
        n += 1
        time.sleep(0.001)
threading.Thread(target=count, daemon=True).start()
for line in sys.stdin:
    print(json.dumps({"faces": n, "templates": 0, "failed": 0}), flush=True)
"""
PICTURES = [Path("a.jpg"), Path("b.jpg"), Path("c.jpg")]

Start = Callable[..., Peer]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def begin(code: str, **settings: float) -> Peer:
        return Peer("toy", [sys.executable, "-c", code], tmp_path / "toy.log", os.environ, **settings)

    return begin


def test_a_peer_is_asked_and_its_answer_is_timed(start: Start) -> None:
    with start(READY + ECHO) as peer:
        assert peer.facts == {"versions": {"toy": "1"}, "settings": "none"}
        answer = peer.ask(PICTURES)
        assert (answer.faces, answer.templates, answer.failed) == (6, 5, 0)
        assert answer.seconds > 0
        assert peer.peak_mb() > 1


def test_cpu_seconds_count_processes_that_the_peer_started_and_that_ended(start: Start) -> None:
    with start(READY + BURN) as peer:
        assert peer.ask(PICTURES).cpu_s >= 0.25


def test_what_others_compute_meanwhile_is_counted(start: Start) -> None:
    slow = READY + ECHO.replace("    n =", "    time.sleep(0.5)\n    n =")
    burn = "import time\nwhile True: pass"
    with start(slow) as peer, subprocess.Popen([sys.executable, "-c", burn]) as other:
        try:
            answer = peer.ask(PICTURES)
        finally:
            other.kill()
    assert answer.others_s > 0.2
    assert answer.cpu_s < 0.2


def test_a_peer_rests_while_it_is_not_asked(start: Start) -> None:
    with start(READY + COUNT) as peer:
        before = peer.ask(PICTURES).faces
        time.sleep(0.5)
        assert peer.ask(PICTURES).faces - before < 100


def test_a_peer_that_crashes_at_once_is_quoted(start: Start) -> None:
    with pytest.raises(PeerError, match=r"^toy: while starting, ended with status 1: ImportError: no wheel$"):
        start("raise ImportError('no wheel')")


def test_a_peer_that_crashes_over_a_picture_is_quoted(start: Start) -> None:
    code = READY + "sys.stdin.readline(); print('about to end', file=sys.stderr); os._exit(3)"
    with (
        start(code) as peer,
        pytest.raises(PeerError, match="working on 3 pictures, ended with status 3: about to end"),
    ):
        peer.ask(PICTURES)


def test_a_peer_that_ended_between_two_questions_is_told(start: Start) -> None:
    code = READY + 'sys.stdin.readline(); print(\'{"faces": 0, "templates": 0, "failed": 0}\', flush=True)'
    with start(code) as peer:
        peer.ask(PICTURES)
        with pytest.raises(PeerError, match="ended with status 0: it printed nothing"):
            peer.ask(PICTURES)


@pytest.mark.parametrize("said", ["Downloading weights ...", "[1, 2]", '{"faces": 3}'])
def test_an_answer_that_is_none_is_shown(start: Start, said: str) -> None:
    with start(READY + f"sys.stdin.readline(); print({said!r}, flush=True); time.sleep(60)") as peer:
        with pytest.raises(PeerError) as error:
            peer.ask(PICTURES)
        assert str(error.value) == (
            f"toy: while working on 3 pictures, answered {said!r} where JSON with faces, templates, failed was due"
        )


def test_a_peer_that_hangs_is_given_up(start: Start) -> None:
    with (
        start(READY + "time.sleep(600)", limit_s=1.0) as peer,
        pytest.raises(PeerError, match=r"^toy: while working on 3 pictures, gave no answer in 1 s$"),
    ):
        peer.ask(PICTURES)


def test_closing_ends_all_that_a_peer_started(start: Start) -> None:
    code = READY + "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])" + ECHO
    with start(code) as peer:
        peer.ask(PICTURES)
        pids = list(tree(peer._process.pid))
        assert len(pids) == 2
    time.sleep(0.2)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def test_cpu_seconds_of_nobody_are_none() -> None:
    assert cpu_seconds(2**22 + 1) == 0.0  # above the largest process number
