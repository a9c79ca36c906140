"""The parts that networks are built of: lines, splitters, synapses and somas, with the values of our own design.

A *line* passes pulses on. A *splitter* is a junction 1.4 times as large that drives two lines. A *synapse* is an
inductor with a resistor from a line to ground: each pulse steps its current by Phi_0 / L_s, which then decays with
L_s / R_s. It is coupled to the loop of a *soma*, a junction with a bias current and a loop of L_n and R_n beside it:
the sign and size of the mutual inductance are the sign and size of the weight. The soma slips, and so sends a pulse,
where bias and induced currents exceed its critical current; after that the loop holds a counter-current Phi_0 / L_n
that decays with L_n / R_n. The bias sets the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

from snnsim.hardware.sfq.circuit import GROUND, Circuit, Netlist
from snnsim.hardware.sfq.units import shunt


@dataclass(frozen=True)
class Parts:
    """Values of the parts.

    Args:
        critical_current: of a junction (mA).
        capacitance: of such a junction (pF); larger junctions have more in proportion, and smaller shunts.
        beta_c: McCumber number of every junction.
        line_inductance: between junctions of a line (pH).
        line_bias: bias of a line's junctions, in units of their critical current.
        split_scale: size of a junction that drives two lines.
        arm_inductance: from a splitter to each of its arms (pH).
        output_inductance: from a soma to its output line (pH).
        synapse_inductance: L_s (pH).
        synapse_resistance: R_s (Ohm).
        loop_inductance: L_n (pH).
        loop_resistance: R_n (Ohm).
        input_junctions: junctions of an input line.
        output_junctions: junctions of a soma's output line.
    """

    critical_current: float = 0.1
    capacitance: float = 0.07
    beta_c: float = 1.0
    line_inductance: float = 10.5
    line_bias: float = 0.72
    split_scale: float = 1.4
    arm_inductance: float = 8.4
    output_inductance: float = 20.0
    synapse_inductance: float = 20.0
    synapse_resistance: float = 1.0
    loop_inductance: float = 10.0
    loop_resistance: float = 1.0
    input_junctions: int = 3
    output_junctions: int = 2

    def junction(self, net: Netlist, node: str, bias: float, scale: float = 1.0) -> str:
        """Add a junction from `node` to ground; `bias` is in units of its critical current."""
        current = self.critical_current * scale
        resistance = shunt(self.critical_current, self.capacitance, self.beta_c) / scale
        return net.junction(
            node,
            critical_current=current,
            resistance=resistance,
            capacitance=self.capacitance * scale,
            bias=bias * current,
        )

    def line(self, net: Netlist, name: str, junctions: int, *, splits: bool = False) -> str:
        """Add a line ``name0, name1, ...``; with `splits` its last junction can drive two lines. Returns the last."""
        for k in range(junctions):
            last = splits and k == junctions - 1
            self.junction(net, f"{name}{k}", self.line_bias, self.split_scale if last else 1.0)
            if k:
                net.inductor(f"{name}{k - 1}", f"{name}{k}", self.line_inductance)
        return f"{name}{junctions - 1}"

    def arms(self, net: Netlist, node: str, targets: int, depth: int | None = None) -> list[str]:
        """Split a line's last junction into arms, one a target, by a binary tree. Returns their junctions.

        Args:
            net: where to.
            node: a line's last junction, large enough to split where there is more than one target.
            targets: number of arms.
            depth: junctions that a pulse passes on each of them, so that all arrive together; by default the fewest.
        """
        depth = ceil(log2(targets)) if depth is None else depth
        if not depth:
            return [node]
        shares = ((targets + 1) // 2, targets // 2) if targets > 1 else (1,)
        found = []
        for k, share in enumerate(shares):
            arm = self.junction(net, f"{node}.{k}", self.line_bias, self.split_scale if share > 1 else 1.0)
            net.inductor(node, arm, self.arm_inductance if targets > 1 else self.line_inductance)
            found += self.arms(net, arm, share, depth - 1)
        return found

    def soma(self, net: Netlist, name: str, bias: float, *, splits: bool = False) -> tuple[str, str]:
        """Add a soma and its output line ``name.out0, ...``. Returns (its loop, the line's last junction).

        Args:
            net: where to.
            name: of the soma's node and junction.
            bias: in units of its critical current.
            splits: whether the line drives two more.
        """
        self.junction(net, name, bias)
        loop = net.inductor(name, GROUND, self.loop_inductance, series_resistance=self.loop_resistance)
        if not self.output_junctions:
            return loop, name
        last = self.line(net, f"{name}.out", self.output_junctions, splits=splits)
        net.inductor(name, f"{name}.out0", self.output_inductance)
        return loop, last

    def synapse(self, net: Netlist, node: str, loop: str, mutual: float) -> str:
        """Add a synapse from a line's junction onto a soma's loop. Returns its branch."""
        branch = net.inductor(
            node, GROUND, self.synapse_inductance, series_resistance=self.synapse_resistance, name=f"{node}>{loop}"
        )
        net.couple(branch, loop, mutual)
        return branch


def line(junctions: int, parts: Parts | None = None) -> Circuit:
    """A line alone: junctions ``j0, j1, ...``.

    Args:
        junctions: how many.
        parts: values; by default ours.
    """
    net = Netlist()
    (parts or Parts()).line(net, "j", junctions)
    return net.build()
