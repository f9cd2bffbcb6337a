"""A network as a value: nodes, constants, inputs and outputs, small enough to rewrite by plain functions.

Parsing takes bytes only and refuses tensors kept in other files, so that what runs is what was verified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import helper, numpy_helper

from mien.errors import ModelInvalidError
from mien.types.arrays import AnyArray

LARGEST_MODEL = 1 << 30  # bytes; ten times the largest face embedder in common use, half of what protobuf can hold


@dataclass(frozen=True)
class Node:
    """One operation. Attributes stay as ONNX keeps them, so that those nobody looks at pass through unchanged.

    Args:
        op: operator, such as ``Conv``; of another domain as ``domain:op``.
        inputs, outputs: names; '' for an optional one left out.
        attributes: by name.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, onnx.AttributeProto] = field(default_factory=dict)
    name: str = ""

    @classmethod
    def make(cls, op: str, inputs: tuple[str, ...], output: str, **attributes: Any) -> Node:
        """A node with one output, its attributes given as Python values."""
        return cls(op, inputs, (output,), {k: helper.make_attribute(k, v) for k, v in attributes.items()}, output)

    def get(self, attribute: str, default: Any) -> Any:
        """An attribute's value; text comes as str."""
        if attribute not in self.attributes:
            return default
        value = helper.get_attribute_value(self.attributes[attribute])
        return value.decode() if isinstance(value, bytes) else value

    def subgraphs(self) -> Iterator[onnx.GraphProto]:
        """The bodies of If, Loop and Scan."""
        for attribute in self.attributes.values():
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield attribute.g
            yield from attribute.graphs


@dataclass(frozen=True)
class Graph:
    """A network. Every change gives a new one; the constants' arrays are shared and never written to.

    Args:
        nodes: in an order in which they can run.
        constants: weights by name.
        inputs: what the caller feeds, by name: declared type and shape.
        outputs: names, in the order in which a session returns them.
        header: what else the file says (versions of the operators, local functions, types of the outputs).
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, AnyArray]
    inputs: Mapping[str, onnx.ValueInfoProto]
    outputs: tuple[str, ...]
    header: onnx.ModelProto

    @classmethod
    def parse(cls, model: bytes) -> Graph:
        """The graph in the bytes of an ONNX file.

        Raises:
            ModelInvalidError: not ONNX, unreasonably large, or with weights in other files.
        """
        if len(model) > LARGEST_MODEL:
            raise ModelInvalidError(f"the model has {len(model):,} bytes; mien loads at most {LARGEST_MODEL:,}")
        try:
            proto = onnx.ModelProto.FromString(model)
        except DecodeError as error:
            raise ModelInvalidError("the model is no ONNX file, or a broken one: get it again") from error
        if not proto.graph.node or not proto.graph.output:
            raise ModelInvalidError("the model holds no network: it is no ONNX file, or a cut one: get it again")
        _refuse_external_data(proto)
        return cls._of(proto)

    @classmethod
    def _of(cls, proto: onnx.ModelProto) -> Graph:
        """The parts of a checked model."""
        body = proto.graph
        try:
            constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in body.initializer}
        except (ValueError, TypeError, KeyError) as error:
            raise ModelInvalidError(f"a tensor of the model does not agree with its shape: {_line(error)}") from error
        nodes = tuple(
            Node(f"{n.domain}:{n.op_type}" if n.domain not in ("", "ai.onnx") else n.op_type, tuple(n.input),
                 tuple(n.output), {a.name: a for a in n.attribute}, n.name)
            for n in body.node
        )  # fmt: skip
        inputs = {value.name: value for value in body.input}
        for done in ("node", "initializer", "input", "value_info"):
            body.ClearField(done)
        return cls(nodes, constants, inputs, tuple(value.name for value in body.output), proto)

    def to_bytes(self) -> bytes:
        """The ONNX file."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.header)
        declared = {value.name: value for value in self.header.graph.output}
        body = proto.graph
        body.ClearField("output")
        body.output.extend(declared.get(name) or _float_output(name) for name in self.outputs)
        body.input.extend(self.inputs.values())
        for name, array in self.constants.items():
            _add_tensor(body, name, array)
        for node in self.nodes:
            domain, _, op = node.op.rpartition(":")
            made = body.node.add(op_type=op, domain=domain, input=node.inputs, output=node.outputs, name=node.name)
            made.attribute.extend(node.attributes.values())
        serialised: bytes = proto.SerializeToString()
        return serialised

    @cached_property
    def _producers(self) -> dict[str, Node]:
        return {output: node for node in self.nodes for output in node.outputs}

    @cached_property
    def _reads(self) -> Counter[str]:
        """How often each name is read; a graph output and a name inside a subgraph count as reads."""
        reads = Counter(name for node in self.nodes for name in node.inputs)
        reads.update(self.outputs)
        for node in self.nodes:
            for body in node.subgraphs():
                reads.update(_names_read(body))
        return reads

    def producer(self, name: str) -> Node | None:
        """The node that makes a value; None for an input or a constant."""
        return self._producers.get(name)

    def read_once(self, name: str) -> bool:
        """Whether one node reads the value, nobody else, and it is no output."""
        return self._reads[name] == 1

    def is_read(self, name: str) -> bool:
        """Whether any node, subgraph or output uses the value."""
        return self._reads[name] > 0

    def constant(self, name: str) -> AnyArray:
        """A constant's values.

        Raises:
            ModelInvalidError: the name is no constant.
        """
        if name not in self.constants:
            raise ModelInvalidError(f"the graph computes '{name}' where mien expects a constant")
        return self.constants[name]

    def with_constants(self, constants: Mapping[str, AnyArray]) -> Graph:
        """The same with more constants, or with other values for some."""
        return replace(self, constants={**self.constants, **constants})

    def with_nodes(self, changed: Mapping[int, tuple[Node, ...]]) -> Graph:
        """The same with some nodes replaced by others: ``changed`` maps ``id(node)`` to what stands in its place."""
        return replace(self, nodes=tuple(new for node in self.nodes for new in changed.get(id(node), (node,))))

    def renamed(self, names: Mapping[str, str]) -> Graph:
        """The same with every node reading ``names[x]`` where it read x; chains of names are followed."""

        def final(name: str) -> str:
            while name in names:
                name = names[name]
            return name

        nodes = tuple(
            replace(node, inputs=tuple(final(name) for name in node.inputs))
            if any(name in names for name in node.inputs)
            else node
            for node in self.nodes
        )
        return replace(self, nodes=nodes)

    def without_dead_nodes(self) -> Graph:
        """The same without nodes and constants that no output needs."""
        needed = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if needed.isdisjoint(node.outputs):
                continue
            kept.append(node)
            needed.update(node.inputs)
            for body in node.subgraphs():
                needed.update(_names_read(body))
        constants = {name: array for name, array in self.constants.items() if name in needed}
        return replace(self, nodes=tuple(reversed(kept)), constants=constants)


