"""``mien gallery …``: look after a gallery."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import consent as consents
from mien.cli import options, output
from mien.cli.import_compreface import import_compreface
from mien.cli.optimize import optimize

if TYPE_CHECKING:
    from mien.gallery import Gallery
    from mien.gallery import Subject as Someone

app = typer.Typer(help="Look after a gallery.")

Path_ = Annotated[Path, typer.Argument(metavar="GALLERY", help="The gallery file.")]
Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="A name, or '#12' for someone without one.")]


def _open(path: Path, *, read_only: bool = False) -> Gallery:
    from mien.gallery import Gallery

    return Gallery.open(path, read_only=read_only)


@app.command()
def info(gallery: Path_, json: options.Json = False) -> None:
    """How many subjects and references, under which model."""
    with _open(gallery, read_only=True) as opened:
        facts = opened.info()
    if json:
        output.document(facts)
    else:
        output.say(f"{gallery}: {facts['subjects']} subjects, {facts['unnamed']} of them without a name")
        output.say(
            f"  {facts['references']} references in {facts['pictures']} pictures, {facts['bytes']:,} bytes, "
            f"schema {facts['schema']}{', compact' if facts['compact'] else ''}"
        )
        model = facts["model"]
        output.say(f"  model {model['name']} {model['digest'][:12]}" if model else "  no template yet")
        own = facts["operating"]
        rates = (
            f"its own people, {own['date']}: {own['nonmated']:,} non-mated comparisons" if own else "the model's card"
        )
        output.say(f"  error rates from {rates}")
        crops = facts["crops"]
        kept = "kept of faces that are sent" if crops["kept"] else "not kept"
        output.say(f"  small pictures of faces: {kept}, {crops['stored']} stored")
        if facts["due"]:
            output.say(f"  {output.count(facts['due'], 'subject')} to erase with `mien gallery sweep`")
        search = facts["search"]
        file = f"{search['file_bytes']:,} bytes of search file" if search["file_bytes"] else "no search file"
        output.say(f"  {search['backend']} search, {file}, {search['stray']} references not in it")


@app.command()
def crops(
    gallery: Path_,
    keep: Annotated[
        bool | None, typer.Option("--keep/--drop", help="Keep them from now on; or erase all, and keep none.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Whether a small picture of each face that is sent to the server is kept; none is unless you say so."""
    with _open(gallery, read_only=keep is None) as opened:
        if keep:
            opened.keep_crops()
        elif keep is not None:
            opened.drop_crops()
        facts = opened.info()["crops"]
    if json:
        output.document(facts)
    else:
        verb = "kept" if facts["kept"] else "not kept"
        output.say(f"{gallery}: small pictures of faces are {verb}; {facts['stored']} stored")


@app.command()
def subjects(
    gallery: Path_,
    every: Annotated[bool, typer.Option("--all", help="Also those without a name.")] = False,
    json: options.Json = False,
) -> None:
    """The subjects, by name."""
    with _open(gallery, read_only=True) as opened:
        rows = opened.subjects(unnamed=every)
    if json:
        output.document({"subjects": [row.to_dict() for row in rows]})
    else:
        for row in rows:
            output.say(f"{row.label}: {output.count(row.references, 'reference')}{_told(row)}")


@app.command()
def show(gallery: Path_, subject: Subject, json: options.Json = False) -> None:
    """All that the gallery holds about a subject, but the templates."""
    with _open(gallery, read_only=True) as opened:
        row = opened.show(subject)
    if json:
        output.document(row.to_dict())
    else:
        output.say(f"{row.label}: {output.count(len(row.references), 'reference')}, since {row.created}")
        if row.subject.consent is not None:
            output.say(f"  {consents.describe(row.subject.consent)}")
        for key, value in row.subject.attributes.items():
            output.say(f"  {key} = {value}")
        for reference in row.references:
            where = f"{reference.face.source or '(no path)'}, {output.place(reference.face)}"
            output.say(f"  {reference.id}: {where}, {reference.precision}")


@app.command()
def rename(
    gallery: Path_, subject: Subject, name: Annotated[str, typer.Argument()], json: options.Json = False
) -> None:
    """Give a subject a name, or another one."""
    with _open(gallery) as opened:
        opened.rename(subject, name)
    _done({"subject": name, "was": subject}, f"{subject} is now {name}", json)


@app.command("set")
def set_(
    gallery: Path_,
    subject: Subject,
    values: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="What is known; others stay.")],
    json: options.Json = False,
) -> None:
    """Put down what is known about a subject, for `mien identify --where`."""
    from mien.gallery import parse_attributes

    known = parse_attributes(values)
    with _open(gallery) as opened:
        opened.set_attributes(subject, known)
    _done({"subject": subject, "attributes": known}, f"{subject}: {output.count(len(known), 'attribute')} set", json)


