"""``mien models …``: cards and weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import options, output
from mien.cli.analyze import measured_error

if TYPE_CHECKING:
    from mien.models import LoadSettings
    from mien.service.tune import Tuned

app = typer.Typer(help="Model cards and weights.")


@app.command("list")
def list_(json: options.Json = False) -> None:
    """The models: what they are, their licences, how far a head errs, whether the weights are here."""
    from mien.models import Store, cards, describe

    store = Store()
    rows = [describe(card, store) for card in cards()]
    if json:
        output.document({"models": rows})
        return
    from rich.console import Console
    from rich.table import Table

    columns = ("name", "kind", "here", "code", "weights", "measured error", "training data")
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        licence = row["licence"]
        states = {file["state"] for file in row["files"]}
        here = "yes" if states <= {"good"} else "damaged" if "damaged" in states else "no"
        kind = f"{row['kind']} ({row['head']['use']})" if row["head"] else row["kind"]
        error = _foremost(row["head"])
        table.add_row(row["name"], kind, here, licence["code"], licence["weights"], error, licence["training_data"])
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
        return
    head = row.pop("head")
    _tree(row)
    if head:
        _say_head(head)


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
def tune(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Cards; the defaults when left out.")
    ] = None,
    budget: Annotated[float, typer.Option(help="Seconds of measuring a model.", min=0.1, max=600)] = 6.0,
    int8: Annotated[bool, typer.Option("--int8", help="First make an int8 network of the embedders named.")] = False,
    calibrate: Annotated[
        Path | None, typer.Option(help="With --int8: a folder of photographs to calibrate on.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(help="With --int8: LFW's folder; view 1 decides whether the network is kept.")
    ] = None,
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Measure which engine and precision a model is fastest with here, and remember it.

    Over many pictures `--engine auto` and `--precision auto` then take what was measured. int8 is taken only when asked
    for: its templates compare with no others. Exit code 7 when an int8 network was refused.
    """
    from mien.errors import UsageError
    from mien.models import LoadSettings
    from mien.service.tune import tune as measured

    if int8 != (calibrate is not None) or int8 != (check is not None) or (int8 and not names):
        raise UsageError("--int8, --calibrate FOLDER and --check LFW go together, with the embedder's name")
    settings = LoadSettings(allow_licence=allow_licence)
    made = {}
    if calibrate is not None and check is not None:
        made = {name: _made_int8(name, calibrate, check, settings, quiet=json) for name in names or []}
    results = [result for name in names or ("yunet", "sface") for result in measured(name, settings, budget=budget)]
    if json:
        output.document({"tuned": [result.to_dict() for result in results], "int8": made})
    else:
        for result in results:
            _timings(result)
    return 0 if all(row["kept"] for row in made.values()) else 7


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


def _made_int8(name: str, calibrate: Path, check: Path, settings: LoadSettings, *, quiet: bool) -> dict[str, object]:
    """Make and check an int8 network, and say what came of it."""
    from dataclasses import asdict

    from mien.service.int8 import make_int8

    with output.progress(f"checking int8 {name}", "pictures") as progress:
        evidence = make_int8(name, calibrate, check, settings, progress=progress)
    if not quiet:
        verdict = "kept" if evidence.passed else "refused, it loses more than 0.05 points"
        output.say(
            f"{name} int8: {verdict}; {evidence.check}, {evidence.pairs:,} pairs: accuracy {evidence.accuracy:.2%}, "
            f"f32 {evidence.reference:.2%} (best threshold of each); calibrated on {evidence.calibrated} faces"
        )
    return {"kept": evidence.passed, **asdict(evidence)}


def _timings(result: Tuned) -> None:
    """What was measured of one model, fastest first."""
    chosen = result.tuning.choice()
    output.say(f"{result.card.name}, ms a {result.unit}, a call on each core:")
    for timing in sorted(result.tuning.timings, key=lambda t: t.ms):
        mark = f"  <- {result.reason}" if timing is chosen else ""
        output.say(f"  {timing.ms:8.3f}  {timing.engine} {timing.precision}{mark}")
    if not result.kept:
        output.note("the cache cannot be written, so this is not remembered; set MIEN_CACHE to another folder")


def _foremost(head: dict[str, Any] | None) -> str:
    """The first measured error of a head, short; empty for other models, which `mien models show` tells of."""
    if head is None:
        return ""
    if not head["errors"]:
        return "not measured"
    error = head["errors"][0]
    return f"{error['measure']}: {error['value']:g}"


def _say_head(head: dict[str, Any]) -> None:
    """What a head gives, what it may be used for, and every measured error, in words."""
    research = "research: a guess from looks, never given unless its name is asked for; check its error by group"
    output.say(f"use: {research if head['use'] == 'research' else 'general'}")
    unit = f" ({head['unit']})" if head["unit"] else ""
    output.say(f"gives: {head['gives']}{unit}")
    if head["labels"]:
        output.say(f"labels: {', '.join(head['labels'])}")
    output.say("measured errors:" if head["errors"] else "its error is not measured")
    for error in head["errors"]:
        output.say(f"  {measured_error(error)}; {error['date']}, {error['command']}")


def _tree(value: dict[str, object], indent: str = "") -> None:
    for key, item in value.items():
        if isinstance(item, dict):
            output.say(f"{indent}{key}:")
            _tree(item, indent + "  ")
        elif isinstance(item, list) and len(item) > 12:
            output.say(f"{indent}{key}: {len(item)} rows (--json shows them)")
        elif item is not None:
            output.say(f"{indent}{key}: {item}")
