"""``mien presentation …``: attack material to measure with, and detectors fitted to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.errors import UsageError

app = typer.Typer(help="Attack material made of photographs, and detectors fitted to it.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Photographs of living people, named PERSON_….jpg.")]


@app.command()
def make(
    folder: Folder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the pictures and manifest.csv.")],
    species: Annotated[
        str, typer.Option(help="With commas: print, replay, cutout; bona-fide: no attack, through the same camera.")
    ] = "print,replay,cutout",
    makers: Annotated[
        str, typer.Option(metavar="1-3", help="Seeds of the makers: printers, papers and screens.")
    ] = "1-3",
    people: Annotated[
        str, typer.Option(metavar="1-51", help="Only these people, counted in the order of their names.")
    ] = "",
    each: Annotated[int | None, typer.Option(min=1, help="Photographs of a person at most.")] = None,
    in_turn: Annotated[bool, typer.Option("--in-turn", help="Each photograph by one of the makers, in turn.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is not the maker's.")] = 1,
    detector: options.Detector = "yunet",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Make prints, replays and cut-outs of photographs; the same seeds give the same pictures.

    An interrupted run goes on where it stopped.
    """
    from mien.presentation.make import make as run

    models = options.models(detector, None, engine, precision, allow_licence)
    first, last = span(makers, "--makers")
    names = [name.strip() for name in species.split(",") if name.strip()]
    with output.progress("making") as progress:
        done = run(
            folder,
            out,
            names,
            range(first, last + 1),
            models.load_detector(),
            seed=seed,
            people=span(people, "--people") if people else None,
            each=each,
            in_turn=in_turn,
            progress=progress,
        )
    if json:
        failed = [failure.to_dict() for failure in done.failures]
        output.document({"out": str(out), "pictures": len(done.rows), "kept": done.kept, "failures": failed})
    else:
        output.say(f"{output.count(len(done.rows), 'picture')} in {out}, {done.kept} of them from before")
    output.failures(done.failures)
    return output.batch_code(len(done.rows), done.failures)


def span(text: str, option: str) -> tuple[int, int]:
    """``1-3`` or ``2``.

    Raises:
        UsageError: it is neither.
    """
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal() or not 1 <= int(first) <= int(last or first):
        raise UsageError(f"{option} takes a number or a range such as 1-3, not '{text}'")
    return int(first), int(last or first)


@app.command()
def fit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the photographs lie that MADE shows.")],
    made: Annotated[Path, typer.Argument(metavar="MADE", help="A folder of `mien presentation make`.")],
    fix: Annotated[
        Path, typer.Option(metavar="DIR", help="Another such folder, of other people and makers: fixes the threshold.")
    ],
    copies: Annotated[int, typer.Option(min=0, help="Smaller JPEGs of each picture to fit to as well.")] = 2,
    detector: options.Detector = "yunet",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Fit the regression of the head `pad` and print what goes into its card."""
    from mien.evaluate.presentation import read_part, require_apart
    from mien.evaluate.presentation_fit import fit_parts
    from mien.image import find_photos

    models = options.models(detector, None, engine, precision, allow_licence)
    photographs, unread = find_photos(folder)
    train, other = read_part("train", made, photographs), read_part("development", fix, photographs)
    require_apart([train, other])
    with output.progress("looking") as progress:
        fitted = fit_parts(train, other, models.load_detector(), copies=copies, progress=progress)
    if json:
        output.document(fitted.to_dict())
    else:
        output.say(f"[head.operating]\nthreshold = {fitted.errors.threshold:.4f}\n\n[head.parameters]")
        for name, value in fitted.parameters().items():
            output.say(f'"{name}" = {value}')
        rates = {"BPCER": fitted.errors.bpcer, **{f"APCER {k}": r for k, r in fitted.errors.apcer.items()}}
        output.note("development: " + "; ".join(f"{name} {rate}" for name, rate in rates.items()))
    failures = [*unread, *fitted.failures]
    output.failures(failures)
    return output.batch_code(len(train.paths), failures)


@app.command("one-class")
def one_class(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the photographs lie that MADE shows.")],
    made: Annotated[
        Path,
        typer.Argument(
            metavar="MADE", help="A folder of `mien presentation make`; only its bona fide pictures are used."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the detector is written, as JSON.")],
    head: Annotated[str, typer.Option(help="Whose cues it looks at.", rich_help_panel=options.MODELS)] = "pad",
    seed: Annotated[int, typer.Option(min=0, help="Of the training.")] = 1,
    detector: options.Detector = "yunet",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Train a detector on living people only, on the Poincaré ball (Hyp-OC), for `mien evaluate pad --one-class`."""
    from dataclasses import asdict

    from mien.backbones import require_extra

    require_extra()
    from mien.evaluate.heads import observe
    from mien.evaluate.presentation import read_part
    from mien.image import find_photos
    from mien.models import load_head
    from mien.models.heads.pad import Pad
    from mien.train.one_class import Settings, train

    models = options.models(detector, None, engine, precision, allow_licence)
    loaded = load_head(head, models.settings)
    if not isinstance(loaded, Pad):
        raise UsageError(f"--head takes a head of family pad, whose cues it can use, not '{head}'")
    photographs, unread = find_photos(folder)
    part = read_part("train", made, photographs)
    paths = [path for group in part.bona_fide.values() for path in group]
    with output.progress("looking") as progress:
        seen = observe([loaded], models.load_detector(), paths, progress=progress)
    cues = seen.values[head][seen.found][:, len(loaded.table.labels) :]
    settings = Settings(seed=seed)
    model, loss = train(cues, loaded.table.scale, settings)
    model.write(out, {"pictures": len(cues), "people": len(part.people), "settings": asdict(settings), "loss": loss})
    if json:
        output.document({"out": str(out), "pictures": len(cues), "people": len(part.people), "loss": loss})
    else:
        output.say(f"{out}: trained on {output.count(len(cues), 'bona fide picture')}, last loss {loss:.4f}")
    failures = [*unread, *seen.failures]
    output.failures(failures)
    return output.batch_code(len(cues), failures)
