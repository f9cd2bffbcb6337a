"""``mien morph make|fake|train|encoder|check``: morphed and made faces at enrolment."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.manipulation.check import Verdict
    from mien.manipulation.making import Making
    from mien.models import LoadSettings
    from mien.runtime import Session

app = typer.Typer(
    help="Morphed and made faces: make them as material, train detectors, check a reference before enrolment.",
    no_args_is_help=True,
)

Root = Annotated[
    Path,
    typer.Argument(
        metavar="ROOT", help="Portraits, two or more a person; names are alike up to the last underscore: 001_03.jpg."
    ),
]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="A folder for pictures and manifest.csv.")]
Seed = Annotated[int, typer.Option(help="Of the two halves of the people, and of everything that is drawn.")]
Encoder = Annotated[
    Path | None, typer.Option(metavar="FILE.onnx", help="Of `mien morph encoder`, for the detector encoder.")
]
Other = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Untouched pictures of other people, two or more a person: BSCER there too."),
]
After = Annotated[str, typer.Option(metavar="NAMES", help="How pictures are saved: q95, q75, print-scan.")]


@app.command("make")
def make(
    root: Root,
    out: Out,
    nearest: Annotated[int, typer.Option(min=1, help="Look-alikes that each person is morphed with.")] = 1,
    alpha: Annotated[float, typer.Option(help="Share of the second person, between 0 and 1.")] = 0.5,
    splice: Annotated[str, typer.Option(metavar="NAMES", help="whole, feather, poisson.")] = "whole,poisson",
    after: After = "q95,print-scan",
    seed: Seed = 0,
    engine: options.Engine = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Morphs of people who look alike, and the untouched portraits, saved likewise; goes on where it stopped."""
    from mien.cli.evaluate.lists import names
    from mien.manipulation.looking import Looker
    from mien.manipulation.making import Morphs, make_morphs

    settings = Morphs(nearest, alpha, tuple(names(splice, "--splice")), tuple(names(after, "--after")), seed)
    looker = Looker.open(_settings(engine, allow_licence))
    with output.progress("morphing") as progress:
        return _made(make_morphs(root, out, settings, looker, progress), out, json=json)


@app.command("fake")
def fake(
    root: Root,
    out: Out,
    after: After = "q95,q75",
    remover: Annotated[
        str, typer.Option(metavar="NAMES", help="Counter-attacks: none, low-pass, autoencoder, spectrum.")
    ] = "none,low-pass,autoencoder,spectrum",
    seed: Seed = 0,
    engine: options.Engine = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Stand-ins for made faces: portraits with the trace of up-convolution, with and without counter-attacks."""
    from mien.cli.evaluate.lists import names
    from mien.manipulation.looking import Looker
    from mien.manipulation.making import Fakes, make_fakes

    settings = Fakes(tuple(names(after, "--after")), tuple(names(remover, "--remover")), seed)
    looker = Looker.open(_settings(engine, allow_licence), embed=False)
    with output.progress("making faces") as progress:
        return _made(make_fakes(root, out, settings, looker, progress), out, json=json)


@app.command("train")
def train(
    material: Annotated[Path, typer.Argument(metavar="MATERIAL", help="What `mien morph make` or `fake` made.")],
    root: Annotated[Path, typer.Option(metavar="DIR", help="The portraits that it was made from.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="A folder for NAME.json, one a detector.")],
    detectors: Annotated[
        str,
        typer.Option(metavar="NAMES", help="embedding, likeness, shape, texture, residual; spectrum, encoder."),
    ],
    data: Annotated[str, typer.Option(help="The portraits in words, for the file.")],
    other: Other = None,
    encoder: Encoder = None,
    engine: options.Engine = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Fit linear detectors to one half of the people, and measure them on the other."""
    from mien.cli.evaluate import answer
    from mien.cli.evaluate.lists import names
    from mien.evaluate.manipulation import elsewhere, judged, measured
    from mien.manipulation.cues import cues
    from mien.manipulation.looking import Looker
    from mien.manipulation.material import read_material, write_whole
    from mien.manipulation.trained import train as fit
    from mien.manipulation.watching import watch

    chosen = names(detectors, "--detectors")
    session = open_encoder(encoder)
    made = {name: cues[name](session) for name in chosen}
    embed = any(cue.differential for cue in made.values())
    looker = Looker.open(_settings(engine, allow_licence), embed=embed)
    _, items = read_material(material)
    with output.progress("looking") as progress:
        watched = watch(material, items, root, looker, made, progress=progress)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    trained = []
    for name, cue in made.items():
        facts = {"data": data, "date": date, "command": answer.command()}
        detector = fit(name, cue, watched.samples[name].learnt, facts)
        detector.facts["measured"] = measured(judged(detector, watched.samples[name].tested))
        trained.append((detector, cue))
    if other:
        for name, rate in elsewhere(trained, other, looker).items():
            found = next(detector for detector, _ in trained if detector.cue == name)
            found.facts["elsewhere"] = {"dataset": other.name, "bscer": rate.to_dict()}
    for detector, _ in trained:
        write_whole(to / f"{detector.cue}.json", detector.to_json().encode())
    rows = [{"detector": d.cue, "file": str(to / f"{d.cue}.json"), **d.facts} for d, _ in trained]
    if json:
        output.document({"detectors": rows, "failures": [f.to_dict() for f in watched.failures]})
    else:
        for row in rows:
            output.say(f"{row['file']}: {_figures(row)}")
    output.failures(watched.failures)
    return output.batch_code(len(watched.items), watched.failures)


@app.command("encoder")
def encoder(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Of `mien train recipes/pretrain-fsfm.toml`.")],
    to: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="Where the network is written.")],
    json: options.Json = False,
) -> int:
    """The encoder of a pre-training run as a network, for the cue encoder."""
    from mien.manipulation.material import write_whole
    from mien.train.pretrain.features import encoder_onnx

    data = encoder_onnx(run)
    write_whole(to, data)
    if json:
        output.document({"file": str(to), "bytes": len(data)})
    else:
        output.say(f"{to}: {len(data):,} bytes")
    return 0


