"""The order in which a network is executed: strongly connected components, and populations within a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from snnsim.core.errors import DelayError
from snnsim.core.projection import Projection


@dataclass(frozen=True)
class Component:
    """Part of the network that must step through time together, or a single population that need not.

    Args:
        populations: names, in the order in which they update within a step.
        projections: names of the projections that step with them.
        cyclic: whether it steps; if not, it holds one population whose inputs are known for a whole chunk.
    """

    populations: tuple[str, ...]
    projections: tuple[str, ...]
    cyclic: bool


def components(populations: Mapping[str, object], projections: Mapping[str, Projection]) -> list[Component]:
    """Strongly connected components of populations and projections, sources first.

    Raises:
        DelayError: a cycle whose projections all have zero delay.
    """
    order = _instant_order(populations, projections)
    edges: dict[str, set[str]] = {f"n:{name}": set() for name in populations}
    for name, projection in projections.items():
        node = f"p:{name}"
        edges.setdefault(node, set())
        edges[f"n:{projection.pre}"].add(node)
        edges[node].add(f"n:{projection.post}")
        if projection.synapse.learns:
            edges[f"n:{projection.post}"].add(node)
            for modulator in projection.modulators:
                edges[f"n:{modulator}"].add(node)
    found = []
    for members in _strongly_connected(edges):
        names = sorted((node[2:] for node in members if node.startswith("n:")), key=order.index)
        inside = sorted(node[2:] for node in members if node.startswith("p:"))
        cyclic = len(members) > 1
        if names:
            found.append(Component(tuple(names), tuple(inside) if cyclic else (), cyclic))
    return found


def _instant_order(populations: Mapping[str, object], projections: Mapping[str, Projection]) -> list[str]:
    """Populations in the topological order of the projections that may arrive in the same step."""
    before: dict[str, set[str]] = {name: set() for name in sorted(populations)}
    for projection in projections.values():
        if projection.may_be_instant:
            before[projection.post].add(projection.pre)
    # Sorted throughout: the order must not depend on how the network was written.
    sorter: TopologicalSorter = TopologicalSorter({name: sorted(sources) for name, sources in before.items()})
    try:
        return list(sorter.static_order())
    except CycleError as error:
        raise DelayError(got=f"a cycle without delay: {' <- '.join(error.args[1])}",
                         expected="a delay of at least one step somewhere in every cycle", where="network",
                         fix="give one of these projections a delay, for example delay=dt") from None


def _strongly_connected(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Tarjan's algorithm without recursion; components in topological order (sources first)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    result: list[list[str]] = []
    for root in sorted(edges):
        if root in index:
            continue
        work = [(root, iter(sorted(edges[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(sorted(edges[successor]))))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members: list[str] = []
                    while not members or members[-1] != node:
                        members.append(stack.pop())
                        on_stack.discard(members[-1])
                    result.append(members)
    return result[::-1]
