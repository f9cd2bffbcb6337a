"""A virtual environment for each peer, and the float weight files that peers can load; made once, then kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from peers.process import PeerError

HERE = Path(__file__).parent
WEIGHTS = {"yunet": "face_detection_yunet_2023mar.onnx", "sface": "face_recognition_sface_2021dec.onnx"}
"""Card, and the name under which the OpenCV Zoo publishes the float file."""


def interpreter(system: str, folder: Path) -> Path:
    """The Python that a system runs in: mien in the harness's own, a peer in an environment of its own.

    Args:
        system: such as ``opencv`` or ``mien-f32``.
        folder: where environments are kept.

    Raises:
        PeerError: it cannot be installed; says why.
    """
    name = system.partition("-")[0]
    if name == "mien":
        return Path(sys.executable)
    requirements = HERE / f"{name}.txt"
    python = folder / name / "bin" / "python"
    mark = folder / name / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(folder / name, ignore_errors=True)
        _run(name, [sys.executable, "-m", "venv", str(folder / name)])
        # All requirements are listed, and one of face_recognition's cannot be met: dlib-bin stands in for dlib.
        _run(
            name,
            [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "-r",
                str(requirements),
            ],
        )
        mark.write_text(wanted)
    return python


def _run(name: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise PeerError(f"{name}: cannot be installed: {lines[-1].strip()}")


def environment(home: Path) -> dict[str, str]:
    """Variables for a worker: the user's, without what would change a library's own choice of threads or code."""
    dropped = ("OPENBLAS_", "OMP_", "MKL_", "PYTHON", "OPENCV_", "TF_", "DEEPFACE_", "VERIFYFACE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "DEEPFACE_HOME": str(home), "VERIFYFACE_HOME": str(home)}


def weights(home: Path) -> Path:
    """Folder with YuNet and SFace in float32, made from the files that mien verified.

    The published int8 blocks load neither in OpenCV 5 (SFace) nor in ONNX Runtime as they are. They are made float and
    nothing else: no layer is merged. Below `home` it is where deepface looks.
    """
    from mien.models import Store, find_card
    from mien.runtime.rewrites import Graph
    from mien.runtime.rewrites.drop_stale_inputs import drop_stale_inputs
    from mien.runtime.rewrites.fold_constants import fold_constants
    from mien.runtime.rewrites.fold_dequantize import fold_dequantize

    folder = home / ".deepface" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    store = Store()
    for name, file in WEIGHTS.items():
        if not (folder / file).exists():
            card = find_card(name)
            store.pull(card)
            graph = Graph.parse(store.read(card, card.file))
            for step in (drop_stale_inputs, fold_dequantize, fold_constants):
                graph = step(graph)
            draft = folder / f"{file}.draft"
            draft.write_bytes(graph.to_bytes())
            draft.rename(folder / file)
    return folder
