"""Many pictures, in threads and in processes: every outcome in its place, whatever fails."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from mien.errors import MienError, ModelInvalidError, ModelMissingError, UsageError
from mien.image import Photo
from mien.pipeline import Acquired, Outcome, Pipeline, Policy, Recorder, Seen, stream
from mien.pipeline.batch import MOST_BYTES, MOST_PICTURES, MOST_PIXELS, batches
from mien.pipeline.processes import stream_processes
from mien.pipeline.stream import AHEAD
from mien.testing import ToyDetector, ToyEmbedder, draw_picture
from mien.types.arrays import Crops, Embeddings
from mien.types.faces import Faces
from mien.types.image import Image as Decoded
from mien.types.outcome import Failure

TOYS = Pipeline(ToyDetector(), ToyEmbedder())  # type: ignore[arg-type]
LOAD = partial(Pipeline, ToyDetector(), ToyEmbedder())  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty pictures with 0, 1 or 2 faces of person number = number of the picture, and two that are broken."""
    for i in range(20):
        pixels = draw_picture([i] * (i % 3)) if i % 3 else np.zeros((100, 100, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i:02}.png")
    (tmp_path / "05.png").write_bytes(b"no picture")
    (tmp_path / "13.png").write_bytes(b"")
    return tmp_path


def paths(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def told(outcomes: list[Outcome]) -> list[tuple[str, str, list[list[float]]]]:
    """Kind, source and vectors of each outcome."""
    return [
        (type(o).__name__, o.source, o.templates.vectors.tolist() if isinstance(o, Acquired) else []) for o in outcomes
    ]


def test_outcomes_come_in_the_order_of_the_sources(folder: Path) -> None:
    outcomes = list(stream(TOYS, paths(folder), workers=2))
    assert [outcome.source for outcome in outcomes] == [str(path) for path in paths(folder)]
    for i, outcome in enumerate(outcomes):
        if i in (5, 13):
            assert isinstance(outcome, Failure)
        else:
            assert isinstance(outcome, Acquired)
            assert len(outcome.templates) == len(outcome.templates.vectors) == i % 3


def test_a_vector_is_that_of_its_own_picture(folder: Path) -> None:
    for path, outcome in zip(paths(folder), stream(TOYS, paths(folder), workers=2), strict=True):
        if isinstance(outcome, Acquired) and len(outcome.templates):
            alone = TOYS.templates(Photo.from_pixels(np.asarray(Image.open(path))))
            assert np.array_equal(outcome.templates.vectors, alone.vectors)


def test_processes_answer_as_threads_do(folder: Path) -> None:
    sources = paths(folder)
    with_processes = list(stream_processes(LOAD, sources, processes=2))
    assert told(with_processes) == told(list(stream(TOYS, sources)))


def test_skip_is_asked_here_and_saves_the_decoding(folder: Path) -> None:
    sources = [*paths(folder), *paths(folder)]
    for start in (partial(stream, TOYS), partial(stream_processes, LOAD, processes=2)):
        seen: set[str] = set()
        lock, askers = threading.Lock(), set()

        def skip(picture: Seen, seen: set[str] = seen, lock: threading.Lock = lock, askers: set[int] = askers) -> bool:
            with lock:
                askers.add(os.getpid())
                again = picture.sha256 in seen
                seen.add(picture.sha256)
                return again

        outcomes = list(start(sources, skip=skip))
        assert askers == {os.getpid()}
        assert sum(isinstance(outcome, Acquired) for outcome in outcomes) == len(seen)
        assert sum(type(outcome) is Seen for outcome in outcomes) == 2 * 18 - len(seen)


def test_a_policy_turns_faces_into_failures(folder: Path) -> None:
    outcomes = list(stream(TOYS, paths(folder)[:3], policy=Policy.ONE))
    assert [getattr(outcome, "reason", "") for outcome in outcomes] == ["no-face", "", "several-faces"]


def test_few_pictures_are_under_way_however_many_there_are() -> None:
    taken = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield draw_picture([1])

    outcomes = stream(TOYS, endless(), workers=2)
    for done in range(1, 60):
        next(outcomes)
        assert taken - done <= (AHEAD * 2 + 2) * MOST_PICTURES
    outcomes.close()


def test_large_pictures_go_one_by_one_and_small_ones_together(tmp_path: Path) -> None:
    small, large = b"x" * 10, b"x" * (MOST_BYTES + 1)
    assert [len(batch) for batch in batches([small] * 20)] == [8, 8, 4]
    assert [len(batch) for batch in batches([large, large, small, small, large])] == [1, 1, 2, 1]
    assert [len(batch) for batch in batches([tmp_path / "not-there.jpg"])] == [1]


class PickyDetector(ToyDetector):
    """Fails for every call with a picture of person 3; counts the pictures of each call."""

    calls: ClassVar[list[int]] = []

    def detect_many(self, images: Sequence[Decoded]) -> list[Faces]:
        self.calls.append(len(images))
        if any(image.source.endswith("03.png") for image in images):
            raise ModelInvalidError("not this one")
        return super().detect_many(images)


def test_a_picture_that_the_detector_refuses_fails_alone(folder: Path) -> None:
    sources = [path for path in paths(folder) if path.stem in ("01", "02", "03", "04", "05")]
    PickyDetector.calls.clear()
    outcomes = list(stream(Pipeline(PickyDetector(), ToyEmbedder()), sources, workers=1))  # type: ignore[arg-type]
    assert PickyDetector.calls == [4, 1, 1, 1, 1]
    assert [isinstance(outcome, Failure) for outcome in outcomes] == [False, False, True, False, True]
    assert (outcomes[2].source, getattr(outcomes[2], "reason", "")) == (str(sources[2]), ModelInvalidError("").code)


def test_only_a_few_pixels_are_held_decoded(tmp_path: Path) -> None:
    side = math.isqrt(MOST_PIXELS // 2)
    for i, one in enumerate((side, side, side, 2 * side, 100, 100)):
        Image.fromarray(np.zeros((one, one, 3), np.uint8)).save(tmp_path / f"{i}.png")
    PickyDetector.calls.clear()
    list(stream(Pipeline(PickyDetector(), ToyEmbedder()), paths(tmp_path), workers=1))  # type: ignore[arg-type]
    assert PickyDetector.calls == [2, 1, 1, 2]


class BrokenEmbedder(ToyEmbedder):
    """Fails for every crop."""

    def embed(self, crops: Crops) -> Embeddings:
        raise ModelMissingError("the weights went away")


class DyingDetector(ToyDetector):
    """Takes its process with it."""

    def detect(self, image: Decoded) -> object:  # type: ignore[override]
        os._exit(7)


def no_models() -> Pipeline:
    raise ModelMissingError("no weights here")


def test_an_error_that_is_not_of_one_picture_ends_the_run(folder: Path) -> None:
    broken = partial(Pipeline, ToyDetector(), BrokenEmbedder())  # type: ignore[arg-type]
    with pytest.raises(ModelMissingError, match="went away"):
        list(stream(broken(), paths(folder)))
    with pytest.raises(ModelMissingError, match="went away"):
        list(stream_processes(broken, paths(folder), processes=2))


def test_models_that_do_not_load_in_a_worker_say_why(folder: Path) -> None:
    with pytest.raises(ModelMissingError, match="no weights here"):
        list(stream_processes(no_models, paths(folder), processes=2))


def test_a_worker_that_dies_gives_one_error(folder: Path) -> None:
    dying = partial(Pipeline, DyingDetector(), ToyEmbedder())  # type: ignore[arg-type]
    with pytest.raises(MienError, match="exit code 7") as caught:
        list(stream_processes(dying, paths(folder), processes=2))
    assert caught.value.code == "worker-ended"


def test_leaving_early_ends_the_workers(folder: Path) -> None:
    from multiprocessing import active_children

    outcomes = stream_processes(LOAD, paths(folder) * 10, processes=2)
    next(outcomes)
    assert len(active_children()) == 2
    outcomes.close()
    assert not active_children()


def test_an_open_file_cannot_go_to_another_process(folder: Path) -> None:
    with paths(folder)[0].open("rb") as file, pytest.raises(UsageError, match="path or its bytes"):
        list(stream_processes(LOAD, [file], processes=1))


def test_workers_of_all_processes_are_counted(folder: Path) -> None:
    recorder = Recorder(trace=True)
    list(stream_processes(LOAD, paths(folder), processes=2, recorder=recorder))
    items = {stage.name: stage.items for stage in recorder.profile().stages}
    assert items["open"] == 20
    assert items["decode"] == 18
    assert items["embed"] == sum(i % 3 for i in range(20) if i not in (5, 13))
    assert len({event["pid"] for event in recorder.trace()["traceEvents"]}) >= 2
