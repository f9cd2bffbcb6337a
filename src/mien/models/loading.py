"""From a name to a detector, an embedder or a head: allowed, verified and tested; each loaded once in a process."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import RLock
from typing import Any, TypeVar

from mien.cores import processor
from mien.errors import ModelMissingError
from mien.models.blob import pixel_input
from mien.models.card import Card
from mien.models.catalogue import find_card, parts_of
from mien.models.detectors import Detector, detectors
from mien.models.embedders import Embedder, embedders
from mien.models.fused import fuse
from mien.models.heads import Head, arithmetic, heads
from mien.models.int8 import read as read_int8
from mien.models.licences import require_licence
from mien.models.sources import Progress
from mien.models.store import Store
from mien.models.tuning import remembered
from mien.runtime import PixelInput, Session, Threads, open_session
from mien.runtime.selftest import check_golden, golden_vector
from mien.types.arrays import FloatArray
from mien.types.template import Precision
from mien.version import __version__

T = TypeVar("T")

TEST_SIDE = 256
"""Pixels a side of the self-test's input where the network takes any size."""

# Reentrant: a fused embedder loads its parts.
_lock = RLock()
_loaded: dict[Hashable, Any] = {}


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How models are run, and which may be.

    Args:
        engine, precision, threads, device: as `mien.runtime.open_session` takes them. Where engine or precision is
            ``auto`` and many pictures follow, a measurement of `mien models tune` decides, if there is one. ``int8``
            is for embedders; the detector then runs as with ``auto``.
        allow_licence: ``permissive``, ``non-commercial`` or ``any``.
        offline: missing weights are an error instead of a download.
    """

    engine: str = "auto"
    precision: str = "auto"
    threads: Threads = "throughput"
    device: str = "cpu"
    allow_licence: str = "permissive"
    offline: bool = False


DEFAULTS = LoadSettings()


def load_detector(
    name: str = "yunet", settings: LoadSettings = DEFAULTS, *, progress: Progress | None = None
) -> Detector:
    """The detector of a card.

    Args:
        name: of the card, or the path of one.
        settings: how to run it.
        progress: told how far a download is, where one is needed.

    Raises:
        NotFoundError: no such card or family.
        LicenceError: the policy does not allow it.
        ModelError: the weights are missing, altered, invalid, or fail the self-test.
        UsageError: settings that this machine cannot run.
    """
    return _once(("detector", name, settings), lambda: _detector(find_card(name, "detector"), settings, progress))


def load_embedder(
    name: str = "sface", settings: LoadSettings = DEFAULTS, *, progress: Progress | None = None
) -> Embedder:
    """The embedder of a card; arguments and errors as those of `load_detector`."""
    return _once(("embedder", name, settings), lambda: _embedder(find_card(name, "embedder"), settings, progress))


def load_head(name: str, settings: LoadSettings = DEFAULTS, *, progress: Progress | None = None) -> Head:
    """The head of a card; arguments and errors as those of `load_detector`.

    Heads run in float32 unless a precision is named: they are small, and their errors were measured so.
    """
    return _once(("head", name, settings), lambda: _head(find_card(name, "head"), settings, progress))


def _once(key: Hashable, load: Callable[[], T]) -> T:
    with _lock:
        if key not in _loaded:
            _loaded[key] = load()
        model: T = _loaded[key]
        return model


def _detector(card: Card, settings: LoadSettings, progress: Progress | None) -> Detector:
    factory = detectors[card.family]
    if settings.precision == Precision.INT8:
        settings = replace(settings, engine="auto", precision="auto")
    # An embedder's crops are prepared by NumPy: in bytes they take as long.
    return factory(card, _session(card, settings, progress, pixel_input(card)))


def _embedder(card: Card, settings: LoadSettings, progress: Progress | None) -> Embedder:
    if card.fuse is None:
        factory = embedders[card.family]
        return factory(card, _session(card, settings, progress))
    require_licence(card, settings.allow_licence)
    parts = tuple(load_embedder(part.name, settings, progress=progress) for part in parts_of(card))
    return fuse(card, card.fuse, parts)


def _head(card: Card, settings: LoadSettings, progress: Progress | None) -> Head:
    if not card.files:
        require_licence(card, settings.allow_licence)
        return arithmetic[card.family](card)
    factory = heads[card.family]
    if settings.precision in ("auto", Precision.INT8):
        settings = replace(settings, precision="f32")
    return factory(card, _session(card, settings, progress))


def _session(
    card: Card, settings: LoadSettings, progress: Progress | None, pixels: PixelInput | None = None
) -> Session:
    """The card's network, running and tested."""
    require_licence(card, settings.allow_licence)
    store = Store()
    weights = _bytes(card, store, settings.offline, progress)
    engine, precision = _tuned(card, settings, store)
    session = open_session(
        read_int8(card, store)[1] if precision == Precision.INT8 else weights,
        rewrites=card.rewrites,
        pixels=pixels,
        engine=engine,
        precision=precision,
        threads=settings.threads,
        device=settings.device,
        cache=store.folder / "prepared",
    )
    if card.golden is not None and session.precision is not Precision.INT8:  # that passed a harder check
        _self_test(card, card.golden, session, store, settings.device)
    return session


def _tuned(card: Card, settings: LoadSettings, store: Store) -> tuple[str, str]:
    """Engine and precision, where they are left open as measured here."""
    asked = settings.engine, settings.precision
    if "auto" not in asked or settings.device != "cpu" or settings.threads != "throughput":
        return asked
    tuning = remembered(card, store)
    best = tuning.choice(*asked) if tuning and settings.precision in ("auto", *Precision) else None
    return (best.engine, best.precision.value) if best else asked


def _bytes(card: Card, store: Store, offline: bool, progress: Progress | None) -> bytes:
    """Verified bytes, fetched when they are not here."""
    try:
        return store.read(card, card.file)
    except ModelMissingError:
        if offline:
            raise
    store.pull(card, progress=progress)
    return store.read(card, card.file)


def _self_test(card: Card, golden: FloatArray, session: Session, store: Store, device: str) -> None:
    """Compare with the golden vector, once for all that could change the answer."""
    engine = f"{session.engine} {getattr(sys.modules.get(session.engine), '__version__', '')}"
    answer = hashlib.sha256(golden.tobytes()).hexdigest()
    arithmetic = engine, session.precision, session.pixels, device, processor()
    facts = (card.file.sha256, card.rewrites, answer, __version__, *arithmetic)
    passed = store.folder / "tests" / hashlib.sha256(repr(facts).encode()).hexdigest()
    if passed.exists():
        return
    check_golden(card_vector(card, session), golden, card.name)
    with suppress(OSError):  # a cache that cannot be written costs a test of some milliseconds at every start, no more
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def card_vector(card: Card, session: Session) -> FloatArray:
    """What the self-test compares: (n,) float32, the network's answer to the built-in input."""
    if card.input is None:
        raise ValueError(f"'{card.name}' has no input contract, so no network to test")
    width, height = card.input.size or (_rounded(card.input.multiple), _rounded(card.input.multiple))
    low, high = ((end - card.input.mean[0]) * card.input.scale for end in (0.0, 255.0))
    return golden_vector(session, (1, card.input.channels, height, width), low=low, high=high)


def _rounded(multiple: int) -> int:
    return -(-TEST_SIDE // multiple) * multiple
