"""Where the time of a command went: a table on stderr, a trace in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli import output

if TYPE_CHECKING:
    from mien.pipeline import Profile, Recorder


@contextmanager
def recorded(profile: bool, trace: Path | None) -> Iterator[Recorder | None]:
    """A recorder for the block, shown and written at its end; None when neither is wanted."""
    if not profile and trace is None:
        yield None
        return
    from mien.pipeline import Recorder

    recorder = Recorder(trace=trace is not None)
    yield recorder
    if trace is not None:
        trace.write_text(json.dumps(recorder.trace()), encoding="utf-8")
        output.note(f"wrote {trace}; open it at https://ui.perfetto.dev")
    if profile:
        output.beside(table(recorder.profile()))


def table(profile: Profile) -> str:
    """One line a stage: seconds of all threads together, items, milliseconds an item, share."""
    width = max([len("stage"), *(len(stage.name) for stage in profile.stages)])
    lines = [f"{'stage':{width}}   wall s    CPU s  waited s     items   ms/item  share"]
    for stage in profile.stages:
        share = profile.share(stage)
        lines.append(
            f"{stage.name:{width}} {stage.wall:8.2f} {stage.cpu:8.2f}  {stage.waited:8.2f} {stage.items:9,} "
            f"{stage.each * 1e3:9.3f} {'-' if share is None else format(share, '.1%'):>6}"
        )
    cores = profile.cpu / profile.wall if profile.wall else 0.0
    lines.append(
        f"{profile.wall:.2f} s in all, {profile.cpu:.2f} s of processor time with the engines' own threads: "
        f"{cores:.1f} cores busy. Stages overlap; 'waited' in detect and embed is mostly the engine at work"
    )
    return "\n".join(lines)
