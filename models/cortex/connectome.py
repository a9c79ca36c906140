"""A network from an edge list, such as the connectome of a worm."""

from __future__ import annotations

import re
from collections.abc import Collection

import jax
import numpy as np

import snnsim as sn
from snnsim.core.errors import DataError
from snnsim.core.neuron import AbstractNeuron
from snnsim.models.cortex import connectome_constants as c
from snnsim.models.cortex.edge_list import EdgeList
from snnsim.models.cortex.psp import current_of_psp
from snnsim.neurons import PoissonGenerator


def connectome(edges: EdgeList, *, inhibitory: Collection[str] | None = None, key: jax.Array) -> sn.Network:
    """Leaky integrate-and-fire neurons wired as an edge list says, under Poisson input.

    A chemical edge of n contacts is a synapse of n times the weight of one; that is such that the mean cell's contacts
    together make a potential of 5 mV, as some lists count synapses and others sections of them. An edge inhibits if its
    transmitter is GABA, or where none is given if the source is named in `inhibitory`. Gap junctions are currents
    between membranes and no events: they are left out. "neurons" send chemical synapses and receive a Poisson train
    each; "effectors", such as muscles, only receive synapses.

    Args:
        edges: from `read_edges`.
        inhibitory: names of inhibitory neurons; by default the 26 GABAergic neurons of C. elegans.
        key: for the network's signature; nothing is drawn.

    Returns:
        A network of "neurons", "effectors" where there are any, and "background"; `members` names their units.

    Raises:
        DataError: no chemical edges.

    References:
        Cook et al. 2019, Nature 571:63; Varshney et al. 2011, PLoS Comput. Biol. 7:e1001066; White et al. 1986, Phil.
        Trans. R. Soc. B 314:1; McIntire et al. 1993, Nature 364:337.
    """
    names = members(edges)
    place = {name: i for group in names.values() for i, name in enumerate(group)}
    gaba = c.GABAERGIC if inhibitory is None else frozenset(map(plain, inhibitory))
    sign = np.array([-1.0 if "gaba" in transmitter.lower() or (not transmitter and plain(edges.names[source]) in gaba)
                     else 1.0 for source, transmitter in zip(edges.sources, edges.transmitters, strict=True)])
    size, chemical = len(names["neurons"]), edges.counts[~edges.electrical]
    weight = sign * edges.counts * _psc(c.PSP) * sum(map(len, names.values())) / chemical.sum()
    populations: dict[str, AbstractNeuron] = {"background": PoissonGenerator(size, c.BACKGROUND_RATE)}
    projections = [sn.Projection("background", "neurons", sn.OneToOne(_psc(c.BACKGROUND_PSP)), port="exc")]
    for group, listed in names.items():
        populations[group] = sn.Refractory(sn.LIFPscExp(
            len(listed), tau_mem=c.TAU_MEM, tau_exc=c.TAU_SYN, tau_inh=c.TAU_SYN, c_m=c.C_M, e_l=c.E_L, v_th=c.V_TH,
            v_reset=c.V_RESET), t_ref=c.T_REF)
        inside = set(listed)
        chosen = [i for i in np.flatnonzero(~edges.electrical) if edges.names[edges.targets[i]] in inside]
        sources, targets = (np.array([place[edges.names[unit]] for unit in units[chosen]], np.int32)
                            for units in (edges.sources, edges.targets))
        order = np.argsort(sources, kind="stable")
        if chosen:
            projections.append(sn.Projection("neurons", group, sn.Sparse.from_edges(
                sources[order], targets[order], weight[chosen][order]), delay=c.DELAY, port="by_sign"))
    return sn.Network(populations, projections, key=key)


def members(edges: EdgeList) -> dict[str, tuple[str, ...]]:
    """Names of the units of each population of `connectome`, in their order.

    Args:
        edges: from `read_edges`.

    Raises:
        DataError: no chemical edges.
    """
    if edges.electrical.all():
        raise DataError(got="electrical edges only", expected="chemical synapses", where=edges.path,
                        fix="choose a list that has them: gap junctions carry no events")
    sending, receiving = set(edges.sources[~edges.electrical]), set(edges.targets[~edges.electrical])
    groups = {"neurons": tuple(name for i, name in enumerate(edges.names) if i in sending),
              "effectors": tuple(name for i, name in enumerate(edges.names) if i in receiving - sending)}
    return {name: group for name, group in groups.items() if group}


def plain(name: str) -> str:
    """A cell's name without leading zeros in its number: DD01 and DD1 are one.

    Args:
        name: as a list writes it.

    Example:
        >>> plain("DD01"), plain("VD10"), plain("AVAL")
        ('DD1', 'VD10', 'AVAL')
    """
    return re.sub(r"(?<=\D)0+(?=\d)", "", name)


def _psc(psp: float) -> float:
    return current_of_psp(psp, tau_mem=c.TAU_MEM, tau_syn=c.TAU_SYN, c_m=c.C_M)
