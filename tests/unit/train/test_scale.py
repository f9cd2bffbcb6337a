"""The cost of a sharded step, worked by hand."""

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import UsageError  # noqa: E402
from mien.train.scale import Setup, communication, cost, kept_numbers  # noqa: E402

SETUP = Setup(10_000_000, gpus=8, dimension=512, batch=128, sample=0.1, backbone_parameters=1000, precision="f32")


def test_ten_million_identities_on_eight_gpus():
    result = cost(SETUP)
    assert result.centres == result.centre_gradients == result.centre_optimizer == 1_250_000 * 512 * 4
    assert result.logits == 1024 * 125_000 * 4
    assert result.logit_tables == 3 * result.logits
    assert result.step_centres == 4 * 125_000 * 512 * 4
    assert result.backbone == 3 * 4 * 1000
    assert result.images_per_s == pytest.approx(1024 / (result.backbone_s + result.head_s + result.link_s))
    assert result.head_s == pytest.approx(6 * 1024 * 125_000 * 512 / 62e12)


def test_the_total_counts_every_part_once():
    result = cost(SETUP).to_dict()
    parts = ("centres", "centre_gradients", "centre_optimizer", "step_centres", "logit_tables", "embeddings")
    assert result["total"] == sum(result[part] for part in (*parts, "backbone", "activations"))


def test_communication_is_that_of_ring_algorithms():
    setup = Setup(100, gpus=4, dimension=8, batch=2, backbone_parameters=10)
    gathered = 3 * (2 * 8 * 4 + 2 * 8)  # embeddings and labels of the three others pass through
    reduced = 4 * (8 * 8) + 4 * 4 * 8 + 4 * 10
    assert communication(setup) == gathered + 2 * 3 * reduced // 4
    assert communication(Setup(100)) == 0


def test_adamw_keeps_two_states_and_bf16_halves_activations():
    assert cost(Setup(100, optimizer="adamw")).centre_optimizer == 2 * cost(Setup(100)).centre_optimizer
    whole, half = (cost(Setup(100, precision=p, backbone_parameters=6)).activations for p in ("f32", "bf16"))
    assert half == whole // 2 + 2 * 6


def test_kept_numbers_are_what_a_network_saves():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1, bias=False), torch.nn.ReLU(), torch.nn.Flatten())
    # the convolution keeps its input, the ReLU its output
    assert kept_numbers(network, torch.rand(2, 3, 5, 5)) == 3 * 25 + 4 * 25


def test_impossible_setups_are_refused():
    for wrong, message in (
        ({"classes": 0}, "at least 1"),
        ({"classes": 3, "gpus": 4}, "at least gpus"),
        ({"classes": 3, "sample": 0.0}, "sampled classes"),
        ({"classes": 3, "precision": "f16"}, "f32 or bf16"),
    ):
        with pytest.raises(UsageError, match=message):
            Setup(**wrong)