def _names_read(body: onnx.GraphProto) -> Iterator[str]:
    """Every name read in a subgraph, at any depth; those of its own are among them, which does no harm."""
    yield from (value.name for value in body.output)
    for node in body.node:
        yield from node.input
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _names_read(attribute.g)


def _tensors(body: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of a graph, in attributes and subgraphs too."""
    yield from body.initializer
    for sparse in body.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in body.node:
        yield from _tensors_of(node)


def _tensors_of(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        yield attribute.t
        yield from attribute.tensors
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)
        for body in (attribute.g, *attribute.graphs):
            yield from _tensors(body)


def _refuse_external_data(proto: onnx.ModelProto) -> None:
    tensors = [*_tensors(proto.graph)]
    tensors += [tensor for function in proto.functions for node in function.node for tensor in _tensors_of(node)]
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelInvalidError(
                f"the model keeps '{tensor.name}' in another file; save it as one file (onnx.save_model does)"
            )


def _add_tensor(body: onnx.GraphProto, name: str, array: AnyArray) -> None:
    """Store a constant; float32, which is all the bulk, with as few copies as there can be."""
    if array.dtype != np.float32:
        body.initializer.append(numpy_helper.from_array(array, name))
        return
    raw = array.astype("<f4", copy=False).tobytes()
    body.initializer.add(name=name, dims=array.shape, data_type=onnx.TensorProto.FLOAT, raw_data=raw)


def _float_output(name: str) -> onnx.ValueInfoProto:
    """The declaration of an output that a rewrite made: a batch of planes."""
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * 4)


def _line(error: Exception) -> str:
    """The first line of an error's text."""
    return str(error).strip().partition("\n")[0]
