"""Which machine and which commit a result belongs to; no host name, user or path."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

CLASSES = ("amx_int8", "avx512_vnni", "avx512f", "avx2", "i8mm", "asimddp")
"""What decides the speed of networks, best first: the class of a machine is named after its best."""


def machine() -> dict[str, str]:
    """date, commit, mien, python, cpu, cores, sets (of instructions that matter), system."""
    from mien.evaluate.environment import environment

    facts = environment()
    return {
        "date": facts["date"],
        "commit": commit(),
        "mien": facts["mien"],
        "python": facts["python"],
        "system": facts["system"],
        "cpu": facts["cpu"] or facts["machine"],
        "cores": str(facts["cores"]),
        "instructions": " ".join(facts["instruction_sets"]),
    }


def machine_class(facts: Mapping[str, str]) -> str:
    """Such as ``2core-avx512_vnni``, for file names."""
    best = next((name for name in CLASSES if name in facts["instructions"].split()), "plain")
    return f"{facts['cores']}core-{best}"


def commit() -> str:
    """The short commit of the checkout, with -dirty when files differ from it; '' outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=-dirty", "--abbrev=8"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
