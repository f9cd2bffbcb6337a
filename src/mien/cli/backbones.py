"""``mien backbones``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.backbones import Architecture


def backbones(
    name: Annotated[str | None, typer.Argument(help="One architecture; all when left out.")] = None,
    time: Annotated[
        bool, typer.Option("--time", help="Measure milliseconds a picture on this CPU, in PyTorch.")
    ] = False,
    json: options.Json = False,
) -> None:
    """List the networks that `mien train` can make: parameters, multiply-adds of one picture, paper.

    A multiply-add (MAC) counts once; convolutions, linear layers and attention are counted. Milliseconds are medians of
    single pictures in float32.
    """
    from mien.backbones import backbones as known
    from mien.backbones import require_extra

    require_extra()
    chosen = [known[name]] if name else [known[each] for each in known]
    rows = []
    with output.progress("measuring", "networks") as progress:
        for i, architecture in enumerate(chosen):
            rows.append(_row(architecture, timed=time))
            if time:
                progress(i + 1, len(chosen))
    if json:
        output.document({"backbones": rows})
    else:
        _table(rows)


def _row(architecture: Architecture, *, timed: bool) -> dict[str, object]:
    """What there is to say of one architecture; the printed figures hold for the arguments ``printed_as``."""
    from mien.backbones.cost import cost_of, milliseconds

    counted = cost_of(architecture)
    return {
        "name": architecture.name,
        "parameters": counted.parameters,
        "macs": counted.macs,
        "ms": round(milliseconds(architecture.build()), 2) if timed else None,
        "dimension": architecture.dimension,
        "size": architecture.size,
        "paper": architecture.paper,
        "printed": {
            "parameters": architecture.parameters,
            "macs": architecture.macs,
            "as": dict(architecture.printed_as),
            "source": architecture.source or None,
        },
    }


def _table(rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", box=None, pad_edge=False)
    for title in ("parameters", "MACs", "ms", "numbers", "pixels"):
        table.add_column(title, justify="right")
    table.add_column("paper")
    for row in rows:
        ms = "" if row["ms"] is None else f"{row['ms']:.1f}"
        counts = f"{row['parameters']:,}", f"{row['macs']:,}"
        table.add_row(str(row["name"]), *counts, ms, str(row["dimension"]), str(row["size"]), str(row["paper"]))
    Console(width=None if Console().is_terminal else 200).print(table)