@app.command()
def unset(
    gallery: Path_,
    subject: Subject,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Attributes to take away.")],
    json: options.Json = False,
) -> None:
    """Take attributes of a subject away."""
    with _open(gallery) as opened:
        opened.set_attributes(subject, dict.fromkeys(keys))
    _done({"subject": subject, "unset": keys}, f"{subject}: {output.count(len(keys), 'attribute')} taken away", json)


@app.command()
def merge(
    gallery: Path_,
    into: Annotated[str, typer.Argument(help="The subject that stays.")],
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="The subjects that are the same person.")],
    json: options.Json = False,
) -> None:
    """Make one subject of several that are the same person."""
    with _open(gallery) as opened:
        moved = opened.merge(into, *others)
    _done({"subject": into, "moved": moved}, f"{moved} references moved to {into}", json)


@app.command()
def move(
    gallery: Path_,
    reference: Annotated[int, typer.Argument(help="Id of a reference, as `mien gallery show` prints it.")],
    subject: Annotated[str | None, typer.Argument(help="Whose it is; nobody known when left out.")] = None,
    json: options.Json = False,
) -> None:
    """Say that a face is somebody else's. Grouping keeps to it."""
    with _open(gallery) as opened:
        label = opened.move(reference, subject)
    _done({"reference": reference, "subject": label}, f"reference {reference} now belongs to {label}", json)


@app.command()
def forget(gallery: Path_, subject: Subject, json: options.Json = False) -> None:
    """Erase a subject for good: templates, names, and pictures nobody else is in."""
    with _open(gallery) as opened:
        receipt = opened.forget(subject)
    _done(receipt, f"forgotten: {receipt['references']} references, {receipt['pictures']} pictures", json)


@app.command()
def export(
    gallery: Path_,
    out: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, or JSON; compressed when it ends in .gz.")],
    subject: Annotated[str | None, typer.Option(help="All that is held about one subject, as one JSON.")] = None,
    salvage: Annotated[bool, typer.Option("--salvage", help="Leave out damaged rows instead of stopping.")] = False,
    json: options.Json = False,
) -> None:
    """Write everything into one portable file."""
    with _open(gallery, read_only=not salvage) as opened:
        receipt = opened.export(out, subject=subject, salvage=salvage)
    _done(receipt, f"{receipt['references']} references of {receipt['subjects']} subjects written to {out}", json)


@app.command("import")
def import_(
    gallery: Path_,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `mien gallery export` wrote.")],
    compact: options.Compact = False,
    json: options.Json = False,
) -> None:
    """Read an exported file into a gallery, which is made if it is not there."""
    from mien.gallery import import_gallery

    receipt = import_gallery(gallery, file, compact=compact)
    _done(receipt, f"{receipt['references']} references of {receipt['subjects']} subjects read into {gallery}", json)


@app.command()
def backup(gallery: Path_, out: Annotated[Path, typer.Argument(metavar="FILE")], json: options.Json = False) -> None:
    """Copy the gallery as it is now, also while others write to it."""
    with _open(gallery, read_only=True) as opened:
        opened.backup(out)
    _done({"file": str(out)}, f"copied to {out}", json)


@app.command()
def check(gallery: Path_, json: options.Json = False) -> int:
    """Whether the file is sound: structure, checksums, audit chain. Exit code 6 when it is not."""
    with _open(gallery, read_only=True) as opened:
        report = opened.check()
    if json:
        output.document({"ok": not report, "problems": report})
    else:
        output.say(
            "sound" if not report else f"{len(report)} problems; `mien gallery export --salvage` saves the good rows"
        )
        for problem in report:
            output.say(f"  {problem}")
    return 6 if report else 0


@app.command()
def reembed(
    gallery: Path_,
    embedder: Annotated[str, typer.Option(help="The new embedder.")],
    detector: options.Detector = "yunet",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Remove the references whose picture is gone, instead of stopping.")
    ] = False,
    json: options.Json = False,
) -> int:
    """Move a gallery to another model: its pictures are read again, every person and name is kept."""
    from mien import service

    models = options.models(detector, embedder, engine, precision, allow_licence)
    options.fetch(models)
    with output.progress("embedding") as progress:
        result = service.reembed(gallery, models=models, drop_missing=drop_missing, progress=progress)
    if json:
        output.document(result.to_dict())
    else:
        output.say(f"{result.new} references now of {embedder}")
    output.failures(result.failures)
    return output.batch_code(result.new, result.failures)


app.command("optimize")(optimize)
app.command("import-compreface")(import_compreface)
app.command("consent")(consents.consent)
app.command("withdraw")(consents.withdraw)
app.command("sweep")(consents.sweep)


def _told(subject: Someone) -> str:
    """The attributes of a subject, for the end of a line."""
    return "".join(f", {key}={value}" for key, value in subject.attributes.items())


def _done(receipt: dict[str, Any], line: str, json: bool) -> None:
    if json:
        output.document(receipt)
    else:
        output.say(line)
