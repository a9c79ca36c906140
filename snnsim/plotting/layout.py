"""Where the boxes of a network's diagram go: columns by the order of execution, rows side by side."""

from __future__ import annotations

from snnsim.core.network import Network

Place = tuple[float, float]


def columns(network: Network) -> list[list[str]]:
    """Populations by column: each stands right of what it listens to; members of one cycle share a column.

    Args:
        network: what to lay out.

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(a=sn.Input(3), b=sn.LIF(2), c=sn.LI(1)),
        ...                  [sn.Projection("a", "b", sn.Dense()), sn.Projection("b", "c", sn.Dense())],
        ...                  key=jax.random.key(0))
        >>> columns(net)
        [['a'], ['b'], ['c']]
    """
    level: dict[str, int] = {}
    for component in network.components():
        members = set(component.populations)
        before = [level[p.pre] for p in network.projections.values()
                  if p.post in members and p.pre not in members and p.pre in level]
        for name in component.populations:
            level[name] = max(before, default=-1) + 1
    found: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for name in network.populations:  # rows keep the order in which the populations were named
        found[level[name]].append(name)
    return found


def places(network: Network, across: float, down: float) -> dict[str, Place]:
    """Centre of each population's box, columns centred on one line.

    Args:
        network: what to lay out.
        across: distance of neighbouring columns.
        down: distance of neighbouring rows.
    """
    return {name: (across * x, down * ((len(members) - 1) / 2 - y))
            for x, members in enumerate(columns(network)) for y, name in enumerate(members)}
