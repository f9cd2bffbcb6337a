"""Claims about every registered architecture: the contract of `check_backbone`."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.backbones import backbones, build  # noqa: E402
from mien.testing.check_backbone import check_backbone  # noqa: E402

REDUCED = {
    "iresnet34": 48,
    "iresnet50": 48,
    "iresnet100": 32,
    "iresnet200": 32,
    "vit_b": 40,
    "vit_b_quality": 40,
    "vit_s": 56,
    "vit_s_quality": 56,
}
"""Sides for the large ones: the same layers over smaller maps."""
VARIANTS = {
    "iresnet18 with IBN": ("iresnet18", {"ibn": True, "size": 64}),
    "mobilefacenet with IBN": ("mobilefacenet", {"ibn": True}),
    "mobilefacenet with TVConv": ("mobilefacenet", {"tvconv": True, "width": 0.25}),
    "mobilenetv2 with TVConv": ("mobilenetv2", {"tvconv": True, "width": 0.25, "size": 64}),
    "mobilenetv2 as printed": ("mobilenetv2", {"stem_stride": 2, "head": "pool", "size": 64}),
    "edgeface with whole layers": ("edgeface_xs", {"gamma": None}),
    "mobilefacenet of other size and dimension": ("mobilefacenet", {"size": 96, "dimension": 64}),
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", list(backbones))
def test_a_registered_backbone_keeps_the_contract(name: str) -> None:
    check_backbone(build(name, size=REDUCED.get(name)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_its_variants_keep_the_contract(variant: str) -> None:
    name, options = VARIANTS[variant]
    check_backbone(build(name, **options))
