from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.models import LoadSettings, load_embedder
from peers.environments import interpreter, weights
from peers.process import PeerError


@pytest.mark.weights
@pytest.mark.usefixtures("weights")
def test_opencv_makes_the_same_templates_from_the_files_that_peers_get(tmp_path: Path) -> None:
    import cv2

    folder = weights(tmp_path)
    recognizer = cv2.FaceRecognizerSF.create(str(folder / "face_recognition_sface_2021dec.onnx"), "")
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    theirs = np.concatenate([recognizer.feature(crop[:, :, ::-1].copy()) for crop in crops])
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    ours = load_embedder("sface", LoadSettings(engine="onnxruntime", precision="f32")).embed(crops)
    assert (theirs * ours).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-5)


@pytest.mark.weights
@pytest.mark.usefixtures("weights")
def test_files_that_are_there_are_left_alone(tmp_path: Path) -> None:
    file = weights(tmp_path) / "face_detection_yunet_2023mar.onnx"
    file.write_bytes(b"kept")
    weights(tmp_path)
    assert file.read_bytes() == b"kept"


def test_what_cannot_be_installed_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nobody.txt").write_text("./no-such-package\n")
    monkeypatch.setattr("peers.environments.HERE", tmp_path)
    with pytest.raises(PeerError, match=r"^nobody: cannot be installed: \S[^\n]*no-such-package[^\n]*$"):
        interpreter("nobody", tmp_path / "envs")
    assert not (tmp_path / "envs" / "nobody" / "installed").exists()
