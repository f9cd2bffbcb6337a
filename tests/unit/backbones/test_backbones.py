"""Claims about building networks, and about what single families do."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from torch import nn  # noqa: E402

from mien.backbones import backbones, build  # noqa: E402
from mien.backbones.base import DropPath, rising  # noqa: E402
from mien.backbones.ibn import IBN  # noqa: E402
from mien.backbones.lightcnn import Mfm  # noqa: E402
from mien.backbones.swin import relative_places, rolled_apart  # noqa: E402
from mien.backbones.swinface import TASKS  # noqa: E402
from mien.backbones.tvconv import TVConv  # noqa: E402
from mien.backbones.weights import load_state  # noqa: E402
from mien.errors import ModelInvalidError, NotFoundError, UsageError  # noqa: E402


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_an_unknown_option_is_named_with_the_nearest_right_one() -> None:
    with pytest.raises(UsageError, match="no option of mobilefacenet named 'widht'; did you mean 'width'"):
        build("mobilefacenet", widht=0.5)


def test_an_unknown_backbone_is_named_with_the_nearest_right_one() -> None:
    with pytest.raises(NotFoundError, match=r"no backbone named 'iresnet1OO'; did you mean .*'iresnet100'"):
        build("iresnet1OO")


@pytest.mark.parametrize(
    ("name", "size"), [("iresnet18", 100), ("mobilefacenet", 0), ("swin_t", 100), ("inception_resnet_v1", 64)]
)
def test_a_size_that_a_network_cannot_take_is_refused(name: str, size: int) -> None:
    with pytest.raises(UsageError, match="112 is usual"):
        backbones[name].build(size=size or 8)


@pytest.mark.parametrize("name", ["mobilenetv2", "swin_t"])
def test_an_unknown_head_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="has the heads"):
        build(name, head="none")


def test_mfm_is_the_larger_of_the_two_halves() -> None:
    layer = Mfm(2, 1, None)
    nn.init.eye_(layer.filter.weight)
    nn.init.zeros_(layer.filter.bias)
    assert layer(torch.tensor([[3.0, 5.0], [7.0, -1.0]])).tolist() == [[5.0], [7.0]]


def test_lightcnn_sees_no_colour() -> None:
    network = build("lightcnn9", size=32).eval()
    grey = torch.rand(1, 1, 32, 32)
    red = torch.tensor([0.5, 0, 0]).view(1, 3, 1, 1)
    green = torch.tensor([0, 0.5 * 0.299 / 0.587, 0]).view(1, 3, 1, 1)  # as bright
    torch.testing.assert_close(network(grey + red), network(grey + green))


def test_ibn_normalises_half_of_the_channels_by_the_picture_alone() -> None:
    layer, x = IBN(4).train(), torch.rand(3, 4, 5, 5)
    brighter = x.clone()
    brighter[0] = 3 * brighter[0] + 7
    torch.testing.assert_close(layer(brighter)[:, :2], layer(x)[:, :2], rtol=1e-3, atol=1e-3)
    assert not torch.allclose(layer(brighter)[:, 2:], layer(x)[:, 2:], atol=0.1)


def test_the_instance_normalisation_of_ibn_is_pytorchs() -> None:
    x = torch.rand(3, 4, 5, 5)
    torch.testing.assert_close(IBN(8).IN(x), nn.InstanceNorm2d(4, affine=True)(x))


def test_tvconv_of_even_kernels_is_the_depthwise_convolution() -> None:
    layer, x = TVConv(3, 4, stride=2), torch.rand(2, 3, 8, 8)
    kernels = torch.rand(3, 9)
    layer._make = lambda: kernels[:, :, None, None].expand(3, 9, 4, 4)
    expected = nn.functional.conv2d(x, kernels.view(3, 1, 3, 3), stride=2, padding=1, groups=3)
    torch.testing.assert_close(layer(x), expected)


def test_tvconv_makes_its_kernels_anew_when_a_weight_changes() -> None:
    layer, x = TVConv(3, 4).eval(), torch.rand(1, 3, 4, 4)
    with torch.no_grad():
        before = layer(x)
        assert layer._kernels() is layer._kernels()
        layer.kernels[6].weight.mul_(2)
        torch.testing.assert_close(layer(x), 2 * before)


def test_drop_path_keeps_the_mean_and_drops_whole_pictures() -> None:
    out = DropPath(0.25).train()(torch.ones(4000, 2))
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (out[:, 0] == out[:, 1]).all()
    assert out.mean() == pytest.approx(1, abs=0.05)


def test_drop_path_rises_from_none_to_all() -> None:
    assert rising(0.3, 4) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_vit_gives_a_quality_for_each_picture_and_the_token_is_not_in_the_embedding() -> None:
    network = build("vit_s_quality", size=32, depth=2, width=64, dimension=16).eval()
    outputs = network.outputs(torch.rand(3, 3, 32, 32))
    assert {name: tuple(v.shape) for name, v in outputs.items()} == {"embedding": (3, 16), "quality": (3,)}
    assert network.feature[0].in_features == 16 * 64


def test_vit_encodes_any_number_of_tokens() -> None:
    network = build("vit_s", size=32, depth=1, width=64).eval()
    tokens = network.embed_patches(torch.rand(2, 3, 32, 32))
    assert tokens.shape == (2, 16, 64)
    assert network.encode(tokens[:, :5]).shape == (2, 5, 64)


def test_swins_relative_places_are_shared_by_pairs_of_the_same_distance() -> None:
    places = relative_places()
    assert places.shape == (49, 49)
    assert len(places.unique()) == 169
    assert places[0, 8] == places[7, 15] == places[40, 48]
    assert places[0, 1] != places[1, 0]


def test_swins_rolled_windows_keep_apart_what_was_not_adjacent() -> None:
    apart = rolled_apart(14, 3)
    assert apart.shape == (4, 1, 49, 49)
    assert (apart[0] == 0).all()  # the first window holds only neighbours
    last = apart[3, 0].reshape(7, 7, 7, 7)
    assert last[0, 0, 3, 3] == 0
    assert last[0, 0, 4, 0] < 0
    assert last[0, 0, 0, 4] < 0


def test_swinface_says_forty_attributes_age_expression_and_embedding_in_one_pass() -> None:
    names = [name for sizes in TASKS.values() for name in sizes]
    assert len(names) == len(set(names)) == 42  # 40 attributes, age, expression
    assert (TASKS["expression"]["expression"], TASKS["age"]["age"]) == (7, 1)


def test_weights_come_back_from_safetensors(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    first, second = (build("mobilefacenet_x025", size=32, dimension=8).eval() for _ in range(2))
    path = tmp_path / "weights.safetensors"
    save_file({k: v for k, v in first.state_dict().items() if not k.endswith("num_batches_tracked")}, path)
    load_state(second, path)
    x = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(second(x), first(x))


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    path = tmp_path / "weights.safetensors"
    save_file(build("mobilefacenet_x025", size=32, dimension=9).state_dict(), path)
    with pytest.raises(ModelInvalidError, match=r"do not fit: head\.3\.weight, head\.4\.bias"):
        load_state(build("mobilefacenet_x025", size=32, dimension=8), path)


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"pickle")
    with pytest.raises(ModelInvalidError, match="not a safetensors file"):
        load_state(build("mobilefacenet_x025", size=32), path)
    with pytest.raises(NotFoundError, match="no such file"):
        load_state(build("mobilefacenet_x025", size=32), tmp_path / "none")
