"""Joint losses and terms: UNPG, SymFace, TopoFR, PFID, quality, recognisability."""

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import UsageError  # noqa: E402
from mien.train.losses import make_loss  # noqa: E402
from mien.train.losses.cr_fiqa import certainty_ratio  # noqa: E402
from mien.train.losses.recognisability import (  # noqa: E402
    diversion,
    recognisability_index,
    unrecognisable_centre,
    unrecognisable_cosines,
)
from mien.train.losses.symface import frontness, halves  # noqa: E402
from mien.train.losses.topofr import damage_scores, relative_distances, spanning_tree, sureness  # noqa: E402
from mien.train.losses.unpg import kept_pairs, negative_pairs  # noqa: E402


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _unit(rows):
    return rows / rows.norm(dim=1, keepdim=True)


def test_unpg_pairs_are_all_pairs_of_two_people():
    embeddings, labels = _random(6, 3), torch.tensor([0, 0, 1, 1, 2, -1])
    known = range(5)
    expected = sorted(
        float(_unit(embeddings)[i] @ _unit(embeddings)[j])
        for i, j in itertools.combinations(known, 2)
        if labels[i] != labels[j]
    )
    assert sorted(negative_pairs(embeddings, labels).tolist()) == pytest.approx(expected)


def test_unpg_filter_keeps_what_lies_within_the_whiskers():
    cosines = torch.tensor([-0.9, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.95])  # quartiles 0.1 and 0.5: from -0.3 to 0.9
    assert kept_pairs(cosines, 1.0).tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert len(kept_pairs(cosines[:3], 1.0)) == 3


@pytest.mark.parametrize("base", ["arcface", "cosface", "magface", "softmax", "curricularface"])
def test_unpg_is_the_softmax_over_classes_and_kept_pairs(base):
    embeddings, centres, labels = 15 * _unit(_random(6, 3)), _unit(_random(4, 3, seed=1)), torch.arange(6) // 2
    cosines, norms = _unit(embeddings) @ centres.T, embeddings.norm(dim=1)
    loss = make_loss("unpg", base=base).eval()
    logits = loss.base.logits(cosines, labels, norms)
    pairs = kept_pairs(negative_pairs(embeddings, labels), 1.0)
    expected = 0.0
    for row, label, scale in zip(logits, labels, loss.base.scales(norms).expand(6, 1)[:, 0], strict=True):
        everything = [*row.tolist(), *(scale * pairs).tolist()]
        top = max(everything)
        expected += top + math.log(sum(math.exp(z - top) for z in everything)) - float(row[label])
    expected = expected / 6 + float(loss.base.regulariser(norms))
    assert float(loss(embeddings, cosines, labels)) == pytest.approx(expected)


def test_unpg_over_a_loss_without_margin_logits_is_refused():
    with pytest.raises(UsageError, match="must be a margin loss"):
        make_loss("unpg", base="triplet")


def test_symface_is_zero_when_both_halves_embed_identically():
    embeddings = _random(4, 3)
    assert float(make_loss("symface")(embeddings, 2 * embeddings)) == pytest.approx(0.0, abs=1e-12)


def test_symface_is_the_squared_distance_of_directions():
    left, right = torch.tensor([[2.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 3.0], [-1.0, 0.0]])
    assert float(make_loss("symface")(left, right)) == pytest.approx((2 + 4) / 2)


def test_the_halves_of_a_symmetric_picture_are_the_picture():
    half = torch.rand(2, 3, 8, 4, generator=torch.Generator().manual_seed(0))
    whole = torch.cat([half, half.flip(-1)], -1)
    left, right = halves(whole)
    assert torch.equal(left, whole)
    assert torch.equal(right, whole)
    uneven = torch.arange(4.0).expand(1, 1, 1, 4)
    assert [h.flatten().tolist() for h in halves(uneven)] == [[0, 1, 1, 0], [3, 2, 2, 3]]


def test_a_face_is_frontal_when_its_nose_lies_between_its_eyes():
    eyes_and_nose = [[[0, 0], [10, 0], [x, 5], [2, 8], [8, 8]] for x in (5, 7.5, 10, 14)]
    assert frontness(torch.tensor(eyes_and_nose)).tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0])


def test_persistence_pairs_are_the_edges_of_the_minimum_spanning_tree():
    sparse = pytest.importorskip("scipy.sparse.csgraph")
    distances = relative_distances(_random(30, 5))
    tree = sparse.minimum_spanning_tree(distances.numpy()).tocoo()
    expected = {tuple(sorted(edge)) for edge in zip(tree.row.tolist(), tree.col.tolist(), strict=True)}
    assert {tuple(sorted(edge)) for edge in spanning_tree(distances).tolist()} == expected


def test_ptsa_compares_both_trees_in_both_spaces():
    inputs, embeddings = torch.tensor([[0.0], [1.0], [4.0]]), torch.tensor([[0.0], [3.0], [2.0]])
    # pictures: |01| 1/4, |12| 3/4, |02| 1; embeddings: |01| 1, |12| 1/3, |02| 2/3; trees {01, 12} and {12, 02}
    pictures_tree = (1 / 4 - 1) ** 2 + (3 / 4 - 1 / 3) ** 2
    embeddings_tree = (3 / 4 - 1 / 3) ** 2 + (1 - 2 / 3) ** 2
    expected = 0.1 * 0.5 * (pictures_tree + embeddings_tree) / 2
    assert float(make_loss("ptsa")(inputs, embeddings)) == pytest.approx(expected)


