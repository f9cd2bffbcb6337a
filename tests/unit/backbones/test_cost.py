"""Claims about parameters and multiply-adds: by hand, against PyTorch's own counter, against what the papers print."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from torch import nn  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from mien.backbones import backbones, build  # noqa: E402
from mien.backbones.attention import Attention  # noqa: E402
from mien.backbones.base import Backbone  # noqa: E402
from mien.backbones.cost import Cost, cost, cost_of  # noqa: E402
from mien.backbones.tvconv import TVConv  # noqa: E402

DIGITS = {
    # half a unit of the last digit printed: (parameters, multiply-adds)
    "iresnet18": (0.05e6, 0.05e9),
    "iresnet50": (0.05e6, 0.05e9),
    "iresnet100": (0.05e6, 0.05e9),
    "iresnet200": (None, 0.09e9),  # printed with batch normalisation and PReLU
    "mobilefacenet": (0.014e6, 0.5e6),  # printed without batch normalisation and PReLU
    "mobilefacenet_450m": (None, 0.013e9),  # printed with them
    "mobilenetv2": (0.11e6, 1e6),  # printed without batch normalisation, and cut off after two digits
    "lightcnn9": (0.08e6, None),  # printed with the input of one convolution twice as wide
    "lightcnn29": (0.08e6, None),
    "vit_s": (None, 0.05e9),
    "vit_b": (None, 0.05e9),
    "swin_t": (0.8e6, 0.05e9),  # 28.3 M, printed without a decimal as 29 M
    "edgeface_xxs": (0.005e6, 0.1e6),
    "edgeface_xs": (0.005e6, 0.2e6),
    "edgeface_s": (0.005e6, 0.3e6),
    "edgeface_base": (0.005e6, 0.4e6),
}
KNOWN = {
    # exact counts of the best known public implementations
    "mobilenetv2": ({"size": 224, "dimension": 1000, "stem_stride": 2, "head": "pool"}, 3_504_872),  # torchvision
    "swin_t": ({"size": 224, "patch": 4, "dimension": 1000, "head": "pool"}, 28_288_354),  # Microsoft's, timm's
}


class Two(Backbone):
    """A strided convolution in two groups and a linear layer."""

    def __init__(self) -> None:
        super().__init__(8, 5)
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.grouped = nn.Conv2d(6, 4, 3, padding=1, groups=2, bias=False)
        self.linear = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.grouped(self.conv(x)).mean(dim=(2, 3)))


def counted(name: str, **options: object) -> Cost:
    return cost_of(backbones[name], **options)


def test_a_hand_worked_network() -> None:
    # 4 x 4 places of 6 x 27 and of 4 x (3 x 9), then 4 x 5; biases are parameters, not multiply-adds
    assert cost(Two()) == Cost(6 * 27 + 6 + 4 * 27 + 4 * 5 + 5, 16 * 6 * 27 + 16 * 4 * 27 + 20)


def test_attention_counts_its_two_products() -> None:
    class One(Backbone):
        def __init__(self) -> None:
            super().__init__(4, 8)
            self.attention = Attention(8, 2, bias=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.attention(x.new_zeros(1, 7, 8)).mean(dim=1)

    # 7 tokens: 8 x 24 and 8 x 8 each, and 2 heads x 2 products of 7 x 7 x 4
    assert cost(One()).macs == 7 * 8 * 24 + 7 * 8 * 8 + 2 * 2 * 7 * 7 * 4


@pytest.mark.parametrize("name", list(backbones))
def test_the_count_is_that_of_torchs_own_counter(name: str) -> None:
    with torch.device("meta"):
        network = build(name).eval()
        picture = torch.zeros(1, 3, network.size, network.size)
    # the plain products, which the counter knows on every device
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        network.outputs(picture)
    assert 2 * cost(network).macs == counter.get_total_flops()


def test_translation_variant_convolution_counts_as_the_depthwise_one_it_replaces() -> None:
    assert counted("mobilefacenet", tvconv=True).macs == counted("mobilefacenet").macs
    assert TVConv(8, 4).macs((), torch.zeros(1, 8, 4, 4)) == 8 * 4 * 4 * 9


@pytest.mark.parametrize("name", list(backbones))
def test_printed_figures_are_met_as_far_as_their_digits_go(name: str) -> None:
    architecture = backbones[name]
    if architecture.parameters is None and architecture.macs is None:
        assert name not in DIGITS
        return
    assert architecture.source
    found = counted(name, **architecture.printed_as)
    parameters, macs = DIGITS[name]
    if architecture.parameters is not None:
        assert abs(found.parameters - architecture.parameters) <= parameters
    if architecture.macs is not None:
        assert abs(found.macs - architecture.macs) <= macs


@pytest.mark.parametrize("name", KNOWN)
def test_parameters_are_exactly_those_of_the_public_implementation(name: str) -> None:
    options, parameters = KNOWN[name]
    assert counted(name, **options).parameters == parameters


def test_inception_resnet_v1_has_the_keras_ports_parameters_and_the_scales_it_leaves_out() -> None:
    with torch.device("meta"):
        network = build("inception_resnet_v1")
    scales = sum(m.num_features for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d))
    assert cost(network).parameters - scales == 22_779_312


def test_light_cnn_has_the_papers_weights_but_for_one_convolution() -> None:
    with torch.device("meta"):
        network = build("lightcnn9", size=128)
    weights = sum(p.numel() for name, p in network.named_parameters() if name.endswith("weight"))
    assert abs(weights + 9 * 48 * 192 - 5_556_000) < 6_000  # the table rounds each of ten rows to 1 K
