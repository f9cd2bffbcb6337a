"""A run: a folder with its recipe, what it was made from, its checkpoints, its curves, and the network it ends with.

recipe.toml                 every setting, changes included
manifest.json               versions, commit, data digests, seed, command
metrics.csv, tensorboard/   loss, rate, speed and accuracy by step
state.json, checkpoint-*    the last checkpoint
model.safetensors           the network, once the run has ended or its time is up
quality.safetensors         heads that predict quality, where the recipe has such terms
quality.csv                 of these, the error that is left when poor pairs are left out
teacher-axes.safetensors    what brings an old network's templates to the new one's, where the recipe asks for it
loss.svg, accuracy.svg, roc.svg, report/
"""

from __future__ import annotations

import datetime
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as tensor_bytes
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mien.backbones import backbones
from mien.backbones.base import Backbone
from mien.errors import ConflictError, NotFoundError, StoreError, UsageError
from mien.evaluate.report import write_report
from mien.evaluate.verification_report import verification_report
from mien.registry import unknown_name
from mien.train.adapt import Petal, Share, adapted, calibrate, finished_weights, load_start, share, start_facts
from mien.train.data import FaceData, data_digest
from mien.train.distil import Distillation, make_distillation, require_taught
from mien.train.distributed import World, world
from mien.train.feed import make_feed, read_faces
from mien.train.logs import Log, Progress, Say
from mien.train.loop import FINISHED, OUT_OF_TIME, STOPPED, Session
from mien.train.loop import train as loop
from mien.train.manifest import MANIFEST, RECIPE, WEIGHTS, manifest, read_manifest
from mien.train.objective import Objective, make_objective
from mien.train.optim import make_optimizer
from mien.train.plots import draw
from mien.train.pretrain.branches import Branches, Pretraining, require_encoder
from mien.train.pretrain.settings import Fsfm
from mien.train.recipe import LATER, Recipe, Teacher, read_recipe, require_options, write_recipe
from mien.train.recompute import recompute_blocks
from mien.train.state import Parts, Position, load, save, write_whole
from mien.train.teacher import Targets, load_teacher, teach
from mien.train.terms import Views
from mien.train.terms.rating import measure_rater, raters, write_heads
from mien.train.validate import Validation, read_validation

__all__ = ["FINISHED", "OUT_OF_TIME", "RECIPE", "STOPPED", "WEIGHTS", "Outcome", "resume", "start"]

