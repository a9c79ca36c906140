"""`Netlist` and `Circuit`: junctions, inductors and bias currents between named nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import static

GROUND = "ground"
Ends = tuple[int, int]


class Circuit(eqx.Module):
    """A circuit as arrays of values over a fixed graph. Make it with `Netlist.build`.

    The values are leaves: change them with `equinox.tree_at`, map over designs with `jax.vmap`, differentiate.

    Args:
        critical_current: of each junction (mA).
        resistance: shunt of each junction, together with what leaks below the gap (Ohm).
        capacitance: of each junction (pF).
        bias: constant current into each node (mA).
        inductance: of each branch (pH).
        series_resistance: of each branch (Ohm).
        mutual: inductance between the two branches of each coupling (pH), positive or negative.
        nodes: names of the nodes.
        junctions: names of the junctions.
        branches: names of the branches.
        junction_ends: nodes of each junction, -1 is ground.
        branch_ends: nodes of each branch, -1 is ground.
        coupled: branches of each coupling.
    """

    critical_current: jax.Array
    resistance: jax.Array
    capacitance: jax.Array
    bias: jax.Array
    inductance: jax.Array
    series_resistance: jax.Array
    mutual: jax.Array
    nodes: tuple[str, ...] = static(doc="names of the nodes")
    junctions: tuple[str, ...] = static(doc="names of the junctions")
    branches: tuple[str, ...] = static(doc="names of the branches")
    junction_ends: tuple[Ends, ...] = static(doc="nodes of each junction, -1 is ground")
    branch_ends: tuple[Ends, ...] = static(doc="nodes of each branch, -1 is ground")
    coupled: tuple[Ends, ...] = static(doc="branches of each coupling")

    def node(self, name: str) -> int:
        """Index of a node."""
        return _index(self.nodes, name, "node")

    def junction(self, name: str) -> int:
        """Index of a junction."""
        return _index(self.junctions, name, "junction")

    def branch(self, name: str) -> int:
        """Index of a branch."""
        return _index(self.branches, name, "branch")

    def inductance_matrix(self) -> jax.Array:
        """Self inductances on the diagonal, mutual ones beside it (pH)."""
        matrix = jnp.diag(self.inductance)
        if self.coupled:
            one, other = (np.array(side) for side in zip(*self.coupled, strict=True))
            matrix = matrix.at[one, other].add(self.mutual).at[other, one].add(self.mutual)
        return matrix


def incidence(ends: tuple[Ends, ...], nodes: int) -> np.ndarray:
    """Matrix ``[elements, nodes]`` that takes voltages of nodes to voltages across elements."""
    matrix = np.zeros((len(ends), nodes))
    for row, (plus, minus) in enumerate(ends):
        for node, sign in ((plus, 1.0), (minus, -1.0)):
            if node >= 0:
                matrix[row, node] += sign
    return matrix


@dataclass
class Netlist:
    """Collects elements by name; `build` checks them and makes the `Circuit`.

    Args:
        elements: junctions, branches, couplings and currents as they were added.

    Example:
        >>> net = Netlist()
        >>> net.junction("a", critical_current=0.1, resistance=6.86, capacitance=0.07, bias=0.07)
        'a'
        >>> net.inductor("a", GROUND, 10.0, series_resistance=1.0)
        'a-ground'
        >>> net.build().nodes
        ('a',)
    """

    elements: dict[str, dict[str, tuple]] = field(
        default_factory=lambda: {"junction": {}, "branch": {}, "coupling": {}, "bias": {}}
    )

    def junction(
        self,
        node: str,
        *,
        critical_current: float,
        resistance: float,
        capacitance: float,
        bias: float = 0.0,
        to: str = GROUND,
        name: str | None = None,
    ) -> str:
        """Add a junction from `node` to `to`, and a bias current into `node`. Returns the junction's name.

        A resistor is a junction of critical current and capacitance 0.

        Args:
            node: where it begins.
            critical_current: mA.
            resistance: shunt (Ohm).
            capacitance: pF.
            bias: current into `node` (mA), added to what is there.
            to: where it ends.
            name: by default `node`.
        """
        values = (critical_current, resistance, capacitance)
        where = f"junction {name or node!r}"
        if not (critical_current >= 0 and capacitance >= 0 and 0 < resistance < np.inf and np.isfinite(values).all()):
            raise ConfigurationError(
                got=f"I_c {critical_current} mA, R {resistance} Ohm, C {capacitance} pF",
                expected="finite values, I_c and C at least 0 and R above 0",
                where=where,
                fix="correct the values or their units",
            )
        self.bias(node, bias)
        return self._add("junction", name or node, (node, to, *values), where)

    def inductor(
        self, node: str, to: str, inductance: float, *, series_resistance: float = 0.0, name: str | None = None
    ) -> str:
        """Add an inductor with a resistance in series. Returns the branch's name, by default ``node-to``.

        Args:
            node: where it begins; its current counts as positive from here to `to`.
            to: where it ends; with ground at both ends it is a loop by itself, driven by voltages and couplings.
            inductance: pH.
            series_resistance: Ohm.
            name: of the branch.
        """
        name = name or f"{node}-{to}"
        if not (0 < inductance < np.inf and 0 <= series_resistance < np.inf):
            raise ConfigurationError(
                got=f"L {inductance} pH, R {series_resistance} Ohm",
                expected="L above 0 and R at least 0, both finite",
                where=f"inductor {name!r}",
                fix="correct the values or their units",
            )
        return self._add("branch", name, (node, to, inductance, series_resistance), f"inductor {name!r}")

    def couple(self, one: str, other: str, mutual: float) -> None:
        """Couple two branches by a mutual inductance (pH); its sign is that of the current which it induces.

        Args:
            one: name of a branch.
            other: name of another.
            mutual: pH.
        """
        if one == other or not np.isfinite(mutual) or not {one, other} <= set(self.elements["branch"]):
            raise ConfigurationError(
                got=f"{mutual} pH between {one!r} and {other!r}",
                expected="a finite inductance between two branches that were added before",
                where="coupling",
                fix="add the branches first, or correct their names",
            )
        self._add("coupling", f"{one}~{other}", (one, other, mutual), "coupling")

    def bias(self, node: str, current: float) -> None:
        """Send a constant current (mA) into a node; currents into one node add up.

        Args:
            node: name of the node.
            current: mA.
        """
        if not np.isfinite(current):
            raise ConfigurationError(
                got=f"{current} mA", expected="a finite current", where=f"bias of {node!r}", fix="correct the value"
            )
        self.elements["bias"][node] = (self.elements["bias"].get(node, (0.0,))[0] + current,)

    def build(self) -> Circuit:
        """The circuit.

        Raises:
            ConfigurationError: nothing in it, a bias into a node that leads nowhere, or couplings that are stronger
                than the inductors allow.
        """
        junctions, branches, couplings, biases = (self.elements[k] for k in ("junction", "branch", "coupling", "bias"))
        ends = [name for values in (*junctions.values(), *branches.values()) for name in values[:2]]
        nodes = {name: k for k, name in enumerate(dict.fromkeys(name for name in ends if name != GROUND))}
        lost = sorted(set(biases) - set(nodes))
        if not junctions or lost:
            raise ConfigurationError(
                got=f"bias into {', '.join(lost)}" if lost else "no junction",
                expected="at least one junction, and every node joined to an element",
                where="Netlist",
                fix="add what is missing",
            )
        place = {**nodes, GROUND: -1}
        numbers = {name: k for k, name in enumerate(branches)}

        def column(group: dict[str, tuple], k: int) -> jax.Array:
            return jnp.asarray([values[k] for values in group.values()], jnp.result_type(float))

        circuit = Circuit(
            *(column(junctions, k) for k in (2, 3, 4)),
            jnp.asarray([biases.get(name, (0.0,))[0] for name in nodes], jnp.result_type(float)),
            *(column(branches, k) for k in (2, 3)),
            column(couplings, 2),
            nodes=tuple(nodes),
            junctions=tuple(junctions),
            branches=tuple(branches),
            junction_ends=tuple((place[a], place[b]) for a, b, *_ in junctions.values()),
            branch_ends=tuple((place[a], place[b]) for a, b, *_ in branches.values()),
            coupled=tuple((numbers[a], numbers[b]) for a, b, _ in couplings.values()),
        )
        refuse_overcoupled(circuit)
        return circuit

    def _add(self, kind: str, name: str, values: tuple, where: str) -> str:
        closed = kind == "branch" and values[0] == values[1] == GROUND  # a loop by itself, driven through a coupling
        if name in self.elements[kind] or (values[0] == values[1] and not closed) or name == GROUND:
            raise ConfigurationError(
                got=f"{name!r} from {values[0]!r} to {values[1]!r}",
                expected="a new name, and two different ends",
                where=where,
                fix="give it another name, or correct its ends",
            )
        self.elements[kind][name] = values
        return name


def refuse_overcoupled(circuit: Circuit) -> None:
    """Raise where mutual inductances store negative energy: no layout has them.

    Raises:
        ConfigurationError: an inductance matrix that is not positive definite; names the branch that is coupled most.
    """
    if not circuit.branches:
        return
    scale = 1.0 / np.sqrt(np.asarray(circuit.inductance, np.float64))
    couplings = np.asarray(circuit.inductance_matrix(), np.float64) * scale[:, None] * scale
    lowest = float(np.linalg.eigvalsh(couplings)[0])
    if lowest <= 0:
        strength = (couplings**2).sum(1) - 1.0
        worst = int(strength.argmax())
        raise ConfigurationError(
            got=f"coupling factors of {circuit.branches[worst]!r} whose squares sum to {strength[worst]:.3g}",
            expected="an inductance matrix that is positive definite: for branches that share one loop, a sum below 1",
            where="Netlist",
            fix=f"multiply its couplings by less than {1.0 / (1.0 - lowest):.3g}, or make the inductors larger",
        )


def _index(names: tuple[str, ...], name: str, kind: str) -> int:
    if name not in names:
        raise ConfigurationError(
            got=f"{kind} {name!r}",
            expected=f"one of {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}",
            where="circuit",
            fix="correct the name",
        )
    return names.index(name)
