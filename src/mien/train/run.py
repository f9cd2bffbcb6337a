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
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save as tensor_bytes
from torch import nn

from mien.backbones.base import Backbone
from mien.errors import ConflictError, NotFoundError, StoreError
from mien.evaluate.report import write_report
from mien.evaluate.verification_report import verification_report
from mien.train.adapt import Share, finished_weights, share, start_facts
from mien.train.assembly import check_names, make_session
from mien.train.data import FaceData, data_digest
from mien.train.distributed import world
from mien.train.feed import read_faces
from mien.train.logs import Log, Progress, Say
from mien.train.loop import FINISHED, OUT_OF_TIME, STOPPED, Session
from mien.train.loop import train as loop
from mien.train.manifest import MANIFEST, RECIPE, WEIGHTS, manifest, read_manifest
from mien.train.objective import Objective
from mien.train.plots import draw
from mien.train.recipe import LATER, Recipe, read_recipe, write_recipe
from mien.train.state import Position, load, save, write_whole
from mien.train.terms.rating import measure_rater, raters, write_heads
from mien.train.validate import Validation, read_validation

__all__ = ["FINISHED", "OUT_OF_TIME", "RECIPE", "STOPPED", "WEIGHTS", "Outcome", "resume", "start"]

AXES = "teacher-axes.safetensors"


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
    check_names(recipe)
    with world(recipe.run.device) as here:
        data = read_faces(recipe.data)
        session = make_session(recipe, here, data, progress, say, fresh=True)
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
        session = make_session(recipe, here, data, progress, say)
        _require_same_teacher(session, folder)
        session.folder = folder
        position = load(folder, session.parts, here)
        if here.first:
            say(f"going on from step {position.step:,} of {session.steps:,}")
        return _carry_out(session, position, progress, say)


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
        shares = [percent / 100 for percent in range(31)]
        lines += [f"{name},{share:.2f},{curve.at(share):.6f},{curve.random:.6f}" for share in shares]
    write_whole(session.folder / "quality.csv", ("\n".join(lines) + "\n").encode())
