"""``mien evaluate …``: one subcommand a file."""

from __future__ import annotations

import typer

from mien.cli.evaluate import (
    age,
    card,
    compare,
    detection,
    differential,
    expression,
    eyes,
    fruits,
    funnel,
    grouping,
    identification,
    landmarks,
    liveness,
    pose,
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
app.command("eyes")(eyes.eyes)
app.command("liveness")(liveness.liveness)
app.command("scores")(scores.scores)
app.command("compare")(compare.compare)
app.command("fruits")(fruits.fruits)
app.command("funnel")(funnel.funnel)
app.command("card")(card.card)
