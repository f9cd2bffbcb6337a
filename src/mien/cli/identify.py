"""``mien identify -g GALLERY IMAGE…``."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli import options, output


def identify(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Probe pictures.")],
    gallery: options.AnyGallery,
    fpir: Annotated[
        float, typer.Option(help="False positive identification rate: how often a stranger may be given a name.")
    ] = 0.003,
    top: Annotated[int, typer.Option(help="Length of the candidate list.", min=1, max=1000)] = 5,
    faces: options.FacesPolicy = "all",
    where: Annotated[
        str | None,
        typer.Option(help="Search only these subjects, such as 'site=berlin and age>=30' or 'site in berlin, paris'."),
    ] = None,
    audit: options.Audit = False,
    purpose: options.Purpose = "",
    detector: options.Detector = "yunet",
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Who is in the pictures: a candidate list or nobody. Exit code 0 = somebody was identified, 1 = nobody was."""
    models = options.models(detector, None, engine, precision, allow_licence, side)
    options.policy(faces)
    with (
        options.stating(purpose, audit=audit, gallery=gallery),
        options.opened(gallery, models, create=False, audit=audit) as opened,
        output.progress("identifying") as progress,
    ):
        result = opened.identify(images, fpir=fpir, top=top, faces=faces, where=where, progress=progress)
    if json:
        output.document(result.to_dict())
    else:
        for probe in result.probes:
            output.say(f"{probe.face.source}, {output.place(probe.face)}: {probe.decision or 'nobody'}")
            for candidate in probe.candidates:
                sign = "≥" if candidate.match else "<"
                row = (
                    f"{candidate.rank}. {candidate.subject}  {candidate.score:.3f} {sign} {result.point.threshold:.3f}"
                )
                output.say(f"  {row}")
        who = f"{output.count(result.gallery_size, 'reference')} of {output.count(result.searched, 'subject')}"
        whose = f" where {where}" if where else ""
        asked = f"FPIR {output.rate(fpir)} asked for against {who}{whose}"
        output.say(f"{asked}; {output.basis(result.point)}")
        if result.recall is not None:
            output.say(f"approximate search: measured to find {result.recall:.2%} of the ten best")
        output.say(f"model {output.model_line(result.model)}")
    output.failures(result.failures)
    failed = output.batch_code(len(result.probes), result.failures)
    return failed or (0 if any(probe.decision for probe in result.probes) else 1)
