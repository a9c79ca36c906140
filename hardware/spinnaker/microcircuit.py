"""The cortical microcircuit in numbers, to be mapped without its 300 million synapses."""

from __future__ import annotations

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker.planned import PlannedNetwork, PlannedPopulation, PlannedProjection
from snnsim.models.cortex import microcircuit_constants as c
from snnsim.models.cortex.microcircuit import Plan, microcircuit_plan


def planned_microcircuit(plan: Plan | None = None, *, dt: float = 0.1, duration: float = 1000.0,
                         external: str = "poisson") -> PlannedNetwork:
    """The microcircuit as expected at its published rates.

    Args:
        plan: its numbers, from `microcircuit_plan`; by default those of full scale.
        dt: step (ms).
        duration: biological time (ms).
        external: input from outside as one "poisson" source a neuron, or as a constant current ("dc").

    Raises:
        ConfigurationError: another kind of input.

    Example:
        >>> work = planned_microcircuit(external="dc").workload()
        >>> work.synapses, round(work.events / 1e6, 1)
        (298880968, 966.7)
    """
    if external not in ("poisson", "dc"):
        raise ConfigurationError(got=f"external = {external!r}", expected="'poisson' or 'dc'",
                                 where="planned_microcircuit", fix="choose one of these")
    plan = microcircuit_plan() if plan is None else plan
    populations: dict[str, PlannedPopulation] = {}
    projections: dict[str, PlannedProjection] = {}
    for post, name in enumerate(c.POPULATIONS):
        units = int(plan.neurons[post])
        if external == "poisson":
            source = f"external_{name}"
            rate = float(plan.external_rates[post])
            populations[source] = PlannedPopulation(units, rate, "PoissonGenerator", 1, "poisson")
            projections[f"{source}_{name}"] = PlannedProjection(source, name, units, dt, connection="one_to_one")
        populations[name] = PlannedPopulation(units, c.RATES[post])
        for pre, origin in enumerate(c.POPULATIONS):
            delay = c.DELAY_EXCITATORY if pre % 2 == 0 else c.DELAY_INHIBITORY
            if synapses := int(plan.synapses[post, pre]):
                projections[f"{origin}_{name}"] = PlannedProjection(origin, name, synapses, delay, c.DELAY_CV * delay)
    return PlannedNetwork(populations, projections, dt, duration)
