"""From a run to a card: the network as ONNX, proven to compute the same, with error rates and a cut of its own.

The classifier stays behind: what tells the training people apart is of no use to anyone, and says who they were.
"""

from __future__ import annotations

import datetime
import json
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import numpy as np

from mien.backbones import backbones
from mien.backbones.base import Backbone
from mien.errors import ModelInvalidError, NotFoundError, StoreCorruptError, StoreError, UsageError
from mien.evaluate.metrics.tables import compare_all, operating_table, table_lines
from mien.grouping import GroupingRule
from mien.models import Card, read_card
from mien.models.embedders.arcface import arcface
from mien.models.loading import card_vector
from mien.models.own import file_table, keep_own, require_free
from mien.runtime import open_session
from mien.train.adapt import finished_network
from mien.train.assembly import make_backbone
from mien.train.data import FaceData
from mien.train.development import Development, choose_rule, read_development
from mien.train.feed import read_faces
from mien.train.logs import Say
from mien.train.losses import losses
from mien.train.manifest import read_manifest
from mien.train.onnx_file import INPUT, TorchSession, check_parity, drawn_crops, onnx_bytes
from mien.train.recipe import Recipe, read_recipe
from mien.train.run import RECIPE, WEIGHTS
from mien.train.state import read_tensors, write_whole
from mien.train.terms.rating import rater_file, rating_terms, read_raters
from mien.types.template import Precision

LATER = (
    "data.licence",
    "data.root",
    "data.join",
    "export.licence",
    "export.development",
    "export.people",
    "export.about",
)
"""What an export may be told that the recipe did not say, or said of another machine."""
REAL = 64
"""Faces of the development set that parity is shown on, beside drawn ones."""

APART = 1e-4
"""Least distance between the highest and the lowest of the cosines of strangers, of a network that sees anything."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export made.

    Args:
        card: as the user's own cards now hold it.
        network: the ONNX file.
        cosine: the lowest between PyTorch's embedding of a face and the file's.
        rule: for grouping, as the card has it.
    """

    card: Card
    network: Path
    cosine: float
    rule: GroupingRule

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        table = self.card.operating
        return {
            "name": self.card.name,
            "network": str(self.network),
            "card": str(self.card.path),
            "bytes": self.card.bytes,
            "dimension": self.card.dimension,
            "parity_cosine": self.cosine,
            "licence": {"weights": self.card.licences.weights, "training_data": self.card.licences.training_data},
            "grouping": {"cut": self.rule.cut, "attach": self.rule.attach, "min_score": self.rule.min_score},
            "nonmated": table.nonmated if table else 0,
            "subjects": table.subjects if table else 0,
        }


