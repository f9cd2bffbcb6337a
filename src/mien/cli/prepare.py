"""``mien prepare SOURCE OUT``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output


def prepare(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="lfw:DIR, folder:DIR (one folder a person), csv:FILE (path,person), recordio:train.rec, bin:FILE, "
            "webdataset:DIR or unlabelled:DIR; the kind may be left out where it shows.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for the faces.")],
    aligned: Annotated[
        bool, typer.Option("--aligned", help="The pictures are aligned crops of 112x112 pixels already.")
    ] = False,
    faces: Annotated[
        str, typer.Option("--faces", help="Which face of a picture: central, largest or one.")
    ] = "central",
    detector: options.Detector = "yunet",
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Find and align the face of every picture once, to train on; an interrupted run goes on where it stopped."""
    from mien.cli.evaluate.lists import one_face
    from mien.models import LoadSettings
    from mien.train.data import load_aligner, open_data
    from mien.train.data import prepare as prepare_faces

    policy = one_face(faces)
    found = open_data(source)
    aligner = None
    if not (aligned or found.aligned):
        settings = LoadSettings(engine=engine, precision=precision, allow_licence=allow_licence)
        aligner = load_aligner(detector, policy=policy, side=side, settings=settings)
    with output.progress("preparing") as progress:
        done = prepare_faces(found, out, aligner=aligner, progress=progress)
    failures = done.failures
    if json:
        output.document(
            {
                "out": str(out),
                "faces": len(done),
                "people": len(done.people),
                "people_without_a_face": len(done.manifest["people_without_a_face"]),
                "data": dict(done.facts),
                "sha256": done.manifest["sha256"],
                "failures": [failure.to_dict() for failure in failures],
            }
        )
    else:
        lost = len(done.manifest["people_without_a_face"])
        output.say(
            f"{output.count(len(done), 'face')} of {output.count(len(done.people), 'person', 'people')} in {out}"
            + (f"; {output.count(lost, 'person has', 'people have')} no picture with a face" if lost else "")
        )
    output.failures(failures)
    return output.batch_code(len(done), failures)
