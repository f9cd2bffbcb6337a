"""``mien evaluate clips``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def clips(
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="Portraits of 810x810 pixels, named PERSON_…, such as London's.")
    ],
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    seconds: Annotated[float, typer.Option(min=2.0, help="Length of a made clip.")] = 3.0,
    rate: Annotated[float, typer.Option(min=3.0, max=30.0, help="Frames looked at a second.")] = 5.0,
    head: Annotated[
        str, typer.Option(help="Single-picture head; its first class is bona fide.", rich_help_panel=options.MODELS)
    ] = "liveness",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the rule here: `mien pad --rule`.")] = None,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Fits the rule by which clips are judged, on clips made from portraits; says how far it errs on other people."""
    import json as text
    from datetime import UTC, datetime

    from mien.evaluate.clips import fit, make
    from mien.evaluate.clips_report import clips_report, error_rows
    from mien.image import find_photos
    from mien.models import load_head
    from mien.presentation.clip_look import EYES, LANDMARKS
    from mien.presentation.clip_rule import ClipRule

    models = options.models(detector, None, engine, precision, allow_licence)
    heads = [load_head(name, models.settings) for name in (LANDMARKS, EYES, head)]
    paths, unread = find_photos(root)
    with output.progress("making clips") as progress:
        found = models.load_detector().with_side(640)
        examples, failed = make(paths[::every], found, heads, seconds=seconds, rate=rate, progress=progress)
    fitted = fit(examples)
    if out is not None:
        origin = {
            "data": f"clips made from {root.name}, {sum(e.part == 'dev' for e in examples)} of development people",
            "rule": "the larger of BPCER and APCER smallest",
            "date": datetime.now(UTC).date().isoformat(),
            "command": answer.command(),
        }
        digests = {card.name: card.digest for card in (each.card for each in heads)}
        rows = tuple(error_rows(fitted.stacked))
        rule = ClipRule(fitted.stack, fitted.species, digests, rate, fitted.stacked.threshold, origin, rows)
        out.write_text(text.dumps(rule.to_dict(), indent=1) + "\n", encoding="utf-8")
        output.note(f"wrote {out}")
    failures = [*unread, *failed]
    answer.give(clips_report(fitted, examples, failures, root.name, answer.command()), report, json=json)
    output.failures(failures)
    return output.batch_code(len(examples), failures)
