"""Engines and libraries must not each start threads of their own for the same cores."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import cv2, numpy as np
from mien.models import LoadSettings, load_embedder
from mien.cores import usable_cores
from mien.runtime import quiet_libraries
from threadpoolctl import threadpool_info

def threads():
    return len(list(Path("/proc/self/task").iterdir()))

embedder = load_embedder("sface", LoadSettings(engine=sys.argv[1]))
before, cores = threads(), usable_cores()
with quiet_libraries(), ThreadPoolExecutor(cores) as pool:
    work = [pool.submit(embedder.embed, np.zeros((4, 112, 112, 3), np.uint8) + i) for i in range(4 * cores)]
    for each in work:
        each.result()
    a = np.ones((600, 600), np.float32)
    cv2.resize(a @ a, (2000, 2000))
    assert cv2.getNumThreads() == 1
    assert all(p["num_threads"] == 1 for p in threadpool_info() if p["user_api"] == "blas")
    print(threads() - before, cores)
"""


@pytest.mark.weights
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted through /proc")
@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_work_on_all_cores_takes_the_workers_and_no_more_than_a_thread_a_core_of_the_engine(
    engine: str, portraits: Path
) -> None:
    del portraits  # the weights are here
    if find_spec(engine) is None:
        pytest.skip(f"no {engine} here")
    done = subprocess.run([sys.executable, "-c", SCRIPT, engine], capture_output=True, text=True, check=True)
    more, cores = map(int, done.stdout.split())
    assert more <= 2 * cores
