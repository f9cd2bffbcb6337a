"""Quality scores on drawn faces: who is compared, what is made worse, what the report says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import NotFoundError, UsageError
from mien.evaluate.metrics.edc import SHARES
from mien.evaluate.protocols.subjects import read_subjects
from mien.evaluate.quality import Plan, check_kinds, measure_utility, read_examples
from mien.evaluate.quality_faces import Harm, Raters, look
from mien.evaluate.quality_raters import check, known
from mien.evaluate.quality_report import quality_report
from mien.evaluate.report import render_report
from mien.models.card import InputContract
from mien.models.embedders.arcface import ArcFace
from mien.pipeline import Pipeline
from mien.quality.components import components
from mien.quality.utility import Sights
from mien.quality.utility.degradations import degradations
from mien.testing.toys import ToyDetector, draw_picture
from mien.types.arrays import FloatArray
from mien.types.template import Precision, TemplateContract

PEOPLE, EACH = 12, 4


@dataclass(frozen=True)
class Fields:
    """A network whose answer is the 4 x 4 fields of a drawn face in red and blue."""

    batch: int = 4
    engine: str = "onnxruntime"
    precision: Precision = Precision.F32

    def run(self, pixels: FloatArray) -> tuple[FloatArray, ...]:
        fields = pixels[:, [0, 2]].reshape(-1, 2, 4, 28, 4, 28).mean(axis=(3, 5)).reshape(-1, 32)
        return (fields.astype(np.float32),)


PIPELINE = Pipeline(
    ToyDetector(),
    ArcFace(
        TemplateContract("toy", "0" * 64, 32, "toy"),
        Fields(),  # type: ignore[arg-type]
        InputContract((112, 112), 1, "RGB", (127.25, 127.25, 127.25), 1.0),
    ),
)


@dataclass(frozen=True)
class Contrast:
    """How far the fields lie apart: what is lost when a drawn face fades."""

    seen: list[int] = field(default_factory=list)

    def score(self, sights: Sights) -> FloatArray:
        self.seen.append(len(sights))
        return sights.crops[..., 0].std(axis=(1, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people, four photographs each; the last of every second person has faded into fields of nobody."""
    root = tmp_path_factory.mktemp("people")
    random = np.random.default_rng(0)
    for person in range(PEOPLE):
        for number in range(EACH):
            picture = draw_picture([person]).astype(np.float64)
            if number == EACH - 1 and person % 2:
                face = picture[..., 1] > 0
                other = draw_picture([100 + person])
                for channel in (0, 2):
                    mixed = 127 + 0.15 * (0.1 * picture[..., channel] + 0.9 * other[..., channel] - 127)
                    picture[..., channel] = np.where(face, mixed, 0)
            face = picture[..., 1] > 0
            for channel in (0, 2):
                picture[..., channel] += face * random.normal(0, 2, face.shape)
            path = root / f"p{person:02}" / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(path)
    Image.new("RGB", (120, 120)).save(root / "p00" / "nothing.png")
    return root


def test_a_score_that_sees_the_fading_beats_random(folder: Path) -> None:
    raters = Raters({"contrast": Contrast(), "even": Even()})
    found = measure_utility("toy", PIPELINE, read_subjects(folder), raters, Plan(fmr=0.01))
    assert (found.photographs, found.people, found.lost) == (PEOPLE * EACH + 1, PEOPLE, {"no-face": 1})
    assert found.discards.misses.trials == PEOPLE * 6
    assert found.discards.failures == 4
    contrast, even = found.discards.worths["contrast"], found.discards.worths["even"]
    assert contrast.left[3].misses.errors < found.discards.misses.errors / 2
    assert contrast.gain.low > 0
    assert contrast.reached is not None
    assert contrast.reached.low > 0.5
    assert even.left[3].discarded == 0
    assert found.ms.keys() == {"contrast", "even"}


class Even:
    """Says the same of every face."""

    def score(self, sights: Sights) -> FloatArray:
        return np.ones(len(sights), np.float32)


