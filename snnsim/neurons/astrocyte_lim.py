"""`AstrocyteLIM`: an astrocyte as one leaky integrator of activity, whose state sets a rate of learning (NALSM)."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax

from snnsim.core.fields import param, shape_tuple, static
from snnsim.core.neuron import AbstractPointNeuron, Inputs, check_fields
from snnsim.neurons.propagators import relax


class AstrocyteLIMState(NamedTuple):
    """State a of the astrocyte: a rate of learning."""

    a: jax.Array


class AstrocyteLIM(AbstractPointNeuron):
    """Leaky integrator of the activity of a liquid less that of its input; its output a is a rate of learning.

    tau_astro da/dt = b_astro - a; an arriving spike of weight w adds w_astro w / tau_astro. Project the liquid onto it
    with weights 1 and the input with weights -1; then a stays at b_astro while both are equally active. It begins at
    b_astro and is not cut.

    Args:
        shape: number of units, or shape; a global astrocyte has 1.
        w_astro: effect of a spike, as the time for which it would hold a up by 1 (ms).
        b_astro: state without activity, the rate at which learning balances.
        tau_astro: time constant (ms).
        method: "euler" as published, or "exact".

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.neurons import AstrocyteLIM
        >>> net = sn.Network(dict(input=sn.Input(4), liquid=sn.LIF(8), astrocyte=AstrocyteLIM(1)),
        ...                  [sn.Projection("input", "astrocyte", sn.Dense(weight=-1.0)),
        ...                   sn.Projection("liquid", "astrocyte", sn.Dense(weight=1.0))], key=jax.random.key(0))

    References:
        Ivanov & Michmizos 2021, NeurIPS, arXiv 2111.01760 and its code: w_astro 0.015 for 1000 cells, 0.0075 for 8000,
        b_astro 0.15, tau_astro 100 ms, steps of 1 ms. There the rate at step t holds spikes up to t - 1.
    """

    shape: tuple[int, ...] = static(doc="shape of the population", convert=shape_tuple)
    w_astro: jax.Array = param(0.015, unit="ms", doc="effect of a spike, times tau_astro")
    b_astro: jax.Array = param(0.15, unit="1", doc="state without activity")
    tau_astro: jax.Array = param(100.0, unit="ms", doc="time constant", bounds=(1e-3, None))
    method: str = static("euler", doc="integration", choices=("euler", "exact"), kw_only=True)

    ports: ClassVar = {"in": "jump"}
    membrane: ClassVar = "a"
    spiking: ClassVar = False

    def __check_init__(self):
        check_fields(self)

    @property
    def exact_flow(self) -> bool:  # type: ignore[override]
        """Whether `flow` holds for any dt."""
        return self.method == "exact"

    def init(self) -> AstrocyteLIMState:
        """At b_astro."""
        return AstrocyteLIMState(a=self.b_astro)

    def flow(self, state: AstrocyteLIMState, dt: float, drive: Inputs) -> AstrocyteLIMState:
        """Relaxation towards b_astro."""
        return AstrocyteLIMState(a=relax(state.a, self.b_astro, dt, self.tau_astro, self.method))

    def receive(self, state: AstrocyteLIMState, arrivals: Inputs) -> AstrocyteLIMState:
        """Activity of liquid and input."""
        return AstrocyteLIMState(a=state.a + self.w_astro * arrivals["in"] / self.tau_astro)

    def fire(self, state: AstrocyteLIMState) -> tuple[AstrocyteLIMState, jax.Array]:
        """The state itself."""
        return state, state.a
