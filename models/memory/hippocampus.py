"""A content-addressable memory of spiking neurons after area CA3 of the hippocampus, which learns in one trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.events import Events
from snnsim.core.fields import part
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.projection import Projection
from snnsim.core.simulate import simulate
from snnsim.core.state import SimulationState, fold_back, initial_state
from snnsim.neurons import LIF, Refractory
from snnsim.plasticity import SPYNNAKER, PairSTDP
from snnsim.synapses import Dense, ExponentialSynapse, OneToOne

DT = 1.0  # ms, the step of the published model: its timing is part of it
HELD = 3  # steps for which a pattern to be learned is held
FOUND = 6  # steps after a question until the answer; the question itself comes out one step earlier
INTERVAL = 10.0  # ms between operations, as in the first published test
STRONG = 6.0  # nA, makes any cell fire

# Threshold (mV), capacitance (nF), membrane time constant (ms).
_SLOW, _FAST, _OUT = (-57.0, 0.27, 3.0), (-57.0, 0.14, 0.5), (-57.5, 0.27, 3.0)
_CELLS = {
    "cue_by_cue": _SLOW, "content_by_cue": _SLOW, "gate": _FAST, "gate_helper": _FAST, "cue_by_content": _FAST,
    "content_by_content": _SLOW, "merged_cue": _SLOW, "merged_content": _SLOW, "cue_out": _OUT, "content_out": _OUT,
}
# Source, target, pattern, weight (nA; "k": for each bit of the content), delay (ms).
_SYNAPSES = (
    ("cue", "cue_by_cue", "one", STRONG, 1), ("content", "content_by_cue", "one", STRONG, 1),
    ("cue_by_cue", "cue_by_content", "one", STRONG, 2), ("cue_by_cue", "cue_by_content", "others", -STRONG, 3),
    ("cue_by_content", "cue_by_content", "others", -STRONG, 2),
    ("content_by_cue", "gate", "one", 9.0, 1), ("content_by_cue", "gate_helper", "all", STRONG, 1),
    ("gate_helper", "gate", "all", 2.0, 1), ("cue_by_cue", "gate", "all", -STRONG, 2),
    ("gate", "content_by_content", "one", STRONG, 1),
    ("cue_by_cue", "merged_cue", "one", STRONG, 3), ("cue_by_content", "merged_cue", "one", STRONG, 1),
    ("content_by_cue", "merged_content", "one", STRONG, 3), ("content_by_content", "merged_content", "one", STRONG, 1),
    ("merged_cue", "cue_out", "one", STRONG, 1), ("merged_content", "content_out", "one", STRONG, 1),
)
_PLASTIC = {"recall_by_cue": ("cue_by_cue", "content_by_cue"),
            "recall_by_content": ("content_by_content", "cue_by_content")}


def hippocampus(cues: int, bits: int) -> Network:
    """The network: inputs "cue" and "content", outputs "cue_out" and "content_out", two plastic projections.

    Cells are leaky integrate-and-fire with exponential currents (0.3 ms) in steps of 1 ms. "recall_by_cue" joins cues
    to the content that was present with them, "recall_by_content" content to its cues, both by additive STDP of 3 ms
    that takes a weight from 0 to its bound of 6 nA in one pairing. While a pattern is learned, "gate" passes the
    content on; when a cue alone recalls, inhibition meets the content there and stops it.

    Args:
        cues: number of cues, each one line (one-hot).
        bits: number of lines of the content, any number of which may be active.

    Returns:
        The network, to be simulated with ``dt=1.0``; it has no random part.

    References:
        Casanueva-Morato, Ayuso-Martinez, Dominguez-Morales, Jimenez-Fernandez & Jimenez-Moreno 2024, Neural Networks
        178:106474, arXiv 2310.05868, with the configuration of its code.
    """
    sizes = {name: 1 if name == "gate_helper" else cues if name.split("_")[0] == "cue" or name == "merged_cue" else bits
             for name in ("cue", "content", *_CELLS)}
    current = ExponentialSynapse(0.3, sample="mean")
    projections = {}
    for pre, post, pattern, weight, delay in _SYNAPSES:
        # Rivals are silenced whatever the number of bits that excite them.
        scale = bits if pattern == "others" else 1
        connection = OneToOne(weight) if pattern == "one" else Dense(weight) if pattern == "all" else \
            Dense(weight * scale * (1.0 - np.eye(sizes[post])))
        projections[f"{pre}_{post}_{pattern}"] = Projection(pre, post, connection, delay=float(delay), port="current",
                                                            synapse=current)
    rule = PairSTDP(1.0, 1.0, tau_plus=3.0, tau_minus=3.0, w_max=STRONG, carrier=current, **SPYNNAKER)  # type: ignore[misc]
    for name, (pre, post) in _PLASTIC.items():
        projections[name] = Projection(pre, post, Dense(0.0), delay=DT, port="current", synapse=rule)
    populations = {"cue": Input(cues), "content": Input(bits)} | {name: _cells(sizes[name], *kind)
                                                                  for name, kind in _CELLS.items()}
    return Network(populations, projections, key=jax.random.key(0))


def _cells(n: int, v_th: float, c_m: float, tau_mem: float) -> Refractory:
    inside = LIF(n, tau_mem=tau_mem, r_m=tau_mem / c_m, e_l=-60.0, v_reset=-60.0, v_th=v_th, reset_mechanism="zero",
                 spike_at=">=")
    return Refractory(inside, t_ref=1.0, mode="clamp")


class Operation(NamedTuple):
    """What is shown to the memory from `start` (ms) on: cue and content together are learned, either alone recalls."""

    start: float
    cue: int | None = None
    content: tuple[int, ...] = ()


def schedule(operations: Sequence[Operation], cues: int, bits: int) -> dict[str, Events]:
    """Input of a network of `hippocampus` for a list of operations.

    After an operation that learns the next may follow after 7 ms, after one that recalls after 6 ms.

    Args:
        operations: in any order.
        cues: number of cues.
        bits: number of lines of the content.

    Returns:
        Events of the populations "cue" and "content".

    Raises:
        ConfigurationError: an operation that shows nothing, or lines that do not exist.
    """
    spikes: dict[str, list[tuple[float, int]]] = {"cue": [], "content": []}
    for operation in operations:
        shown = {"cue": () if operation.cue is None else (operation.cue,), "content": tuple(operation.content)}
        _check(shown, {"cue": cues, "content": bits})
        steps = HELD if all(shown.values()) else 1
        for name, lines in shown.items():
            spikes[name] += [(operation.start + step * DT, line) for step in range(steps) for line in lines]
    sizes = {"cue": cues, "content": bits}
    return {name: Events.from_times([time for time, _ in found], [line for _, line in found], shape=sizes[name],
                                    resolution=DT, sort=True) for name, found in spikes.items()}


def _check(shown: Mapping[str, tuple[int, ...]], sizes: Mapping[str, int]) -> None:
    if not any(shown.values()):
        raise ConfigurationError(got="neither cue nor content", expected="one of them, or both to learn",
                                 where="HippocampalMemory", fix="pass a cue, or the active bits of a content")
    for name, lines in shown.items():
        if len(set(lines)) < len(lines) or any(not 0 <= line < sizes[name] for line in lines):
            raise ConfigurationError(got=f"{name} {list(lines)}", where="HippocampalMemory", fix="correct the numbers",
                                     expected=f"different numbers from 0 to {sizes[name] - 1}")


class HippocampalMemory(eqx.Module):
    """A memory that is taught and asked; every operation takes 10 ms of the simulated tissue.

    Learning a cue anew makes it forget its old content. Recall by content finds the cues of all memories that hold any
    of the given bits.

    Args:
        network: from `hippocampus`.
        state: what it has learned, and the activity that is left.

    Example:
        >>> from snnsim.models.memory import HippocampalMemory
        >>> memory = HippocampalMemory.empty(cues=5, bits=10)
        >>> memory = memory.learn(0, [0, 1, 8, 9]).learn(4, [1, 5, 6])
        >>> memory.recall(cue=4), memory.recall(content=[1])
        ((1, 5, 6), (0, 4))

    References:
        Casanueva-Morato et al. 2024, Neural Networks 178:106474.
    """

    network: Network = part(doc="the network, from `hippocampus`")
    state: SimulationState = part(doc="weights and activity")

    @classmethod
    def empty(cls, cues: int, bits: int) -> HippocampalMemory:
        """A memory that has learned nothing.

        Args:
            cues: number of cues.
            bits: number of lines of the content.
        """
        network = hippocampus(cues, bits)
        return cls(network, initial_state(network, 1, DT))

    @property
    def sizes(self) -> dict[str, int]:
        """Number of cues, and of lines of the content."""
        return {name: self.network.populations[name].size for name in ("cue", "content")}

    def learn(self, cue: int, content: Sequence[int]) -> HippocampalMemory:
        """The memory after it was shown a cue with a content (the numbers of its active bits).

        Raises:
            ConfigurationError: an empty content, or lines that do not exist.
        """
        if not len(content):
            raise ConfigurationError(got="no content", expected="at least one active bit", where="learn",
                                     fix="pass the numbers of the active bits")
        return self._run(cue, content)[0]

    def recall(self, *, cue: int | None = None, content: Sequence[int] = ()) -> tuple[int, ...]:
        """The content of a cue, or the cues of a content; the memory itself stays as it is.

        Raises:
            ConfigurationError: both or neither, or lines that do not exist.
        """
        return self.recalled(cue=cue, content=content)[1]

    def recalled(self, *, cue: int | None = None, content: Sequence[int] = ()) -> tuple[HippocampalMemory,
                                                                                      tuple[int, ...]]:
        """(memory afterwards, what was found): in the tissue recall is learning too.

        Cues that are recalled together by bits of different memories become tied to each other's bits: after two such
        recalls a bit may answer with a cue whose memory never held it. `recall` leaves no such trace.

        Raises:
            ConfigurationError: both or neither, or lines that do not exist.
        """
        if cue is not None and len(content):
            raise ConfigurationError(got="cue and content", expected="one of them", where="recall",
                                     fix="use learn to store a content")
        memory, outputs = self._run(cue, content)
        found = outputs["cue" if cue is None else "content"][FOUND]
        return memory, tuple(int(line) for line in np.flatnonzero(found))

    def weights(self) -> dict[str, np.ndarray]:
        """Weights (nA) of "recall_by_cue" ``[cues, bits]`` and "recall_by_content" ``[bits, cues]``."""
        learned = fold_back(self.network, self.state, 0)
        return {name: np.asarray(learned.projections[name].connection.weight) for name in _PLASTIC}

    def _run(self, cue: int | None, content: Sequence[int]) -> tuple[HippocampalMemory, dict[str, np.ndarray]]:
        inputs = schedule([Operation(0.0, cue, tuple(content))], self.sizes["cue"], self.sizes["content"])
        rec = simulate(self.network, inputs, duration=INTERVAL, dt=DT, state=self.state,
                       record={"cue_out": ["spikes"], "content_out": ["spikes"]})
        outputs = {name: np.asarray(rec[f"{name}_out", "spikes"])[:, 0] for name in ("cue", "content")}
        return HippocampalMemory(self.network, rec.state), outputs