@app.command("check")
def check(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The picture that is to be enrolled.")],
    live: Annotated[
        str | None, typer.Option(metavar="PICTURE", help="A trusted capture of the same person, taken just now.")
    ] = None,
    detectors: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Trained detectors that decide, or .json files of `mien morph train`; by default embedding with "
            "--live, residual without.",
        ),
    ] = "",
    encoder: Encoder = None,
    engine: options.Engine = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Whether a reference looks morphed or made. Exit code 1 when a detector calls it so."""
    from mien.cli.evaluate.lists import names
    from mien.manipulation import check as checking
    from mien.manipulation.looking import Looker

    chosen = names(detectors, "--detectors") if detectors else checking.default_detectors(live=live is not None)
    looker = Looker.open(_settings(engine, allow_licence), embed=live is not None)
    verdicts = checking.check(reference, live, chosen, looker, encoder=open_encoder(encoder))
    called = any(verdict.called for verdict in verdicts)
    if json:
        output.document(
            {
                "reference": reference,
                "live": live,
                "called": called,
                "detectors": [verdict.to_dict() for verdict in verdicts],
                "limits": checking.LIMITS,
            }
        )
    else:
        for verdict in verdicts:
            _say(verdict)
        output.say(f"{reference}: {'called an attack' if called else 'not called an attack'}")
        output.say(checking.LIMITS)
    return 1 if called else 0


def _settings(engine: str, allow_licence: str) -> LoadSettings:
    from mien.models import LoadSettings

    return LoadSettings(engine=engine, allow_licence=allow_licence)


def open_encoder(path: Path | None) -> Session | None:
    """The network of a file, running; None without a file."""
    if path is None:
        return None
    from mien.errors import NotFoundError
    from mien.runtime import open_session

    if not path.is_file():
        raise NotFoundError(f"no such file: {path}", source=str(path))
    return open_session(path.read_bytes(), precision="f32")


def _made(making: Making, out: Path, *, json: bool) -> int:
    kinds = {kind: sum(item.kind == kind for item in making.items) for kind in ("bona-fide", "morph", "made")}
    if json:
        failed = [failure.to_dict() for failure in making.failures]
        output.document({"folder": str(out), "made_now": making.made, **kinds, "failures": failed})
    else:
        words = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
        output.say(f"{out}: {words}; {making.made:,} of them made now")
    output.failures(making.failures)
    return output.batch_code(len(making.items), making.failures)


def _say(verdict: Verdict) -> None:
    one = verdict.detector
    what = f"{one.attack}, {'beside the live capture' if one.differential else 'one picture'}"
    said = "called an attack" if verdict.called else "not called one"
    output.say(f"{one.cue} ({what}): {verdict.score:.3f}, threshold {one.threshold:.3f}: {said}")
    if "measured" in one.facts:
        output.say(f"  {_figures(one.facts)}; {one.facts.get('data', '')}")


def _figures(facts: dict[str, Any]) -> str:
    """Measured rates in one line."""
    known = facts["measured"]
    shown = [("attacks missed (MACER)", known["macer"]), ("bona fide called one (BSCER)", known["bscer"])]
    if away := facts.get("elsewhere"):
        shown.append((f"untouched pictures of {away['dataset']} called one", away["bscer"]))
    return ", ".join(f"{name} {rate['errors']:,} of {rate['trials']:,}" for name, rate in shown)
