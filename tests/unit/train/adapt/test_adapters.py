"""What moves when a network is adapted, and what adapters compute."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from mien.backbones import build  # noqa: E402
from mien.backbones.base import Backbone  # noqa: E402
from mien.errors import NotFoundError, UsageError  # noqa: E402
from mien.train.adapt import Petal, adapted, finished_network, finished_weights, share  # noqa: E402
from mien.train.adapt.petal import detail  # noqa: E402
from mien.train.data.resolution import reduce_crops  # noqa: E402
from mien.train.onnx_file import check_parity, drawn_crops, onnx_bytes  # noqa: E402
from mien.train.recipe import Adapt  # noqa: E402
from mien.train.tensors import normalised  # noqa: E402

SIZES = (1, 2, 4, 8, 16)
TINY = {"width": 24, "depth": 2, "heads": 2, "patch": 28}


def vit(dimension: int = 8) -> Backbone:
    torch.manual_seed(0)
    return build("vit_s", dimension=dimension, drop_path=0.0, **TINY)


def pictures(count: int = 3) -> Tensor:
    """Patches of every size, larger ones stronger, as photographs have them: sharp."""
    random = torch.Generator().manual_seed(1)
    fields = (size * (torch.rand(count, 3, 112 // size, 112 // size, generator=random) - 0.5) for size in SIZES)
    return sum(functional.interpolate(field, (112, 112)) for field in fields).div(sum(SIZES) / 2).contiguous()


def poor(sharp: Tensor, side: int = 16) -> Tensor:
    crops = ((sharp + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return normalised(torch.from_numpy(reduce_crops(crops, side)).permute(0, 3, 1, 2))


def stir(network: nn.Module) -> None:
    """Give every weight that moves, and all statistics of norms, values of their own."""
    random = torch.Generator().manual_seed(2)
    for parameter in network.parameters():
        if parameter.requires_grad:
            parameter.data.normal_(0, 0.3, generator=random)
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5, generator=random)


@pytest.mark.parametrize("kind", ["lora", "petal"])
def test_an_adapted_network_begins_as_it_was(kind: str) -> None:
    plain = vit().eval()
    before = plain(pictures())
    assert torch.allclose(adapted(plain, Adapt(kind=kind)).eval()(pictures()), before, atol=1e-6)


def test_merged_lora_computes_what_the_adapters_did() -> None:
    settings = Adapt(kind="lora", rank=3, scale=2.0)
    network = adapted(vit(), settings)
    stir(network)
    plain = vit()
    changed = {name for name, tensor in plain.state_dict().items() if name.startswith("blocks.0.attn.qkv")}
    plain.load_state_dict(finished_weights(network, settings))
    with torch.inference_mode():
        found, wanted = plain.eval()(pictures()), network.eval()(pictures())
    assert float((found - wanted).abs().max()) <= 1e-6 * float(wanted.abs().max())
    assert changed
    with torch.inference_mode():
        assert not torch.allclose(found, vit().eval()(pictures()), atol=1e-2)


def test_merging_convolutions_too() -> None:
    def small() -> Backbone:
        torch.manual_seed(0)
        return build("mobilefacenet_x025", dimension=8)

    settings = Adapt(kind="lora", targets=("layers.0", "head.3"), rank=2)
    network = adapted(small(), settings)
    stir(network)
    plain = small()
    plain.load_state_dict(finished_weights(network, settings))
    with torch.inference_mode():
        found, wanted = plain.eval()(pictures()), network.eval()(pictures())
    assert float((found - wanted).abs().max()) <= 1e-6 * float(wanted.abs().max())


def test_the_share_is_that_of_a_count_by_hand() -> None:
    # ViT-S with patches of 28: 12 layers qkv of 384 -> 1152, then 16 * 384 -> 384 and 384 -> 128
    ends = ("qkv", "feature.0", "feature.2")
    linear = [(384, 1152)] * 12 + [(16 * 384, 384), (384, 128)]
    once = sum(4 * (inputs + outputs) for inputs, outputs in linear)
    for kind, wanted in (("lora", once), ("petal", 2 * once)):
        network = build("vit_s", dimension=128, width=384, heads=6, patch=28)
        plain = sum(p.numel() for p in network.parameters())
        found = share(adapted(network, Adapt(kind=kind, targets=ends, rank=4)))
        assert (found.trainable, found.all) == (wanted, plain + wanted)
        assert found.trainable / found.all < 0.01


def test_full_moves_all_and_head_the_last_part() -> None:
    network = adapted(vit(), Adapt())
    assert all(p.requires_grad for p in network.parameters())
    network = adapted(vit(), Adapt(kind="head"))
    assert {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad} == {"feature"}
    network = adapted(vit(), Adapt(kind="head", targets=("blocks.1.mlp", "norm")))
    moving = {name.rpartition(".")[0] for name, p in network.named_parameters() if p.requires_grad}
    assert moving == {"blocks.1.mlp.fc1", "blocks.1.mlp.fc2", "norm"}


@pytest.mark.parametrize("kind", ["lora", "petal", "head"])
def test_what_is_frozen_keeps_its_values_and_statistics(kind: str) -> None:
    torch.manual_seed(0)
    plain = build("mobilefacenet_x025", dimension=8)
    frozen = {name: tensor.clone() for name, tensor in plain.state_dict().items() if name.startswith("trunk")}
    network = adapted(plain, Adapt(kind=kind, targets=() if kind == "head" else ("head.3",))).train()
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    for _ in range(3):
        network(pictures(4)).square().sum().backward()
        optimizer.step()
    inner = network.network if isinstance(network, Petal) else network
    after = {name: tensor for name, tensor in inner.state_dict().items() if name in frozen}
    assert after.keys() == frozen.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in frozen.items())


def test_sharp_pictures_have_more_detail_than_the_same_reduced() -> None:
    levels = [detail(part) for part in (pictures(), *(poor(pictures(), side) for side in (48, 24, 14)))]
    for more, less in itertools.pairwise(levels):
        assert bool((more > less).all())


def test_detail_by_hand_on_stripes() -> None:
    # +1, -1 by column: the mean of three is -1/3 of the middle, so 4/3 is left when it is taken off, and twice 16/9
    stripes = torch.ones(1, 3, 112, 112)
    stripes[..., ::2] = -1
    assert float(detail(stripes)) == pytest.approx(20 * math.log10(16 / 9), abs=1e-3)
    assert float(detail(torch.zeros(1, 3, 112, 112))) < -50


def test_detail_depends_on_neither_contrast_nor_brightness() -> None:
    sharp = pictures()
    assert torch.allclose(detail(sharp), detail(0.5 * sharp + 0.2), atol=1e-2)


def petal(**settings: object) -> Petal:
    network = adapted(vit(), Adapt(kind="petal", rank=2, **settings))
    assert isinstance(network, Petal)
    stir(network)
    levels = torch.cat([detail(pictures()), detail(poor(pictures()))])
    network.threshold.copy_(levels.mean())
    network.spread.copy_(levels.std() / 2)
    return network.eval()


def with_one_set(network: Petal, *, first: bool) -> Backbone:
    """The plain network with one of the two sets added to its weights."""
    plain, rank = vit(), 2
    weights = plain.state_dict()
    for name, layer in network.network.named_modules():
        if hasattr(layer, "down"):
            rows = slice(0, rank) if first else slice(rank, 2 * rank)
            weights[f"{name}.weight"] += layer.up[:, rows] @ layer.down[rows]
    kept = {key: value for key, value in network.network.state_dict().items() if key in weights}
    plain.load_state_dict(weights | {k: v for k, v in kept.items() if "running" in k})
    return plain.eval()


def test_sharp_pictures_see_the_first_set_and_poor_ones_the_second() -> None:
    network = petal()
    sharp, dull = pictures(), poor(pictures())
    assert network.alpha(sharp).tolist() == [1.0] * 3
    assert network.alpha(dull).tolist() == [0.0] * 3
    mixed = network(torch.cat([sharp, dull]))
    assert torch.allclose(mixed[:3], with_one_set(network, first=True)(sharp), atol=1e-4)
    assert torch.allclose(mixed[3:], with_one_set(network, first=False)(dull), atol=1e-4)


def test_adapted_convolutions_are_those_with_one_set_in_their_weights() -> None:
    def small() -> Backbone:
        torch.manual_seed(0)
        return build("tiny", dimension=8)

    network = adapted(small(), Adapt(kind="petal", targets=("trunk.3", "layers.0", "trunk.14", "head.3"), rank=2))
    assert isinstance(network, Petal)
    stir(network)
    both = torch.cat([pictures(), poor(pictures())])
    network.threshold.copy_(detail(both).mean())
    network.spread.copy_(detail(both).std() / 2)
    weights = network.network.state_dict()
    with torch.inference_mode():
        mixed = network.eval()(both)
        for rows, seen in ((slice(0, 2), slice(0, 3)), (slice(2, 4), slice(3, 6))):
            plain = small()
            own = {name: weights[name] for name in plain.state_dict() if name in weights}
            for name, layer in network.network.named_modules():
                if hasattr(layer, "down"):
                    added = torch.tensordot(layer.up[:, rows].flatten(1), layer.down[rows], dims=1)
                    own[f"{name}.weight"] = layer.base.weight + added
            plain.load_state_dict(own)
            wanted = plain.eval()(both[seen])
            assert torch.allclose(mixed[seen], wanted, atol=1e-4 * float(wanted.abs().max()))
    crops = np.concatenate([drawn_crops(4), reduce_crops(drawn_crops(4), 16)])
    assert check_parity(network, onnx_bytes(network, 8), crops) > 1 - 1e-6


def test_between_the_two_they_are_mixed_by_quality() -> None:
    network = petal()
    middling = poor(pictures(), 40)
    network.threshold.copy_(detail(middling).mean() + network.spread / 2)
    assert network.alpha(middling).mean() == pytest.approx(0.25, abs=0.02)


def test_poor_pictures_do_not_move_the_set_of_sharp_ones() -> None:
    network = petal().train()
    network(poor(pictures())).square().sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            first, second = parameter.grad.chunk(2, dim=0 if name.endswith("down") else 1)
            assert not first.any()
            assert second.any()


def test_a_small_share_of_a_picture_moves_nothing() -> None:
    network = petal().train()
    network.threshold.copy_(detail(poor(pictures())).mean() + network.spread / 2)  # the first set has a quarter
    assert network.alpha(poor(pictures())).min() > 0
    network(poor(pictures())).square().sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            first, second = parameter.grad.chunk(2, dim=0 if name.endswith("down") else 1)
            assert not first.any()
            assert second.any()


def test_it_says_the_same_while_it_learns() -> None:
    network = petal()
    network.threshold.copy_(detail(poor(pictures())).mean() + network.spread / 2)
    learning = network.train()(poor(pictures())).detach()
    assert torch.allclose(learning, network.eval()(poor(pictures())).detach(), atol=1e-4 * float(learning.abs().max()))


def test_shared_layers_have_one_adapter() -> None:
    network = petal(targets=("qkv", "feature.0"), shared=("feature.0",))
    weights = network.state_dict()
    assert weights["network.feature.0.down"].shape[0] == 2
    assert weights["network.blocks.1.attn.qkv.down"].shape[0] == 4


def test_a_picture_gets_its_own_mix_whatever_stands_beside_it() -> None:
    torch.manual_seed(0)
    swin = build("swin_t", dimension=8)
    network = adapted(swin, Adapt(kind="petal", targets=("qkv",), rank=2))
    assert isinstance(network, Petal)
    stir(network)
    both = torch.cat([pictures(1), poor(pictures(1))])
    network.threshold.copy_(detail(both).mean())
    network.spread.copy_(detail(both).std())
    network.eval()
    with torch.inference_mode():
        together, alone = network(both), torch.cat([network(both[:1]), network(both[1:])])
    assert torch.allclose(together, alone, atol=1e-4 * float(alone.abs().max()))


def test_an_exported_petal_network_needs_pixels_alone() -> None:
    network = petal()
    crops = drawn_crops(8)
    crops = np.concatenate([crops, reduce_crops(crops, 16)])
    plain = normalised(torch.from_numpy(crops).permute(0, 3, 1, 2))
    network.threshold.copy_(detail(plain).mean())
    alpha = network.alpha(plain)
    assert alpha.min() == 0
    assert alpha.max() == 1
    assert check_parity(network, onnx_bytes(network, 8), crops) > 1 - 1e-6


def test_a_finished_petal_network_is_read_again() -> None:
    network = petal()
    again = finished_network(vit(), Adapt(kind="petal", rank=2))
    again.load_state_dict(finished_weights(network, Adapt(kind="petal", rank=2)))
    assert torch.equal(again.eval()(pictures()), network(pictures()))


def test_convolutions_in_groups_get_no_adapter() -> None:
    with pytest.raises((UsageError, NotFoundError), match=r"no layer for an adapter named 'layers\.3'"):
        adapted(build("mobilefacenet_x025", dimension=8), Adapt(kind="lora", targets=("layers.3",)))


@pytest.mark.parametrize("kind", ["lora", "petal"])
def test_layers_that_are_not_there_are_named_with_the_nearest(kind: str) -> None:
    with pytest.raises((UsageError, NotFoundError), match="did you mean 'qkv'"):
        adapted(vit(), Adapt(kind=kind, targets=("qvk",)))


def test_a_part_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises((UsageError, NotFoundError), match="did you mean 'feature'"):
        adapted(vit(), Adapt(kind="head", targets=("feture",)))
