"""`mien evaluate quality`: refusals before any work, and a run on photographs."""

import json

import numpy as np
import pytest
from PIL import Image

from mien.cli.main import run


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--measures", "nrm"], 4, "did you mean 'norm'"),
        (["--degrade", "rain"], 2, "--degrade takes blur, dark, lowres, jpeg"),
        (["--fmr", "2"], 2, "--fmr takes rates between 0 and 1"),
        (["--measures", "forest"], 2, "name some with --fit"),
        (["--root", "nowhere"], 4, "nowhere"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_line(tmp_path, capsys, options, code, said):
    for name in ("ada/1.png", "ada/2.png", "bo/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (90, 90)).save(tmp_path / name)
    assert run(["evaluate", "quality", "--root", str(tmp_path), *options]) == code
    assert said in capsys.readouterr().err


@pytest.mark.data
@pytest.mark.weights
def test_london_made_worse(data, weights, tmp_path, capsys):
    rows = ["file,subject"]
    for folder in ("neutral_front", "smiling_front"):
        rows += [f"{path},{path.name[:3]}" for path in sorted((data / "london" / folder).glob("*.jpg"))[:12]]
    (tmp_path / "some.csv").write_text("\n".join(rows))
    arguments = ["--root", str(tmp_path / "some.csv"), "--degrade", "blur,lowres", "--fmr", "0.02"]
    arguments += ["--measures", "norm,ser-fiq,recognisability", "--fit", str(tmp_path / "some.csv")]
    assert run(["evaluate", "quality", *arguments, "--report", str(tmp_path / "report"), "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert (result["photographs"], result["people"]) == (24, 12)
    assert result["degraded"] == {"blur": 6, "lowres": 6}
    assert (result["misses"]["trials"], result["false_matches"]["trials"]) == (12, 24 * 23 // 2 - 12)
    assert result["measures"].keys() == {"norm", "ser-fiq", "recognisability"}
    shares = [row["discarded"] for row in result["measures"]["norm"]["left"]]
    assert shares == pytest.approx([0, 0, 1 / 12, 2 / 12])
    assert np.isfinite(result["measures"]["norm"]["ms"])
    assert "<svg" in (tmp_path / "report" / "report.html").read_text()
