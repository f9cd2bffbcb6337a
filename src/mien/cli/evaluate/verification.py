"""``mien evaluate verification``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists, score_out

if TYPE_CHECKING:
    from mien.evaluate.protocols.ijb import TemplateSet
    from mien.evaluate.protocols.pairs import PairList
    from mien.service import Models

DATA = "What is compared"
DATASETS = ("lfw", "folder")


def verification(
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="What picture names are relative to.", rich_help_panel=DATA)
    ] = Path(),
    dataset: Annotated[
        str | None,
        typer.Option(
            help="lfw: its official pairs; folder: every two pictures below --root, one folder a person.",
            rich_help_panel=DATA,
        ),
    ] = None,
    view: Annotated[
        int, typer.Option(min=1, max=2, help="Of LFW: 1 to develop on, 2 to report.", rich_help_panel=DATA)
    ] = 2,
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A list with the header a,b,mated, or a .bin file of InsightFace; with --templates, lines "
            "'template template label'.",
            rich_help_panel=DATA,
        ),
    ] = None,
    templates: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Several pictures a template: lines 'image template medium'.", rich_help_panel=DATA
        ),
    ] = None,
    points: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --templates: lines 'image x1 y1 … x5 y5 score'.", rich_help_panel=DATA),
    ] = None,
    weigh: Annotated[
        bool,
        typer.Option("--weigh", help="With --templates: weigh pictures by their quality.", rich_help_panel=DATA),
    ] = False,
    faces: Annotated[
        str, typer.Option("--faces", help="Which face of a picture: central, largest or one.")
    ] = "central",
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write report.html, report.json and scores.parquet here.")
    ] = None,
    scores_out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the scores: .parquet or .csv.")] = None,
    detector: options.Detector = "yunet",
    embedder: Annotated[str, typer.Option(help="Embedders, with commas.", rich_help_panel=options.MODELS)] = "sface",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    side: options.Side = None,
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How often two people match and one person does not: FMR, FNMR, EER, accuracy, on pairs of pictures."""
    from mien.evaluate.run import score
    from mien.evaluate.verification import measure
    from mien.evaluate.verification_report import verification_report

    policy = lists.one_face(faces)
    task = _task(root, dataset, view, pairs, templates, points)
    score_out.check(report, scores_out)
    chosen = {
        name: options.models(detector, name, engine, precision, allow_licence, side)
        for name in lists.names(embedder, "--embedder")
    }
    scores = []
    for name, models in chosen.items():
        options.fetch(models)
        with output.progress(name) as progress:
            pipeline = models.pipeline(batch=True)
            meta = _meta(models)
            scores.append(score(pipeline, task, name=name, policy=policy, weigh=weigh, meta=meta, progress=progress))
    title = f"Verification on {scores[0].meta['data']}"
    results = [measure(one) for one in scores]
    page = verification_report(results, title=title, command=answer.command(), figures=report is not None)
    score_out.keep(scores, report, scores_out)
    answer.give(page, report, json=json)
    for one in scores:
        rate = one.meta["pictures"] / max(one.meta["seconds"], 1e-9)
        lost = f", {one.meta['pictures_failed']:,} without a face" if one.meta["pictures_failed"] else ""
        output.note(
            f"{one.name}: {len(one):,} pairs of {one.meta['pictures']:,} pictures in {one.meta['seconds']:.1f} s, "
            f"{rate:.0f} pictures/s{lost}"
        )
    return 0


def _task(
    root: Path,
    dataset: str | None,
    view: int,
    pairs: Path | None,
    templates: Path | None,
    points: Path | None,
) -> PairList | TemplateSet:
    """The comparisons that the options name; all of their files are looked at before any model is."""
    from mien.errors import NotFoundError, UsageError
    from mien.evaluate.protocols import folder, ijb, insightface_bin, lfw
    from mien.evaluate.protocols.pairs import read_pairs

    if (dataset is None) == (pairs is None):
        raise UsageError("name what is compared: --dataset lfw, --dataset folder, or --pairs FILE")
    if pairs is None and dataset not in DATASETS:
        raise UsageError(f"--dataset takes {', '.join(DATASETS)}, not '{dataset}'; any other set goes through --pairs")
    if not root.is_dir():
        raise NotFoundError(f"{root}: no such folder; --root names where the pictures are", source=str(root))
    if pairs is None:
        return lfw.read_lfw(root, view) if dataset == "lfw" else folder.read_folder(root)
    if templates is not None:
        return ijb.read_templates(templates, pairs, root, points)
    return insightface_bin.read_bin(pairs) if pairs.suffix == ".bin" else read_pairs(pairs, root)


def _meta(models: Models) -> dict[str, Any]:
    """What a score file says of its making."""
    from mien.evaluate.environment import environment
    from mien.service.engine import model_id

    embedder = models.pipeline(batch=True).embedder
    return {
        "model": model_id(embedder).to_dict(),
        "detector": models.detector,
        "command": answer.command(),
        "environment": environment(),
    }
