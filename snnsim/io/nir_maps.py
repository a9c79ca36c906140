"""Maps in both languages: chains of NIR's linear nodes as one connection and delay, and back."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from snnsim.core.connection import AbstractConnection
from snnsim.core.errors import FileFormatError, UnsupportedError
from snnsim.io.nir_graph import Path
from snnsim.io.nir_schema import Node, node_error
from snnsim.synapses import AvgPool2d, Chain, Conv1d, Conv2d, Dense, OneToOne, SumPool2d

MAX_UNITS = 2**28
Shape = tuple[int, ...]


class Way(NamedTuple):
    """A path as one connection.

    Args:
        name: of its last map that is more than bookkeeping, or None.
        connection: the maps, one after the other.
        delay: ms; a number, one a source ``[*pre]`` or one a synapse ``[n_pre, n_post]``.
        rounding: what happens to delays off the grid.
    """

    name: str | None
    connection: AbstractConnection
    delay: np.ndarray
    rounding: str


def output_shape(path: Path, pre: Shape, where: str) -> Shape:
    """Shape of the signal that arrives by `path` from a population of shape `pre`.

    Raises:
        FileFormatError: maps that do not fit one another.
    """
    for node, _ in path.maps:
        _, pre = _map(node, pre, True, where)
    return pre


def way_of(path: Path, pre: Shape, post: Shape, time: float, where: str) -> Way:
    """The connection and delay of a path.

    Args:
        path: maps between two populations.
        pre: shape of the source.
        post: shape of the target.
        time: ms in one time unit of the file.
        where: the file or graph, for messages.

    Raises:
        FileFormatError: maps that do not fit one another or the target.
        UnsupportedError: a delay that differs between units in the middle of a chain, or behind a bias.
    """
    parts: list[Any] = []
    shape, shapes = pre, []
    delay, late, rounding, name, biased = np.zeros(()), None, "exact", None, False
    for node, counts in path.maps:
        if late is not None and node.kind not in ("Delay", "Flatten"):
            raise _unsupported(where, node, "a map behind a delay that differs between units")
        if node.kind == "Delay":
            value = _delay(node, shape, time, where)
            rounding = _rounding(node, rounding, where)
            if value.any() and biased:
                raise _unsupported(where, node, "a delay behind a bias")
            if not parts and not (value == value.flat[0]).all():
                delay = delay + value.reshape(pre)
            elif (value == value.flat[0]).all():
                delay = delay + value.flat[0]
            else:
                late = value.reshape(1, -1) + (0 if late is None else late)
            continue
        connection, shape = _map(node, shape, counts, where)
        if connection is not None:
            parts.append(connection)
            shapes.append(shape)
            name = node.name
            bias = getattr(connection, "bias", None)
            biased = biased or (bias is not None and bool(np.any(np.asarray(bias))))
    if prod(shape) != prod(post) or (shape != post and parts and not isinstance(parts[-1], Dense | OneToOne)):
        raise FileFormatError(got=f"a signal of shape {shape} from {path.pre!r}", expected=f"shape {post}",
                              where=f"{where}, node {path.post!r}", fix="correct the shapes in the graph")
    if late is not None:
        if len(parts) != 1 or not isinstance(parts[0], Dense):
            raise _unsupported(where, path.maps[-1][0],
                               "a delay that differs between targets behind other maps than one Affine")
        delay = np.broadcast_to(delay.reshape(-1, 1) if delay.ndim else delay, (prod(pre), prod(post))) + late
    if parts and isinstance(parts[-1], Dense) and parts[-1].bias is not None:
        parts[-1] = Dense(parts[-1].weight, parts[-1].bias.reshape(post))
    if parts and isinstance(parts[-1], OneToOne):
        parts[-1] = OneToOne(parts[-1].weight.reshape(post))
    whole = OneToOne(1.0) if not parts else parts[0] if len(parts) == 1 else Chain(tuple(parts), shapes[:-1])
    return Way(name, whole, delay, rounding)


def _unsupported(where: str, node: Node, got: str) -> UnsupportedError:
    return UnsupportedError(got=got, expected="delays of sources, or of the targets of a single Affine without bias",
                            where=f"{where}, node {node.name!r}", fix="put the delay before the maps")


def _rounding(node: Node, before: str, where: str) -> str:
    rounding = node.notes.get("rounding", before)
    if not isinstance(rounding, str) or rounding not in ("exact", "nearest"):
        raise node_error(where, node.name, f"the note rounding = {rounding!r:.40}", "'exact' or 'nearest'")
    return rounding


def _delay(node: Node, shape: Shape, time: float, where: str) -> np.ndarray:
    value = np.asarray(node.fields["delay"], np.float64)
    if value.size not in (1, prod(shape)) or not value.size:
        raise node_error(where, node.name, f"delays of shape {value.shape}", f"shape {shape}")
    # Decimal digits of seconds and of ms differ in binary: 0.0003 s is 0.3 ms.
    return np.round(value * time, 9)


def _map(node: Node, shape: Shape, counts: bool, where: str) -> tuple[Any, Shape]:
    """(connection or None where it only renames, shape behind it)."""
    fields = node.fields
    if node.kind == "Delay":
        return None, shape
    if node.kind == "Flatten":
        return None, _flattened(node, shape, where)
    if node.kind in ("Affine", "Linear"):
        weight = fields["weight"]
        if weight.ndim != 2 or weight.shape[1] != prod(shape):
            raise node_error(where, node.name, f"weights of shape {weight.shape}", f"[targets, {prod(shape)} sources]")
        bias = fields.get("bias") if counts else None
        if bias is not None and bias.shape not in ((), weight.shape[:1]):
            raise node_error(where, node.name, f"a bias of shape {bias.shape}", f"shape {weight.shape[:1]}")
        bias = None if bias is None else np.broadcast_to(bias, weight.shape[:1])
        return Dense(weight.T, bias), weight.shape[:1]
    if node.kind == "Scale":
        if fields["scale"].size not in (1, prod(shape)):
            raise node_error(where, node.name, f"{fields['scale'].size} factors", f"{prod(shape)}")
        return OneToOne(np.broadcast_to(fields["scale"].reshape(shape if fields["scale"].size > 1 else ()),
                                        shape)), shape
    return _windowed(node, shape, counts, where)


def _flattened(node: Node, shape: Shape, where: str) -> Shape:
    if node.fields["start_dim"].size != 1 or node.fields["end_dim"].size != 1:
        raise node_error(where, node.name, "several first or last axes", "one number each")
    start, end = (int(node.fields[name].ravel()[0]) for name in ("start_dim", "end_dim"))
    rank = len(shape)
    if not -rank <= start <= rank or not -rank <= end < rank:
        raise node_error(where, node.name, f"axes {start} to {end}", f"axes of a signal of shape {shape}")
    start, end = start % rank if start < rank else rank, end % rank
    return shape if start >= end else (*shape[:start], prod(shape[start:end + 1]), *shape[end + 1:])


def _windowed(node: Node, shape: Shape, counts: bool, where: str) -> tuple[Any, Shape]:
    """Convolutions and pooling."""
    fields, rank = node.fields, 1 if node.kind == "Conv1d" else 2
    if len(shape) != rank + 1:
        raise node_error(where, node.name, f"a signal of shape {shape}", f"[channels, {rank} axes]")

    def numbers(name: str) -> Shape:
        if isinstance(fields[name], str) or fields[name].size not in (1, rank):
            raise node_error(where, node.name, f"{name} = {fields[name]!r:.40}", f"1 or {rank} numbers")
        return tuple(int(n) for n in np.broadcast_to(fields[name].ravel(), rank))

    if node.kind in ("SumPool2d", "AvgPool2d"):
        kind = SumPool2d if node.kind == "SumPool2d" else AvgPool2d
        pool = kind(numbers("kernel_size"), numbers("stride"), numbers("padding"))
        return pool, _sound(node, pool.output_shape(shape), where)
    weight, groups, dilation, stride = fields["weight"], fields["groups"], numbers("dilation"), numbers("stride")
    n_groups = int(groups.ravel()[0]) if groups.size == 1 else 0
    if weight.ndim != rank + 2 or not weight.size or weight.shape[1] * n_groups != shape[0] \
            or weight.shape[0] % n_groups:
        raise node_error(where, node.name, f"kernels of shape {weight.shape}",
                         f"[channels, {shape[0]} / groups, {rank} axes]")
    padding = _padding(node, weight.shape[2:], dilation, stride, where) if isinstance(fields["padding"],
                                                                                      str) else numbers("padding")
    bias = fields["bias"]
    if bias.shape not in ((), weight.shape[:1]):
        raise node_error(where, node.name, f"a bias of shape {bias.shape}", f"shape {weight.shape[:1]}")
    # NIR cannot say that there is no bias; zeros are none.
    bias = np.broadcast_to(bias, weight.shape[:1]) if counts and bias.any() else None
    conv = (Conv1d if rank == 1 else Conv2d)(weight.shape[2:], stride, padding, n_groups, weight, bias,
                                             dilation)
    return conv, _sound(node, conv.output_shape(shape, weight.shape[0]), where)


def _padding(node: Node, kernel: Shape, dilation: Shape, stride: Shape, where: str) -> Shape:
    if node.fields["padding"] == "valid":
        return (0,) * len(kernel)
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(n % 2 for n in reach) or set(stride) != {1}:
        raise UnsupportedError(got="padding 'same' with an even kernel or a stride", expected="numbers",
                               where=f"{where}, node {node.name!r}", fix="write the padding as numbers")
    return tuple(n // 2 for n in reach)


def _sound(node: Node, shape: Shape, where: str) -> Shape:
    if min(shape) < 1 or prod(shape) > MAX_UNITS:
        raise node_error(where, node.name, f"a result of shape {shape}", f"1 to {MAX_UNITS:,} units")
    return shape
