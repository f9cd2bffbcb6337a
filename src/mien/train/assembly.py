"""What a recipe stands for, put together: batches, network, classifier, loss and optimiser."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import partial

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mien.backbones import backbones
from mien.backbones.base import Backbone
from mien.errors import UsageError
from mien.registry import unknown_name
from mien.train.adapt import Petal, adapted, calibrate, load_start
from mien.train.data import FaceData
from mien.train.distil import Distillation, make_distillation, require_taught
from mien.train.distributed import World
from mien.train.feed import make_feed
from mien.train.logs import Progress, Say
from mien.train.loop import Session
from mien.train.objective import Objective, make_objective
from mien.train.optim import make_optimizer
from mien.train.pretrain.branches import Branches, Pretraining, require_encoder
from mien.train.pretrain.settings import Fsfm
from mien.train.recipe import Recipe, Teacher, require_options
from mien.train.recompute import recompute_blocks
from mien.train.state import Parts
from mien.train.teacher import Targets, load_teacher, teach
from mien.train.terms import Views
from mien.train.validate import read_validation

SIDE = 112
"""Pixels of a side of every face that is learnt from."""
SHAPE = ("size", "dimension")


def check_names(recipe: Recipe) -> None:
    """UsageError unless the backbone and the loss are known."""
    from mien.train.losses import losses

    for kind, name, known in (
        ("backbone", recipe.model.backbone, list(backbones)),
        *(
            ("loss", name, list(losses))
            for name in (recipe.loss.name, *recipe.terms.options, *recipe.teacher.losses)
            if name
        ),
    ):
        if name not in known:
            raise UsageError(unknown_name(kind, name, known), code="recipe")


def make_session(
    recipe: Recipe, here: World, data: FaceData, progress: Progress, say: Say, *, fresh: bool = False
) -> Session:
    """Batches, network, classifier, loss and optimiser, alike in all processes; of the run nothing is written yet.

    `fresh`: no checkpoint will fill the network, so it takes the weights that the recipe begins with.
    """
    targets = _targets(recipe.teacher, data, here, progress, say)
    run, feed, pairs = recipe.run, make_feed(recipe, data, here, targets), read_validation(recipe.validate)
    if run.threads:
        torch.set_num_threads(run.threads)
    torch.use_deterministic_algorithms(run.deterministic)
    torch.manual_seed(run.seed)
    backbone = make_backbone(recipe)
    if fresh:
        load_start(backbone, recipe)
    backbone = adapted(backbone, recipe.adapt).to(here.device)
    if fresh and isinstance(backbone, Petal):
        calibrate(backbone, data, feed, here)
    if run.channels_last:
        backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    taught = make_distillation(recipe.teacher, data, targets, backbone.dimension) if targets else None
    steps = run.steps or run.epochs * feed.steps
    network, objective, follow = _learning(recipe, len(data.people), backbone, here, taught, steps)
    if run.recompute and not recompute_blocks(backbone):
        raise UsageError(f"'run.recompute': {recipe.model.backbone} has no blocks to make again; leave it out")
    torch.manual_seed(run.seed + here.rank)  # what the network draws while it learns differs by process
    network = DistributedDataParallel(network) if here.size > 1 else network
    validate = partial(pairs, backbone, here.device, recipe.name) if pairs else None
    parts = Parts(backbone, objective, make_optimizer((backbone, objective), recipe.optimizer), objective.sharded)
    return Session(recipe, here, feed, network, objective, parts, validate, steps, follow)


def _learning(
    recipe: Recipe, people: int, backbone: Backbone, here: World, taught: Distillation | None, steps: int
) -> tuple[nn.Module, Objective | Branches, Callable[[int], None] | None]:
    """What pictures go through, what makes a loss of that, and what is to be done after each step."""
    if not recipe.pretrain.method:
        objective = make_objective(recipe, people, backbone, here, taught).to(here.device)
        network = Views(backbone, objective.views) if objective.views else backbone
        return network, objective, None
    require_options(recipe.pretrain, {f.name: f.default for f in fields(Fsfm)}, "pretrain")
    encoder = require_encoder(backbone, recipe.model.backbone)
    branches = Branches(encoder, Fsfm(**recipe.pretrain.options), steps).to(here.device)
    return Pretraining(encoder, branches), branches, partial(branches.follow, encoder)


def _targets(settings: Teacher, data: FaceData, here: World, progress: Progress, say: Say) -> Targets | None:
    """What the recipe's teacher makes of every face; None without a teacher."""
    if not settings.model:
        return None
    require_taught(settings, data)
    teacher = load_teacher(settings)
    if here.first:
        say(f"the teacher {settings.model} looks at {len(data):,} faces, if it has not yet")
    return teach(data, teacher, settings, progress if here.first else None)


def make_backbone(recipe: Recipe) -> Backbone:
    """The recipe's network with random weights.

    Raises:
        UsageError: an option that it has not.
    """
    architecture = backbones[recipe.model.backbone]
    defaults = {p.name: p.default for p in inspect.signature(architecture.make).parameters.values()}
    defaults = {key: value for key, value in (defaults | dict(architecture.options)).items() if key not in SHAPE}
    require_options(recipe.model, defaults, "model")
    return architecture.build(dimension=recipe.model.dimension, size=SIDE, **recipe.model.options)
