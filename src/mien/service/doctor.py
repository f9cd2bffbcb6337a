"""What would go wrong on this machine, looked up before it does."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions, version

from mien.errors import MienError
from mien.version import __version__

LEAST_SPACE = 200_000_000
"""Bytes that the weights of all cards take, twice."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `ok`, or what to do about it."""

    subject: str
    ok: bool
    text: str
    remedy: str = ""

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"subject": self.subject, "ok": self.ok, "text": self.text, "remedy": self.remedy}


def examine() -> list[Finding]:
    """All findings, in the order in which they matter."""
    return [*_system(), *_engines(), *_doubled_opencv(), *_cache(), *_weights(), *_tuned(), _sqlite(), _pillow()]


def _system() -> Iterator[Finding]:
    from mien.cores import usable_cores
    from mien.runtime.report import instruction_sets

    cores = usable_cores()
    machine = f"{platform.system()} {platform.machine()}, {cores} cores"
    text = f"mien {__version__}, Python {platform.python_version()}, {machine}"
    yield Finding("system", sys.version_info >= (3, 11), text)
    yield Finding("instruction sets", True, ", ".join(instruction_sets()) or "not told by this system")


def _engines() -> Iterator[Finding]:
    from mien.runtime.report import engine_reports

    for report in engine_reports():
        if report.usable:
            chosen = ", chosen for many pictures" if report.chosen else ""
            yield Finding(
                report.name,
                True,
                f"{report.version or 'another build'}, {report.precision}, {', '.join(report.devices)}{chosen}",
            )
        elif report.name == "openvino" and platform.machine().lower() not in ("x86_64", "amd64"):
            yield Finding(report.name, True, "not for this processor")
        else:
            yield Finding(report.name, False, report.problem or "not installed", f"pip install {report.name}")
    builds = _installed("onnxruntime")
    if len(builds) > 1:
        yield Finding("onnxruntime", False, f"{', '.join(builds)} overwrite each other", "keep one, reinstall it")


def _doubled_opencv() -> Iterator[Finding]:
    builds = _installed("opencv")
    remedy = "two builds share one cv2 folder: uninstall all of them, then install opencv-python-headless alone"
    yield Finding("opencv", len(builds) == 1, ", ".join(builds) or "none", "" if len(builds) == 1 else remedy)


def _installed(prefix: str) -> list[str]:
    names = {f"{d.name} {d.version}" for d in distributions() if d.name and d.name.lower().startswith(prefix)}
    return sorted(names)


def _cache() -> Iterator[Finding]:
    from mien.models import cache_folder

    try:
        folder = cache_folder()
    except MienError as error:
        yield Finding("cache", False, error.message)
        return
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    writable = os.access(nearest, os.W_OK | os.X_OK)
    yield Finding(
        "cache", writable, str(folder), "" if writable else "make it writable, or set MIEN_CACHE to a folder that is"
    )
    free = shutil.disk_usage(nearest).free
    yield Finding(
        "space", free > LEAST_SPACE, f"{free / 1e9:.1f} GB free there", "" if free > LEAST_SPACE else "free some space"
    )


def _weights() -> Iterator[Finding]:
    from mien.models import Store, cards

    for card in cards():
        try:
            states = Store().states(card)
        except MienError as error:
            yield Finding(f"weights {card.name}", False, error.message)
            continue
        worst = next((state for state in ("damaged", "missing") if state in states.values()), "good")
        text = {"good": "here and whole", "missing": "not fetched yet", "damaged": "damaged"}[worst]
        remedy = f"mien models pull {card.name}" if worst == "damaged" else ""
        yield Finding(f"weights {card.name}", worst != "damaged", text, remedy)


def _tuned() -> Iterator[Finding]:
    """What each model runs on over many pictures, and why."""
    from mien.models import Store, cards, int8
    from mien.models.tuning import remembered
    from mien.runtime.choose import choose

    rule, store = choose("auto", "auto", "throughput"), Store()
    for card in cards():
        if card.input is None or not store.has(card):
            continue
        tuning = remembered(card, store)
        best = tuning.choice() if tuning else None
        if tuning and best:
            text = f"{best.engine} {best.precision}, {best.ms:g} ms as measured on {tuning.date}"
        else:
            text = f"{rule.engine} {rule.precision} by rule, not measured here (`mien models tune {card.name}`)"
        made = "; int8 network at hand, for --precision int8" if int8.has(card, store) else ""
        yield Finding(f"engine {card.name}", True, text + made)


def _sqlite() -> Finding:
    import apsw

    from mien.gallery.store.database import LEAST_SQLITE

    found = apsw.sqlite_lib_version()
    ok = tuple(int(part) for part in found.split(".")) >= LEAST_SQLITE
    return Finding("sqlite", ok, f"{found} through apsw {version('apsw')}", "" if ok else "pip install --upgrade apsw")


def _pillow() -> Finding:
    found = version("pillow")
    ok = int(found.split(".")[0]) >= 13
    return Finding(
        "pillow", ok, found, "" if ok else "older ones can be attacked by a picture: pip install --upgrade pillow"
    )
