"""Checkpoints from which a run goes on exactly: tensors as safetensors, the rest as JSON, never a pickle.

Every process writes one file, ``checkpoint-<step>-<rank>of<size>.safetensors``, aside, forced to disk and renamed;
then the first writes ``state.json``, which names the step. Until that rename the earlier checkpoint stands, whatever
happens: a kill, a full disk, a power cut.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as tensor_bytes
from torch import Tensor, nn

from mien.errors import NotFoundError, StoreCorruptError, StoreError, StoreFullError, UsageError
from mien.train.distributed import World

STATE = "state.json"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands.

    Args:
        step: steps done.
        epoch: epochs done.
        batch: steps done of the epoch that runs.
        seconds: of training, over all sessions.
        size: number of processes.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    size: int = 1


@dataclass(frozen=True, slots=True)
class Parts:
    """What changes while a network learns.

    Args:
        backbone: the network.
        head: class centres, and what the loss itself carries along.
        optimizer: of both.
        sharded: every process has class centres of its own.
    """

    backbone: nn.Module
    head: nn.Module
    optimizer: torch.optim.Optimizer
    sharded: bool = False


def save(folder: Path, parts: Parts, position: Position, world: World) -> None:
    """Write a checkpoint; the one before goes when this one stands.

    Raises:
        StoreFullError: no space; the checkpoint before stands.
        StoreError: the folder cannot be written.
    """
    tensors = _rng(world.device)
    if world.first or parts.sharded:
        tensors |= _prefixed("head", parts.head.state_dict()) | _optimizer(parts.optimizer)
    if world.first:
        tensors |= _prefixed("backbone", parts.backbone.state_dict())
    own = folder / _name(position.step, world.rank, world.size)
    with _kept(folder):
        write_whole(own, tensor_bytes({key: tensor.contiguous() for key, tensor in tensors.items()}))
        world.wait()
        if world.first:
            write_whole(folder / STATE, json.dumps(asdict(position), indent=1).encode())
        world.wait()
        for path in folder.glob(f"checkpoint-*-{world.rank}of{world.size}.safetensors"):
            if path != own:
                path.unlink(missing_ok=True)


def read_position(folder: Path) -> Position:
    """Where the run of a folder stands.

    Raises:
        NotFoundError: it holds no checkpoint.
        StoreCorruptError: the file is none of ours.
    """
    path = folder / STATE
    try:
        return Position(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise NotFoundError(f"{folder}: no checkpoint there; start the run anew", source=str(folder)) from None
    except (ValueError, TypeError) as error:
        raise StoreCorruptError(f"{path}: no state of a run: {error}", source=str(path)) from error


def load(folder: Path, parts: Parts, world: World) -> Position:
    """Put a run's last checkpoint into its parts, and the random generators where they were.

    Raises:
        NotFoundError: there is none.
        StoreCorruptError: it is damaged, or belongs to another network.
        UsageError: the run had another number of processes.
    """
    position = read_position(folder)
    if position.size != world.size:
        raise UsageError(
            f"{folder}: this run has {position.size} processes, now there are {world.size}; "
            f"torchrun --nproc-per-node {position.size} goes on with it",
            source=str(folder),
        )
    first = _read(folder / _name(position.step, 0, world.size))
    own = first if world.first else _read(folder / _name(position.step, world.rank, world.size))
    shard = own if parts.sharded else first
    try:
        parts.backbone.load_state_dict(_below("backbone", first))
        parts.head.load_state_dict(_below("head", shard))
        _restore_optimizer(parts.optimizer, shard)
    except (RuntimeError, KeyError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise StoreCorruptError(
            f"{folder}: its checkpoint is of another network: {line}", source=str(folder)
        ) from error
    _restore_rng(own, world.device)
    return position


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        NotFoundError: no such file.
        StoreCorruptError: it is damaged.
    """
    return _read(path)


def write_whole(path: Path, data: bytes) -> None:
    """Write aside, force to disk, rename: the name never stands for half a file.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    draft = path.with_name(f"{path.name}.draft")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the rename itself must survive a power cut too
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _kept(folder: Path) -> Iterator[None]:
    """Turns a failed write into one line."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "free some space" if full else "make the folder writable"
        raise (StoreFullError if full else StoreError)(
            f"{folder}: {error.strerror or error}; the last checkpoint is good: {remedy}, then `mien train --resume`",
            source=str(folder),
        ) from error


def _name(step: int, rank: int, size: int) -> str:
    return f"checkpoint-{step:08d}-{rank}of{size}.safetensors"


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return parse_tensors(path.read_bytes())
    except OSError as error:
        raise NotFoundError(f"{path}: {error.strerror or error}", source=str(path)) from error
    except SafetensorError as error:
        raise StoreCorruptError(f"{path}: damaged: {error}", source=str(path)) from error


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{key}": tensor.detach() for key, tensor in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: tensor for key, tensor in tensors.items() if key.startswith(f"{prefix}.")}


def _optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """``optimizer.<parameter>.<slot>``; the learning rate follows from the step."""
    slots = optimizer.state_dict()["state"]
    return {
        f"optimizer.{index}.{slot}": value
        for index, values in slots.items()
        for slot, value in values.items()
        if isinstance(value, Tensor)
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    slots: dict[int, dict[str, Any]] = {}
    for key, value in _below("optimizer", tensors).items():
        index, _, slot = key.partition(".")
        slots.setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})


def _rng(device: torch.device) -> dict[str, Tensor]:
    states = {"rng.cpu": torch.get_rng_state()}
    return states | ({"rng.cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def _restore_rng(tensors: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(tensors["rng.cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["rng.cuda"], device)
