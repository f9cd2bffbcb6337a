"""Facts of a model, read from one TOML file; nothing is guessed from the weights."""

from __future__ import annotations

import binascii
import hashlib
import re
import tomllib
from base64 import b64decode
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import ModelInvalidError, NotFoundError
from mien.models.head_facts import HeadFacts, read_head
from mien.models.sources import Source
from mien.models.strict import Table
from mien.types.arrays import FloatArray
from mien.types.score import OperatingTable, ScoreHistogram

KINDS = ("detector", "embedder", "head", "samples")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file a card needs: its name, SHA-256 (hex), length in bytes, and where to get it, best source first."""

    name: str
    sha256: str
    bytes: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Licences:
    """SPDX ids of code and weights; the terms of the training data in words."""

    code: str
    weights: str
    training_data: str


@dataclass(frozen=True, slots=True)
class InputContract:
    """What the network takes: (pixel - mean) * scale, NCHW float32.

    Args:
        size: (width, height) in pixels, or None for any size in steps of `multiple`.
        multiple: both sides are multiples of this.
        colour: ``RGB`` or ``BGR``, the order of the channels; ``GREY``, one channel, for heads.
        mean: per channel, in that order, of 0..255; the same number three times for ``GREY``.
        scale: factor after the mean is taken off.
        deviation: what each channel is divided by at the end; other than 1 for heads only.
    """

    size: tuple[int, int] | None
    multiple: int
    colour: str
    mean: tuple[float, float, float]
    scale: float
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def channels(self) -> int:
        """Of the network's input."""
        return 1 if self.colour == "GREY" else 3


@dataclass(frozen=True, slots=True)
class Fuse:
    """Cards whose vectors are joined, and the weight of each cosine in the mean; the weights sum to 1."""

    cards: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One model, or one set of sample files.

    Args:
        name: the name it is asked for by; also the name of the file.
        kind: ``detector``, ``embedder``, ``head`` or ``samples``.
        family: which factory of that kind's registry understands it; empty for samples and fused cards.
        summary: one line for people.
        paper: reference, may be empty.
        licences: of code, weights and training data.
        files: what to fetch; for a model one graph. Empty for a fused card, and for a head that is arithmetic only.
        input: preprocessing; None for samples, for fused cards and for heads without a network.
        dimension: length of an embedder's vector, else None.
        score: lowest score of a face that a detector reports, else None; measured, its precision stands beside it.
        rewrites: graph rewrites to apply at load, in order.
        golden: (n,) float32, the answer to the built-in test picture; None when none was recorded.
        operating: measured false match rates, or None.
        grouping: the grouping package's own table, as it stands.
        fuse: for a card that names others, else None.
        head: what a head gives and how far it errs, else None.
        path: the file it was read from.
        sha256: of that file, hex.
    """

    name: str
    kind: str
    family: str
    summary: str
    paper: str
    licences: Licences
    files: tuple[ModelFile, ...]
    input: InputContract | None
    dimension: int | None
    score: float | None
    rewrites: tuple[str, ...]
    golden: FloatArray | None = field(compare=False)
    operating: OperatingTable | None
    grouping: dict[str, Any] | None
    fuse: Fuse | None
    head: HeadFacts | None
    path: Path
    sha256: str

    @property
    def file(self) -> ModelFile:
        """The one graph of a model."""
        return self.files[0]

    @property
    def digest(self) -> str:
        """What decides a head's answers, as SHA-256 in hex: its weights, or without a network the card itself."""
        return self.files[0].sha256 if self.files else self.sha256

    @property
    def least_score(self) -> float:
        """`score` of a detector's card, which always has one."""
        if self.score is None:
            raise ValueError(f"'{self.name}' is no detector's card")
        return self.score

    @property
    def bytes(self) -> int:
        """All files together."""
        return sum(f.bytes for f in self.files)