def test_ptsa_is_zero_when_the_structure_is_the_same_at_another_size():
    inputs = _random(8, 3)
    assert float(make_loss("ptsa")(inputs, 7 * inputs + 2)) == pytest.approx(0.0, abs=1e-12)


def test_distances_of_pictures_agree_with_the_definition():
    pictures = _random(5, 3 * 112)
    expected = torch.cdist(pictures, pictures)
    assert torch.allclose(relative_distances(pictures), expected / expected.max(), atol=1e-7)


def test_uncertain_faces_are_told_from_sure_ones():
    random = np.random.default_rng(0)
    sure, unsure = np.abs(random.normal(0, 0.02, 80)), random.uniform(0.5, 2.0, 20)
    posterior = sureness(torch.tensor(np.concatenate([sure, unsure])))
    assert posterior[:80].median() > 0.7
    assert posterior[80:].max() < 0.01


def test_damage_scores_are_highest_for_unsure_and_wrong_predictions():
    labels = torch.zeros(40, dtype=torch.int64)
    logits = torch.tensor([[20.0, 0.0, 0.0]] * 37 + [[0.0, 0.0, 0.0], [0.0, 20.0, 0.0], [20.0, 0.0, 0.0]])
    scores = damage_scores(logits, labels)
    assert float(scores[37]) == pytest.approx(2 * (1 - 1 / 3), rel=0.05)  # unsure: g near 0, p = 1/3
    assert float(scores[0]) == pytest.approx(0.0, abs=1e-6)  # sure and right
    assert 0.9 < float(scores[38]) < 2.0  # sure and wrong
    loss = make_loss("structure-damage", base="normface", base_options={"scale": 1.0})
    loss(logits / 20, labels, torch.ones(40))
    assert loss.scores.shape == (40,)


def test_pfid_adds_the_divergence_of_pairs_to_cross_entropy():
    cosines = torch.tensor([[0.9, 0.1], [0.5, 0.4], [-0.3, 0.8]], dtype=torch.float64)
    labels, norms = torch.tensor([0, 0, 1]), torch.tensor([2.0, 2.0, 2.0], dtype=torch.float64)
    p = [[math.exp(2 * z) / sum(math.exp(2 * w) for w in row) for z in row] for row in cosines.tolist()]

    def kl(a, b):
        return sum(x * math.log(x / y) for x, y in zip(a, b, strict=True))

    def both(i, j):
        return (kl(p[i], p[j]) + kl(p[j], p[i])) / 2

    entropy = -sum(math.log(p[i][y]) for i, y in enumerate((0, 0, 1))) / 3
    pairs = (both(0, 1) + max(0, 2 - both(0, 2)) + max(0, 2 - both(1, 2))) / 3
    assert float(make_loss("pfid")(cosines, labels, norms)) == pytest.approx(entropy + pairs)


def test_the_certainty_ratio_is_own_over_nearest_other_plus_one():
    cosines = torch.tensor([[0.8, 0.2, 0.5], [0.1, 0.6, -0.9]])
    assert certainty_ratio(cosines, torch.tensor([0, 1])).tolist() == pytest.approx([0.8 / 1.5, 0.6 / 1.1])


@pytest.mark.parametrize("name", ["cr-fiqa", "vit-fiqa"])
def test_quality_is_regressed_on_the_certainty_ratio(name):
    cosines = torch.tensor([[0.8, 0.2, 0.5], [0.1, 0.6, -0.9]], requires_grad=True)
    quality = torch.tensor([0.8 / 1.5 + 0.1, 0.6 / 1.1 - 2.0], requires_grad=True)
    loss = make_loss(name)(quality, cosines, torch.tensor([0, 1]))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(
        10 * (0.5 * 0.1**2 / 0.5 + 2.0 - 0.25) / 2, rel=1e-5
    )  # smooth L1, beta 0.5
    assert cosines.grad is None


def test_the_recognisability_index_grows_with_distance_from_others_and_from_the_unrecognisable():
    cosines = torch.tensor([[0.9, 0.2, 0.4]], dtype=torch.float64)
    lost = torch.tensor([0.3], dtype=torch.float64)
    assert float(recognisability_index(cosines, torch.tensor([0]), lost)) == pytest.approx(0.7 * 0.6 / (0.1 + 0.6))
    assert recognisability_index(cosines, torch.tensor([0]), lost + 0.5) < 0.3  # near the unrecognisable
    assert recognisability_index(cosines, torch.tensor([2]), lost) < 0.2  # further from the own than from another


def test_index_diversion_asks_for_tau_deviations_above_unrecognisable_faces():
    lost = torch.tensor([0.0, 0.2])  # mean 0.1, deviation 0.1
    assert float(diversion(torch.tensor([0.15, 0.5]), lost, 2.0)) == pytest.approx((1.5 + 0.0) / 2)


def test_recognisability_adds_regression_and_diversion():
    index, cosines = torch.tensor([0.5]), torch.tensor([[0.9, 0.2, 0.4]])
    loss = make_loss("recognisability")(
        index, cosines, torch.tensor([0]), torch.tensor([0.3]), torch.tensor([0.4, 0.6])
    )
    assert float(loss) == pytest.approx(0.5 * (0.6 - 0.5) ** 2 / 0.75 + 2.0, rel=1e-5)


def test_the_unrecognisable_centre_is_the_direction_of_the_mean():
    embeddings = torch.tensor([[3.0, 0.0], [0.0, 0.5]])
    centre = unrecognisable_centre(embeddings)
    assert centre.tolist() == pytest.approx([math.sqrt(0.5)] * 2)
    assert unrecognisable_cosines(torch.tensor([[2.0, 0.0]]), centre).tolist() == pytest.approx([math.sqrt(0.5)])
