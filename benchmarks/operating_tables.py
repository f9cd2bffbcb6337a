"""False match rate against threshold, on development data, as the ``[operating]`` table of a card.

    python benchmarks/operating_tables.py --embedder sface --precision f32 --write

Every pair of pictures of different people of LFW view 1 (``pairsDevTest.txt``), the face nearest to the centre of each.
Intervals come from a bootstrap over people, since pairs that share a person are not independent. The extremal index is
the share of the independent-comparisons FPIR that probes really meet in searches among these people. The tail is a
exponential fit to the highest scores. The histogram counts all scores, mated and not.

``--write`` puts the table into the card's file, in place of the one there.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lfw import arguments, models, read_pairs, templates
from mien.evaluate.metrics.tables import compare_all, operating_table, table_lines
from mien.models import find_card

DATA_LINE = "LFW deep-funneled, view 1 test people, all non-mated pairs"


def write(path: Path, lines: list[str]) -> None:
    """Put the table in place of the card's own, or at its end."""
    text = path.read_text()
    table = "\n".join(lines) + "\n"
    found = re.search(r"^\[operating\]\n.*?(?=^\[(?!operating\.)|\Z)", text, re.DOTALL | re.MULTILINE)
    path.write_text(text.replace(found.group(), table) if found else f"{text.rstrip()}\n\n{table}")


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--write", action="store_true", help="put the table into the card")
    parser.add_argument(
        "--top", type=int, default=0, help="show so many of the highest non-mated pairs, to find wrong labels"
    )
    options = parser.parse_args()
    pairs = read_pairs(options.data / "lfw" / "pairsDevTest.txt")
    names = sorted({p.a for p in pairs} | {p.b for p in pairs})
    for embedder in options.embedder.split(","):
        vectors, failed = templates(models(options, embedder), options.data / "lfw" / "images", names)
        kept = [i for i, name in enumerate(names) if name not in failed]
        owners = sorted({name.split("/")[0] for name in names})
        people = np.array([owners.index(names[i].split("/")[0]) for i in kept])
        command = f"python benchmarks/operating_tables.py --embedder {embedder} --precision {options.precision}"
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        measured = compare_all(vectors[kept], people)
        lines = table_lines(operating_table(measured, data=DATA_LINE, date=today, command=command))
        print("\n".join(lines))
        if options.top:
            show_top(vectors[kept], people, [names[i] for i in kept], options.top)
        if options.write:
            write(find_card(embedder, "embedder").path, lines)


def show_top(vectors: NDArray[np.float32], people: NDArray[np.int64], names: list[str], count: int) -> None:
    scores = np.triu(vectors @ vectors.T, 1)
    scores[people[:, None] == people[None, :]] = -1
    for flat in np.argsort(-scores, axis=None)[:count]:
        i, j = divmod(int(flat), len(names))
        print(f"# {scores[i, j]:.4f} {names[i]} {names[j]}")


if __name__ == "__main__":
    main()
