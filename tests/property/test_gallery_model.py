"""A gallery behaves as a dictionary of people does, whatever the order of what is done to it."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gallery_toys import picture, templates, unit
from mien.errors import ConflictError
from mien.gallery import Gallery, import_gallery

NAMES = st.sampled_from(["ada", "Ada", "bob", "Ren\u00e9e", "Rene\u0301e", "x'; --"])
SEEDS = st.integers(0, 30)


def key(name):
    return {"Ada": "ada", "Rene\u0301e": "Ren\u00e9e"}.get(name, name)


class GalleryMachine(RuleBasedStateMachine):
    """The model: person (a name, or an id without one) to {reference id: seed}, pictures known, and days consents end.

    A day is a number from 0; -1 stands for a consent that was withdrawn.
    """

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "family.mien"
        self.day = 0
        self.gallery = Gallery.open(self.path, create=True, clock=self.clock)
        self.people = {}
        self.ends = {}
        self.pictures = {}
        self.place = {}

    def teardown(self):
        if hasattr(self, "gallery"):
            self.gallery.close()
            self.folder.cleanup()

    def clock(self):
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=self.day)

    def ended(self, person):
        return self.ends.get(person, 999) <= self.day

    def inherit(self, new, old):
        if old in self.ends:
            self.ends[new] = min(self.ends.get(new, 999), self.ends.pop(old))

    def owner(self, reference):
        return next(person for person, held in self.people.items() if reference in held)

    def drop_empty(self):
        self.people = {p: held for p, held in self.people.items() if held or not p.startswith("#")}
        self.ends = {p: end for p, end in self.ends.items() if p in self.people}

    def refused(self, name, *arguments):
        """Whoever may not be matched is not added to either."""
        if not self.ended(key(name)):
            return False
        try:
            self.gallery.enrol(name, *arguments)
        except ConflictError:
            return True
        raise AssertionError

    def give(self, reference, person):
        old = self.owner(reference)
        self.people[person][reference] = self.people[old].pop(reference)
        if old.startswith("#") and not self.people[old]:
            self.inherit(person, old)

    @rule(name=NAMES, seed=SEEDS)
    def enrol(self, name, seed):
        if self.refused(name, templates(seed)):
            return
        reference, new = self.gallery.enrol(name, templates(seed))
        assert new
        self.people.setdefault(key(name), {})[reference] = seed

    @rule(name=NAMES, seed=SEEDS, number=st.integers(0, 8))
    def enrol_from_picture(self, name, seed, number):
        if self.refused(name, templates(seed), picture(number)):
            return
        reference, new = self.gallery.enrol(name, templates(seed), picture(number))
        there = [r for r, (p, row) in self.place.items() if (p, row) == (number, 0)]
        own = [r for r in there if self.owner(r) == key(name)]
        nameless = [r for r in there if self.owner(r).startswith("#")]
        if own:
            assert (reference, new) == (own[0], False)
        elif nameless:
            assert (reference, new) == (nameless[0], False)
            self.people.setdefault(key(name), {})
            self.give(reference, key(name))
            self.drop_empty()
        else:
            assert new
            self.people.setdefault(key(name), {})[reference] = seed
            self.place[reference] = (number, 0)
        self.pictures[number] = True

    @rule(number=st.integers(0, 8), seeds=st.lists(SEEDS, max_size=3))
    def index(self, number, seeds):
        known = self.pictures.get(number, False)
        ids = self.gallery.add_picture(picture(number), templates(*seeds))
        if not known:
            for row, (reference, seed) in enumerate(zip(ids, seeds, strict=True)):
                label = next(r.subject for r in self.gallery.references() if r.id == reference)
                assert label not in self.people
                self.people[label] = {reference: seed}
                self.place[reference] = (number, row)
        self.pictures[number] = True

    @rule(number=st.integers(0, 8))
    def fail(self, number):
        self.gallery.add_failure(picture(number), "image-truncated")
        self.pictures.setdefault(number, False)

    @precondition(lambda self: self.people)
    @rule(data=st.data(), name=NAMES)
    def rename(self, data, name):
        person = data.draw(st.sampled_from(sorted(self.people)))
        if key(name) not in self.people or key(name) == person:
            self.gallery.rename(person, name)
            self.people[key(name)] = self.people.pop(person)
            if person in self.ends:
                self.ends[key(name)] = self.ends.pop(person)

    @precondition(lambda self: len(self.people) > 1)
    @rule(data=st.data())
    def merge(self, data):
        into, other = data.draw(st.permutations(sorted(self.people)))[:2]
        assert self.gallery.merge(into, other) == len(self.people[other])
        self.people[into] |= self.people.pop(other)
        self.inherit(into, other)

    @precondition(lambda self: any(self.people.values()))
    @rule(data=st.data(), name=NAMES)
    def move(self, data, name):
        reference = data.draw(st.sampled_from(sorted(r for held in self.people.values() for r in held)))
        self.gallery.move(reference, name)
        self.people.setdefault(key(name), {})
        self.give(reference, key(name))
        self.drop_empty()

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def forget(self, data):
        person = data.draw(st.sampled_from(sorted(self.people)))
        self.gallery.forget(person)
        self.erased(person)

    def erased(self, person):
        gone = self.people.pop(person)
        self.ends.pop(person, None)
        shown = {self.place.pop(r)[0] for r in gone if r in self.place}
        for number in shown - {p for p, _ in self.place.values()}:
            del self.pictures[number]

    @precondition(lambda self: self.people)
    @rule(data=st.data(), days=st.integers(1, 20))
    def consent(self, data, days):
        person = data.draw(st.sampled_from(sorted(self.people)))
        self.gallery.set_consent(person, expires=self.clock() + timedelta(days=days))
        self.ends[person] = self.day + days

    @precondition(lambda self: self.people)
    @rule(data=st.data())
    def withdraw(self, data):
        person = data.draw(st.sampled_from(sorted(self.people)))
        self.gallery.withdraw(person)
        self.ends[person] = -1

    @rule(days=st.integers(0, 8))
    def wait(self, days):
        self.day += days

    @rule()
    def sweep(self):
        due = sorted(person for person in self.people if self.ended(person))
        assert sorted(key(receipt["subject"]) for receipt in self.gallery.sweep()) == due
        for person in due:
            self.erased(person)

    @rule()
    def reopen(self):
        self.gallery.close()
        self.gallery = Gallery(self.path, clock=self.clock)

    @rule(name=NAMES)
    def roll_back(self, name):
        try:
            with self.gallery.batch():
                if not self.ended(key(name)):
                    self.gallery.enrol(name, templates(99))
                    self.gallery.withdraw(name)
                raise InterruptedError
        except InterruptedError:
            pass

    @rule()
    def export_and_import(self):
        folder = Path(self.folder.name)
        self.gallery.export(folder / "out.jsonl.gz")
        self.gallery.close()
        self.path = folder / f"again{len(list(folder.iterdir()))}.mien"
        import_gallery(self.path, folder / "out.jsonl.gz")
        self.gallery = Gallery(self.path, clock=self.clock)

    @invariant()
    def the_same_people(self):
        if hasattr(self, "people"):
            found = {
                key(subject.label): {r.id for r in self.gallery.show(subject.label).references}
                for subject in self.gallery.subjects()
            }
            assert found == {person: set(held) for person, held in self.people.items()}
            assert all(self.gallery.knows(picture(n).sha256) == (n in self.pictures) for n in range(9))

    @invariant()
    def the_same_answers(self):
        if hasattr(self, "people"):
            probe = templates(17)
            best = [
                (float(np.max(unit(*held.values()).astype("f8") @ probe.vectors[0].astype("f8"))), person)
                for person, held in self.people.items()
                if held and not self.ended(person)
            ]
            hits = self.gallery.search(probe, 1000)[0]
            assert {key(hit.subject): round(hit.score, 9) for hit in hits} == {p: round(s, 9) for s, p in best}
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)

    @rule()
    def sound(self):
        assert self.gallery.check() == []


TestGallery = GalleryMachine.TestCase
TestGallery.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
