"""Margin losses on angles worked by hand, and against pytorch-metric-learning."""

import math

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.train.losses import losses, make_loss  # noqa: E402
from mien.train.losses.elasticface import draw_margins  # noqa: E402
from mien.train.losses.normface import lowest_loss  # noqa: E402
from mien.train.losses.sphereface import psi  # noqa: E402

LABELS = torch.tensor([0, 1])
ANGLES = torch.tensor([[0.3, 1.2, 2.0], [1.0, 0.7, 1.4]], dtype=torch.float64)
"""Of two faces to three centres."""
COSINES = ANGLES.cos()
NORMS = torch.tensor([20.0, 5.0], dtype=torch.float64)


def cross_entropy(rows, scale=1.0):
    """By the definition, in plain Python."""
    losses = [
        -scale * row[y] + math.log(sum(math.exp(scale * z) for z in row)) for row, y in zip(rows, (0, 1), strict=True)
    ]
    return sum(losses) / len(losses)


def with_own(first, second):
    """The cosines of COSINES, those to the own classes replaced."""
    return [[first, math.cos(1.2), math.cos(2.0)], [math.cos(1.0), second, math.cos(1.4)]]


def test_softmax_is_cross_entropy_of_inner_products_with_unit_centres():
    expected = cross_entropy([[20 * c for c in COSINES[0].tolist()], [5 * c for c in COSINES[1].tolist()]])
    assert float(make_loss("softmax")(COSINES, LABELS, NORMS)) == pytest.approx(expected)


def test_normface_is_cross_entropy_of_scaled_cosines():
    expected = cross_entropy(COSINES.tolist(), 4.0)
    assert float(make_loss("normface", scale=4.0)(COSINES, LABELS, NORMS)) == pytest.approx(expected)


def test_normface_reaches_its_lowest_loss_on_a_simplex():
    simplex = torch.full((3, 3), -0.5, dtype=torch.float64).fill_diagonal_(1.0)  # corners of a triangle
    loss = make_loss("normface", scale=2.0)(simplex, torch.arange(3), torch.ones(3))
    assert float(loss) == pytest.approx(lowest_loss(2.0, 3))


def test_cosface_takes_the_margin_from_the_own_cosine():
    expected = cross_entropy(with_own(math.cos(0.3) - 0.35, math.cos(0.7) - 0.35), 8.0)
    assert float(make_loss("cosface", scale=8.0)(COSINES, LABELS, NORMS)) == pytest.approx(expected)


def test_arcface_adds_the_margin_to_the_own_angle():
    expected = cross_entropy(with_own(math.cos(0.8), math.cos(1.2)), 8.0)
    assert float(make_loss("arcface", scale=8.0)(COSINES, LABELS, NORMS)) == pytest.approx(expected)


def test_arcface_keeps_falling_beyond_pi():
    angles = torch.linspace(0.01, math.pi - 0.01, 200, dtype=torch.float64)
    logits = make_loss("arcface").logits(angles.cos()[:, None], torch.zeros(200, dtype=torch.int64), torch.ones(200))
    assert (logits.diff(dim=0) < 0).all()
    assert float(logits[-1]) == pytest.approx(64 * (math.cos(float(angles[-1])) - 0.5 * math.sin(0.5)))


def test_sphereface_multiplies_the_angle_and_continues_below_minus_one():
    angles = torch.tensor([0.1, 1.0, 2.0, 3.0], dtype=torch.float64)
    expected = [math.cos(0.4), -math.cos(4.0) - 2, math.cos(8.0) - 4, -math.cos(12.0) - 6]
    assert psi(angles.cos(), 4).tolist() == pytest.approx(expected)


