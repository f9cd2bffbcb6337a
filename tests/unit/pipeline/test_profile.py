"""Spans become a table and a trace."""

from __future__ import annotations

import json
import threading
import time

import pytest

from mien.cli.profile import table
from mien.pipeline.profile import IDLE, Profile, Recorder, Span, Stage, span, working


def test_a_stage_is_the_sum_of_its_spans() -> None:
    recorder = Recorder()
    recorder.add(Span("decode", 10.0, 0.2, 0.1, 3, 1, 1))
    recorder.add(Span("decode", 11.0, 0.4, 0.1, 1, 1, 2))
    recorder.add(Span("embed", 12.0, 0.6, 0.6, 2, 1, 1))
    profile = recorder.profile()
    decode, embed = profile.stages
    assert (decode.items, decode.wall, decode.cpu) == (4, pytest.approx(0.6), pytest.approx(0.2))
    assert decode.waited == pytest.approx(0.4)
    assert decode.each == pytest.approx(0.15)
    assert profile.share(embed) == pytest.approx(0.5)


def test_no_span_is_lost_between_threads() -> None:
    recorder = Recorder()

    def work() -> None:
        for _ in range(500):
            with recorder.span("step", 2):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (stage,) = recorder.profile().stages
    assert stage.items == 8 * 500 * 2


def test_waiting_is_told_from_computing() -> None:
    recorder = Recorder()
    with recorder.span("sleep"):
        time.sleep(0.05)
    (stage,) = recorder.profile().stages
    assert stage.wall >= 0.05
    assert stage.cpu < stage.wall / 2


def test_time_between_tasks_of_a_worker_is_idle() -> None:
    recorder = Recorder()
    for _ in range(3):
        with recorder.worker():
            pass
    (stage,) = recorder.profile().stages
    assert (stage.name, stage.items) == (IDLE, 2)


def test_what_another_process_counted_is_added_once() -> None:
    ours, theirs = Recorder(trace=True), Recorder(trace=True)
    theirs.add(Span("decode", 1.0, 0.5, 0.5, 1, 77, 1))
    ours.merge(theirs.drain())
    ours.merge(theirs.drain())
    (stage,) = ours.profile().stages
    assert (stage.items, stage.wall) == (1, 0.5)


def test_the_trace_is_of_the_trace_event_format() -> None:
    recorder = Recorder(trace=True)
    recorder.add(Span("embed", 2.0, 0.5, 0.25, 4, 7, 9))
    recorder.add(Span("decode", 1.0, 0.001, 0.001, 1, 7, 8))
    document = json.loads(json.dumps(recorder.trace()))
    assert set(document) == {"traceEvents", "displayTimeUnit"}
    spans = [event for event in document["traceEvents"] if event["ph"] == "X"]
    assert spans == [
        {"name": "decode", "ph": "X", "ts": 1e6, "dur": 1e3, "pid": 7, "tid": 8, "args": {"items": 1, "cpu_us": 1e3}},
        {"name": "embed", "ph": "X", "ts": 2e6, "dur": 5e5, "pid": 7, "tid": 9, "args": {"items": 4, "cpu_us": 2.5e5}},
    ]
    threads = [(event["pid"], event["tid"]) for event in document["traceEvents"] if event["ph"] == "M"]
    assert threads == [(7, 8), (7, 9)]


def test_without_a_recorder_nothing_is_made() -> None:
    assert span(None, "decode") is span(None, "embed") is working(None)


def test_the_table_has_a_line_a_stage() -> None:
    lines = table(Profile((Stage("decode", 200, 0.5, 0.4), Stage("embed", 100, 1.5, 0.1)), 1.0, 1.8)).splitlines()
    assert lines[1].split() == ["decode", "0.50", "0.40", "0.10", "200", "2.500", "25.0%"]
    assert lines[2].split() == ["embed", "1.50", "0.10", "1.40", "100", "15.000", "75.0%"]
    assert lines[3].startswith("1.00 s in all, 1.80 s of processor time")
    assert "1.8 cores busy" in lines[3]
