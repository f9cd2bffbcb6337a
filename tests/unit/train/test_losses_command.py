"""`mien losses`."""

import json

import pytest

pytest.importorskip("torch", reason="training is the extra [train]")

from mien.cli.main import run
from mien.train.losses import losses


def _answer(capsys, *arguments):
    code = run(["losses", *arguments])
    return code, capsys.readouterr()


def test_every_loss_is_listed_with_its_paper(capsys):
    code, said = _answer(capsys, "--json")
    rows = json.loads(said.out)["losses"]
    assert code == 0
    assert [row["name"] for row in rows] == list(losses)
    assert next(row for row in rows if row["name"] == "arcface")["defaults"] == {"scale": 64.0, "margin_rad": 0.5}
    assert all("arXiv" in row["paper"] for row in rows)


def test_one_loss_is_described_with_its_equation(capsys):
    code, said = _answer(capsys, "cosface")
    assert code == 0
    assert "exp(s (cos t_y - m))" in said.out
    assert "margin=0.35" in said.out


def test_an_unknown_loss_is_not_found(capsys):
    code, said = _answer(capsys, "arcfase", "--json")
    assert code == 4
    assert "did you mean 'arcface'" in json.loads(said.out)["error"]["message"]


def test_the_table_names_them_all(capsys):
    code, said = _answer(capsys)
    assert code == 0
    assert all(name in said.out for name in losses)


def test_the_table_says_which_stand_alone_and_which_are_terms(capsys):
    _, said = _answer(capsys)
    places = {line.split()[0]: line for line in said.out.splitlines() if line.split()[0] in list(losses)}
    assert "alone, [loss]" in places["arcface"]
    assert "term, [terms]" in places["symface"]
    assert "[teacher]" in places["harmonic-triplet"]


def test_ten_million_identities_have_a_price(capsys):
    code, said = _answer(capsys, "--scale", "10000000", "--gpus", "8", "--json")
    assert code == 0
    assert json.loads(said.out)["cost"]["centres"] == 1_250_000 * 512 * 4
    code, said = _answer(capsys, "--scale", "10000000", "--gpus", "8")
    assert "10,000,000 identities on 8 GPUs" in said.out


def test_an_impossible_setup_is_refused(capsys):
    code, _ = _answer(capsys, "--scale", "4", "--gpus", "8")
    assert code == 2