def test_sphereface_anneals_from_plain_softmax():
    loss = make_loss("sphereface", lambda_start=9.0, lambda_end=1.0)
    own = torch.tensor([math.cos(0.1)], dtype=torch.float64)
    first = float(loss.target(own, NORMS[:1]))
    assert first == pytest.approx((9 * math.cos(0.1) + math.cos(0.4)) / 10)
    assert float(loss.target(own, NORMS[:1])) == pytest.approx(
        (9 / 1.12 * math.cos(0.1) + math.cos(0.4)) / (1 + 9 / 1.12)
    )


def test_curricularface_weighs_hard_negatives_by_progress():
    loss = make_loss("curricularface", scale=1.0).eval()
    loss.progress.fill_(0.25)
    cosines = torch.tensor([[0.5, 0.9, 0.1]], dtype=torch.float64)  # cos(acos 0.5 + 0.5) = 0.024: both others are hard
    logits = loss.logits(cosines, torch.tensor([0]), NORMS[:1])
    assert logits[0].tolist() == pytest.approx([math.cos(math.acos(0.5) + 0.5), 0.9 * 1.15, 0.1 * 0.35])
    easy = loss.logits(torch.tensor([[0.999, 0.2]], dtype=torch.float64), torch.tensor([0]), NORMS[:1])
    assert float(easy[0, 1]) == pytest.approx(0.2)


def test_curricularface_moves_its_progress_by_a_hundredth_of_the_mean_cosine():
    loss = make_loss("curricularface")
    loss(COSINES, LABELS, NORMS)
    assert float(loss.progress) == pytest.approx(0.01 * (math.cos(0.3) + math.cos(0.7)) / 2)


def test_magface_has_wider_margins_for_longer_embeddings():
    loss = make_loss("magface", scale=8.0, weight=0.0)
    margins = [0.45 + 0.35 * (20 - 10) / 100, 0.45]  # the second is shorter than the range
    expected = cross_entropy(with_own(math.cos(0.3 + margins[0]), math.cos(0.7 + margins[1])), 8.0)
    assert float(loss(COSINES, LABELS, NORMS)) == pytest.approx(expected)


def test_magface_regularises_length_towards_its_upper_end():
    loss = make_loss("magface", weight=35.0)
    expected = 35 * ((1 / 20 + 20 / 110**2) + (1 / 5 + 5 / 110**2)) / 2
    assert float(loss.regulariser(NORMS)) == pytest.approx(expected)
    norms = torch.tensor([50.0], requires_grad=True)
    loss.regulariser(norms).backward()
    assert float(norms.grad) < 0  # descent makes it longer


def test_adaface_goes_from_an_angle_for_poor_faces_to_a_difference_for_good_ones():
    loss = make_loss("adaface", scale=1.0, margin=0.4, concentration=1.0).eval()
    loss.mean.fill_(20.0), loss.std.fill_(5.0 - 1e-3)
    own = torch.full((3,), math.cos(1.0), dtype=torch.float64)
    norms = torch.tensor([15.0, 20.0, 25.0], dtype=torch.float64)  # z = -1, 0, 1
    expected = [math.cos(1.4), math.cos(1.0) - 0.4, math.cos(0.6) - 0.8]
    assert loss.target(own, norms).tolist() == pytest.approx(expected)


def test_adaface_keeps_the_angle_within_zero_and_pi():
    loss = make_loss("adaface", concentration=1.0).eval()
    loss.mean.fill_(20.0), loss.std.fill_(5.0)
    near, far = torch.tensor([0.1]).cos(), torch.tensor([3.1]).cos()
    assert float(loss.target(near, torch.tensor([50.0]))) == pytest.approx(1.0 - 0.8)
    assert float(loss.target(far, torch.tensor([1.0]))) == pytest.approx(-1.0)


def test_adaface_averages_lengths_slowly():
    loss = make_loss("adaface")
    loss(COSINES, LABELS, NORMS)
    assert float(loss.mean) == pytest.approx(0.99 * 20 + 0.01 * 12.5)
    assert float(loss.std) == pytest.approx(0.99 * 100 + 0.01 * math.sqrt(2) * 7.5)


