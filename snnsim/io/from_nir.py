"""`from_nir`: a NIR graph as a network."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import jax
import numpy as np

from snnsim.core.delay import Delay
from snnsim.core.errors import ConfigurationError, DataError, DelayError, FileFormatError, ShapeError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.projection import Projection
from snnsim.io.nir_file import MAX_BYTES, read_nir_file
from snnsim.io.nir_graph import FlatGraph
from snnsim.io.nir_graph import Path as GraphPath
from snnsim.io.nir_maps import MAX_UNITS, Way, output_shape, way_of
from snnsim.io.nir_neurons import Reading, StepError, neuron_of, time_factor
from snnsim.io.nir_schema import node_error


def from_nir(source: Any, *, dt: float | None = None, time_unit: str = "s", port: str | None = None,
             method: str | None = None, reset_mechanism: str | None = None, reset_timing: str | None = None,
             max_bytes: int = MAX_BYTES) -> Network:
    """A network from a NIR file or graph.

    Populations are NIR's neurons and inputs, projections the maps between them; sub-graphs are opened (``a.b``
    becomes ``a_b``). What connects a population to itself takes one step, and so does, in a longer cycle without
    delays, the projection that closes it. A map with several targets becomes one projection for each. Neurons
    start at their leak potential.

    What NIR leaves open is chosen here. None takes what `to_nir` noted in the file, and else NIR's definition.

    Args:
        source: path of a file, which need not be trusted, or a ``nir.NIRGraph``.
        dt: step (ms) that CubaLIF neurons and cycles need; None takes the one noted in the file.
        time_unit: unit of the file's time constants and delays; published files are in seconds.
        port: "current": an input is a current for one step, as NIR defines it (default); "in": it is a jump of
            the membrane by the weight itself. For LIF, LI and IF; CubaLIF always receives through its synapse.
        method: "exact" (default), "euler", or "discrete": Euler's recurrence in which the membrane sees the new
            synaptic current at once, as snnTorch computes it.
        reset_mechanism: "zero" (to v_reset, NIR's definition and default), "subtract" or "none".
        reset_timing: "immediate" (default), "delayed" or "residual".
        max_bytes: refuse files whose arrays declare more bytes than this.

    Returns:
        The network.

    Raises:
        FileFormatError: a damaged, foreign or contradictory file; the message names the node.
        UnsupportedError: a primitive or arrangement that snnsim lacks.
        ConfigurationError: a choice that does not exist, or no dt where one is needed.
    """
    is_path = isinstance(source, str | Path)
    raw = read_nir_file(source, max_bytes) if is_path else _as_dict(source)
    where = str(source) if is_path else "NIR graph"
    graph = FlatGraph(raw, where)
    given = dict(port=port, method=method, reset_mechanism=reset_mechanism, reset_timing=reset_timing)
    reading = Reading(time_factor(time_unit), _noted_step(graph) if dt is None else dt,
                      {name: value for name, value in given.items() if value is not None})
    graph.check_outputs()
    paths = [path for name in graph.populations for path in graph.paths(name)]
    shapes = _shapes(graph, paths)
    names = _identifiers(graph.populations, set())
    populations, ports = {}, {}
    for node in (graph.nodes[name] for name in graph.populations):
        with _refusing(where, node.name):
            populations[names[node.name]], ports[node.name] = (Input(shapes[node.name]), "in") if node.kind == "Input" \
                else neuron_of(node, shapes[node.name], reading, where)
    ways = [way_of(path, shapes[path.pre], shapes[path.post], reading.time, where) for path in paths]
    closing = _closing(graph.populations, paths, ways)
    titles = _titles(paths, ways, set(names.values()))
    projections = {}
    for k, (path, way, title) in enumerate(zip(paths, ways, titles, strict=True)):
        with _refusing(where, path.post):
            delay = _delay(path, way, k in closing, reading)
            projections[title] = Projection(names[path.pre], names[path.post], way.connection, delay=delay,
                                            port=ports[path.post])
    with _refusing(where, ""):
        return Network(populations, projections, key=jax.random.key(0))


def _as_dict(graph: Any) -> dict[str, Any]:
    try:
        raw = graph.to_dict()
    except Exception as error:  # anything may stand in a hand-made graph
        raise FileFormatError(got=f"{type(graph).__name__} ({error})"[:200], expected="a path or a nir.NIRGraph",
                              where="from_nir",
                              fix="pass the path of a NIR file, or a graph of the nir package") from error
    return raw


def _noted_step(graph: FlatGraph) -> float | None:
    noted = graph.notes.get("dt_ms")
    if noted is None:
        return None
    if not isinstance(noted, float | np.floating) or not 0 < noted < float("inf"):
        raise FileFormatError(got=f"the note dt_ms = {noted!r:.40}", expected="a positive number of ms",
                              where=graph.where, fix="correct the file")
    return float(noted)


@contextlib.contextmanager
def _refusing(where: str, node: str) -> Iterator[None]:
    """Values that a constructor refuses came from the file: say which node. A missing dt is the caller's."""
    try:
        yield
    except StepError:
        raise
    except (ConfigurationError, ShapeError, DelayError, DataError) as error:
        raise FileFormatError(got=error.got, expected=error.expected,
                              where=f"{where}, node {node!r}" if node else where, fix=error.fix) from error


def _shapes(graph: FlatGraph, paths: list[GraphPath]) -> dict[str, tuple[int, ...]]:
    """Shape of every population: from its parameters, or where these are single numbers, from what arrives."""
    found: dict[str, tuple[int, ...]] = {}
    for name in graph.populations:
        node = graph.nodes[name]
        if node.kind == "Input":
            found[name] = tuple(int(n) for n in np.atleast_1d(node.fields["shape"]))
            continue
        try:
            shape = np.broadcast_shapes(*(value.shape for value in node.fields.values()))
        except ValueError:
            shapes = ", ".join(f"{field} {value.shape}" for field, value in node.fields.items())
            raise node_error(graph.where, name, f"parameters of shapes {shapes}", "one shape") from None
        if shape:
            found[name] = shape
    waiting = [path for path in paths if path.post not in found]
    while waiting:
        ready = [path for path in waiting if path.pre in found]
        for path in ready:
            found.setdefault(path.post, output_shape(path, found[path.pre], graph.where))
        waiting = [path for path in waiting if path.post not in found]
        if not ready:
            break
    for name in graph.populations:
        if name not in found or not 1 <= prod(found[name]) <= MAX_UNITS:
            raise node_error(graph.where, name, f"shape {found.get(name)}", f"a shape of 1 to {MAX_UNITS:,} units")
    return found


def _identifiers(names: list[str], taken: set[str]) -> dict[str, str]:
    """Names of Python's kind, as networks need them, for names of any kind."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "n"
        plain = f"n{plain}" if plain[0].isdigit() else plain
        title, again = plain, 1
        while title in taken:
            again += 1
            title = f"{plain}_{again}"
        taken.add(title)
        found[name] = title
    return found


def _titles(paths: list[GraphPath], ways: list[Way], taken: set[str]) -> list[str]:
    """A name for each projection: that of its last map, else source and target."""
    wanted = [way.name or f"{path.pre}_{path.post}" for path, way in zip(paths, ways, strict=True)]
    return [next(iter(_identifiers([name], taken).values())) for name in wanted]


def _closing(populations: list[str], paths: list[GraphPath], ways: list[Way]) -> set[int]:
    """Numbers of the paths that close a cycle of paths without delay, found depth first from the inputs."""
    onward: dict[str, list[tuple[int, str]]] = {name: [] for name in populations}
    for k, (path, way) in enumerate(zip(paths, ways, strict=True)):
        if path.pre != path.post and way.delay.min() == 0:
            onward[path.pre].append((k, path.post))
    closing: set[int] = set()
    done: set[str] = set()
    for root in populations:
        stack, active = [(root, iter(onward[root]))], {root}
        while stack and root not in done:
            name, edges = stack[-1]
            for k, post in edges:
                if post in active:
                    closing.add(k)
                elif post not in done:
                    stack.append((post, iter(onward[post])))
                    active.add(post)
                    break
            else:
                stack.pop()
                active.discard(name)
                done.add(name)
    return closing


def _delay(path: GraphPath, way: Way, closes: bool, reading: Reading) -> Delay | None:
    delay = way.delay
    if path.pre == path.post and not delay.any():
        return None  # one step, whatever its length
    if closes or (path.pre == path.post and delay.min() == 0):
        delay = np.maximum(delay,
                           reading.step(f"projection from {path.pre!r} to {path.post!r}",
                                        "it closes a cycle and takes one step"))
    return Delay(delay, way.rounding) if delay.any() else None
