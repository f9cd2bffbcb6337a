"""From a network that parses to an ONNX file and a card, with what it measures on people kept back."""

from __future__ import annotations

import datetime
import json
import tempfile
from base64 import b64encode
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelInvalidError, StoreError, UsageError
from mien.evaluate.heads_parsing import Parsed, measure_masks
from mien.geometry.face_parts import OCCLUSION
from mien.geometry.tanh_polar import warp_faces
from mien.models import Card, read_card
from mien.models.heads import heads
from mien.models.heads.occlusion import REGIONS
from mien.models.loading import card_vector
from mien.models.own import file_table, keep_own, require_free
from mien.models.views import prepared
from mien.parsing.parse import parser_of
from mien.runtime import Session, open_session
from mien.train.onnx_file import INPUT, TorchSession, onnx_bytes
from mien.train.parsing.learn import Learnt, Say
from mien.train.parsing.recipe import ParsingRecipe
from mien.train.parsing.squares import box_of
from mien.train.state import write_whole
from mien.version import __version__

STRAY = 1e-3
"""Most that a logit of the file may differ from PyTorch's; they are some units large."""
LOOKED_AT = 8
"""Pictures that parity is shown on."""
PAPER = "Lin et al., RoI Tanh-polar Transformer Network for Face Parsing in the Wild, Image and Vision Computing 2021"
GIVES = {
    "parsing": "the class of every cell of the face's Tanh-polar square",
    "occlusion": "share of the face's area, and of its eyes, nose and mouth, that lies behind something",
}


@dataclass(frozen=True, slots=True)
class ParsingHead:
    """What an export made.

    Args:
        card: as the user's own cards now hold it.
        network: the ONNX file.
        stray: largest difference between a logit of the file and PyTorch's.
        measured: on the people kept back.
    """

    card: Card
    network: Path
    stray: float
    measured: Parsed


def export_parsing(
    learnt: Learnt, recipe: ParsingRecipe, to: Path, *, command: str, over: bool = False, say: Say
) -> ParsingHead:
    """Write the network and its card, and make the card known by its name.

    Args:
        learnt: what `learn` gave.
        recipe: what it was learnt by.
        to: ``NAME.onnx``; ``NAME.toml`` is written beside.
        command: as typed, for the card.
        over: a card of that name gives way.
        say: called with a line before each long step.

    Raises:
        UsageError: another suffix, or classes that the family does not have.
        ConflictError: the name is taken.
        ModelInvalidError: the file strays from the network; nothing is written.
        StoreError: the folder cannot be written.
    """
    check_target(to, recipe, learnt.folder.classes, over=over)
    side = recipe.model.side
    network = onnx_bytes(learnt.network, len(learnt.folder.classes), "logits", side=side, cells=(side, side))
    session = open_session(network, precision="f32")
    rows = np.flatnonzero(learnt.kept)
    stray = _stray(learnt, rows[:LOOKED_AT], side, session)
    say(f"the file agrees with PyTorch to {stray:.1e}; measuring on {len(rows):,} pictures kept back")
    text = _card(learnt, recipe, to, network)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"{to.stem}.toml"
        draft.write_text(text, "utf-8")
        card = read_card(draft)
    classes, parser = parser_of(heads[card.family](card, session))
    measured = measure_masks(card, classes, parser, learnt.folder, rows.tolist(), learnt.detector)
    golden = card_vector(card, TorchSession(learnt.network)).astype("<f2")
    line = f'golden = "{b64encode(golden.tobytes()).decode()}"'
    text = text.replace("\n\n", f"\n{line}\n\n", 1) + _errors(measured, recipe, command)
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        write_whole(to, network)
        write_whole(to.with_suffix(".toml"), text.encode())
    except OSError as error:
        raise StoreError(f"{to}: {error.strerror or error}; choose a place that can be written") from error
    return ParsingHead(keep_own(to.with_suffix(".toml"), network, replace=over), to, stray, measured)


