"""What enters a weight matrix: spikes, which are accumulated, or numbers, which are multiplied."""

from __future__ import annotations

from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.recording import Recording
from snnsim.core.synapse import StaticSynapse
from snnsim.plasticity.rule import AbstractRule

SPIKE, FLOAT = "spike", "float"


def operand(network: Network, recording: Recording, name: str) -> tuple[str, str]:
    """("spike" or "float", what decided it) for projection `name` in this recording.

    A projection carries spikes only if everything on the way to its weights is 0 or 1: the source's recorded
    outputs, the gains of its delay, and a synapse without dynamics. In doubt it is "float", so that no saving
    is printed that was not there.
    """
    projection = network.projections[name]
    source = network.populations[projection.pre]
    if projection.taps(recording.dt, True)[1] is not None:
        return FLOAT, "the delay interpolates: its gains scale every spike"
    # A learning rule changes weights; whether it scales spikes is decided by the synapse that carries them.
    carrier = projection.synapse.carrier if isinstance(projection.synapse, AbstractRule) else projection.synapse
    if not isinstance(carrier, StaticSynapse):
        return FLOAT, f"{type(carrier).__name__} may scale every spike"
    if not source.spiking:
        return FLOAT, f"{projection.pre} sends its membrane, not spikes"
    if bool(recording.graded.get(projection.pre, True)):
        if isinstance(source, Input):
            return FLOAT, f"the inputs of {projection.pre} were not only 0 and 1"
        return FLOAT, f"the outputs of {projection.pre} were not only 0 and 1"
    return SPIKE, f"{projection.pre} sent only 0 and 1"
