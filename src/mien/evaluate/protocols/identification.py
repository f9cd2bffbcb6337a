"""1:N from two lists of pictures: whom the gallery knows, and who asks.

A list is CSV with the header ``file,subject``. A probe whose subject has no row in the gallery list is non-mated. One
run answers four protocols (Deb et al., Face Recognition: Primates in the Wild, BTAS 2018; Phillips et al. 2011):

- *classification*: each mated probe goes to the subject whose mean template is nearest;
- *verification*: each probe against each subject, as if it claimed that identity;
- *closed set*: mated probes only, best reference of each subject, rank 1 and the CMC;
- *open set*: FNIR and detection-and-identification rate where FPIR has a stated value.

Redrawn galleries show how much of a figure is the choice of who is enrolled with which picture.
"""

from __future__ import annotations

import csv
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.embed import Progress, embed_files
from mien.evaluate.metrics.identification import Searches, search, subject_scores
from mien.evaluate.rates import Rate
from mien.evaluate.scores import Scores
from mien.pipeline import Pipeline, Policy
from mien.types.arrays import FloatArray
from mien.types.outcome import Failure

Ints = NDArray[np.int64]
COLUMNS = ["file", "subject"]
MOST_COMPARISONS = 10_000_000
"""Probe-subject scores kept for the verification protocol; of more probes a part is drawn."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Pictures and whom they show, as a list says."""

    paths: tuple[Path, ...]
    subjects: tuple[str, ...]

    def without(self, rows: set[int]) -> Listing:
        """The same list, but for some rows."""
        kept = [i for i in range(len(self.paths)) if i not in rows]
        return Listing(tuple(self.paths[i] for i in kept), tuple(self.subjects[i] for i in kept))


@dataclass(frozen=True, slots=True)
class Samples:
    """All pictures of a run, those of the gallery list first.

    Args:
        paths: of the pictures.
        subjects: (n,) number of the subject of each.
        vectors: (n, d) float32, unit rows; zero where failed.
        failed: (n,) no template.
        reasons: stable codes, empty where there is a template.
        listed: how many rows are of the gallery list.
    """

    paths: tuple[Path, ...]
    subjects: Ints
    vectors: FloatArray
    failed: NDArray[np.bool_]
    reasons: tuple[str, ...]
    listed: int

    @property
    def failures(self) -> list[Failure]:
        """Pictures without a template."""
        rows = zip(self.paths, self.reasons, strict=True)
        return [Failure(str(path), reason, f"{path}: {reason}") for path, reason in rows if reason]


@dataclass(frozen=True, slots=True)
class Draw:
    """Rows of the samples that are enrolled, and rows that are searched."""

    gallery: Ints
    probes: Ints


def read_listing(path: Path, root: Path | None = None) -> Listing:
    """A list of pictures.

    Args:
        path: CSV, UTF-8, header ``file,subject``.
        root: what relative paths start from; None = the folder of the list.

    Raises:
        UsageError: not there, not such a list, empty, a picture twice, or one that is missing; with the line.
    """
    base = path.parent if root is None else root
    paths, subjects = [], []
    seen: dict[Path, int] = {}
    for number, (name, subject) in _rows(path):
        where = f"{path}, line {number}"
        picture = base / name
        if not name or not subject.strip():
            raise UsageError(f"{where}: needs a file and a subject; a stranger gets a name that the gallery has not")
        if picture in seen:
            raise UsageError(f"{where}: {name} stands in line {seen[picture]} already; keep one of the two")
        if not os.path.isfile(picture):  # Path.is_file raises on names that no system allows
            raise UsageError(f"{where}: no file {picture}; paths are relative to --root", code="list-missing-file")
        seen[picture] = number
        paths.append(picture)
        subjects.append(subject.strip())
    if not paths:
        raise UsageError(f"{path} lists no pictures; write a row `file,subject` for each", source=str(path))
    return Listing(tuple(paths), tuple(subjects))


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if [name.strip() for name in header] != COLUMNS:
                raise UsageError(
                    f"{path}: the header must be `{','.join(COLUMNS)}`, not `{','.join(header)[:80]}`", source=str(path)
                )
            rows = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a CSV list", source=str(path)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: no CSV in UTF-8 ({error}); save it as such", source=str(path)) from error
    for number, row in rows:
        if len(row) != len(COLUMNS):
            raise UsageError(f"{path}, line {number}: {len(row)} fields instead of 2; quote names that hold commas")
    return rows


