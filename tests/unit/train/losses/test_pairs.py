"""Losses over pairs and triplets, against loops and pytorch-metric-learning."""

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import UsageError  # noqa: E402
from mien.train.losses import make_loss  # noqa: E402
from mien.train.losses.harmonic import principal_axes  # noqa: E402


def at(*angles):
    """Embeddings in the plane at these angles; their lengths differ and must not matter."""
    theta = torch.tensor(angles, dtype=torch.float64)
    return torch.stack([theta.cos(), theta.sin()], 1) * torch.arange(1, len(angles) + 1)[:, None]


def squared(a, b):
    return 2 - 2 * math.cos(a - b)


def triplets(angles, labels, margin):
    """Every (gap, anchor, positive, negative), by a loop."""
    for a, p, n in itertools.product(range(len(labels)), repeat=3):
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]:
            near, far = squared(angles[a], angles[p]), squared(angles[a], angles[n])
            yield near - far + margin, near, far, a, p, n


ANGLES = [0.0, 0.3, 0.9, 0.45, 1.0, 1.3, 2.0]
NAMES = [0, 0, 0, 1, 1, 2, 2]


def test_all_triplets_is_the_mean_of_those_that_violate():
    violating = [t[0] for t in triplets(ANGLES, NAMES, 0.2) if t[0] > 0]
    loss = make_loss("triplet", mining="all")(at(*ANGLES), torch.tensor(NAMES))
    assert float(loss) == pytest.approx(np.mean(violating))


def test_hard_triplets_are_furthest_positive_and_nearest_negative():
    expected = []
    for anchor in range(len(NAMES)):
        mine = [t for t in triplets(ANGLES, NAMES, 0.2) if t[3] == anchor]
        expected.append(max(0.0, max(t[1] for t in mine) - min(t[2] for t in mine) + 0.2))
    loss = make_loss("triplet", mining="hard")(at(*ANGLES), torch.tensor(NAMES))
    assert float(loss) == pytest.approx(np.mean(expected))


def test_semi_hard_triplets_are_each_pair_with_its_nearest_negative_within_the_margin():
    pairs = {}
    for gap, near, far, a, p, _ in triplets(ANGLES, NAMES, 0.5):
        if near < far < near + 0.5:
            pairs[a, p] = max(pairs.get((a, p), 0.0), gap)
    loss = make_loss("triplet", mining="semi-hard", margin=0.5)(at(*ANGLES), torch.tensor(NAMES))
    assert len(pairs) > 2
    assert float(loss) == pytest.approx(np.mean(list(pairs.values())))


@pytest.mark.parametrize("mining", ["all", "hard"])
def test_triplets_agree_with_pytorch_metric_learning(mining):
    library = pytest.importorskip("pytorch_metric_learning")
    from pytorch_metric_learning import distances, losses, miners, reducers

    del library
    random = torch.Generator().manual_seed(0)
    embeddings, labels = torch.randn(12, 4, generator=random, dtype=torch.float64), torch.arange(12) // 3
    distance = distances.LpDistance(normalize_embeddings=True, p=2, power=2)
    miner = (
        miners.TripletMarginMiner(margin=0.2, type_of_triplets="all", distance=distance)
        if mining == "all"
        else miners.BatchHardMiner(distance=distance)
    )
    reference = losses.TripletMarginLoss(margin=0.2, distance=distance, reducer=reducers.MeanReducer())
    expected = reference(embeddings, labels, miner(embeddings, labels))
    assert float(make_loss("triplet", mining=mining)(embeddings, labels)) == pytest.approx(float(expected))


def test_a_batch_without_triplets_teaches_nothing():
    embeddings = at(0.0, 1.0).requires_grad_()
    loss = make_loss("triplet")(embeddings, torch.tensor([0, 1]))
    loss.backward()
    assert not loss.any()
    assert not embeddings.grad.any()


def test_an_unknown_mining_is_refused():
    for name in ("triplet", "harmonic-triplet"):
        with pytest.raises(UsageError, match="semi-hard, hard, all"):
            make_loss(name, mining="easy")


