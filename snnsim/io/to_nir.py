"""`to_nir`: a network as a NIR graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.core.delay import Delay
from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.projection import Projection
from snnsim.io.atomic import replacing
from snnsim.io.nir_neurons import Reading, node_of, time_factor
from snnsim.neurons import CubaLIF
from snnsim.synapses import AvgPool2d, Chain, Conv1d, Conv2d, Dense, Dropout, OneToOne, Sparse, SumPool2d

if TYPE_CHECKING:
    import nir

MAX_DENSE = 2**28  # entries of the matrix that a list of synapses becomes
Named = list[tuple[str, Any]]


def to_nir(network: Network, path: str | Path | None = None, *, dt: float | None = None, time_unit: str = "s",
           overwrite: bool = False) -> nir.NIRGraph:
    """A network as a NIR graph, also written to a file where a path is given.

    What NIR cannot say (integration, reset by subtraction, which port) is noted in the metadata, so that
    `from_nir` gives the same simulation again; other programs take NIR's own definitions. Surrogates and
    dropout act in training only and are left out. A list of synapses becomes a full matrix.

    Args:
        network: populations LIF, LI, IF, CubaLIF and Input; connections Dense, Sparse, OneToOne, Conv1d, Conv2d,
            SumPool2d, AvgPool2d and chains of these; delays of a projection or of each source.
        path: file to write (``*.nir``), whole or not at all.
        dt: step (ms) at which spikes that jump onto a membrane or synapse become NIR's currents; needed for
            populations whose input arrives at port "in".
        time_unit: unit of the time constants and delays in the graph; NIR's files are in seconds.
        overwrite: whether an existing file may be replaced.

    Returns:
        The ``nir.NIRGraph``.

    Raises:
        UnsupportedError: a neuron, synapse, transform, connection or delay that NIR cannot express.
        ConfigurationError: jumps and no dt.
        OutputExistsError: the file exists and `overwrite` is False.
    """
    import nir

    reading = Reading(time_factor(time_unit), dt, {})
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    for name, neuron in network.populations.items():
        nodes[name] = nir.Input(np.array(neuron.shape)) if isinstance(neuron, Input) else \
            node_of(name, neuron, _port(network, name), reading)
    taken = {*network.populations, *network.projections}
    for name, projection in network.projections.items():
        before = projection.pre
        for wanted, node in _maps(name, projection, network, reading):
            title = wanted if wanted == name else _free(wanted, taken)
            nodes[title] = node
            edges.append((before, title))
            before = title
        edges.append((before, projection.post))
    for name in network.sinks or tuple(network.populations)[-1:]:
        title = _free("output" if len(network.sinks) < 2 else f"{name}_output", taken)
        nodes[title] = nir.Output(np.array(network.populations[name].shape))
        edges.append((name, title))
    notes = {} if dt is None else {"snnsim": {"dt_ms": float(dt)}}
    # The package knows neither groups nor kernels that are not square, and would find a contradiction.
    kernels = [node for node in nodes.values() if isinstance(node, nir.Conv1d | nir.Conv2d)]
    plain = all(node.groups == 1 and len(set(node.weight.shape[2:])) == 1 for node in kernels)
    graph = nir.NIRGraph(nodes, edges, metadata=notes, type_check=plain)
    if path is not None:
        with replacing(path, overwrite=overwrite) as temporary:
            nir.write(temporary, graph)
    return graph


def _free(wanted: str, taken: set[str]) -> str:
    title, again = wanted, 1
    while title in taken:
        again += 1
        title = f"{wanted}_{again}"
    taken.add(title)
    return title


def _port(network: Network, name: str) -> str:
    """The one port at which a population is reached."""
    ports = {str(projection.port) for projection in network.incoming(name).values()}
    if len(ports) > 1:
        raise UnsupportedError(got=f"projections onto ports {', '.join(sorted(ports))}",
                               expected="one port a population",
                               where=f"population {name!r}", fix="let all projections arrive at one port")
    return ports.pop() if ports else "in" if isinstance(network.populations[name], CubaLIF) else "current"


def _maps(name: str, projection: Projection, network: Network, reading: Reading) -> Named:
    """Nodes between two populations, in the direction of the signal."""
    where = f"projection {name!r}"
    if not projection.is_static:
        raise UnsupportedError(got=f"synapse {type(projection.synapse).__name__}", expected="a static synapse",
                               where=where, fix="NIR has no synapse dynamics: leave out the synapse")
    for transform in projection.transforms:
        if not isinstance(transform, Dropout):
            raise UnsupportedError(got=f"transform {type(transform).__name__}", expected="none", where=where,
                                   fix="fold it into the weights before")
    pre, post = (network.populations[end].shape for end in (projection.pre,
                                                            projection.post))
    found = _delays(name, projection, pre, reading)
    connection = projection.connection
    parts = connection.parts if isinstance(connection, Chain) else (connection,)
    shapes = [pre, *(connection.between if isinstance(connection, Chain) else ()), post]
    for k, part in enumerate(parts):
        title = name if k == len(parts) - 1 else f"{name}_{k}"
        found += _nodes(title, part, shapes[k], shapes[k + 1], where)
    return found


def _delays(name: str, projection: Projection, pre: tuple[int, ...], reading: Reading) -> Named:
    import nir

    delay = projection.delay
    if delay is None:
        return []
    where = f"projection {name!r}"
    if type(delay) is not Delay:
        raise UnsupportedError(got=f"delay {type(delay).__name__}", expected="Delay", where=where,
                               fix="replace it by a fixed Delay with the learned values")
    # float32 holds 0.3 ms as 0.30000001192; the decimal number is meant.
    value = np.array([float(str(v)) for v in np.asarray(delay.value).ravel()]).reshape(delay.value.shape)
    if value.shape not in ((), pre):
        if not (value == value.flat[0]).all():
            raise UnsupportedError(got="one delay a synapse", expected="one for all or one a source", where=where,
                                   fix="NIR's Delay has one delay a unit")
        value = value.ravel()[0]
    if projection.pre == projection.post and reading.dt is not None and (value == reading.dt).all():
        return []  # a recurrence takes one step anyway
    steps = np.broadcast_to(value / reading.time, pre).copy()
    return [(f"{name}_delay", nir.Delay(steps, metadata={"snnsim": {"rounding": delay.rounding}}))]


def _nodes(title: str, connection: Any, pre: tuple[int, ...], post: tuple[int, ...], where: str) -> Named:
    """Nodes of one connection."""
    import nir

    kind = type(connection)
    if kind in (Dense, Sparse):
        if len(post) != 1:
            raise UnsupportedError(got=f"{kind.__name__} onto shape {post}", expected="a target with one axis",
                                   where=where,
                                   fix="NIR cannot fold a vector into an image: give the target population one axis")
        flat: Named = [] if len(pre) == 1 else [(f"{title}_flatten", nir.Flatten({"input": np.array(pre)}, 0, -1))]
        weight = _matrix(connection, int(np.prod(pre)), post[0], where)
        bias = getattr(connection, "bias", None)
        return [*flat, (title, nir.Linear(weight) if bias is None else nir.Affine(weight, np.asarray(bias)))]
    if kind is OneToOne:
        if pre != post:
            raise UnsupportedError(got=f"OneToOne from shape {pre} to {post}", expected="equal shapes", where=where,
                                   fix="give both populations one shape")
        return [(title, nir.Scale(np.asarray(connection.weight)))]
    if kind in (SumPool2d, AvgPool2d):
        size, stride, padding = (np.array(v) for v in connection.windows())
        return [(title, (nir.SumPool2d if kind is SumPool2d else nir.AvgPool2d)(size, stride, padding))]
    if kind in (Conv1d, Conv2d):
        weight, geometry = np.asarray(connection.weight), connection.geometry(len(pre) - 1)
        bias = np.zeros(weight.shape[0], weight.dtype) if connection.bias is None else np.asarray(connection.bias)
        given = {key: geometry[key] if kind is Conv2d else geometry[key][0] for key in ("stride", "padding",
                                                                                        "dilation")}
        space = tuple(pre[1:]) if kind is Conv2d else pre[1]
        return [(title,
                 getattr(nir, kind.__name__)(input_shape=space, weight=weight, groups=connection.groups, bias=bias,
                                             **given))]
    raise UnsupportedError(got=f"connection {kind.__name__}", where=where, fix="save the network with snnsim.io.save",
                           expected="Dense, Sparse, OneToOne, Conv1d, Conv2d, SumPool2d, AvgPool2d or a Chain")


def _matrix(connection: Any, n_pre: int, n_post: int, where: str) -> np.ndarray:
    """Weights as NIR stores them, ``[n_post, n_pre]``."""
    if isinstance(connection, Dense):
        return np.ascontiguousarray(np.asarray(connection.weight).T)
    if n_pre * n_post > MAX_DENSE:
        raise ConfigurationError(got=f"{n_pre:,} times {n_post:,} pairs", expected=f"at most {MAX_DENSE:,}",
                                 where=where, fix="NIR has no sparse matrices: export a smaller part")
    weights = np.asarray(connection.weight)
    matrix = np.zeros((n_post, n_pre), weights.dtype)
    np.add.at(matrix, (np.asarray(connection.targets), np.asarray(connection.sources)), weights)
    return matrix