def read_card(path: Path) -> Card:
    """The card in a file.

    Raises:
        ModelInvalidError: no TOML, or a key missing, unknown or of the wrong form.
        NotFoundError: no such file.
    """
    try:
        content = path.read_bytes()
        table = Table(tomllib.loads(content.decode("utf-8")), path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ModelInvalidError(f"{path}: not a TOML file: {e}", code="card-invalid", source=str(path)) from e
    except OSError as e:
        raise NotFoundError(f"{path}: {e.strerror or e}: no model card could be read there", source=str(path)) from e
    card = _card(table, path, hashlib.sha256(content).hexdigest())
    table.done()
    _check(card, table)
    return card


def _card(table: Table, path: Path, sha256: str) -> Card:
    return Card(
        name=table.match("name", _NAME),
        kind=table.choice("kind", KINDS),
        family=table.take("family", str, ""),
        summary=table.take("summary", str),
        paper=table.take("paper", str, ""),
        licences=_licences(table),
        files=tuple(_file(t) for t in table.tables("files")),
        input=_input(table),
        dimension=table.take("dimension", int, None),
        score=table.take("score", float, None),
        rewrites=table.items("rewrites", str, []),
        golden=_golden(table),
        operating=_operating(table),
        grouping=table.take("grouping", dict, None),
        fuse=_fuse(table),
        head=read_head(table.table("head")),
        path=path,
        sha256=sha256,
    )


def _licences(table: Table) -> Licences:
    t = table.table("licences")
    if t is None:
        raise table.error("licences", "is missing")
    licences = Licences(t.take("code", str), t.take("weights", str), t.take("training_data", str))
    t.done()
    return licences


def _file(t: Table) -> ModelFile:
    size = t.take("bytes", int)
    if size <= 0:
        raise t.error("bytes", f"must be the length of the file, got {size}")
    sources = t.items("sources", str)
    try:
        parsed = tuple(Source.parse(s) for s in sources)
    except ValueError as e:
        raise t.error("sources", str(e)) from e
    file = ModelFile(t.match("name", _FILE_NAME), t.match("sha256", _SHA256), size, parsed)
    t.done()
    return file


def _input(table: Table) -> InputContract | None:
    t = table.table("input")
    if t is None:
        return None
    size, multiple = t.items("size", int, []), t.take("multiple", int, 1)
    mean = t.items("mean", (int, float))
    colour, scale = t.choice("colour", ("RGB", "BGR", "GREY")), float(t.take("scale", (int, float)))
    deviation = t.items("deviation", (int, float), [1, 1, 1])
    t.done()
    if len(size) not in (0, 2) or min(size, default=1) <= 0:
        raise t.error("size", "must be [width, height] in pixels, or absent for any")
    if len(mean) != 3:
        raise t.error("mean", "must have three numbers, in the order of `colour`")
    if multiple <= 0 or not scale:
        raise t.error("multiple" if multiple <= 0 else "scale", "must be above zero")
    if len(deviation) != 3 or min(deviation) <= 0:
        raise t.error("deviation", "must have three numbers above zero, in the order of `colour`")
    r, g, b = (float(v) for v in mean)
    dr, dg, db = (float(v) for v in deviation)
    return InputContract((size[0], size[1]) if size else None, multiple, colour, (r, g, b), scale, (dr, dg, db))


def _golden(table: Table) -> FloatArray | None:
    text = table.take("golden", str, None)
    if text is None:
        return None
    try:
        vector = np.frombuffer(b64decode(text, validate=True), "<f2").astype(np.float32)
    except (binascii.Error, ValueError) as e:
        raise table.error("golden", f"must be base64 of float16 numbers: {e}") from e
    if not vector.size or not np.isfinite(vector).all():
        raise table.error("golden", "must hold finite numbers")
    return vector


def _operating(root: Table) -> OperatingTable | None:
    t = root.table("operating")
    if t is None:
        return None
    values = t.rest()
    for key in values.keys() - {f.name for f in fields(OperatingTable)}:
        raise t.error(key, "is not a key of a card")
    for key in ("data", "date", "command", "mated", "nonmated", "subjects", "points"):
        if key not in values:
            raise t.error(key, "is missing")
    histogram = values.pop("histogram", None)
    try:
        table = OperatingTable.from_dict(values)
    except (TypeError, ValueError) as e:
        raise t.error("points", f"must be rows of [threshold, errors, low, high, misses]: {e}") from e
    try:
        return table if histogram is None else replace(table, histogram=ScoreHistogram.from_dict(histogram))
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise t.error("histogram", f"must have start, step and the counts mated and nonmated, one a bin: {e}") from e


def _fuse(table: Table) -> Fuse | None:
    t = table.table("fuse")
    if t is None:
        return None
    cards, weights = t.items("cards", str), t.items("weights", (int, float))
    t.done()
    if len(cards) < 2 or len(cards) != len(weights) or min(weights) <= 0 or abs(sum(weights) - 1) > 1e-6:
        raise t.error("weights", "must be one positive number for each of two or more cards, 1 in sum")
    return Fuse(cards, tuple(float(w) for w in weights))


def _check(card: Card, table: Table) -> None:
    """What one key says about another."""
    if card.name != card.path.stem:
        raise table.error("name", f"must be the name of the file, got {card.name!r}")
    if len({f.name for f in card.files}) < len(card.files):
        raise table.error("files", "names a file twice")
    if card.fuse:
        if card.kind != "embedder" or card.files or card.input or card.family:
            raise table.error("fuse", "stands in an embedder's card without family, files and input of its own")
    elif card.kind == "samples":
        if not card.files:
            raise table.error("files", "is missing")
    elif card.kind == "head" and not card.files and card.input is None:  # arithmetic, no network
        if not card.family or card.golden is not None:
            raise table.error("golden" if card.family else "family", "needs a network" if card.family else "is missing")
    else:
        if len(card.files) != 1:
            raise table.error("files", f"must name the one graph of a {card.kind}, got {len(card.files)}")
        if not card.family or card.input is None:
            raise table.error("input" if card.family else "family", "is missing")
    if (card.kind == "head") != (card.head is not None):
        raise table.error("head", "is missing" if card.kind == "head" else "stands in a head's card only")
    plain = card.input is None or (card.input.colour != "GREY" and card.input.deviation == (1, 1, 1))
    if card.kind != "head" and not plain:
        raise table.error("input", "may have 'deviation' and the colour GREY in a head's card only")
    if card.kind == "head" and card.input and card.input.size is None:
        raise table.error("input.size", "is missing; a head takes crops of one size")
    if card.kind == "embedder" and (card.dimension or 0) <= 0:
        raise table.error("dimension", "must be the length of the vector")
    if card.kind == "detector" and not 0 < (card.score or 0) < 1:
        raise table.error("score", "must be the lowest score of a face to report, between 0 and 1")
