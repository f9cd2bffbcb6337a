"""The terms of the loss on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.backbones.vit import PatchEmbed  # noqa: E402
from mien.train.pretrain.decoder import wave_positions  # noqa: E402
from mien.train.pretrain.terms import alignment, reconstruction, standardised, to_patches  # noqa: E402


def test_patches_are_counted_as_the_encoder_counts_them() -> None:
    pixels, embed = torch.randn(2, 3, 32, 32), PatchEmbed(16, 5)
    weight = embed.proj.weight.reshape(5, -1)
    ours = to_patches(pixels, 16) @ weight.T + embed.proj.bias
    assert torch.allclose(ours, embed(pixels), atol=1e-5)


def test_a_standardised_patch_has_mean_0_and_variance_1() -> None:
    patch = torch.tensor([[[1.0, 2.0, 3.0]], [[5.0, 5.0, 5.0]]])
    assert torch.allclose(standardised(patch), torch.tensor([[[-1.0, 0.0, 1.0]], [[0.0, 0.0, 0.0]]]), atol=1e-5)


def test_reconstruction_is_the_mean_over_the_patches_asked_for() -> None:
    wanted = torch.zeros(2, 3, 2)
    found = torch.tensor([[[1.0, 1.0], [2.0, 4.0], [9.0, 9.0]], [[3.0, 3.0], [1.0, 1.0], [0.0, 2.0]]])
    where = torch.tensor([[True, True, False], [False, False, True]])
    # Squared errors per patch: 1, (4 + 16) / 2 = 10, 81 and 9, 1, 4 / 2 = 2.
    assert reconstruction(found, wanted, where).tolist() == [5.5, 2.0]


def test_alignment_is_minus_half_a_cosine() -> None:
    predicted = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
    target = torch.tensor([[5.0, 0.0], [4.0, 0.0], [-1.0, 0.0]])
    assert np.allclose(alignment(predicted, target), [-0.5, 0.0, 0.5 / np.sqrt(2)])


def test_the_target_of_the_alignment_gets_no_gradient() -> None:
    predicted, target = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    alignment(predicted, target).sum().backward()
    assert predicted.grad is not None
    assert target.grad is None


def test_positions_tell_all_patches_apart() -> None:
    waves = wave_positions(7, 16)[0]
    assert waves.shape == (49, 16)
    distances = torch.cdist(waves, waves) + 9 * torch.eye(49)
    assert distances.min() > 0.3
    assert torch.allclose(waves[0], torch.tensor([0.0] * 4 + [1.0] * 4).repeat(2))  # row 0, column 0