def check_target(to: Path, recipe: ParsingRecipe, classes: tuple[str, ...], *, over: bool) -> None:
    """Raise before anything long is done where the end of it could not be kept.

    Raises:
        UsageError: another suffix, or classes that the family does not have.
        ConflictError: the name is taken.
    """
    if to.suffix != ".onnx":
        raise UsageError(f"--to takes NAME.onnx, got '{to}'; the name becomes the head's name")
    if recipe.model.family == "occlusion" and classes != OCCLUSION:
        raise UsageError(f"the family 'occlusion' has the classes {', '.join(OCCLUSION)}; `mien masks` writes them")
    require_free(to.stem, replace=over)


def _stray(learnt: Learnt, rows: NDArray[np.int64], side: int, session: Session) -> float:
    """The largest difference of a logit between PyTorch and the file, on some pictures."""
    squares = []
    for row in rows:
        masked = learnt.folder.read(int(row))
        squares.append(warp_faces(masked.pixels, box_of(masked, learnt.detector)[None], side)[0])
    pixels = prepared(np.stack(squares), replace(INPUT, size=(side, side)))
    ours, given = TorchSession(learnt.network).run(pixels)[0], session.run(pixels)[0]
    stray = float(np.abs(ours - given).max())
    if not stray <= STRAY:
        raise ModelInvalidError(f"the exported network strays from the trained one by {stray:.2g}; nothing was written")
    return stray


def _card(learnt: Learnt, recipe: ParsingRecipe, to: Path, network: bytes) -> str:
    """The card without what is measured."""
    family, side = recipe.model.family, recipe.model.side
    labels = REGIONS if family == "occlusion" else learnt.folder.classes
    summary = (
        f"{GIVES[family].capitalize()}; learnt from {int((~learnt.kept).sum()):,} pictures with masks "
        f"in {learnt.steps:,} steps."
    )
    lines = (
        f"# Learnt by mien {__version__} with the recipe {recipe.name}.",
        f"name = {_text(to.stem)}",
        'kind = "head"',
        f"family = {_text(family)}",
        f"summary = {_text(summary)}",
        f"paper = {_text(PAPER)}",
        "",
        "[licences]",
        'code = "Apache-2.0"',
        f"weights = {_text(recipe.data.weights or recipe.data.licence)}",
        f"training_data = {_text(recipe.data.licence)}",
        "",
        file_table(to, network).rstrip(),
        "",
        "[input]",
        f"size = [{side}, {side}]",
        f'colour = "{INPUT.colour}"',
        f"mean = [{', '.join(f'{v:g}' for v in INPUT.mean)}]",
        f"scale = {INPUT.scale!r}",
        "",
        "[head]",
        'use = "general"',
        f"gives = {_text(GIVES[family])}",
        f"labels = [{', '.join(_text(label) for label in labels)}]",
        "",
    )
    return "\n".join(lines)


def _errors(measured: Parsed, recipe: ParsingRecipe, command: str) -> str:
    """What was measured on the people kept back, as the card tells errors: by class, less than one is missing."""
    mean, of = measured.agreement.mean_iou(), measured.agreement
    pictures = measured.pictures
    groups = []
    for number, name in enumerate(measured.classes):
        iou = of.iou(number)
        if iou.value is not None and iou.low is not None and iou.high is not None:
            groups.append(f"    [{_text(f'class: {name}')}, {pictures}, {_less(iou.value, iou.high, iou.low)}],")
    if mean.value is None or mean.low is None or mean.high is None:
        raise ModelInvalidError("none of the classes occurs in the pictures kept back; keep back more people")
    value, low, high = _less(mean.value, mean.high, mean.low).split(", ")
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    data = f"{pictures:,} pictures of {recipe.name} kept back, of people it did not learn from"
    lines = (
        "",
        "[[head.errors]]",
        'measure = "1 - mean IoU of the classes"',
        f"value = {value}",
        f"low = {low}",
        f"high = {high}",
        f"faces = {pictures}",
        f"data = {_text(data)}",
        f'date = "{date}"',
        f"command = {_text(command)}",
        "groups = [ # group, faces, 1 - IoU, 95 % interval",
        *groups,
        "]",
        "",
    )
    return "\n".join(lines)


def _less(value: float, high: float, low: float) -> str:
    """One less an IoU, with its interval the other way round."""
    return ", ".join(f"{1 - v:.4f}" for v in (value, high, low))


def _text(value: str) -> str:
    """A TOML string."""
    return json.dumps(" ".join(value.split()), ensure_ascii=False)