AXES = "teacher-axes.safetensors"
SIDE = 112
"""Pixels of a side of every face that is learnt from."""
SHAPE = ("size", "dimension")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a session.

    Args:
        folder: of the run.
        ending: `FINISHED`, `OUT_OF_TIME` or `STOPPED`.
        step, steps: done, and of the whole run.
        images: that this session learnt from.
        seconds: that it took.
        validation: the last one; None without pairs, or when the run was stopped.
        share: how much of the network has moved.
        pretrained: its network has no embedding yet; another run begins with it.
    """

    folder: Path
    ending: str
    step: int
    steps: int
    images: int
    seconds: float
    validation: Validation | None
    share: Share
    pretrained: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        values = asdict(self) | {"folder": str(self.folder), "seconds": round(self.seconds, 2)}
        accuracy = self.validation.accuracy.to_dict() if self.validation else None
        eer = self.validation.measurement.eer.to_dict() if self.validation else None
        return values | {"validation": {"accuracy": accuracy, "eer": eer} if self.validation else None}


def start(
    source: Path | Recipe, changes: Sequence[str] = (), *, command: str, progress: Progress, say: Say
) -> Outcome | None:
    """Carry out a recipe in a new folder.

    Args:
        source: a recipe, or its file.
        changes: ``section.key=value``.
        command: as typed, for the manifest.
        progress: called with (done, total) images.
        say: called with lines for people.

    Returns:
        None in all processes but the first.

    Raises:
        UsageError: the recipe cannot be carried out as it stands.
        NotFoundError: its data are not there.
        MienError: the run had to stop; see `mien.train.loop.train`.
    """
    recipe = read_recipe(source, changes) if isinstance(source, Path) else source
    _check_names(recipe)
    with world(recipe.run.device) as here:
        data = read_faces(recipe.data)
        session = _session(recipe, here, data, progress, say, fresh=True)
        session.folder = Path(here.tell(str(_new_folder(session, data, command)) if here.first else ""))
        position = Position(size=here.size)
        save(session.folder, session.parts, position, here)
        return _carry_out(session, position, progress, say)


def resume(folder: Path, changes: Sequence[str] = (), *, progress: Progress, say: Say) -> Outcome | None:
    """Go on with a run from its last checkpoint: the weights become what they would have been without the stop.

    Args and Returns: as `start`; only `mien.train.recipe.LATER` may change.

    Raises:
        NotFoundError: no run, or no checkpoint there.
        ConflictError: its data have changed.
        MienError: as `start`.
    """
    if not (folder / RECIPE).is_file():
        raise NotFoundError(f"{folder}: no run there (no {RECIPE})", source=str(folder))
    recipe = read_recipe(folder / RECIPE, changes, only=LATER)
    with world(recipe.run.device) as here:
        data = read_faces(recipe.data)
        if here.first and read_manifest(folder)["data"]["sha256"] != data_digest(data):
            raise ConflictError(
                f"{folder}: {recipe.data.root} is not what this run has learnt from; bring it back, or start another",
                source=str(folder),
            )
        session = _session(recipe, here, data, progress, say)
        _require_same_teacher(session, folder)
        session.folder = folder
        position = load(folder, session.parts, here)
        if here.first:
            say(f"going on from step {position.step:,} of {session.steps:,}")
        return _carry_out(session, position, progress, say)


def _check_names(recipe: Recipe) -> None:
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


def _require_same_teacher(session: Session, folder: Path) -> None:
    """ConflictError unless the teacher says what it said when the run began."""
    targets, begun = session.feed.targets, read_manifest(folder).get("teacher")
    if session.world.first and targets is not None and begun != {"model": targets.model, "key": targets.key}:
        raise ConflictError(
            f"{folder}: the teacher '{targets.model}' is not what it was when this run began (other weights or "
            "arithmetic); bring it back, or start another",
            source=str(folder),
        )


def _new_folder(session: Session, data: FaceData, command: str) -> Path:
    """``<date>-<name>``, numbered where that is taken, with the recipe and the manifest in it."""
    recipe, targets = session.recipe, session.feed.targets
    base = Path(recipe.run.folder) / f"{datetime.datetime.now(datetime.UTC).date().isoformat()}-{recipe.name}"
    try:
        for number in range(1, 10_000):
            folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
            try:
                folder.mkdir(parents=True)
                break
            except FileExistsError:
                continue
        write_recipe(recipe, folder / RECIPE)
        facts = manifest(recipe, data, command=command, processes=session.world.size)
        facts["start"] = start_facts(recipe.start)
        facts["teacher"] = None if targets is None else {"model": targets.model, "key": targets.key}
        (folder / MANIFEST).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise StoreError(f"{base}: {error.strerror or error}; --set run.folder=… names another place") from error
    return folder


def _carry_out(session: Session, begun: Position, progress: Progress, say: Say) -> Outcome | None:
    """The loop, and what is made of its end."""
    recipe, first, moving = session.recipe, session.world.first, share(session.parts.backbone)
    if first:
        settings = (recipe.data.batch, session.steps, recipe.run.log_steps)
        session.log = Log(session.folder, begun, *settings, progress, say)
        if recipe.adapt.kind != "full":
            say(str(moving))
        if session.feed.message:
            say(session.feed.message)
    try:
        position, ending = loop(session, begun)
    finally:
        if session.log:
            session.log.close()
    if not first:
        return None
    if ending != STOPPED:
        _finish(session)
    images = (position.step - begun.step) * recipe.data.batch
    seconds = position.seconds - begun.seconds
    pretrained = bool(recipe.pretrain.method)
    return Outcome(
        session.folder, ending, position.step, session.steps, images, seconds, session.last, moving, pretrained
    )


def _session(
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


def _finish(session: Session) -> None:
    """Weights, curves, report."""
    if session.validate and session.last is None:  # the session before was killed after its last step
        session.last = session.validate()
    finished = finished_weights(session.parts.backbone, session.recipe.adapt)
    weights = {name: tensor.detach().contiguous() for name, tensor in finished.items()}
    write_whole(session.folder / WEIGHTS, tensor_bytes(weights))
    taught = session.parts.head.distillation if isinstance(session.parts.head, Objective) else None
    if taught is not None and taught.axes is not None:
        write_whole(session.folder / AXES, tensor_bytes({"axes": taught.axes.detach().contiguous()}))
    if isinstance(session.parts.head, Objective):
        _finish_quality(session, session.parts.head.terms)
    draw(session.folder, session.last)
    if session.last:
        title = f"{session.recipe.name}: verification on {session.last.measurement.scores.meta['data']}"
        report = verification_report([session.last.measurement], title=title, command="mien train")
        write_report(report, session.folder / "report")


def _finish_quality(session: Session, terms: nn.ModuleDict) -> None:
    """Heads that predict quality, and error versus discard on the validation's pairs."""
    write_heads(session.folder, terms)
    backbone = session.parts.backbone
    assert isinstance(backbone, Backbone)
    found = raters(backbone, terms)
    pairs = read_validation(session.recipe.validate) if found else None
    if pairs is None or session.last is None:
        return
    lines = ["term,discarded,fnmr,fnmr_random"]
    for name, rater in found.items():
        curve = measure_rater(rater, pairs, session.last, session.world.device)
        rows = zip(curve.shares.tolist(), curve.fnmr.tolist(), strict=True)
        lines += [f"{name},{share:.2f},{fnmr:.6f},{curve.random:.6f}" for share, fnmr in rows]
    write_whole(session.folder / "quality.csv", ("\n".join(lines) + "\n").encode())
