"""CPU and GPU: the dense product every step, and measured increments of an event-driven simulator."""

from __future__ import annotations

from typing import cast

from snnsim.core.errors import ConfigurationError
from snnsim.core.network import Network
from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.processors.arithmetic import own_work
from snnsim.hardware.processors.constants import DEVICES
from snnsim.hardware.target import Mapping, Target
from snnsim.hardware.workload import Workload


class Processor(Target):
    """A general processor.

    The main table is a dense product of every projection in every step, as a framework for conventional networks
    computes it: sparsity saves nothing. The alternative is an event-driven simulator's measured increments.

    Args:
        device: "cpu" or "gpu".

    References:
        keys kerasspiking, snabsuite, ostrau2022 of the bibliography.
    """

    def __init__(self, device: str = "cpu"):
        if device not in DEVICES:
            raise ConfigurationError(
                got=f"device {device!r}",
                expected=f"one of {', '.join(DEVICES)}",
                where="Processor",
                fix="choose one of these",
            )
        self.name = device
        self.title = cast(str, DEVICES[device][0])

    def map(self, network: Network, workload: Workload) -> Mapping:
        """Nothing to place: weights and states lie in main memory."""
        weights = sum(p.weight_bytes for p in workload.projections.values())
        states = sum(p.state_bytes for p in workload.populations.values())
        return Mapping(self.name, {"weights (B)": weights, "states (B)": states}, ())

    def cost(self, mapping: Mapping, workload: Workload) -> Cost:
        """Dense products, with the event-driven increments as the alternative table."""
        _, mac, simulated_on, neuron, spike, event, _ = DEVICES[self.name]
        dense = tuple(
            Term("multiply-accumulate", name, p.dense_events, "operations", mac)
            for name, p in workload.projections.items()
            if p.weighted
        )
        terms = []
        for name, work in workload.populations.items():
            if work.generator:
                terms += [Term("spike", name, work.spikes, "spikes", spike)] if work.spikes else []
            elif not work.is_input:
                terms.append(
                    Term("neuron for 1 ms of biology", name, work.units * workload.total_s * 1e3, "neuron ms", neuron)
                )
                if work.spikes:
                    terms.append(Term("spike", name, work.spikes, "spikes", spike))
        terms += [Term("synaptic event", name, p.events, "events", event) for name, p in workload.projections.items()]
        measured = Cost(
            self.name,
            "measured-increments",
            f"Increments measured with a power meter on {simulated_on} under the simulator GeNN.",
            tuple(terms),
            (
                "the idle machine, tens of watts, for as long as the run takes",
                "neurons other than LIF",
                "host input and output",
                *own_work(workload),
            ),
            (),
        )
        return Cost(
            self.name,
            "dense-products",
            f"Every projection as a dense product in every step, on {mac.operating_point}; sparsity saves nothing.",
            dense,
            (
                "neuron updates",
                "the idle machine and everything around the processor",
                "moving weights and states, beyond what the price of an operation may hold",
                *own_work(workload),
            ),
            ("Pooling and biases are not counted.",),
            None,
            (measured,),
        )
