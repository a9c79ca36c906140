"""One flat graph from nested ones: sub-graphs are opened, edges checked, paths between populations found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnsim.core.errors import FileFormatError, UnsupportedError
from snnsim.io.nir_schema import NEURONS, Node, checked_node, node_error

MAX_PATHS = 4096
MAX_PATH_LENGTH = 200
_MAX_DEPTH = 32
_WIRE = "wire"  # the Input or Output of a sub-graph


@dataclass(frozen=True)
class Path:
    """What lies between two populations: maps in order, and for each whether its bias counts here.

    Args:
        pre: name of the source node.
        post: name of the target node.
        maps: (node, whether its bias is added) in the direction of the signal.
    """

    pre: str
    post: str
    maps: tuple[tuple[Node, bool], ...]


class FlatGraph:
    """Nodes by path (``sub.lif``) and edges between them, sub-graphs opened.

    Args:
        raw: nested dictionaries, as `read_nir_file` or ``nir.NIRGraph.to_dict`` give them.
        where: the file or graph, for messages.

    Raises:
        FileFormatError: nodes or edges that cannot be.
        UnsupportedError: a sub-graph with several inputs or outputs.
    """

    def __init__(self, raw: Mapping[str, Any], where: str):
        self.where, self._visits = where, 0
        self.nodes: dict[str, Node] = {}
        self.edges: list[tuple[str, str]] = []
        metadata = raw.get("metadata")
        notes = metadata.get("snnsim", {}) if isinstance(metadata, Mapping) else {}
        self.notes: Mapping[str, Any] = notes if isinstance(notes, Mapping) else {}
        if not _is(raw, "NIRGraph"):
            raise FileFormatError(got=f"type {raw.get('type')!r:.40}", expected="'NIRGraph'", where=where,
                                  fix="wrap a single node into a graph with nir.NIRGraph.from_list")
        self._open(raw, "", 0)
        if len(set(self.edges)) < len(self.edges):
            twice = next(edge for edge in self.edges if self.edges.count(edge) > 1)
            raise node_error(where, twice[0], f"the edge to {twice[1]!r} twice", "each edge once")
        self._add_inputs()
        self._sources: dict[str, list[str]] = {name: [] for name in self.nodes}
        for pre, post in self.edges:
            self._sources[post].append(pre)

    @property
    def populations(self) -> list[str]:
        """Names of inputs, then of neurons, in the order of the file."""
        inputs = [name for name, node in self.nodes.items() if node.kind == "Input"]
        return inputs + [name for name, node in self.nodes.items() if node.kind in NEURONS]

    def paths(self, post: str) -> list[Path]:
        """All ways on which signals reach population `post`.

        Where several sources share an affine map, its bias belongs to the first path only: it is added once.

        Raises:
            UnsupportedError: maps in a circle, or more paths than a network should have.
        """
        found = [Path(pre, post, maps) for pre, maps in self._into(post, ())]
        if len(found) > MAX_PATHS:
            raise self._unsupported(post, f"{len(found):,} paths", f"at most {MAX_PATHS:,}")
        return found

    def check_outputs(self) -> None:
        """Refuse graphs whose output is a map: a network is read out at its neurons.

        Raises:
            UnsupportedError: the output is not a population.
        """
        for name, node in self.nodes.items():
            if node.kind == "Output":
                for pre, maps in self._into(name, ()):
                    if maps:
                        raise self._unsupported(maps[-1][0].name,
                                                f"a {maps[-1][0].kind} whose result is the output (from {pre!r})",
                                                "a neuron before the output", "end the graph with a neuron such as LI")

    def _into(self, name: str, after: tuple[str, ...]) -> list[tuple[str, tuple[tuple[Node, bool], ...]]]:
        """(population, maps) of every way that ends at node `name`."""
        self._visits += 1
        if len(after) > MAX_PATH_LENGTH or name in after or self._visits > 100 * MAX_PATHS:
            raise self._unsupported(name, "maps in a circle or a very long chain", "a neuron somewhere in every cycle")
        found: list[tuple[str, tuple[tuple[Node, bool], ...]]] = []
        for pre in self._sources[name]:
            node = self.nodes[pre]
            if node.kind in NEURONS or node.kind == "Input":
                found.append((pre, ()))
                continue
            for k, (source, maps) in enumerate(self._into(pre, (*after, name))):
                found.append((source, maps if node.kind == _WIRE else (*maps, (node, k == 0))))
            if len(found) > MAX_PATHS:
                raise self._unsupported(name, "very many paths", f"at most {MAX_PATHS:,}")
        return found

    def _unsupported(self, name: str, got: str, expected: str, fix: str = "simplify the graph") -> UnsupportedError:
        return UnsupportedError(got=got, expected=expected, where=f"{self.where}, node {name!r}", fix=fix)

    # -- construction ---------------------------------------------------------------------------------

    def _open(self, raw: Mapping[str, Any], prefix: str, depth: int) -> None:
        where = f"{self.where}, graph {prefix[:-1]!r}" if prefix else self.where
        nodes, edges = raw.get("nodes"), _edges(raw.get("edges"), where)
        if not isinstance(nodes, Mapping) or depth > _MAX_DEPTH:
            raise FileFormatError(got="a graph without nodes, or nested too deeply", expected="nodes and edges",
                                  where=where, fix="correct the program that wrote it")
        if extra := set(raw) - {"type", "nodes", "edges", "metadata", "version"}:
            raise FileFormatError(got=f"fields {', '.join(sorted(extra))[:80]}", expected="nodes and edges",
                                  where=where, fix="remove them")
        entry: dict[str, str] = {}
        exit_: dict[str, str] = {}
        for name, node in nodes.items():
            path = f"{prefix}{name}"
            if not isinstance(node, Mapping):
                raise node_error(self.where, path, "data", "a group with 'type'")
            if _is(node, "NIRGraph"):
                self._open(node, f"{path}.", depth + 1)
                entry[name], exit_[name] = self._port(node, path, "Input"), self._port(node, path, "Output")
                continue
            if path in self.nodes:
                raise node_error(self.where, path, "a name that is used twice", "unique names", "rename the node")
            checked = checked_node(path, node, self.where)
            if depth and checked.kind in ("Input", "Output"):
                checked = Node(path, _WIRE, {}, {})
            self.nodes[path] = checked
            entry[name] = exit_[name] = path
        for pre, post in edges:
            for end in (pre, post):
                if end not in entry:
                    raise FileFormatError(got=f"an edge from {pre!r} to {post!r}", where=where,
                                          expected=f"nodes that exist: {', '.join(map(repr, nodes))[:200]}",
                                          fix=f"correct the edge, or rename a node to {end!r}")
            self.edges.append((exit_[pre], entry[post]))

    def _port(self, graph: Mapping[str, Any], path: str, kind: str) -> str:
        inner = [name for name, node in graph["nodes"].items() if _is(node, kind)]
        if len(inner) != 1:
            raise self._unsupported(path, f"a sub-graph with {len(inner)} {kind} nodes", f"one {kind}",
                                    "split the sub-graph")
        return f"{path}.{inner[0]}"

    def _add_inputs(self) -> None:
        """Maps that nothing leads to get an Input, as the nir package does."""
        reached = {post for _, post in self.edges}
        for name, node in list(self.nodes.items()):
            if name in reached or node.kind in ("Input", "Output", *NEURONS):
                continue
            size = {"Affine": "weight", "Linear": "weight"}.get(node.kind)
            if size is None or node.fields[size].ndim != 2:
                raise node_error(self.where, name, f"a {node.kind} that nothing leads to", "an Input before it",
                                 "add the edge")
            new = f"input_{name}"
            self.nodes[new] = Node(new, "Input", {"shape": np.array(node.fields[size].shape[1:])}, {})
            self.edges.append((new, name))


def _is(node: Mapping[str, Any], kind: str) -> bool:
    found = node.get("type")  # an array has no single answer to ==
    return isinstance(found, str) and found == kind


def _edges(raw: Any, where: str) -> list[tuple[str, str]]:
    pairs = [tuple(map(str, pair)) for pair in raw] if isinstance(raw, list | tuple) or (
        isinstance(raw, np.ndarray) and raw.dtype.kind == "O" and raw.ndim == 2 and raw.shape[1] == 2) else None
    if isinstance(raw, np.ndarray) and raw.size == 0:
        pairs = []
    if pairs is None or any(len(pair) != 2 for pair in pairs):
        raise FileFormatError(got="edges that are no pairs of names", expected="pairs of names", where=where,
                              fix="correct the program that wrote it")
    return pairs  # type: ignore[return-value]
