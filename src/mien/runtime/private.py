"""Engines that report their use to their makers are told not to, before they are imported.

ONNX Runtime (from 1.29) sends events about sessions and models and keeps a device id on the disk; OpenVINO, and NNCF
with it, send each import to a web analytics service. Nothing of that is wanted where faces are processed.
"""

from __future__ import annotations

import os
import sys


def keep_private() -> None:
    """Turn both off in this process and its children; must come before the first import of an engine."""
    os.environ["ORT_DISABLE_TELEMETRY"] = os.environ["ORT_TELEMETRY_DISABLED"] = "1"
    if "openvino_telemetry" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # its users do without what cannot be imported
