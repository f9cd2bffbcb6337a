"""The two branches: what the encoder sees, where gradients go, and how the target follows."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.backbones import build  # noqa: E402
from mien.backbones.vit import ViT  # noqa: E402
from mien.errors import UsageError  # noqa: E402
from mien.train.pretrain.branches import Branches, Pretraining, require_encoder  # noqa: E402
from mien.train.pretrain.settings import Fsfm  # noqa: E402

SMALL = Fsfm(width=16, depth=1, heads=2, view_depth=1, hidden=32, projection=8)


def encoder(seed: int = 0) -> ViT:
    torch.manual_seed(seed)
    network = build("vit_s", dimension=8, depth=2, width=16, heads=2, patch=16)
    assert isinstance(network, ViT)
    return network


def faces(count: int = 4) -> torch.Tensor:
    return torch.randn(count, 3, 112, 112, generator=torch.Generator().manual_seed(7))


def backward(network: ViT, branches: Branches) -> torch.Tensor:
    terms = Pretraining(network, branches)(faces())
    branches(terms, torch.zeros(4), 0).backward()
    return terms


def test_the_encoder_sees_the_visible_patches_only() -> None:
    network, counts = encoder(), []
    branches = Branches(network, SMALL, 10)
    network.blocks[0].register_forward_pre_hook(lambda _, inputs: counts.append(inputs[0].shape))
    branches.terms(network, faces())
    assert counts == [(4, 49 - 37, 16)]


def test_the_target_sees_the_whole_picture() -> None:
    network, counts = encoder(), []
    branches = Branches(network, SMALL, 10)
    assert branches.target is not None
    branches.target.encoder.blocks[0].register_forward_pre_hook(lambda _, inputs: counts.append(inputs[0].shape))
    branches.terms(network, faces())
    assert counts == [(4, 49, 16)]


def test_hidden_pixels_do_not_reach_the_encoder() -> None:
    network = encoder().eval()
    branches = Branches(network, SMALL, 10).eval()
    seen: list[torch.Tensor] = []
    network.norm.register_forward_hook(lambda _m, _i, out: seen.append(out))
    pixels = faces()
    torch.manual_seed(5)
    masks = branches.masks(4)
    blocks = masks.hidden.reshape(4, 1, 7, 7).repeat_interleave(16, 2).repeat_interleave(16, 3)
    for picture in (pixels, torch.where(blocks, -9.0, pixels)):
        torch.manual_seed(5)
        branches.terms(network, picture)
    assert torch.equal(seen[0], seen[1])


def test_the_loss_is_the_weighted_sum_of_the_terms() -> None:
    terms = torch.tensor([[1.0, 2.0, -0.5], [3.0, 4.0, 0.3]])
    loss = Branches(encoder(), SMALL, 10)(terms, torch.zeros(2), 0)
    assert float(loss) == pytest.approx(2.0 + 0.007 * 3.0 + 0.1 * -0.1)


def test_gradients_flow_into_the_online_branch_alone() -> None:
    network = encoder()
    branches = Branches(network, SMALL, 10)
    backward(network, branches)
    named = {**dict(branches.named_parameters()), **{f"encoder.{n}": p for n, p in network.named_parameters()}}
    moved = {name for name, p in named.items() if p.grad is not None and float(p.grad.abs().max()) > 0}
    still = {name for name in named if name.startswith(("target.", "encoder.feature."))}
    assert moved == set(named) - still


def test_only_the_alignment_teaches_the_view_and_the_predictor() -> None:
    network = encoder()
    branches = Branches(network, SMALL, 10)
    branches.terms(network, faces())[:, :2].sum().backward()
    taught = {name.split(".")[0] for name, p in branches.named_parameters() if p.grad is not None and p.grad.any()}
    assert taught == {"pixels"}


def test_without_alignment_there_is_no_target() -> None:
    branches = Branches(encoder(), Fsfm(align_weight=0.0, width=16, depth=1, heads=2), 10)
    assert branches.target is None
    assert branches.terms(encoder(), faces())[:, 2].tolist() == [0.0] * 4


def test_the_target_is_the_running_mean_of_the_online_branch() -> None:
    network = encoder()
    branches = Branches(network, Fsfm(**{**settings(SMALL), "momentum": 0.9}), 10)
    target = branches.target
    assert target is not None
    assert branches.view is not None
    old = {name: p.clone() for name, p in target.named_parameters()}
    with torch.no_grad():
        for module in (network, branches.view):
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter))
    branches.follow(network, 5)  # half way: the old counts 1 - 0.1 * (cos(pi / 2) + 1) / 2 = 0.95
    new = {f"encoder.{n}": p for n, p in network.named_parameters()}
    new |= {f"view.{n}": p for n, p in branches.view.named_parameters()}
    for name, parameter in target.named_parameters():
        assert torch.allclose(parameter, 0.95 * old[name] + 0.05 * new[name], atol=1e-6), name


def test_the_target_stands_still_at_the_end() -> None:
    network = encoder()
    branches = Branches(network, Fsfm(**{**settings(SMALL), "momentum": 0.0}), 10)
    assert branches.target is not None
    before = {name: p.clone() for name, p in branches.target.named_parameters()}
    with torch.no_grad():
        network.pos_embed.add_(1.0)
    branches.follow(network, 10)
    assert all(torch.equal(p, before[name]) for name, p in branches.target.named_parameters())
    branches.follow(network, 0)  # at the start, with nothing kept, it is the online one
    assert torch.equal(branches.target.encoder.pos_embed, network.pos_embed)


def test_the_target_leaves_nothing_out_at_random() -> None:
    torch.manual_seed(0)
    network = build("vit_s", dimension=8, depth=2, width=16, heads=2, patch=16, drop_path=0.9)
    assert isinstance(network, ViT)
    branches = Pretraining(network, Branches(network, SMALL, 10)).train().branches
    assert branches.target is not None
    assert torch.equal(branches.target(faces()), branches.target(faces()))


def test_covered_patches_count_in_the_second_term_only() -> None:
    network = encoder()
    branches = Branches(network, SMALL, 10)
    with torch.no_grad():  # the decoder says nothing: each term is the mean square of standardised pixels, near 1
        branches.pixels.give.weight.zero_()
        branches.pixels.give.bias.zero_()
    terms = branches.terms(network, faces())
    assert torch.allclose(terms[:, :2], torch.full((4, 2), (3 * 256 - 1) / (3 * 256)), atol=1e-4)


def test_what_is_no_vision_transformer_is_refused() -> None:
    with pytest.raises(UsageError, match="mobilefacenet is none"):
        require_encoder(build("mobilefacenet_x025"), "mobilefacenet")
    with pytest.raises(UsageError, match="without a quality token"):
        require_encoder(build("vit_s_quality", depth=1, width=16, heads=2, patch=16), "vit_s_quality")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": 1.0}, "'pretrain.mask' must be a share in"),
        ({"momentum": 1.5}, "'pretrain.momentum'"),
        ({"align_weight": -0.1}, "'pretrain.align_weight' must be zero or more"),
        ({"region_weight": math.inf}, "'pretrain.region_weight'"),
        ({"depth": 0}, "'pretrain.depth' must be above zero"),
        ({"width": 30, "heads": 2}, "'pretrain.width' must be a multiple of 4 and of heads"),
    ],
)
def test_settings_outside_their_range_are_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Fsfm(**options)  # type: ignore[arg-type]


def settings(one: Fsfm) -> dict[str, float]:
    return {name: getattr(one, name) for name in Fsfm.__dataclass_fields__}
