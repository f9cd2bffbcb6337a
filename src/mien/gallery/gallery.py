"""A gallery: people, the templates that stand for them, and the pictures those came from, in one durable file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mien.errors import NotFoundError
from mien.gallery.calls.retention import Retaining
from mien.gallery.check import find_problems
from mien.gallery.exchange import dossier, exporting, importing
from mien.gallery.people import attributes, corrections, groups, operating
from mien.gallery.people.attributes import Value
from mien.gallery.store.database import named_errors
from mien.gallery.store.names import check_name, label_id
from mien.types.arrays import FloatArray
from mien.types.score import OperatingTable
from mien.types.template import Precision, TemplateContract


class Gallery(Retaining):
    """One gallery file. What a call stored is on disk when it returns; several threads and processes may share it.

    The file is opened by the first call that needs it. Every row is compared with its checksum before it is used;
    what does not agree is a StoreCorruptError that names the row. Subjects are given by name or, without one, as
    ``#12``. Also a context manager.

    Args:
        path: the file.
        contract: what the caller's templates are; another one in the file is refused.
        create: make the file if it is not there.
        read_only: refuse every change.
        index: search backend.
        wait_s: how long to wait for another process that writes.
        clock: gives the time, in UTC; whose consent has ended by it is not matched.
        audit_decisions: `search` and `compare` leave audit records too.
    """

    # -- models

    def replace_templates(
        self, contract: TemplateContract, templates: Iterable[tuple[int, FloatArray, Precision]]
    ) -> int:
        """Move the gallery to another model: all references get new templates, or nothing changes.

        Args:
            contract: of the new templates.
            templates: (reference id, (d,) float32 of length 1, precision), every reference once.

        Returns:
            How many.

        Raises:
            ConflictError: some reference is missing; remove those whose picture is gone.
        """
        with self._writing() as (rows, projection):
            count = corrections.reembed(rows, projection, contract, templates, self._utc())
        self._wanted = contract if self._wanted else None
        return count

    def set_operating(self, table: OperatingTable | None, digest: str = "") -> None:
        """Keep the error rates that were measured on this gallery's people; they go when its templates do.

        Args:
            table: put in place of the one there; None takes that away.
            digest: of the contract whose templates it was measured on.

        Raises:
            ModelMismatchError: the gallery's templates are of another model.
        """
        with self._writing() as (rows, _):
            operating.write(rows, table, digest, self._utc())

    # -- correcting

    def rename(self, subject: str, name: str) -> None:
        """Give somebody a name, or another one.

        Raises:
            ConflictError: someone else has it; merging makes the two one.
        """
        name = check_name(name)
        with self._correcting("rename") as (rows, projection):
            corrections.rename(rows, projection, projection.require(subject, str(self.path)), name, self._utc())

    def merge(self, into: str, *others: str) -> int:
        """Make one person of several; `into` keeps its name. Returns how many references moved."""
        with self._correcting("merge") as (rows, projection):
            ids = [projection.require(label, str(self.path)) for label in (into, *others)]
            return corrections.merge(rows, projection, ids[0], ids[1:], self._utc())

    def move(self, reference: int, subject: str | None = None) -> str:
        """Say whose face a reference is; grouping keeps to it.

        Args:
            reference: its id.
            subject: name (made if new) or ``#12``; None for somebody new without a name.

        Returns:
            The subject's label.
        """
        name = None if subject is None or label_id(subject) is not None else check_name(subject)
        with self._correcting("move") as (rows, projection):
            owner = None if subject is None else projection.find(subject)
            if subject is not None and name is None and owner is None:
                projection.require(subject, str(self.path))
            target = corrections.move(rows, projection, reference, owner, name, self._utc())
        with self._reading() as (_, projection):
            return projection.label(target)

    def set_attributes(self, subject: str, values: Mapping[str, Value | None]) -> None:
        """Put down what is known about somebody: a text or a number by key, such as ``{"site": "berlin", "age": 34}``.

        Args:
            subject: name, or ``#12``.
            values: those that are left out stay as they are; None takes one away.

        Raises:
            UsageError: a key or value is not allowed, or there are too many.
        """
        checked = attributes.check(values)
        with self._writing(erase=None in checked.values()) as (rows, projection):
            number, utc = projection.require(subject, str(self.path)), self._utc()
            attributes.record(rows, number, attributes.write(rows, number, checked, utc), utc)

    def separate(self, first: str, second: str) -> None:
        """Say that two are not the same person; grouping never joins them. Merging them takes it back."""
        with self._correcting("separate") as (rows, projection):
            pair = [projection.require(label, str(self.path)) for label in (first, second)]
            corrections.separate(rows, pair[0], pair[1], self._utc())

    def remove(self, references: Sequence[int]) -> int:
        """Delete references that are no faces, or whose picture is gone. Returns how many there were."""
        with self._writing(erase=True) as (rows, projection):
            return corrections.remove(rows, projection, references, self._utc())

    def assign_groups(self, groups_of: Sequence[Sequence[int]], rule: str | None = None) -> int:
        """Take over a grouping: one person a list. Names and corrections that people gave are kept.

        References that stand in no list stay where they are. Doing it twice changes nothing more.

        Args:
            groups_of: lists of reference ids.
            rule: what decided, in words; with it the gallery remembers that all its references have been settled.

        Returns:
            How many references changed their subject.
        """
        with self._writing() as (rows, projection):
            utc = self._utc()
            return groups.assign(rows, projection, groups_of, utc, rule, self._ended_by(rows, utc))

    # -- the file as a whole

    def check(self) -> list[str]:
        """What is wrong with the file, a line each: structure, checksums, audit trail; empty when it is sound."""
        with self._lock, named_errors(self.path):
            self.close()
            return find_problems(self.path, self._wait_s)

    def export(
        self, out: str | os.PathLike[str], *, subject: str | None = None, salvage: bool = False
    ) -> dict[str, int]:
        """Write everything into one portable file: JSON Lines, compressed when its name ends in ``.gz``.

        Args:
            out: replaced whole, or not at all.
            subject: instead all that is held about this person, as one readable JSON document: attributes, consent,
                references, pictures, audit records; it cannot be imported.
            salvage: leave out damaged rows instead of stopping; ``lost`` counts them.

        Returns:
            How many rows of each kind.
        """
        if salvage:
            self.close()
            with self._lock, named_errors(self.path):
                return exporting.salvage(self.path, Path(out), self._wait_s)
        with self._reading() as (rows, projection):
            if subject is None:
                return exporting.export(rows, Path(out))
            number = projection.require(subject, str(self.path))
            return dossier.export(rows, projection, Path(out), number, self._utc())

    def import_(self, file: str | os.PathLike[str]) -> dict[str, int]:
        """Read an exported file into this gallery, which must be empty; ids, times and audit trail are kept.

        Raises:
            ConflictError: the gallery holds something.
            StoreCorruptError: the file is damaged; nothing is stored.
            ModelMismatchError: it is of another model than asked for.
        """
        with self._writing() as (rows, _):
            return importing.import_file(rows, Path(file), self._wanted, self._utc())

    def backup(self, out: str | os.PathLike[str]) -> None:
        """Copy the gallery as it is now, also while others write to it; `out` is replaced whole, or not at all."""
        with self._reading() as (rows, _):
            exporting.backup(rows.database, Path(out))


def import_gallery(
    path: str | os.PathLike[str], file: str | os.PathLike[str], *, compact: bool = False
) -> dict[str, int]:
    """Read an exported file into a new gallery, compact if asked for or if the export is. See `Gallery.import_`."""
    if not Path(file).is_file():
        raise NotFoundError(f"no file {file}", source=str(file))
    with Gallery(path, create=True) as gallery:
        if compact:
            gallery.make_compact()
        receipt = gallery.import_(file)
        gallery.optimize_if_due()
        return receipt
