"""The .bin pair files of InsightFace: agedb_30, cfp_fp, calfw, cplfw, lfw.

Such a file is a pickle of ``(pictures, same)``: 2n encoded pictures, aligned to 112 x 112, and n truth values; pair i
is pictures 2i and 2i + 1, and ten folds are cut in order. A pickle is a program, so nothing is unpickled here: its
opcodes are read by a machine that knows lists, tuples, bytes, strings and numbers, and the three ways in which NumPy
and Python 3 write bytes. Anything else is refused before it means anything.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import NotFoundError, UsageError
from mien.evaluate.protocols.pairs import PairList

FOLDS = 10

_PUSH = {
    *("BININT", "BININT1", "BININT2", "LONG1", "NONE", "NEWTRUE", "NEWFALSE"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_CONSTANT = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMPY = {"numpy.core.multiarray", "numpy._core.multiarray"}


class _RefusedError(ValueError):
    """Not such a file."""


class _Name(str):
    """A global that is named and never looked up."""


class _Kind(str):
    """A NumPy dtype by its code."""


class _Holder(list[Any]):
    """A NumPy array before its state has come; afterwards it holds its bytes."""


_MARK = object()


def read_bin(path: Path) -> PairList:
    """The pairs of a file, pictures still encoded; equal pictures become one sample.

    Raises:
        NotFoundError: no such file.
        UsageError: it is no such file, with the first thing that is not allowed.
    """
    if not path.is_file():
        raise NotFoundError(f"{path}: no such pair file", source=str(path))
    try:
        pictures, same = _contents(_Machine().run(path.read_bytes()))
    except (ValueError, IndexError) as error:
        what = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{path}: no pair file of InsightFace: {what}", code="pair-list", source=str(path)) from error
    rows: dict[bytes, int] = {}
    sides = np.array([rows.setdefault(picture, len(rows)) for picture in pictures], np.int64).reshape(-1, 2)
    sizes = [len(part) for part in np.array_split(same, FOLDS)]
    return PairList(
        name=path.stem,
        samples=tuple(f"{row:05d}" for row in rows.values()),
        sources=list(rows),
        a=sides[:, 0],
        b=sides[:, 1],
        mated=np.array(same, np.bool_),
        fold=np.repeat(np.arange(FOLDS), sizes),
        aligned=True,
    )


def _contents(value: Any) -> tuple[list[bytes], list[bool]]:
    if not (isinstance(value, (tuple, list)) and len(value) == 2 and all(isinstance(part, list) for part in value)):
        raise _RefusedError("expected two lists, pictures and truth values")
    pictures = [_bytes(item) for item in value[0]]
    same = value[1]
    if not all(isinstance(item, bool) or item in (0, 1) for item in same) or not same:
        raise _RefusedError("the second list must hold truth values")
    if len(pictures) != 2 * len(same):
        raise _RefusedError(f"{len(pictures)} pictures for {len(same)} pairs, expected {2 * len(same)}")
    return pictures, [bool(item) for item in same]


def _bytes(item: Any) -> bytes:
    if isinstance(item, _Holder) and len(item) == 1:
        item = item[0]
    if not isinstance(item, bytes):
        raise _RefusedError(f"a picture must be bytes, found {type(item).__name__}")
    return item


class _Machine:
    """The stack machine of a pickle, without any way to call."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        """What the pickle stands for."""
        for code, argument, place in pickletools.genops(data):
            if code.name == "STOP":
                return self._stack.pop()
            if not self._step(code.name, argument):
                raise _RefusedError(f"the opcode {code.name} at byte {place} is not allowed")
        raise _RefusedError("it ends early")

    def _step(self, name: str, argument: Any) -> bool:
        """Carry out one opcode; False if it is none of ours."""
        if name in _PUSH:
            self._stack.append(_CONSTANT.get(name, argument))
        elif name in ("BINSTRING", "SHORT_BINSTRING"):  # of Python 2; genops shows the bytes as Latin-1
            self._stack.append(argument.encode("latin-1"))
        elif name in ("BINPUT", "LONG_BINPUT"):
            self._memo[argument] = self._stack[-1]
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            if argument not in self._memo:
                raise _RefusedError(f"it refers to an entry {argument} that it has not made")
            self._stack.append(self._memo[argument])
        elif name not in ("PROTO", "FRAME"):
            return self._gather(name) or self._name(name, argument) or self._apply(name)
        return True

    def _gather(self, name: str) -> bool:
        """Lists and tuples."""
        if name == "MARK":
            self._stack.append(_MARK)
        elif name == "EMPTY_LIST":
            self._stack.append([])
        elif name == "EMPTY_TUPLE":
            self._stack.append(())
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            self._stack.append(tuple(self._pop(int(name[-1]))))
        elif name == "TUPLE":
            self._stack.append(tuple(self._to_mark()))
        elif name == "LIST":
            self._stack.append(list(self._to_mark()))
        elif name in ("APPEND", "APPENDS"):
            items = self._pop(1) if name == "APPEND" else list(self._to_mark())
            if type(self._stack[-1]) is not list:
                raise _RefusedError("something is appended to what is no list")
            self._stack[-1].extend(items)
        else:
            return False
        return True

    def _name(self, name: str, argument: Any) -> bool:
        """Names of globals; they stay names."""
        if name == "GLOBAL":
            module, _, attribute = argument.partition(" ")
        elif name == "STACK_GLOBAL":
            module, attribute = self._pop(2)
        else:
            return False
        allowed = {"_codecs": {"encode"}, "numpy": {"ndarray", "dtype"}}
        if attribute not in ({"_reconstruct", "scalar"} if module in _NUMPY else allowed.get(module, ())):
            raise _RefusedError(f"it asks for {module}.{attribute}, which has no place in a pair file")
        self._stack.append(_Name(attribute))
        return True

    def _apply(self, name: str) -> bool:
        """The ways in which bytes and truth values are written through a call."""
        if name == "REDUCE":
            what, arguments = self._pop(2)
            self._stack.append(_called(what, arguments))
        elif name == "BUILD":
            state = self._pop(1)[0]
            if isinstance(self._stack[-1], _Holder):
                self._stack[-1][:] = [_array_bytes(state)]
            elif not isinstance(self._stack[-1], _Kind):
                raise _RefusedError("it sets the state of what is no array")
        else:
            return False
        return True

    def _pop(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise _RefusedError("its stack runs empty")
        items = self._stack[-count:]
        del self._stack[-count:]
        return items

    def _to_mark(self) -> Iterator[Any]:
        start = len(self._stack) - 1
        while start >= 0 and self._stack[start] is not _MARK:
            start -= 1
        if start < 0:
            raise _RefusedError("a mark is missing")
        items = self._stack[start + 1 :]
        del self._stack[start:]
        return iter(items)


def _called(what: Any, arguments: Any) -> Any:
    """What a call to one of the names would give."""
    if type(what) is not _Name or not isinstance(arguments, tuple):
        raise _RefusedError("it calls what is no name")
    if what == "encode" and len(arguments) == 2 and arguments[1] == "latin1":
        return str(arguments[0]).encode("latin-1")
    if what == "_reconstruct" and arguments[:1] == ("ndarray",):
        return _Holder()
    if what == "dtype" and arguments[:1] in (("u1",), (b"u1",), ("b1",), (b"b1",)):
        return _Kind(arguments[0] if isinstance(arguments[0], str) else arguments[0].decode("ascii"))
    if what == "scalar" and len(arguments) == 2 and arguments[0] == "b1" and arguments[1] in (b"\0", b"\1"):
        return arguments[1] == b"\1"
    raise _RefusedError(f"{what} is called with other than bytes or truth values")


def _array_bytes(state: Any) -> bytes:
    """The bytes of a NumPy array's state: (version, shape, dtype, fortran, bytes)."""
    if isinstance(state, tuple) and len(state) == 5 and state[2] == "u1" and isinstance(state[4], bytes):
        return state[4]
    raise _RefusedError("an array holds other than bytes")
