"""``mien evaluate …``: one subcommand a file."""

from __future__ import annotations

import typer

from mien.cli.evaluate import (
    age,
    card,
    clips,
    compare,
    detection,
    differential,
    explanation,
    expression,
    eyes,
    fakes,
    fruits,
    funnel,
    grouping,
    identification,
    jitter,
    landmarks,
    liveness,
    morphs,
    occlusion,
    pad,
    parsing,
    pose,
    quality,
    scores,
    verification,
)

app = typer.Typer(
    help="Measure a face system: error rates with their counts, intervals and data.", no_args_is_help=True
)

app.command("verification")(verification.verification)
app.command("identification")(identification.identification)
app.command("grouping")(grouping.grouping)
app.command("detection")(detection.detection)
app.command("differential")(differential.differential)
app.command("landmarks")(landmarks.landmarks)
app.command("pose")(pose.pose)
app.command("age")(age.age)
app.command("expression")(expression.expression)
app.command("explanation")(explanation.explanation)
app.command("eyes")(eyes.eyes)
app.command("parsing")(parsing.parsing)
app.command("occlusion")(occlusion.occlusion)
app.command("liveness")(liveness.liveness)
app.command("quality")(quality.quality)
app.command("pad")(pad.pad)
app.command("morphs")(morphs.morphs)
app.command("fakes")(fakes.fakes)
app.command("clips")(clips.clips)
app.command("jitter")(jitter.jitter)
app.command("scores")(scores.scores)
app.command("compare")(compare.compare)
app.command("fruits")(fruits.fruits)
app.command("funnel")(funnel.funnel)
app.command("card")(card.card)
