"""One step of a batch of samples, and the variables that can be recorded in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax

from snnsim.core.errors import ConfigurationError
from snnsim.core.keys import Rand
from snnsim.core.neuron import AbstractNeuron, AbstractPointNeuron

BEFORE_RESET = "_before_reset"
OUTPUT = ("spikes", "output")
Record = tuple[tuple[str, tuple[str, ...]], ...]  # (population, variables)


def batched_step(neuron: AbstractNeuron, state: Any, inputs: Mapping[str, jax.Array], dt: float, rand: Rand,
                 record: tuple[str, ...]) -> tuple[Any, jax.Array, dict[str, jax.Array]]:
    """(state, output, recorded variables) of one step of all samples; arrays ``[batch, *shape]``."""
    batch = jax.tree.leaves((inputs, state))[0].shape[0]

    def one(state, inputs, rand):
        return observed_step(neuron, state, inputs, dt, rand, record)
    return jax.vmap(one, in_axes=(0, 0, Rand.axes("sample")))(state, dict(inputs), rand.of_samples(batch))


def observed_step(neuron: AbstractNeuron, state: Any, inputs: Mapping[str, jax.Array], dt: float, rand: Rand,
                  record: tuple[str, ...]) -> tuple[Any, jax.Array, dict[str, jax.Array]]:
    """(state, output, recorded variables) of one step of one sample; arrays ``[*shape]``."""
    before = None
    if isinstance(neuron, AbstractPointNeuron):
        before = neuron.advance(state, inputs, dt, rand)
        state, output = neuron.emit(before)
    else:
        state, output = neuron.step(state, inputs, dt, rand)
    return state, output, _observed(record, state, output, before)


def _observed(record: tuple[str, ...], state: Any, output: jax.Array, before: Any) -> dict[str, jax.Array]:
    found = {}
    for name in record:
        if name in OUTPUT:
            found[name] = output
        elif name.endswith(BEFORE_RESET):
            found[name] = variables(before)[name.removesuffix(BEFORE_RESET)]
        else:
            found[name] = variables(state)[name]
    return found


def variables(state: Any) -> dict[str, jax.Array]:
    """State variables by name, those of composed neurons included."""
    if hasattr(state, "_asdict"):
        items = state._asdict()
    elif isinstance(state, dict):
        items = state
    elif dataclasses.is_dataclass(state):
        items = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    else:
        return {}
    found: dict[str, jax.Array] = {}
    for name, value in items.items():
        found.update({name: value} if isinstance(value, jax.Array) else variables(value))
    return found


def check_record(name: str, neuron: AbstractNeuron, wanted: tuple[str, ...]) -> None:
    """Raise `ConfigurationError` if a variable cannot be recorded from this population."""
    if set(wanted) <= set(OUTPUT):
        return
    known = [*OUTPUT, *variables(neuron.initial_state())]
    if isinstance(neuron, AbstractPointNeuron):
        known += [f"{variable}{BEFORE_RESET}" for variable in known[2:]]
    for variable in wanted:
        if variable not in known:
            raise ConfigurationError(got=f"variable {variable!r}", expected=f"one of {', '.join(known)}",
                                     where=f"population {name!r}", fix="record one of these")


def innermost(neuron: Any) -> Any:
    """The neuron whose fields describe the membrane: `Refractory` and `Noisy` hold it inside."""
    while hasattr(neuron, "neuron"):
        neuron = neuron.neuron
    return neuron


def unit_of(neuron: AbstractNeuron, variable: str) -> str:
    """Unit of a state variable as far as the neuron's fields tell: membranes share that of the threshold."""
    fields = getattr(innermost(neuron), "__dataclass_fields__", {})
    membrane = next((fields[name].metadata.get("unit", "") for name in ("v_th", "e_l") if name in fields), "")
    if membrane != "mV":
        return ""
    return "mV" if variable.startswith("v") else "nA" if variable.startswith("i") else ""
