"""``mien evaluate quality``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists, score_out

if TYPE_CHECKING:
    from mien.evaluate.protocols.subjects import Subjects
    from mien.evaluate.quality import Plan, Utility
    from mien.service import Models

DATA = "What is compared"


def quality(
    root: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Photographs, one folder a person; or the London set; or a CSV list file,subject.",
            rich_help_panel=DATA,
        ),
    ],
    measures: Annotated[
        str,
        typer.Option(
            help="With commas: unified, components (each of them), norm, ser-fiq, recognisability, forest, detector, "
            "or the name of a component or of a head trained to rate."
        ),
    ] = "unified,norm,ser-fiq,detector",
    fmr: Annotated[float, typer.Option(help="At which the threshold is set, before anything is discarded.")] = 1e-3,
    fit: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Photographs of other people, for measures that learn: forest, recognisability."
        ),
    ] = None,
    degrade: Annotated[
        str | None,
        typer.Option(
            help="Make half of the photographs worse, with commas: blur, dark, lowres, jpeg.", rich_help_panel=DATA
        ),
    ] = None,
    mated: Annotated[int, typer.Option(min=1, help="Comparisons of one person at most.", rich_help_panel=DATA)] = 20,
    nonmated: Annotated[
        int, typer.Option(min=1, max=5_000_000, help="Comparisons of two people at most.", rich_help_panel=DATA)
    ] = 200_000,
    people: Annotated[
        int | None,
        typer.Option(min=2, help="Draw so many people of those with two photographs, else all.", rich_help_panel=DATA),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all draws.", rich_help_panel=DATA)] = 0,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the report page, JSON and scores here.")
    ] = None,
    detector: options.Detector = "yunet",
    embedder: Annotated[str, typer.Option(help="Embedders, with commas.", rich_help_panel=options.MODELS)] = "sface",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """What a quality score is worth: the misses that are left when the poorest photographs are discarded."""
    from mien.evaluate.protocols.subjects import read_subjects
    from mien.evaluate.quality import Plan, check_kinds
    from mien.evaluate.quality_raters import LEARNING, check
    from mien.evaluate.quality_report import quality_report

    (rate,) = lists.rates(str(fmr), "--fmr")
    kinds = check_kinds(lists.names(degrade, "--degrade")) if degrade is not None else ()
    asked = check(lists.names(measures, "--measures"))
    if fit is None and (learning := [name for name in asked if name in LEARNING]):
        lists.refuse("--measures", f"{learning[0]} learns from photographs of other people: name some with --fit")
    score_out.check(report, None)
    data, examples = read_subjects(root), read_subjects(fit) if fit else None
    plan = Plan(rate, mated, nonmated, people, kinds, seed)
    results = []
    for name in lists.names(embedder, "--embedder"):
        chosen = options.models(detector, name, engine, precision, allow_licence)
        options.fetch(chosen)
        results.append(_measured(name, chosen, asked, data, examples, plan))
    page = quality_report(results, command=answer.command(), figures=report is not None)
    score_out.keep([result.scores for result in results] if report else [], report, None)
    answer.give(page, report, json=json)
    return 0


def _measured(
    name: str, models: Models, asked: tuple[str, ...], data: Subjects, examples: Subjects | None, plan: Plan
) -> Utility:
    """One embedder."""
    from mien.evaluate.quality import measure_utility, read_examples
    from mien.evaluate.quality_raters import LEARNING, open_raters
    from mien.quality.utility import Ground

    pipeline = models.pipeline(batch=True)
    learnt = None
    if examples is not None and not set(asked).isdisjoint(LEARNING):
        with output.progress(f"{name}: learning") as progress:
            learnt = read_examples(pipeline, examples, seed=plan.seed, progress=progress)
    raters = open_raters(asked, Ground(name, models.settings, learnt))
    with output.progress(name) as progress:
        return measure_utility(name, pipeline, data, raters, plan, progress=progress)
