"""Names to factories, filled from the files of a folder and from entry points."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from mien.errors import NotFoundError, UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """A kind of plug-in: ``@detectors.register("yunet")`` in a file of its folder makes it known.

    Args:
        kind: what one entry is called in messages, and the entry-point group ``mien.<kind>``.
        package: the folder, as a dotted name; every module in it is imported at the first look-up.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._factories: dict[str, T] = {}
        self._filled = False

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that gives a factory its name; a name already taken is refused."""

        def add(factory: T) -> T:
            if name in self._factories:
                raise UsageError(f"a {self.kind} named '{name}' is registered already")
            self._factories[name] = factory
            return factory

        return add

    def __getitem__(self, name: str) -> T:
        self._fill()
        if name not in self._factories:
            raise NotFoundError(unknown_name(self.kind, name, list(self)))
        return self._factories[name]

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return iter(sorted(self._factories))

    def _fill(self) -> None:
        if self._filled:
            return
        self._filled = True
        from importlib.metadata import entry_points  # a fiftieth of a second that listing commands need not pay

        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")
        for entry in entry_points(group=f"mien.{self.kind}"):
            if entry.name not in self._factories:
                self._factories[entry.name] = entry.load()


def unknown_name(kind: str, name: str, known: list[str]) -> str:
    """The line for a name that is not known, with the nearest ones that are."""
    near = difflib.get_close_matches(name, known, n=2)
    hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    return f"no {kind} named '{name}'{hint} (known: {', '.join(known) or 'none'})"
