from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest

from peers import worker

TOY = """
PACKAGES = ("numpy",)

def open_system(weights, variant):
    def process(pictures):
        for picture in pictures:
            print("chatter on stdout")
            yield None if picture == "broken.jpg" else (2, [[1.0, 0.0], [0.0, 1.0]])
    return f"weights {weights.name}, variant {variant}", process
"""


def test_a_tally_counts_faces_templates_and_failures() -> None:
    assert worker.tally([(2, [[1.0], [0.5]]), None, (0, []), (3, [[1.0]])]) == {
        "faces": 5,
        "templates": 3,
        "failed": 1,
    }


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_template_that_is_not_finite_does_not_count(bad: float) -> None:
    assert worker.tally([(2, [[1.0, 0.0], [0.0, bad]])])["templates"] == 1


def test_a_worker_speaks_one_json_line_each_way_whatever_the_library_prints(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(Path(worker.__file__).read_text())
    (tmp_path / "numpy.py").write_text(TOY)  # named like a package that it may not shadow
    lines = [json.dumps({"pictures": ["a.jpg", "broken.jpg", "c.jpg"]}), json.dumps({"pictures": []})]
    command = [sys.executable, "-P", str(script), "numpy-small", str(tmp_path / "files")]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert first["settings"] == "weights files, variant small"
    assert list(first["versions"]) == ["numpy"]
    assert second == {"faces": 4, "templates": 4, "failed": 1}
    assert third == {"faces": 0, "templates": 0, "failed": 0}
    assert done.stderr.count("chatter on stdout") == 3


@pytest.mark.parametrize("name", ["opencv", "deepface", "face_recognition", "verifyface"])
def test_every_peer_has_all_its_packages_pinned(name: str) -> None:
    lines = Path(worker.__file__).with_name(f"{name}.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert pins == sorted(pins, key=str.lower)
    assert all(line.count("==") == 1 for line in pins)


@pytest.mark.skipif(sys.platform != "linux", reason="the harness is for Linux")
def test_a_worker_that_is_stopped_ends_with_its_harness(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text(Path(worker.__file__).read_text())
    (tmp_path / "toy.py").write_text(TOY)
    harness = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(Path(worker.__file__).parents[1])!r})
from peers.process import Peer
command = [sys.executable, "-P", {str(tmp_path / "worker.py")!r}, "toy", "files"]
peer = Peer("toy", command, Path({str(tmp_path / "log")!r}), os.environ)
print(peer._process.pid, flush=True)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", harness], capture_output=True, text=True, check=True)
    end = time.monotonic() + 10
    while state(int(done.stdout)) not in "ZX" and time.monotonic() < end:
        time.sleep(0.02)
    assert state(int(done.stdout)) in "ZX"


def state(pid: int) -> str:
    """As Linux tells it: T = stopped, Z = ended and not yet waited for; X when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
