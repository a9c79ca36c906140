"""Flat networks run by each of the kernels, and what must agree."""

import jax
import jax.numpy as jnp
import numpy as np
from test_family import FAMILY

import snnsim as sn
from snnsim.core import flat_kernels
from snnsim.core.chunks import _run_flat
from snnsim.core.flat import flatten, obstacle
from snnsim.core.packed import PackedSpikes
from snnsim.core.state import initial_state

KERNELS = {"compiled": flat_kernels.COMPILED, "persistent": flat_kernels.PERSISTENT, "stepwise": flat_kernels.STEPWISE}
KEY = jax.random.key(0)


def drawn(most, least=0.1):
    """Delays (ms) of synapses on the grid."""
    return sn.Delay(sn.synapses.Uniform(low=least, high=most), "nearest")


def sparse(pre, post, degree, weight, **options):
    """A projection with so many synapses a target, pairs joined more than once among them."""
    return sn.Projection(pre, post, sn.Sparse(sn.FixedInDegree(degree, multiple=True), weight=weight), **options)


def family_network(labels, units=37, most_delay=3.0):
    """Neurons of the family table in a ring, each with recurrent synapses, fed by one input."""
    strengths = {label.replace(" ", "_"): FAMILY[label][1] for label in labels}
    populations = {"input": sn.Input(40)} | {label.replace(" ", "_"): FAMILY[label][0]((units,)) for label in labels}
    names, projections = list(strengths), {}
    for k, name in enumerate(names):
        following, strength = names[(k + 1) % len(names)], strengths[name]
        projections[f"in_{name}"] = sparse("input", name, 5, 0.6 * strength, delay=0.0 if k % 2 else drawn(2.0))
        projections[f"re_{name}"] = sparse(name, name, 4, 0.05 * strength, delay=drawn(most_delay))
        by_sign = {"exc", "inh"} <= set(populations[following].ports)
        weight = sn.synapses.Normal(0.0, 0.1 * strengths[following]) if by_sign else 0.02 * strengths[following]
        projections[f"next_{name}"] = sparse(name, following, 3, weight, delay=drawn(most_delay),
                                             port="by_sign" if by_sign else None)
    return sn.Network(populations, projections, key=KEY)


def given(network, steps, batch, rate=0.05, seed=0):
    """Random spikes of every input population."""
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(rng.random((steps, batch, *network.populations[name].shape)) < rate,
                              jnp.result_type(float)) for name in network.inputs}


def everything(network, *more):
    """All that can be recorded: outputs and membranes of all populations."""
    return tuple((name, ("spikes", neuron.membrane, *more) if name not in network.inputs else ("output",))
                 for name, neuron in network.populations.items())


def run(kernel, network, inputs, record, *, dt=0.1, steps=200, batch=1, seed=3, state=None):
    """(state, traces with spikes as arrays, counts, graded) by this kernel, which must not refuse."""
    assert obstacle(network, dt) is None
    flat_kernels.KERNELS[kernel] = (KERNELS[kernel],)
    try:
        flat = flatten(network, dt)
        state = initial_state(network, batch, dt) if state is None else state
        state, ran, healthy = _run_flat(flat, state, inputs, jnp.uint32(seed), dt, steps, record, kernel)
    finally:
        del flat_kernels.KERNELS[kernel]
    assert ran.kernel == KERNELS[kernel].name
    assert all(bool(flag) for flag in healthy.values())
    begin, words = dict(flat.senders), np.asarray(ran.words)
    traces = {name: {v: np.asarray(array) for v, array in found.items()} for name, found in ran.traces.items()}
    for place in flat.places:
        if place.group in begin and place.name in traces and "spikes" not in traces[place.name]:
            spikes = PackedSpikes(words, begin[place.group] + place.first, place.shape)
            traces[place.name]["spikes"] = spikes.dense()
    return state, traces, jax.tree.map(np.asarray, ran.counts), jax.tree.map(np.asarray, ran.graded)


def assert_agree(network, one, two, *, rtol, first=None, quiet=()):
    """Equal spikes and counts; variables, states and arrivals under way within `rtol` of their largest value.

    `first` limits the comparison of variables to so many steps, in which rounding is not amplified yet.
    """
    (state, traces, counts, graded), (other, other_traces, other_counts, other_graded) = one, two
    for name, neuron in network.populations.items():
        if name in network.inputs:
            continue
        found, expected = traces[name], other_traces[name]
        assert found.keys() == expected.keys()
        for variable in found:
            a, b = found[variable], expected[variable]
            if variable == "spikes" and neuron.spiking:
                np.testing.assert_array_equal(a, b, f"{name}: spikes")
                assert name in quiet or 0 < (b != 0).mean() < 1, name
            else:
                atol = rtol * np.abs(b).max()
                np.testing.assert_allclose(a[:first], b[:first], rtol=0, atol=atol, err_msg=f"{name}: {variable}")
                assert name in quiet or np.ptp(b) > 0, (name, variable)
        np.testing.assert_array_equal(counts[name], other_counts[name], name)
    for name in network.inputs:
        np.testing.assert_array_equal(counts[name], other_counts[name], name)
    assert graded.keys() == other_graded.keys()
    assert all(graded[name] == other_graded[name] for name in graded)
    assert int(state.step) == int(other.step)
    assert jax.tree.structure(state) == jax.tree.structure(other)
    if first is None:
        for part in ("populations", "pending"):
            for (path, a), b in zip(jax.tree.leaves_with_path(getattr(state, part)),
                                    jax.tree.leaves(getattr(other, part)), strict=True):
                assert a.dtype == b.dtype
                where = jax.tree_util.keystr(path)
                np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max(initial=1e-9), err_msg=where)