def export(
    run: Path, to: Path, changes: Sequence[str] = (), *, command: str, replace: bool = False, say: Say
) -> Exported:
    """Write a run's network and its card, and make the card known by its name.

    Args:
        run: folder of a run that has ended, or whose time was up.
        to: ``NAME.onnx``; NAME becomes the card's name, and ``NAME.toml`` is written beside.
        changes: ``section.key=value`` of `LATER`.
        command: as typed, for the card.
        replace: a card of that name gives way.
        say: called with a line before each long step.

    Raises:
        NotFoundError: no such run, or it has not ended.
        UsageError: no licence of the data, no development set, or one that is not apart from the training.
        ConflictError: the name is taken.
        ModelInvalidError: the file strays from the network; nothing is written.
        StoreError: the folder cannot be written.
    """
    if to.suffix != ".onnx":
        raise UsageError(f"--to takes NAME.onnx, got '{to}'; the name becomes the model's name")
    require_free(to.stem, replace=replace)
    recipe = _recipe(run, changes)
    for term in rating_terms(recipe):
        require_free(f"{to.stem}-{term}", replace=replace)
    learnt = read_faces(changed(recipe.data, mixtures=0))
    development = read_development(recipe.export, learnt)
    backbone = load_backbone(run, recipe)
    say("writing the network")
    network = onnx_bytes(backbone, backbone.dimension)
    crops = np.concatenate([drawn_crops(), development.crops[:: -(-len(development.crops) // REAL)]])
    cosine = check_parity(backbone, network, crops)
    say(f"it agrees with PyTorch to cosine {cosine:.6f}; measuring on {len(development.crops):,} faces")
    qualities = {name: rater_file(rater, crops) for name, rater in read_raters(run, recipe, backbone).items()}
    head = _head(recipe, read_manifest(run), backbone, to, network, learnt)
    card, rule = _measured(head, to.stem, backbone, network, development, command)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        write_whole(to, network)
        write_whole(to.with_suffix(".toml"), card.encode())
        for name, data in qualities.items():
            file = to.with_name(f"{to.stem}-{name}.onnx")
            write_whole(file, data)
            write_whole(file.with_suffix(".toml"), _rater_card(recipe, to.stem, name, file, data).encode())
    except OSError as error:
        raise StoreError(f"{to}: {error.strerror or error}; choose a place that can be written") from error
    for name, data in qualities.items():
        keep_own(to.with_name(f"{to.stem}-{name}.toml"), data, replace=replace)
    return Exported(keep_own(to.with_suffix(".toml"), network, replace=replace), to, cosine, rule)


def load_backbone(run: Path, recipe: Recipe) -> Backbone:
    """The network a run ended with, in `eval` mode.

    Raises:
        NotFoundError: it has not ended.
        StoreCorruptError: the weights are not the recipe's network.
    """
    if not (run / WEIGHTS).is_file():
        raise NotFoundError(f"{run}: no network there yet; `mien train --resume {run}` goes on", source=str(run))
    backbone = finished_network(make_backbone(recipe), recipe.adapt)
    try:
        backbone.load_state_dict(read_tensors(run / WEIGHTS))
    except RuntimeError as error:
        line = str(error).splitlines()[0]
        raise StoreCorruptError(f"{run / WEIGHTS}: not the weights of {recipe.model.backbone}: {line}") from error
    return backbone.eval()


def _recipe(run: Path, changes: Sequence[str]) -> Recipe:
    """The run's recipe, with the licence that an export needs."""
    if not (run / RECIPE).is_file():
        raise NotFoundError(f"{run}: no run there (no {RECIPE})", source=str(run))
    recipe = read_recipe(run / RECIPE, changes, only=LATER)
    if recipe.pretrain.method:
        raise UsageError(
            f"{run}: pre-training leaves no embedding to export; "
            f"`mien train RECIPE --set start.weights={run}` learns one",
            source=str(run),
        )
    if not recipe.data.licence.strip():
        raise UsageError(
            f"{run}: 'data.licence' is missing, and a card must say what may be done with the pictures behind it; "
            '--set data.licence="…" gives their terms',
            code="licence-missing",
            source=str(run),
        )
    return recipe


def _head(
    recipe: Recipe, manifest: dict[str, Any], backbone: Backbone, to: Path, network: bytes, learnt: FaceData
) -> str:
    """The card without what is measured."""
    people = f"{len(learnt.people):,} people" if learnt.people else "people without names"
    summary = (
        f"{recipe.model.backbone} trained with {_learnt_by(recipe)} on {len(learnt):,} pictures of {people}; "
        f"{backbone.dimension} numbers."
    )
    return "\n".join(
        [
            f"# Exported by mien {manifest['environment']['mien']} from a run of {manifest['environment']['date']}.",
            f"name = {_text(to.stem)}",
            'kind = "embedder"',
            'family = "arcface"',
            f"summary = {_text(summary)}",
            f"paper = {_text(backbones[recipe.model.backbone].paper)}",
            f"dimension = {backbone.dimension}",
            "# The trained network's answer to the built-in input, by PyTorch in float32",
            'golden = "{golden}"',
            "",
            *_terms_and_input(recipe, to, network),
        ]
    )


def _rater_card(recipe: Recipe, embedder: str, term: str, file: Path, network: bytes) -> str:
    """The card of what rates faces for an exported embedder: a head of the family `utility`."""
    return "\n".join(
        [
            f"name = {_text(file.stem)}",
            'kind = "head"',
            'family = "utility"',
            f"summary = {_text(f'How well {embedder} will recognise a face, learnt with {term}.')}",
            f"paper = {_text(losses[term].paper)}",
            "",
            *_terms_and_input(recipe, file, network),
            "[head]",
            'use = "general"',
            f"gives = {_text(f'recognition utility for {embedder}, on a scale of its own; higher is better')}",
            "",
        ]
    )


def _terms_and_input(recipe: Recipe, file: Path, network: bytes) -> list[str]:
    """Lines of a card: licences, the file, and what goes in."""
    mean = ", ".join(f"{value:g}" for value in INPUT.mean)
    return [
        "[licences]",
        'code = "Apache-2.0"',
        f"weights = {_text(recipe.export.licence or recipe.data.licence)}",
        f"training_data = {_text(recipe.data.licence)}",
        "",
        file_table(file, network).rstrip(),
        "",
        "[input]",
        "size = [112, 112]",
        f'colour = "{INPUT.colour}"',
        f"mean = [{mean}]",
        f"scale = {INPUT.scale!r}",
        "",
    ]


def _learnt_by(recipe: Recipe) -> str:
    """Loss and teacher, in words."""
    taught = f"{' and '.join(recipe.teacher.losses)} from {recipe.teacher.model}" if recipe.teacher.model else ""
    return " and ".join(part for part in (recipe.loss.name, *recipe.terms.options, taught) if part)


def _measured(
    head: str, name: str, backbone: Backbone, network: bytes, development: Development, command: str
) -> tuple[str, GroupingRule]:
    """The whole card: golden vector, and what the embedder that it describes measures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_text(head.replace('golden = "{golden}"\n', ""), "utf-8")
        card = read_card(path)
    golden = card_vector(card, TorchSession(backbone)).astype("<f2")
    embedder = arcface(card, open_session(network, precision=Precision.F32.value))
    date, typed = datetime.datetime.now(datetime.UTC).date().isoformat(), _plain(command)
    measured = compare_all(embedder.embed(development.crops), development.people)
    if measured.top[0] - measured.top[-1] < APART:
        raise ModelInvalidError(
            f"all faces have nearly the same vector (cosine {measured.top[0]:.4f}): train the network for longer",
            code="collapsed",
        )
    table = table_lines(operating_table(measured, data=_plain(development.about), date=date, command=typed))
    rule = choose_rule(development, embedder.embed, date=date, command=typed)
    grouping = [
        "[grouping]",
        f"cut = {rule.cut:.2f}",
        f"attach = {rule.attach:.2f}",
        f"min_score = {rule.min_score:.2f} # of the detector; the scale is YuNet's",
        f"data = {_text(rule.data)}",
        f'date = "{date}"',
        f"command = {_text(typed)}",
        "",
    ]
    whole = head.replace("{golden}", b64encode(golden.tobytes()).decode())
    return "\n".join([whole, *grouping, *table, ""]), rule


def _text(value: str) -> str:
    """A TOML string."""
    return json.dumps(" ".join(value.split()), ensure_ascii=False)


def _plain(value: str) -> str:
    """Words without the two characters that a TOML string gives a meaning to."""
    return " ".join(value.split()).replace("\\", "/").replace('"', "'")
