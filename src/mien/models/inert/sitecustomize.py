"""First on PYTHONPATH of the pip that fetches archives: keeps a package's own code from running.

`pip download` of a source archive asks the archive's build backend for its name and version, that is, it runs code of
the package (pip issue 1884), although all that is wanted is the archive. Python imports a module of this name before
anything else, so in every Python that pip starts this file comes first: it puts itself in the place of the backend, and
answers with the name and version that were asked for. Whatever is not the known way of calling a backend is ended:
rather no archive than code run.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

START = "import sitecustomize; sitecustomize.run_pip()"
"""The command that starts pip under this file; it fails where this file is not in force."""

# Between pip and the process in which it calls a backend (pyproject_hooks 1.2 and later, pip 24.3 and later).
_BACKEND = "_PYPROJECT_HOOKS_BUILD_BACKEND"
_BACKEND_PATH = "_PYPROJECT_HOOKS_BACKEND_PATH"


def run_pip() -> None:
    """Run pip in this process, with the arguments of this process."""
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: object = None) -> str:
    """The only thing pip asks of a backend for a download (PEP 517): write METADATA, name its folder."""
    name, version = os.environ["MIEN_SDIST"].split("==")
    folder = Path(metadata_directory) / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    return folder.name


def _take_over() -> None:
    """In a process that pip started: be the backend, or end."""
    if Path(sys.orig_argv[1]).name.startswith("keyring"):  # pip asks it for passwords of private indexes
        return
    if _BACKEND not in os.environ:
        sys.stderr.write("mien: a package tried to run its own code while it was fetched; refused\n")
        os._exit(1)
    os.environ[_BACKEND] = __name__
    os.environ.pop(_BACKEND_PATH, None)


if START not in sys.orig_argv and "MIEN_SDIST" in os.environ:
    _take_over()
