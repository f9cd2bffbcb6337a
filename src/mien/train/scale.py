"""What a class-sharded training step costs each GPU: memory, communication, and a bound on its speed.

Bytes of parameters, gradients, optimiser and logits are exact for :class:`mien.train.classifier.ShardedClassifier`;
time is work over what the hardware is given to deliver, not a measurement.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from torch import Tensor, UntypedStorage, nn
from torch.autograd.graph import saved_tensors_hooks

from mien.errors import UsageError

TFLOPS = {"f32": 62.0, "bf16": 125.0}
"""10^12 operations a second that a GPU is taken to deliver: 40 % of an A100's peaks in TF32 and bf16."""
WIDTH = {"f32": 4, "bf16": 2}
STATES = {"sgd": 1, "adamw": 2}
"""Tensors of the optimiser for each parameter: momentum; two moments."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A training step.

    Args:
        classes: identities.
        gpus: processes, one GPU each.
        dimension: of the embeddings.
        batch: faces a GPU and step.
        sample: share of the class centres that a step looks at.
        precision: ``f32`` or ``bf16``: how the backbone computes; weights, centres, logits and optimiser are float32.
        optimizer: ``sgd`` with momentum or ``adamw``.
        backbone_parameters: of the network; the default is iresnet100's.
        backbone_macs: multiply-adds for one face.
        backbone_activations: numbers kept for the backward pass of one face, as `kept_numbers` counts them.
        link: bytes a second that a GPU sends to others; NVLink 3 at half its peak.
    """

    classes: int
    gpus: int = 1
    dimension: int = 512
    batch: int = 128
    sample: float = 1.0
    precision: str = "bf16"
    optimizer: str = "sgd"
    backbone_parameters: int = 65_156_160
    backbone_macs: float = 12.1e9
    backbone_activations: int = 27_970_816
    link: float = 150e9

    def __post_init__(self) -> None:
        if self.precision not in TFLOPS or self.optimizer not in STATES:
            raise UsageError(
                f"precision is f32 or bf16 and optimizer sgd or adamw, not {self.precision}, {self.optimizer}"
            )
        if min(self.classes, self.gpus, self.dimension, self.batch) < 1 or self.classes < self.gpus:
            raise UsageError("classes, gpus, dimension and batch are at least 1, and classes at least gpus")
        if not 0 < self.sample <= 1:
            raise UsageError(f"the share of sampled classes lies in (0, 1], not {self.sample}")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one GPU holds and does in a step; the fullest GPU where shards differ by one class.

    Args:
        centres: bytes of its class centres.
        centre_gradients: bytes of their gradients.
        centre_optimizer: bytes of their optimiser state.
        step_centres: bytes of the centres of a step beside those: the drawn ones, at length 1, and their gradient.
        logits: bytes of one (batch of all GPUs, classes of the step) table of float32.
        logit_tables: bytes of the tables alive at once: cosines, logits and softmax; in the backward pass softmax,
            gradient of the logits and of the cosines.
        embeddings: bytes of the gathered embeddings, raw, at length 1, and their gradients.
        backbone: bytes of weights, gradients and optimiser of the network.
        activations: bytes kept for the network's backward pass; in bf16 with a copy of its weights.
        total: sum of the above but `logits`, which is part of `logit_tables`.
        communication: bytes this GPU sends in a step.
        backbone_s: seconds for the network.
        head_s: seconds for the classifier.
        link_s: seconds for communication, were none of it hidden behind work.
        images_per_s: of all GPUs together.
    """

    centres: int
    centre_gradients: int
    centre_optimizer: int
    step_centres: int
    logits: int
    logit_tables: int
    embeddings: int
    backbone: int
    activations: int
    total: int
    communication: int
    backbone_s: float
    head_s: float
    link_s: float
    images_per_s: float

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)


def cost(setup: Setup) -> Cost:
    """Memory and time of a step.

    Example:
        >>> round(cost(Setup(10_000_000, gpus=8)).total / 2**30, 1)
        33.8
    """
    block = -(-setup.classes // setup.gpus)
    drawn = block if setup.sample == 1 else max(int(setup.sample * block), 1)
    faces, states = setup.batch * setup.gpus, STATES[setup.optimizer]
    centres = 4 * block * setup.dimension
    chosen = 4 * drawn * setup.dimension
    parts = {
        "centres": centres,
        "centre_gradients": centres,
        "centre_optimizer": states * centres,
        "step_centres": (2 if setup.sample == 1 else 4) * chosen,
        "logit_tables": 3 * 4 * faces * drawn,
        "embeddings": 4 * 4 * faces * setup.dimension,
        "backbone": 4 * (2 + states) * setup.backbone_parameters,
        "activations": activations(setup),
    }
    sent = communication(setup)
    backbone_s = 3 * 2 * setup.backbone_macs * setup.batch / (TFLOPS[setup.precision] * 1e12)
    head_s = 3 * 2 * faces * drawn * setup.dimension / (TFLOPS["f32"] * 1e12)
    link_s = sent / setup.link
    return Cost(
        **parts,
        logits=4 * faces * drawn,
        total=sum(parts.values()),
        communication=sent,
        backbone_s=backbone_s,
        head_s=head_s,
        link_s=link_s,
        images_per_s=faces / (backbone_s + head_s + link_s),
    )


def activations(setup: Setup) -> int:
    """Bytes that the network keeps for its backward pass, without recomputation."""
    copies = 0 if setup.precision == "f32" else setup.backbone_parameters
    return WIDTH[setup.precision] * (setup.batch * setup.backbone_activations + copies)


def kept_numbers(network: nn.Module, pictures: Tensor) -> int:
    """Numbers that a float32 network keeps for the backward pass of one face; (b, 3, h, w) pictures are shown to it."""
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}
    kept: dict[int, UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage  # held, so that no address is used twice
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        network(pictures)
    return sum(storage.nbytes() for storage in kept.values()) // (4 * len(pictures))


def communication(setup: Setup) -> int:
    """Bytes a GPU sends in a step, by ring algorithms: gather (n-1) parts, reduce 2 (n-1)/n of the whole.

    The embeddings are gathered and their gradients reduced, labels gathered, four numbers a face reduced (largest
    logit, sum of exponentials, logit and cosine of the own class), and the network's gradients reduced.
    """
    others, faces = setup.gpus - 1, setup.batch * setup.gpus
    gathered = others * setup.batch * (4 * setup.dimension + 8)
    reduced = 4 * faces * setup.dimension + 4 * 4 * faces + 4 * setup.backbone_parameters
    return gathered + 2 * others * reduced // setup.gpus