@pytest.mark.parametrize(("elastic", "plain"), [("elasticface", "arcface"), ("elasticface-cos", "cosface")])
@pytest.mark.parametrize("plus", ["", "-plus"])
def test_elasticface_without_spread_is_the_plain_loss_exactly(elastic, plain, plus):
    loss = make_loss(elastic + plus, std=0.0).train()
    for dtype in (torch.float32, torch.float64):
        cosines, norms = COSINES.to(dtype), NORMS.to(dtype)
        assert torch.equal(loss.logits(cosines, LABELS, norms), make_loss(plain).logits(cosines, LABELS, norms))


def test_elasticface_draws_margins_of_its_mean_and_spread():
    torch.manual_seed(0)
    margins = draw_margins(torch.zeros(20_000), 0.5, 0.05, plus=False)
    assert float(margins.mean()) == pytest.approx(0.5, abs=0.002)
    assert float(margins.std()) == pytest.approx(0.05, rel=0.03)


def test_elasticface_plus_gives_the_largest_margins_to_the_furthest_faces():
    own = torch.rand(100, generator=torch.Generator().manual_seed(0))
    margins = draw_margins(own, 0.5, 0.05, plus=True)
    assert (margins[own.argsort()].diff() <= 0).all()


@pytest.mark.parametrize("name", [n for n in losses if losses[n].kind == "class" and hasattr(losses[n].make, "target")])
def test_a_class_in_another_shard_gets_no_margin(name):
    loss = make_loss(name).eval()
    elsewhere = loss.logits(COSINES, torch.tensor([0, -1]), NORMS, own=torch.tensor([0.9, 0.99], dtype=torch.float64))
    plain = loss.scales(NORMS) * COSINES
    assert torch.allclose(elsewhere[1], plain[1].to(elsewhere.dtype))


def _toy(centres=5, dimension=4, faces=8):
    random = torch.Generator().manual_seed(0)
    return (
        torch.randn(faces, dimension, generator=random, dtype=torch.float64),
        torch.randn(centres, dimension, generator=random, dtype=torch.float64),
        torch.randint(centres, (faces,), generator=random),
    )


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # theirs, with NumPy 2
@pytest.mark.parametrize(
    ("name", "options", "theirs", "their_options"),
    [
        ("arcface", {"margin_rad": 0.5, "scale": 16.0}, "ArcFaceLoss", {"margin": math.degrees(0.5), "scale": 16}),
        ("cosface", {"margin": 0.35, "scale": 16.0}, "CosFaceLoss", {"margin": 0.35, "scale": 16}),
        ("sphereface", {"lambda_start": 0.0, "lambda_end": 0.0}, "SphereFaceLoss", {"margin": 4, "scale": 1}),
        ("normface", {"scale": 20.0}, "NormalizedSoftmaxLoss", {"temperature": 0.05}),
    ],
)
def test_value_and_gradient_are_those_of_pytorch_metric_learning(name, options, theirs, their_options):
    library = pytest.importorskip("pytorch_metric_learning.losses")
    embeddings, centres, labels = _toy()
    reference = getattr(library, theirs)(num_classes=5, embedding_size=4, **their_options)
    reference.W.data = centres.T.clone()
    mine, other = embeddings.clone().requires_grad_(), embeddings.clone().requires_grad_()
    expected = reference(other, labels)
    expected.backward()

    unit = torch.nn.functional.normalize
    value = make_loss(name, **options)(unit(mine) @ unit(centres).T, labels, mine.norm(dim=1))
    value.backward()
    assert float(value.detach()) == pytest.approx(float(expected.detach()))
    assert torch.allclose(mine.grad, other.grad, atol=1e-8)


def test_sphereface_refuses_a_broken_multiple():
    with pytest.raises(ValueError, match="whole number"):
        make_loss("sphereface", margin=0)