def test_multibatch_is_the_hinge_of_all_ordered_pairs():
    loss, total = make_loss("multibatch", threshold=0.8), 0.0
    for i, j in itertools.permutations(range(len(NAMES)), 2):
        sign = 1 if NAMES[i] == NAMES[j] else -1
        total += max(0.0, 1 - sign * (0.8 - squared(ANGLES[i], ANGLES[j])))
    k = len(NAMES)
    value = loss(at(*ANGLES), torch.tensor(NAMES)).detach()
    assert float(value) == pytest.approx(total / (k * k - k), rel=1e-6)


def _threshold_gradients(angles, people, *, all_pairs):
    """Of the loss against theta, for (r, k) repetitions: over all pairs, or over k/2 disjoint ones."""
    loss = make_loss("multibatch")
    theta, k = loss.threshold.detach().double(), angles.shape[1]
    i, j = np.triu_indices(k, 1) if all_pairs else (np.arange(0, k, 2), np.arange(1, k, 2))
    distances = 2 - 2 * (angles[:, i] - angles[:, j]).cos()
    same = people[:, i] == people[:, j]
    parameter = theta.expand(len(angles)).clone().requires_grad_()
    loss.threshold = torch.nn.Parameter(parameter[:, None].expand(-1, len(i)).detach().clone())
    loss.pairs(distances, same).mean(1).sum().backward()
    return loss.threshold.grad.sum(1)


def test_the_gradient_of_all_pairs_varies_as_one_over_k_squared_and_of_random_pairs_as_one_over_k():
    """Faces all around the circle: no face's gradient, averaged over partners, differs from another's."""
    random, repetitions = torch.Generator().manual_seed(0), 20_000
    sizes, every, few = (4, 8, 16, 32), [], []
    for k in sizes:
        angles = 2 * math.pi * torch.rand(repetitions, k, generator=random, dtype=torch.float64)
        people = torch.randint(2, (repetitions, k), generator=random)
        every.append(float(_threshold_gradients(angles, people, all_pairs=True).var()))
        few.append(float(_threshold_gradients(angles, people, all_pairs=False).var()))
    single = few[0] * sizes[0] / 2  # variance of one pair's gradient
    assert every == pytest.approx([2 * single / (k * k - k) for k in sizes], rel=0.08)
    assert few == pytest.approx([2 * single / k for k in sizes], rel=0.08)


def test_harmonic_triplets_span_old_and_new_but_are_never_all_old():
    new, old, margin = [0.0, 0.5, 1.1], [0.2, 0.4, 0.9], 0.4
    angles, names = new + old, [0, 0, 1, 0, 0, 1]
    kept = [t[0] for t in triplets(angles, names, margin) if t[0] > 0 and min(t[3:]) < 3]
    assert len(kept) < sum(t[0] > 0 for t in triplets(angles, names, margin))  # some were all old
    loss = make_loss("harmonic-triplet", mining="all", margin=margin)
    assert float(loss(at(*new), at(*old), torch.tensor([0, 0, 1]))) == pytest.approx(np.mean(kept))


def test_harmonic_triplets_leave_old_embeddings_alone():
    old = at(0.2, 0.4, 0.9).requires_grad_()
    new = at(0.0, 0.5, 1.1).requires_grad_()
    make_loss("harmonic-triplet", mining="all", margin=0.4)(new, old, torch.tensor([0, 0, 1])).backward()
    assert old.grad is None
    assert new.grad.abs().max() > 0


def test_harmonic_triplets_of_two_dimensions_are_refused():
    with pytest.raises(UsageError, match="principal_axes"):
        make_loss("harmonic-triplet")(torch.ones(2, 2), torch.ones(2, 3), torch.tensor([0, 0]))


def test_principal_axes_keep_inner_products_that_lie_in_fewer_dimensions():
    random = torch.Generator().manual_seed(0)
    flat = torch.randn(20, 3, generator=random) @ torch.randn(3, 8, generator=random)
    kept = flat @ principal_axes(flat, 3)
    assert torch.allclose(kept @ kept.T, flat @ flat.T, atol=1e-4)
    with pytest.raises(UsageError, match="9 axes"):
        principal_axes(flat, 9)
