"""``torchrun --nproc-per-node 8 -m mien.train RECIPE``: `mien train` in several processes; the first one speaks."""

from __future__ import annotations

import sys

from mien.cli.main import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
