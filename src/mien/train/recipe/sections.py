"""The sections of a recipe: every setting has a place, a type, and a default with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Data:
    """``[data]``: what is learnt from.

    Args:
        root: prepared faces, or a folder, list or archive that `mien.train.data.open_data` knows.
        join: further ones, which are learnt from together with it; a name that two of them use stays two people.
        licence: terms of the pictures, in words or as an SPDX id; nothing is exported without.
        batch: pictures of one step, over all processes and accumulated parts.
        sampler: ``shuffled``, or ``balanced`` for people x pictures, which pair losses need.
        people: of a balanced batch; each then has batch / people pictures.
        exclude: lists of LFW pairs whose people are left out.
        classes: so many people with the most pictures; 0 = all.
        mixtures: faces mixed of two, so many beside each face, for a teacher to say what they are; 0 = none.
        workers: threads that read ahead.
    """

    root: str
    join: tuple[str, ...] = ()
    licence: str = ""
    batch: int = 128
    sampler: str = "shuffled"
    people: int = 0
    exclude: tuple[str, ...] = ()
    classes: int = 0
    mixtures: int = 0
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Augmentation:
    """``[augment]``: how faces are changed; further keys are fields of `mien.train.data.augment.Augment`.

    Args:
        name: ``none``, ``flip``, ``adaface``, ``degraded`` or ``masked``: what the further keys depart from.
        options: probabilities and amounts.
    """

    name: str = "flip"
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """``[model]``: the backbone; further keys are its own options.

    Args:
        backbone: a name of `mien backbones`.
        dimension: length of the embedding; None = the family's own.
        options: of the backbone.
    """

    backbone: str
    dimension: int | None = None
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loss:
    """``[loss]``: what is optimised; further keys are its own options.

    Args:
        name: a name of `mien losses`; empty = what `[teacher]` says alone.
        sample: share of the class centres that one step looks at (Partial FC); 1 = all.
        sharded: each process holds a part of the class centres: for so many people that one cannot hold all.
        options: of the loss.
    """

    name: str = ""
    sample: float = 1.0
    sharded: bool = False
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Terms:
    """``[terms.NAME]``: what is added to `[loss]`; a section a term, with the options of its loss, weight among them.

    Args:
        options: of each, by names of `mien losses` that are terms.
    """

    options: dict[str, Options] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Teacher:
    """``[teacher]``: a finished embedder that is learnt from, beside `[loss]` or alone.

    Further keys are options of its losses.

    Args:
        model: an embedder's card by its name or path, fused ones too; empty = none.
        losses: names of `mien losses` of the kinds taught, taught-class and compatible.
        weights: of each, beside 1 for `[loss]`.
        mirrored: a target is the unit mean of the face's and its mirror image's embedding.
        bridge: where the two dimensions differ: ``map`` (learnt, of the network's embeddings) or ``axes`` (principal
            axes, of the teacher's: what it made earlier stays in use).
        precision: arithmetic of the teacher: ``auto``, ``f32`` or ``bf16``.
        allow_licence: ``permissive``, ``non-commercial`` or ``any``.
        folder: where its embeddings are kept, templates of everyone in the data.
        options: of the losses.
    """

    model: str = ""
    losses: tuple[str, ...] = ("distil-similarity",)
    weights: tuple[float, ...] = (1.0,)
    mirrored: bool = True
    bridge: str = "map"
    precision: str = "f32"
    allow_licence: str = "permissive"
    folder: str = "teachers"
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pretrain:
    """``[pretrain]``: learning from pictures alone, without `[loss]` and `[teacher]`; further keys are its options.

    Args:
        method: ``fsfm``; empty = no pre-training.
        options: fields of `mien.train.pretrain.settings.Fsfm`.
    """

    method: str = ""
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """``[optimizer]``.

    Args:
        name: ``sgd`` or ``adamw``.
        lr: learning rate at the top of the schedule.
        momentum: of SGD.
        weight_decay: of matrices and kernels; biases, gains and slopes are left alone.
        clip: longest gradient, over all parameters; 0 = as it comes.
    """

    name: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float = 5.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """``[schedule]``: how the learning rate moves; places are shares of the whole run.

    Args:
        name: ``cosine``, ``step``, ``poly`` or ``constant``.
        warmup: share in which the rate rises from zero.
        milestones: of ``step``: where the rate falls.
        gamma: of ``step``: to so much of itself.
        power: of ``poly``; 2 as in InsightFace's recipes.
    """

    name: str = "cosine"
    warmup: float = 0.05
    milestones: tuple[float, ...] = (0.5, 0.75, 0.9)
    gamma: float = 0.1
    power: float = 2.0


@dataclass(frozen=True, slots=True)
class Run:
    """``[run]``: how it is carried out.

    Args:
        folder: where run folders are made.
        epochs: times through the data.
        steps: this many steps instead; 0 = by epochs.
        minutes: of training, all sessions together, after which the run ends in order; 0 = no limit.
        seed: of initial weights, order and augmentation.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``f32`` or ``bf16`` (autocast of the backbone; loss and weights stay in f32).
        channels_last: memory order of pictures; faster for convolutions on CPU and tensor cores.
        accumulate: parts that a step's batch is worked through in, where memory is short.
        recompute: keep only the activations between blocks and make the rest again (gradient checkpointing).
        threads: of PyTorch; 0 = its own choice.
        deterministic: only algorithms that give the same bits again; slower on GPUs.
        log_steps: steps between two rows of the log.
        save_steps, save_minutes: how often a checkpoint is written; 0 = not by this measure.
    """

    folder: str = "runs"
    epochs: int = 20
    steps: int = 0
    minutes: float = 0.0
    seed: int = 0
    device: str = "auto"
    precision: str = "f32"
    channels_last: bool = True
    accumulate: int = 1
    recompute: bool = False
    threads: int = 0
    deterministic: bool = False
    log_steps: int = 50
    save_steps: int = 0
    save_minutes: float = 10.0


@dataclass(frozen=True, slots=True)
class Validate:
    """``[validate]``: pairs that are compared while the network learns.

    Args:
        pairs: LFW's list (``pairsDevTest.txt``), or a ``.bin`` file of InsightFace; empty = no validation.
        root: the list's faces, as `data.root`.
        steps: steps between two validations; 0 = once an epoch.
    """

    pairs: str = ""
    root: str = ""
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Export:
    """``[export]``: what the card of the network rests on.

    Args:
        licence: SPDX id of the weights; left out it is `data.licence`.
        development: faces of labelled people who are not learnt from, as `data.root`: error rates and the grouping
            cut are measured on them.
        people: a list of LFW pairs: of the development set only the people in it; empty = all of them.
        about: what the development set is, in words.
    """

    licence: str = ""
    development: str = ""
    people: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """``[start]``: what the network begins with.

    Args:
        weights: folder of a run that has ended, or a ``.safetensors`` file, of the same ``[model]``; empty = drawn.
    """

    weights: str = ""


@dataclass(frozen=True, slots=True)
class Adapt:
    """``[adapt]``: which weights move; `mien.train.adapt` says how.

    Args:
        kind: ``full`` = all of them, ``head`` = the last part's, ``lora`` = adapters beside frozen layers, ``petal`` =
            two sets of adapters, mixed by the quality of each picture.
        targets: layers that get adapters, by the ends of their names, or parts that ``head`` means; empty = every
            linear layer, or the last part.
        shared: of ``petal``: the targets that have one adapter for all pictures.
        rank: of an adapter.
        scale: of what adapters add.
        dropout: share of an adapter's input that is left out while it learns.
    """

    kind: str = "full"
    targets: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    rank: int = 4
    scale: float = 1.0
    dropout: float = 0.0
