"""``mien evaluate morphs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists
from mien.cli.morph import Other

Material = Annotated[Path, typer.Option(metavar="DIR", help="What `mien morph make` or `fake` made of them.")]
Root = Annotated[Path, typer.Option(metavar="DIR", help="The portraits.")]


def morphs(
    root: Root,
    material: Material,
    fmr: Annotated[float, typer.Option(help="Of the matchers' thresholds, from their cards.")] = 1e-3,
    detectors: Annotated[
        str, typer.Option(metavar="NAMES", help="Trained detectors, or .json files of `mien morph train`.")
    ] = "embedding,likeness,shape,texture,residual",
    other: Other = None,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    engine: options.Engine = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How often matchers take a morph for its people (MMPMR, RIAPAR, MAP), and detectors notice (MACER, BSCER)."""
    from mien.evaluate.manipulation import attacked, elsewhere, judged
    from mien.evaluate.manipulation_report import manipulation_report
    from mien.manipulation.cues import cues
    from mien.manipulation.looking import Looker
    from mien.manipulation.material import read_material
    from mien.manipulation.trained import find_trained
    from mien.manipulation.watching import watch
    from mien.models import LoadSettings

    chosen = [find_trained(name) for name in lists.names(detectors, "--detectors")]
    asked, items = read_material(material)
    looker = Looker.open(LoadSettings(engine=engine, allow_licence=allow_licence))
    given = {d.cue: cues[d.cue](None) for d in chosen}
    with output.progress("morphs") as progress:
        watched = watch(material, items, root, looker, given, progress=progress)
    before = attacked(watched, fmr)
    found = [judged(d, watched.samples[d.cue].tested) for d in chosen]
    away = elsewhere([(d, given[d.cue]) for d in chosen], other, looker) if other else None
    data = {"dataset": root.name, "material": asked, "failures": [f.to_dict() for f in watched.failures]}
    beside = (other.name, away) if other and away else None
    title = f"Morphs of {root.name}"
    answer.give(manipulation_report(title, before, found, data, answer.command(), beside), report, json=json)
    output.failures(watched.failures)
    return output.batch_code(len(watched.items), watched.failures)
