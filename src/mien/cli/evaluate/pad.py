"""``mien evaluate pad``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer
from mien.errors import ModelMismatchError, UsageError

if TYPE_CHECKING:
    from mien.evaluate.presentation import Looked, Part, Verdict
    from mien.models import Head
    from mien.models.heads.pad import Pad
    from mien.types.arrays import FloatArray


def pad(
    bona_fide: Annotated[Path, typer.Option(metavar="DIR", help="Untouched photographs that the attacks show.")],
    development: Annotated[Path, typer.Option(metavar="DIR", help="Made attacks that fix the threshold.")],
    attacks: Annotated[Path, typer.Option(metavar="DIR", help="Made attacks to test on: other people, other makers.")],
    train: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Made attacks to fit the regression to again, without one species at a time."),
    ] = None,
    one_class: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A detector of `mien presentation one-class` as well.")
    ] = None,
    others: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="More bona fide photographs.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Take every n-th of the further photographs only.")] = 1,
    heads: Annotated[
        str, typer.Option(help="With commas; first value bona fide.", rich_help_panel=options.MODELS)
    ] = "pad,liveness",
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Attacks that get through, by species, and living people that do not (ISO/IEC 30107-3), on made attacks."""
    from mien.evaluate.heads import observe
    from mien.evaluate.presentation import Looked, cross_species, read_part, require_apart
    from mien.evaluate.presentation_report import Measured, presentation_report
    from mien.image import find_photos
    from mien.models import load_head
    from mien.models.heads.pad import Pad

    models = options.models(detector, None, engine, precision, allow_licence, side)
    loaded = [load_head(name.strip(), models.settings) for name in heads.split(",") if name.strip()]
    naming = next((head for head in loaded if isinstance(head, Pad)), None)
    if naming is None and (train or one_class):
        raise UsageError("--train and --one-class need the cues of a head of family pad: name one with --heads")
    photographs, unread = find_photos(bona_fide)
    fixing, test = read_part("development", development, photographs), read_part("test", attacks, photographs)
    fitted = read_part("train", train, photographs) if train else None
    parts = [part for part in (fitted, fixing, test) if part]
    require_apart(parts)
    further = {folder.name: find_photos(folder)[0][::every] for folder in others or []}
    paths = list(dict.fromkeys([*(p for part in parts for p in part.paths), *(p for f in further.values() for p in f)]))
    with output.progress("looking") as progress:
        observed = observe(loaded, models.load_detector(), paths, progress=progress)
    looked = Looked(paths, observed)
    verdicts = _verdicts(loaded, looked, fixing, test, further)
    crossed = []
    if naming and one_class:
        verdicts.append(_one_class(one_class, naming, looked, fixing, test, further))
    if naming and fitted:
        crossed = cross_species(looked, naming.card.name, len(naming.table.labels), fitted, fixing, test, further)
    measured = Measured(
        verdicts,
        crossed,
        parts,
        {name: looked.found(group) for name, group in {**test.bona_fide, **test.attacks, **further}.items()},
        _confusion(naming, looked, test),
        naming.table.labels if naming else (),
    )
    answer.give(presentation_report(measured, bona_fide.name, answer.command()), report, json=json)
    failed = [*unread, *observed.failures]
    output.failures(failed)
    return output.batch_code(len(paths) - len(observed.failures), failed)


def _verdicts(
    loaded: list[Head], looked: Looked, fixing: Part, test: Part, further: dict[str, tuple[Path, ...]]
) -> list[Verdict]:
    from mien.evaluate.presentation import judge, scores_of

    verdicts = []
    for head in loaded:
        name = head.card.name

        def score(paths: tuple[Path, ...], name: str = name) -> FloatArray:
            return looked.values(paths, name)[:, 0]

        own = head.card.head.operating if head.card.head else None
        verdicts.append(
            judge(
                name,
                scores_of(fixing, score),
                scores_of(test, score),
                {each: score(group) for each, group in further.items()},
                fixed=own.value if own else None,
                ms=looked.observed.ms.get(name),
            )
        )
    return verdicts


def _one_class(
    path: Path, head: Pad, looked: Looked, fixing: Part, test: Part, further: dict[str, tuple[Path, ...]]
) -> Verdict:
    from mien.evaluate.presentation import judge, scores_of
    from mien.presentation.one_class import OneClass

    model = OneClass.read(path)
    if model.features != head.table.scale:
        raise ModelMismatchError(f"{path}: was trained on the cues of another '{head.card.name}'; train it again")

    def score(paths: tuple[Path, ...]) -> FloatArray:
        return model.scores(looked.values(paths, head.card.name)[:, len(head.table.labels) :])

    sets = {each: score(group) for each, group in further.items()}
    return judge("one-class", scores_of(fixing, score), scores_of(test, score), sets)


def _confusion(head: Pad | None, looked: Looked, test: Part) -> dict[str, list[int]]:
    from mien.evaluate.presentation import LIVE, named

    if head is None:
        return {}
    labels = head.table.labels
    groups = {LIVE: tuple(p for paths in test.bona_fide.values() for p in paths), **test.attacks}
    known = {truth: paths for truth, paths in groups.items() if truth in labels}
    return {t: named(looked.values(paths, head.card.name), t, labels).tolist() for t, paths in known.items()}
