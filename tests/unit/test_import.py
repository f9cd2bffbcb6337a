"""Importing mien defines names and does nothing else."""

import subprocess
import sys

import mien


def test_importing_mien_loads_nothing_heavy():
    code = (
        "import mien, sys\nheavy = ('numpy', 'cv2', 'onnx', 'onnxruntime', 'openvino', 'PIL', 'typer')\n"
        "print(' '.join(m for m in heavy if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_help_and_version_load_no_engine():
    code = (
        "import sys\nfrom mien.cli import main\n"
        "print(' '.join(m for m in ('numpy','cv2','onnx','onnxruntime','openvino','PIL') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_public_name_is_there_and_sorted():
    assert sorted(mien.__all__) == mien.__all__
    for name in mien.__all__:
        assert getattr(mien, name) is not None