def without_copies(gallery: Listing, probes: Listing) -> tuple[Listing, tuple[Path, ...]]:
    """The probes that are no copy of a gallery picture, and those that are: they would find themselves.

    Raises:
        UsageError: nothing but copies is left to search.
    """
    enrolled = {_digest(path) for path in gallery.paths}
    copies = {row for row, path in enumerate(probes.paths) if _digest(path) in enrolled}
    if len(copies) == len(probes.paths):
        raise UsageError("every probe is a picture of the gallery list; a probe must be another photograph")
    return probes.without(copies), tuple(probes.paths[row] for row in sorted(copies))


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def acquire(
    pipeline: Pipeline,
    gallery: Listing,
    probes: Listing,
    *,
    policy: Policy = Policy.CENTRAL,
    progress: Progress | None = None,
) -> Samples:
    """Templates of both lists; a picture that cannot be used is a failed row.

    Raises:
        UsageError: no picture of the gallery list gave a template.
    """
    paths = (*gallery.paths, *probes.paths)
    embedded = embed_files(pipeline, paths, policy=policy, progress=progress)
    subjects = np.unique((*gallery.subjects, *probes.subjects), return_inverse=True)[1].astype(np.int64)
    listed = len(gallery.paths)
    if embedded.failed[:listed].all():
        reasons = sorted(set(embedded.reasons[:listed]))
        raise UsageError(f"none of the {listed:,} gallery pictures gave a template: {', '.join(reasons)}")
    return Samples(paths, subjects, embedded.vectors, embedded.failed, embedded.reasons, listed)


def as_listed(samples: Samples) -> Draw:
    """The gallery and the probes that the lists name."""
    rows = np.arange(len(samples.subjects))
    return Draw(rows[: samples.listed], rows[samples.listed :])


def redraw(samples: Samples, random: np.random.Generator) -> Draw:
    """Another gallery of the same design from the same pictures.

    As many subjects as the gallery list has are drawn from all; each enrols the list's median number of pictures per
    subject, drawn from its own, but leaves one to search with where it has two. All other pictures are searched.
    """
    listed = samples.subjects[: samples.listed]
    counts = np.unique(listed, return_counts=True)[1]
    each = max(1, int(np.median(counts)))
    everybody = np.unique(samples.subjects)
    enrolled = []
    for subject in random.choice(everybody, len(counts), replace=False).tolist():
        rows = random.permutation(np.flatnonzero(samples.subjects == subject))
        enrolled.append(rows[: max(1, min(each, len(rows) - 1))])
    gallery = np.sort(np.concatenate(enrolled))
    return Draw(gallery, np.setdiff1d(np.arange(len(samples.subjects)), gallery))


def searches_of(samples: Samples, draw: Draw) -> Searches:
    """Every probe of a draw searched in its gallery."""
    sound = draw.gallery[~samples.failed[draw.gallery]]
    probes = draw.probes
    return search(
        samples.vectors[probes],
        samples.subjects[probes],
        samples.failed[probes],
        samples.vectors[sound],
        samples.subjects[sound],
        enrolled=samples.subjects[draw.gallery],
    )


@dataclass(frozen=True, slots=True)
class Classification:
    """Mated probes given to the subject whose mean template is nearest.

    Args:
        correct: over probes; failures are errors of the classifier.
        mean_over_subjects: mean of the subjects' own shares; None without mated probes.
    """

    correct: Rate
    mean_over_subjects: float | None


def classify(samples: Samples, draw: Draw) -> Classification:
    """Nearest class mean (Mensink et al., TPAMI 35, 2013) on unit vectors: the mean of the references, then cosine."""
    sound = draw.gallery[~samples.failed[draw.gallery]]
    names, of = np.unique(samples.subjects[sound], return_inverse=True)
    means = np.zeros((len(names), samples.vectors.shape[1]), np.float32)
    np.add.at(means, of, samples.vectors[sound])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    mated = draw.probes[np.isin(samples.subjects[draw.probes], samples.subjects[draw.gallery])]
    truth = samples.subjects[mated]
    right = np.zeros(len(mated), np.bool_)
    usable = ~samples.failed[mated]
    if usable.any() and len(names):
        scores, columns = subject_scores(samples.vectors[mated[usable]], means, names)
        right[usable] = columns[scores.argmax(axis=1)] == truth[usable]
    shares = [right[truth == subject].mean() for subject in np.unique(truth)]
    return Classification(Rate(int(right.sum()), len(right)), float(np.mean(shares)) if shares else None)


def verification_scores(samples: Samples, draw: Draw, *, name: str, seed: int = 0) -> Scores:
    """Each probe against each subject of the gallery by its best reference, as comparisons.

    Of many probes only as many are drawn as make `MOST_COMPARISONS`; ``meta`` says how many. Samples are the probes,
    then the subjects.
    """
    sound = draw.gallery[~samples.failed[draw.gallery]]
    people = np.unique(samples.subjects[draw.gallery])
    most = max(1, MOST_COMPARISONS // len(people))
    probes = draw.probes
    if len(probes) > most:
        probes = np.sort(np.random.default_rng(seed).choice(probes, most, replace=False))
    scores, columns = subject_scores(samples.vectors[probes], samples.vectors[sound], samples.subjects[sound])
    table = np.full((len(probes), len(people)), -np.inf)
    table[:, np.searchsorted(people, columns)] = scores
    table[samples.failed[probes]] = -np.inf
    asks = samples.subjects[probes]
    mated = asks[:, None] == people[None, :]
    a, b = (rows.ravel() for rows in np.indices(table.shape))
    return Scores(
        name,
        table.ravel(),
        mated.ravel(),
        ~np.isfinite(table.ravel()),
        a=a,
        b=b + len(probes),
        samples=(*(f"probe {i}" for i in range(len(probes))), *(f"subject {i}" for i in range(len(people)))),
        subjects=np.concatenate([asks, people]),
        meta={"probes": len(probes), "subjects": len(people), "seed": seed},
    )