def test_people_with_many_photographs_do_not_fill_the_comparisons_alone(folder: Path) -> None:
    found = measure_utility("toy", PIPELINE, read_subjects(folder), Raters(), Plan(fmr=0.01, mated=2))
    assert found.discards.misses.trials + found.discards.failures == 2 * PEOPLE
    assert found.photographs <= 4 * PEOPLE
    assert (
        found.scores.mated == (found.scores.subjects[found.scores.a] == found.scores.subjects[found.scores.b])
    ).all()


def test_some_of_the_people_are_drawn_by_seed(folder: Path) -> None:
    one, again, other = (
        measure_utility("toy", PIPELINE, read_subjects(folder), Raters(), Plan(fmr=0.05, people=5, seed=seed))
        for seed in (1, 1, 2)
    )
    assert (one.people, one.discards.misses.trials) == (5, 6 * 5)
    assert one.scores.samples == again.scores.samples != other.scores.samples


def test_an_fmr_that_the_comparisons_do_not_support_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="support no FMR below"):
        measure_utility("toy", PIPELINE, read_subjects(folder), Raters(), Plan(fmr=1e-5))


def test_half_of_the_photographs_are_made_worse_by_turns() -> None:
    harm = Harm.half(41, ("blur", "dark"), seed=3)
    kinds, counts = np.unique(harm.kinds, return_counts=True)
    assert dict(zip(kinds.tolist(), counts.tolist(), strict=True)) == {"": 21, "blur": 10, "dark": 10}
    assert np.array_equal(harm.kinds, Harm.half(41, ("blur", "dark"), seed=3).kinds)
    assert not np.array_equal(harm.kinds, Harm.half(41, ("blur", "dark"), seed=4).kinds)
    assert not Harm.half(8, (), seed=3).kinds.any()


def test_a_photograph_made_worse_is_looked_for_a_second_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.evaluate.quality_faces.degradations", {"blur": lambda pixels, *_: 0 * pixels})
    data = read_subjects(folder)
    kinds = np.array(["", "blur", *[""] * (len(data) - 2)])
    found = look(PIPELINE, data.paths, Raters(), harm=Harm(kinds, 0), keep=True)
    assert found.reasons[1] == "no-face"
    assert found.reasons.count("no-face") == 2
    assert found.sights is not None
    assert len(found.sights) == len(found.rows) == len(data) - 2
    assert np.allclose(np.linalg.norm(found.vectors[found.rows], axis=1), 1)
    assert not found.vectors[1].any()


def test_examples_are_every_photograph_as_it_is_and_made_worse(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.evaluate.quality_faces.degradations", {k: lambda p, e, r: p.copy() for k in degradations})
    data = read_subjects(folder)
    examples = read_examples(PIPELINE, data)
    assert len(examples.sights) == 4 * PEOPLE * EACH
    assert np.bincount(examples.harmed).tolist() == [PEOPLE * EACH, 3 * PEOPLE * EACH]
    assert (examples.people == data.people[examples.pictures]).all()


def test_the_report_says_what_the_json_says(folder: Path) -> None:
    raters = Raters({"contrast": Contrast()})
    found = measure_utility("toy", PIPELINE, read_subjects(folder), raters, Plan(fmr=0.01))
    report = quality_report([found], command="mien evaluate quality")
    (result,) = json.loads(json.dumps(report.data))["results"]
    row = result["measures"]["contrast"]["left"][2]
    assert row["share"] == SHARES[2]
    assert [share for share, _ in result["measures"]["contrast"]["curve"]] == pytest.approx(np.linspace(0, 0.3, 31))
    assert result["measures"]["contrast"]["curve"][10][1] == row["fnmr"]["value"]
    cell = report.sections[0].tables[0].rows[0][1 + 2]
    assert f"({row['fnmr']['errors']} of {row['fnmr']['trials']}; " in cell
    text = render_report(report)
    assert "1 photographs gave no face, 4 mated comparisons more failed" in text
    assert text.count("<svg") == 1
    assert "oracle" in text


def test_names_of_scores() -> None:
    assert check(["norm", "components", "norm"]) == ("norm", *components)
    assert {"unified", "norm", "ser-fiq", "recognisability", "forest", "detector", *components} <= set(known())
    with pytest.raises(NotFoundError, match="did you mean 'norm'"):
        check(["nrm"])
    with pytest.raises(UsageError, match="--degrade takes blur, dark, lowres, jpeg, not 'rain'"):
        check_kinds(["blur", "rain"])
