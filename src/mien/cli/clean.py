"""``mien clean DATA OUT``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.train.clean.rounds import Method

CAST, BOOTSTRAP = "cast", "bootstrap"
CLUSTERS = "--by cast"
PREDICTIONS = "--by bootstrap"


def clean(
    data: Annotated[str, typer.Argument(metavar="DATA", help="Prepared faces, or what `mien prepare` takes.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder for the lists; no picture is touched.")],
    embedder: Annotated[
        str, typer.Option(help="A name of `mien models list`, or the folder of a run.", rich_help_panel=options.MODELS)
    ] = "sface",
    by: Annotated[
        str, typer.Option(help="cast: clusters of each person's pictures. bootstrap: a network's own predictions.")
    ] = CAST,
    retrain: Annotated[
        Path | None, typer.Option(metavar="RECIPE", help="Train a network on each round's labels for the next one.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Another value than the recipe's; may be repeated."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="More than one needs --retrain.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Of what is drawn to find levels.", min=0)] = 0,
    link_fmr: Annotated[
        float | None,
        typer.Option(
            help="False match rate at which pictures of a person are linked; otherwise where links tell people "
            "apart best.",
            rich_help_panel=CLUSTERS,
        ),
    ] = None,
    density: Annotated[
        float, typer.Option(help="Share of a person's other pictures to be linked with.", rich_help_panel=CLUSTERS)
    ] = 0.3,
    merge: Annotated[
        float, typer.Option(help="Share of people who may be joined with a stranger.", rich_help_panel=CLUSTERS)
    ] = 0.001,
    doubt: Annotated[
        float, typer.Option(help="Share of people in doubt because of a stranger.", rich_help_panel=CLUSTERS)
    ] = 0.005,
    move: Annotated[
        float,
        typer.Option(help="Share of left-out pictures that may go to a stranger; 0: none.", rich_help_panel=CLUSTERS),
    ] = 0.01,
    beta: Annotated[
        float, typer.Option(help="Weight of the label; the rest is the prediction's.", rich_help_panel=PREDICTIONS)
    ] = 0.3,
    confidence: Annotated[
        float, typer.Option(help="Leave out pictures below that share.", rich_help_panel=PREDICTIONS)
    ] = 0.0,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Find wrong labels: who is in the wrong folder, which folders are one person, who cannot be told apart.

    The result is a list that `mien train --set data.root=OUT` learns from.
    """
    from mien.backbones import require_extra
    from mien.errors import UsageError

    require_extra()
    from mien.cli.evaluate import answer
    from mien.models import LoadSettings
    from mien.train.clean import BootstrapSettings, CastSettings, bootstrap, cast
    from mien.train.clean import rounds as plans
    from mien.train.clean.vectors import read_network
    from mien.train.data import open_data
    from mien.train.recipe import read_recipe

    method: Method
    if by == CAST:
        method = partial(cast, settings=CastSettings(link_fmr, density, merge, doubt, move, seed))
    elif by == BOOTSTRAP:
        method = partial(bootstrap, settings=BootstrapSettings(beta, confidence, seed))
    else:
        raise UsageError(f"--by takes {CAST} or {BOOTSTRAP}, not '{by}'")
    found = open_data(data)
    recipe = read_recipe(retrain, (f"data.root={data}", *(changes or ()))) if retrain else None
    if changes and recipe is None:
        raise UsageError("--set changes a recipe: give --retrain RECIPE with it")
    plan = plans.Plan(data, out, method, rounds, recipe, answer.command())
    embed = read_network(embedder, LoadSettings(engine=engine, precision=precision, allow_licence=allow_licence))
    note = output.note if not json else (lambda _: None)
    with output.progress("cleaning", "pictures") as progress:
        done = plans.clean(plan, found, embed, progress=progress, say=note)
    facts = plans.summary(done[-1])
    if json:
        output.document({"out": str(out), "rounds": [plans.summary(each) for each in done]})
        return 0
    pictures = f"{output.count(len(done[-1].rows), 'picture')} of {len(found):,}"
    people = f"{output.count(facts['people'], 'person', 'people')} of {len(found.people):,}"
    moved = facts["pictures"].get("moved", 0)
    output.say(f"{out}: {pictures}, {people}; {facts['merged']:,} merged, {moved:,} moved")
    output.say(f"learn from it: mien train RECIPE --set data.root={out}")
    return 0
