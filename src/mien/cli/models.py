"""``mien models …``: cards and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output

app = typer.Typer(help="Model cards and weights.")


@app.command("list")
def list_(json: options.Json = False) -> None:
    """The models: what they are, their licences, whether the weights are here."""
    from mien.models import Store, cards, describe

    store = Store()
    rows = [describe(card, store) for card in cards()]
    if json:
        output.document({"models": rows})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "kind", "here", "code", "weights", "training data", box=None, pad_edge=False)
    for row in rows:
        licence = row["licence"]
        states = {file["state"] for file in row["files"]}
        here = "yes" if states <= {"good"} else "damaged" if "damaged" in states else "no"
        table.add_row(row["name"], row["kind"], here, licence["code"], licence["weights"], licence["training_data"])
    Console(width=None if Console().is_terminal else 160).print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a card, or a card file.")], json: options.Json = False
) -> None:
    """Everything a card says."""
    from mien.models import Store, describe, find_card

    row = describe(find_card(name), Store())
    if json:
        output.document(row)
    else:
        _tree(row)


@app.command()
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Cards; the defaults when left out.")
    ] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", help="Take the file from here: the file itself, or the archive it is in.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every card.")] = False,
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> None:
    """Fetch weights, check them, keep them. A damaged file is fetched anew."""
    from mien.errors import UsageError
    from mien.models import Store, cards, find_card, require_licence

    wanted = [find_card(name) for name in names or ("yunet", "sface")]
    if every:
        wanted = list(cards())
    if from_ is not None and (every or not names or len(names) != 1):
        raise UsageError("--from goes with exactly one model: mien models pull NAME --from FILE")
    store = Store()
    for card in wanted:
        require_licence(card, allow_licence)
        with output.progress(f"fetching {card.name}", "bytes") as progress:
            store.pull(card, from_path=from_, progress=progress)
        if not json:
            output.say(f"{card.name}: ready")
    if json:
        output.document({"pulled": [card.name for card in wanted], "folder": str(store.folder)})


@app.command()
def check(json: options.Json = False) -> int:
    """Whether the weights that are here are those that the cards name. Exit code 7 when one is not."""
    from mien.models import Store

    rows = Store().check()
    if json:
        output.document({"files": rows})
    else:
        for row in rows:
            output.say(f"{row['card']}: {row['file']}: {row['state']}")
        if not rows:
            output.say("no weights here yet; `mien models pull` fetches the defaults")
    return 7 if any(row["state"] == "damaged" for row in rows) else 0


def _tree(value: dict[str, object], indent: str = "") -> None:
    for key, item in value.items():
        if isinstance(item, dict):
            output.say(f"{indent}{key}:")
            _tree(item, indent + "  ")
        elif isinstance(item, list) and len(item) > 12:
            output.say(f"{indent}{key}: {len(item)} rows (--json shows them)")
        elif item is not None:
            output.say(f"{indent}{key}: {item}")
