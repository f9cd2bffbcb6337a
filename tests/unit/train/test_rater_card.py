"""What rates faces is exported with a card of its own, and is a head like any other from then on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import ConflictError  # noqa: E402
from mien.evaluate.quality_raters import known, open_raters  # noqa: E402
from mien.geometry.align import ARCFACE  # noqa: E402
from mien.models import LoadSettings, find_card, load_head  # noqa: E402
from mien.models.views import Cuts  # noqa: E402
from mien.quality.utility import Ground  # noqa: E402
from mien.train import export as exporting  # noqa: E402
from mien.train.recipe import read_recipe  # noqa: E402
from mien.train.terms import rating  # noqa: E402
from mien.types.faces import Faces  # noqa: E402
from mien.types.image import Image  # noqa: E402
from training_networks import carry_out  # noqa: E402
from training_toys import draw_crop, write_toy_recipe  # noqa: E402


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user with neither cards nor a cache."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))


def test_the_head_says_what_the_trained_one_says(tmp_path: Path) -> None:
    recipe = write_toy_recipe(tmp_path, steps=20, people=20, more="[terms.cr-fiqa]\n")
    outcome = carry_out(recipe, "model=plain", "model.dimension=16", "validate.steps=1000")
    assert outcome is not None
    to = tmp_path / "out" / "mine.onnx"

    def export() -> None:
        exporting.export(outcome.folder, to, (), command="mien export", say=lambda _: None)

    export()
    card = find_card("mine-cr-fiqa", "head")
    assert (card.kind, card.family) == ("head", "utility")
    assert "mine" in card.summary
    assert card.paper.startswith("Boutros")
    crop = draw_crop(0, 9)
    faces = Faces(np.array([[0, 0, 112, 112]], "f4"), np.ones(1, "f4"), ARCFACE[None].copy(), (112, 112))
    found = load_head("mine-cr-fiqa").look(Cuts(Image(crop), faces)).values
    settings = read_recipe(outcome.folder / "recipe.toml")
    network = exporting.load_backbone(outcome.folder, settings)
    rater = rating.read_raters(outcome.folder, settings, network)["cr-fiqa"]
    assert found == pytest.approx(rating.rate(rater, crop[None], torch.device("cpu")), abs=1e-3)
    assert "mine-cr-fiqa" in known()
    assert [head.card.name for head in open_raters(["mine-cr-fiqa"], Ground("sface", LoadSettings())).heads] == [
        card.name
    ]
    with pytest.raises(ConflictError, match="mine"):
        export()
