"""IJB-B and IJB-C: templates of several pictures and video frames (Whitelam et al. 2017, Maze et al. 2018).

Files, as the benchmarks and everyone who reports on them exchange them, fields parted by a space:

- pictures, ``ijbc_face_tid_mid.txt``: ``image template medium``, one line a picture;
- pairs, ``ijbc_template_pair_label.txt``: ``template template 1`` or ``0``;
- points, ``ijbc_name_5pts_score.txt``: ``image x1 y1 … x5 y5 score``, in the order of the pictures; optional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import NotFoundError, UsageError
from mien.evaluate.embed import Embedded
from mien.evaluate.protocols.pairs import PairList
from mien.types.arrays import FloatArray, Points

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """Templates to compare, and the pictures they are made of.

    Args:
        pairs: over templates; their ids are its samples, and it has no sources.
        pictures: (k,) files, each once.
        picture, template, medium: (m,) rows of `pictures`, rows of the templates, numbers of media: one entry a line.
        points: (k, 5, 2) of the pictures, or None: faces are looked for.
        quality: (k,) the score that came with the points, or None.
    """

    pairs: PairList
    pictures: tuple[Path, ...]
    picture: Ints
    template: Ints
    medium: Ints
    points: Points | None = None
    quality: FloatArray | None = None


def read_templates(pictures: Path, pairs: Path, root: Path, points: Path | None = None) -> TemplateSet:
    """The sets that the two or three files describe.

    Args:
        pictures: the file of pictures.
        pairs: the file of pairs.
        points: the file of points, if there is one.
        root: what image names are relative to.

    Raises:
        NotFoundError: a file is not there.
        UsageError: a line that is not as above, a missing picture, a pair of an unknown template, one class only.
    """
    names, template_ids, medium = _columns(pictures, "image template medium", ("name", "text", "number"))
    templates, template = np.unique(template_ids, return_inverse=True)
    unique, first, picture = np.unique(names, return_index=True, return_inverse=True)
    paths = tuple(root / str(name) for name in unique)
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{pictures} names {path.name}, which is not in {path.parent}", source=str(path))
    found = None if points is None else _points(points, names)
    return TemplateSet(
        pairs=_pairs(pairs, templates),
        pictures=paths,
        picture=picture.astype(np.int64),
        template=template.astype(np.int64),
        medium=medium.astype(np.int64),
        points=None if found is None else found[first, :10].reshape(-1, 5, 2),
        quality=None if found is None else found[first, 10],
    )


def _pairs(path: Path, templates: NDArray[np.str_]) -> PairList:
    a_ids, b_ids, label = _columns(path, "template template label", ("text", "text", "number"))
    sides: list[Ints] = []
    for named in (a_ids, b_ids):
        rows = np.minimum(np.searchsorted(templates, named), len(templates) - 1)
        unknown = templates[rows] != named
        if unknown.any():
            line = int(np.argmax(unknown))
            raise UsageError(f"{path}, line {line + 1}: template {named[line]} has no pictures", source=str(path))
        sides.append(rows.astype(np.int64))
    if not np.isin(label, (0, 1)).all():
        line = int(np.argmin(np.isin(label, (0, 1))))
        raise UsageError(f"{path}, line {line + 1}: the label must be 1 or 0, got {label[line]}", source=str(path))
    if label.all() or not label.any():
        raise UsageError(f"{path}: all pairs have the label {label[0]}; both are needed", code="one-class")
    ids = tuple(str(name) for name in templates)
    return PairList(path.stem, ids, (), a=sides[0], b=sides[1], mated=label == 1)


def _columns(path: Path, form: str, kinds: Sequence[str]) -> list[NDArray[np.generic]]:
    """Columns of a file without a header, by pyarrow: the pair list of IJB-C has 15.7 million lines."""
    import pyarrow as pa
    import pyarrow.csv

    if not path.is_file():
        raise NotFoundError(f"{path}: no such file", source=str(path))
    names = [str(i) for i in range(len(kinds))]
    types = {name: pa.int64() if kind == "number" else pa.string() for name, kind in zip(names, kinds, strict=True)}
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(column_names=names),
            parse_options=pyarrow.csv.ParseOptions(delimiter=" ", quote_char=False),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types),
        )
    except pa.ArrowInvalid as error:
        what = " ".join(str(error).split())
        raise UsageError(f"{path}: every line must be '{form}': {what}", code="pair-list", source=str(path)) from error
    if not len(table):
        raise UsageError(f"{path}: nothing in it; every line must be '{form}'", code="pair-list", source=str(path))
    return [
        np.asarray(table[name].to_numpy(), np.int64 if kind == "number" else np.str_)
        for name, kind in zip(names, kinds, strict=True)
    ]


def _points(path: Path, names: NDArray[np.generic]) -> FloatArray:
    """(m, 11) x and y of five points and a score, in the order of the pictures."""
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file", source=str(path))
    rows = [line.split() for line in path.read_text("utf-8").splitlines()]
    if len(rows) != len(names) or any(len(row) != 12 for row in rows):
        raise UsageError(f"{path}: needs a line 'image x1 y1 … x5 y5 score' for each of {len(names):,} pictures")
    for line, (row, name) in enumerate(zip(rows, names, strict=True), 1):
        if row[0] != name:
            raise UsageError(f"{path}, line {line}: {row[0]} stands where the picture list has {name}")
    try:
        values = np.array([row[1:] for row in rows], np.float32)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
    if not np.isfinite(values).all():
        raise UsageError(f"{path}: line {int(np.argmin(np.isfinite(values).all(axis=1))) + 1} has a value that is none")
    return values


def pool(pictures: Embedded, templates: TemplateSet, *, weigh: bool = False) -> Embedded:
    """One vector a template: frames of a medium are averaged, media are added, and the sum is scaled to length 1.

    So a video of hundreds of frames counts as much as one photograph. Rows keep their length on the way: vectors that
    were not scaled to 1 weigh by their norm, which grows with quality in most networks.

    Args:
        pictures: one row a picture; failed ones take no part.
        templates: which of them belong together.
        weigh: multiply each vector by the quality of its picture first.

    Returns:
        One row a template; failed where none of its pictures gave a vector.
    """
    used = ~pictures.failed[templates.picture]
    rows, template, medium = templates.picture[used], templates.template[used], templates.medium[used]
    vectors = pictures.vectors[rows]
    if weigh:
        vectors = vectors * pictures.quality[rows, None]
    count = len(templates.pairs.samples)
    media, of = np.unique(np.stack([template, medium]), axis=1, return_inverse=True)
    means = _sums(vectors, of.ravel(), media.shape[1]) / np.maximum(np.bincount(of.ravel()), 1)[:, None]
    sums = _sums(means, media[0], count)
    lengths = np.linalg.norm(sums, axis=1)
    failed = lengths == 0
    unit = (sums / np.where(failed, 1, lengths)[:, None]).astype(np.float32)
    quality = np.zeros(count, np.float32)
    np.maximum.at(quality, template, pictures.quality[rows])
    return Embedded(unit, failed, tuple("no-face" if lost else "" for lost in failed), quality)


def _sums(vectors: NDArray[np.floating], of: Ints, count: int) -> NDArray[np.float64]:
    """(count, d) sums of the rows that belong together."""
    from scipy.sparse import csr_array

    ones = np.ones(len(of))
    sums: NDArray[np.float64] = csr_array((ones, (of, np.arange(len(of)))), (count, len(of))) @ vectors
    return sums
