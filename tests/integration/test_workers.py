"""The same people from threads and from processes, with a profile and a trace of both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.mark.weights
def test_processes_group_as_threads_do(portraits: Path, subprocess_mien, tmp_path: Path) -> None:
    answers = []
    for workers in ("1", "2"):
        trace = tmp_path / f"{workers}.json"
        done = subprocess_mien(
            "group", str(portraits), "--json", "--workers", workers, "--profile", "--trace", str(trace)
        )
        assert done.returncode == 0, done.stderr
        people = json.loads(done.stdout)["groups"]
        answers.append([[face["file"] for face in person["faces"]] for person in people])
        stages = {line.split("  ")[0] for line in done.stderr.splitlines()}
        assert {"open", "decode", "detect", "align", "embed", "group"} <= stages
        spans = [event for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] == "X"]
        assert all(event["dur"] >= 0 and event["ts"] >= 0 for event in spans)
        assert len({event["pid"] for event in spans}) == (1 if workers == "1" else 3)
    assert answers[0] == answers[1]
