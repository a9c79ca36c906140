"""Which classes a file may name: ours and those that the caller passes. Nothing is imported by name."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import ModuleType

import equinox as eqx

import snnsim.neurons
import snnsim.plasticity
import snnsim.synapses
from snnsim.core.delay import Delay
from snnsim.core.errors import ConfigurationError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.projection import Projection
from snnsim.core.synapse import StaticSynapse

CORE: tuple[type, ...] = (Delay, Input, Network, Projection, StaticSynapse)
# Packages whose public classes may stand in a network; a new family of parts is added here.
FAMILIES: tuple[ModuleType, ...] = (snnsim.neurons, snnsim.plasticity, snnsim.synapses)


def registry(classes: Iterable[type] = ()) -> dict[str, type]:
    """Classes by name: the public concrete modules of the library, and `classes`.

    Args:
        classes: `equinox.Module` classes of the caller, such as own neurons.

    Returns:
        name -> class.

    Raises:
        ConfigurationError: something that is no module class, or a name that is taken.
    """
    found: dict[str, type] = {value.__name__: value for value in CORE}
    for family in FAMILIES:
        for name, value in vars(family).items():
            if _is_module(value) and not name.startswith("_") and not inspect.isabstract(value):
                found[value.__name__] = value
    for value in classes:
        if not _is_module(value):
            raise ConfigurationError(got=f"{value!r} among the classes", expected="equinox.Module classes",
                                     where="classes", fix="pass the classes themselves, for example [MyNeuron]")
        if found.setdefault(value.__name__, value) is not value:
            raise ConfigurationError(got=f"a second class named {value.__name__!r}", expected="unique class names",
                                     where="classes", fix="rename your class: files know classes by name")
    return found


def _is_module(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, eqx.Module) and value is not eqx.Module
