"""``mien losses``: what a network can be trained with, and what that costs on many GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.train.losses import LossEntry

PLACES = {"loss": "alone, [loss]", "terms": "term, [terms]", "teacher": "[teacher]"}
"""How a recipe names a loss, by `LossEntry.section`."""
SCALE = "Cost of a step with sharded class centres"


def losses(
    name: Annotated[str | None, typer.Argument(help="One loss, with its whole description.")] = None,
    scale: Annotated[
        int | None, typer.Option(help="Identities: what a training step costs each GPU.", rich_help_panel=SCALE)
    ] = None,
    gpus: Annotated[int, typer.Option(help="GPUs, one process each.", min=1, rich_help_panel=SCALE)] = 8,
    sample: Annotated[
        float, typer.Option(help="Share of the class centres a step looks at (Partial FC).", rich_help_panel=SCALE)
    ] = 1.0,
    batch: Annotated[int, typer.Option(help="Faces a GPU and step.", min=1, rich_help_panel=SCALE)] = 128,
    dimension: Annotated[int, typer.Option(help="Of the embeddings.", min=1, rich_help_panel=SCALE)] = 512,
    optimizer: Annotated[str, typer.Option(help="sgd or adamw.", rich_help_panel=SCALE)] = "sgd",
    precision: Annotated[str, typer.Option(help="f32 or bf16, of the network.", rich_help_panel=SCALE)] = "bf16",
    json: options.Json = False,
) -> None:
    """The losses: what they take, their options, the paper. With --scale: memory and time for so many identities."""
    from mien.backbones import require_extra

    require_extra()
    if scale is not None:
        _cost(scale, gpus, sample, batch, dimension, optimizer, precision, json=json)
        return
    from mien.train.losses import losses as known

    if name is not None:
        _one(name, known[name], json=json)
        return
    rows = [_row(each, known[each]) for each in known]
    if json:
        output.document({"losses": rows})
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("name", "kind", "in a recipe", "what it is", "defaults", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row["name"], row["kind"], escape(PLACES[row["section"]]), row["summary"], _options(row["defaults"])
        )
    Console(width=None if Console().is_terminal else 200).print(table)


def _row(name: str, entry: LossEntry) -> dict[str, Any]:
    return {
        "name": name,
        "kind": entry.kind,
        "section": entry.section,
        "summary": entry.summary,
        "defaults": entry.defaults,
        "paper": entry.paper,
    }


def _options(defaults: dict[str, object]) -> str:
    return ", ".join(f"{option}={value}" for option, value in defaults.items())


def _one(name: str, entry: LossEntry, *, json: bool) -> None:
    import inspect

    text = inspect.getdoc(entry.make) or ""
    if json:
        output.document({**_row(name, entry), "description": text})
        return
    output.say(f"{name} ({entry.kind}; {PLACES[entry.section]}): {text}")
    output.say(f"\nDefaults: {_options(entry.defaults) or 'none'}\nPaper: {entry.paper}")


def _cost(
    classes: int, gpus: int, sample: float, batch: int, dimension: int, optimizer: str, precision: str, *, json: bool
) -> None:
    from dataclasses import asdict

    from mien.train.scale import Setup, cost

    setup = Setup(
        classes, gpus, dimension=dimension, batch=batch, sample=sample, optimizer=optimizer, precision=precision
    )
    result = cost(setup)
    if json:
        output.document({"setup": asdict(setup), "cost": result.to_dict()})
        return
    output.say(f"{classes:,} identities on {gpus} GPUs, {batch} faces each, {sample:.0%} of the centres a step")
    for label, value in (
        ("class centres", result.centres),
        ("their gradients", result.centre_gradients),
        ("their optimiser", result.centre_optimizer),
        ("centres of a step", result.step_centres),
        ("logits (3 tables)", result.logit_tables),
        ("embeddings", result.embeddings),
        ("network", result.backbone),
        ("its activations", result.activations),
        ("a GPU, together", result.total),
        ("sent a step", result.communication),
    ):
        output.say(f"  {label:<20}{value / 2**30:>9.2f} GiB")
    output.say(
        f"  network {1e3 * result.backbone_s:.0f} ms, classifier {1e3 * result.head_s:.0f} ms, "
        f"links {1e3 * result.link_s:.0f} ms: {result.images_per_s:,.0f} images/s"
    )
    output.say("Network: iresnet100. Times follow from assumed speeds of an A100, not from a measurement.")
