"""Networks for tests on several devices, and what must be equal between two runs."""

import jax
import numpy as np

import snnsim as sn
from snnsim.neurons import PoissonGenerator
from snnsim.synapses import Normal

DT, STEPS = 0.1, 260
RECORD = {"noise": ["output"], "exc": ["spikes", "v"], "inh": ["spikes"], "sheet": ["spikes", "v_before_reset"],
          "late": ["spikes"]}


def cells(shape):
    """Leaky integrate-and-fire cells with exponential synapses."""
    return sn.Refractory(sn.LIFPscExp(shape, tau_mem=10.0, tau_exc=0.5, tau_inh=0.5, c_m=0.25, e_l=-65.0, v_th=-50.0,
                                      v_reset=-65.0), t_ref=2.0)


def drawn(mean):
    """Delays on the grid, each synapse its own, at least a step."""
    return sn.Delay(Normal(mean, 0.5 * mean, low=0.05), "nearest")


def sparse(degree, weight):
    """Synapses with normal weights, pairs joined more than once among them."""
    return sn.Sparse(sn.FixedInDegree(degree, multiple=True), weight=Normal(weight, 0.1 * abs(weight)))


def mixed(units=300):
    """Generators, groups of several populations, noise, inputs, delays of every form; no size is a multiple of 32."""
    populations = {
        "input": sn.Input((4, 5)), "noise": PoissonGenerator(units, 8000.0), "exc": cells(units),
        "noise_inh": PoissonGenerator(units // 4, 7000.0), "inh": cells((units // 20, 5)),
        "sheet": sn.Noisy(sn.LIF((7, 10), tau_mem=20.0), sigma=0.2), "late": sn.LIF(9, tau_mem=np.linspace(5, 20, 9))}
    projections = {
        "to_exc": sn.Projection("noise", "exc", sn.OneToOne(0.0878), port="exc"),
        "to_inh": sn.Projection("noise_inh", "inh", sn.OneToOne(0.0878), port="exc"),
        "exc_exc": sn.Projection("exc", "exc", sparse(30, 0.0878), delay=drawn(1.5), port="exc"),
        "exc_inh": sn.Projection("exc", "inh", sparse(30, 0.0878), delay=drawn(1.5), port="by_sign"),
        "inh_exc": sn.Projection("inh", "exc", sparse(20, -0.35), delay=drawn(0.8), port="inh"),
        "inh_inh": sn.Projection("inh", "inh", sparse(20, -0.35), delay=drawn(0.8), port="by_sign"),
        "in_exc": sn.Projection("input", "exc", sparse(5, 0.2), delay=1.0, port="exc"),
        "exc_sheet": sn.Projection("exc", "sheet", sparse(30, 0.1), delay=sn.Delay(0.1 * (1 + np.arange(units) % 40),
                                                                                  "nearest")),
        "sheet_late": sn.Projection("sheet", "late", sparse(20, 0.2), delay=sn.Delay(np.full((7, 10), 2.0))),
        "counts_late": sn.Projection("noise_inh", "late", sparse(2, 0.01), delay=0.4)}
    return sn.Network(populations, projections, key=jax.random.key(0))


def islands(delay=2.0, units=70):
    """Two circuits, each with recurrent synapses of one step, joined by synapses of one long delay."""
    populations, projections = {}, {}
    for k in range(2):
        populations |= {f"noise_{k}": PoissonGenerator(units, 9000.0 - 500 * k), f"cells_{k}": cells(units)}
        projections |= {
            f"to_{k}": sn.Projection(f"noise_{k}", f"cells_{k}", sn.OneToOne(0.0878), port="exc"),
            f"own_{k}": sn.Projection(f"cells_{k}", f"cells_{k}", sparse(10, -0.1), delay=0.1, port="inh"),
            f"long_{k}": sn.Projection(f"cells_{k}", f"cells_{1 - k}", sparse(10, 0.2), delay=delay, port="exc")}
    return sn.Network(populations, projections, key=jax.random.key(1))


def spikes_in(network, batch=1, steps=STEPS, rate=0.02):
    """Random spikes of every input population."""
    rng = np.random.default_rng(5)
    return {name: (rng.random((steps, batch, *network.populations[name].shape)) < rate).astype(np.float32)
            for name in network.inputs}


def simulated(network, inputs=None, record=None, **given):
    """The recording of `STEPS` steps."""
    given = {"duration": STEPS * DT, "dt": DT, "seed": 3} | given
    record = {name: ["spikes"] for name, p in network.populations.items() if p.ports} if record is None else record
    return sn.simulate(network, inputs, record=record, **given)


def arrays(recording):
    """All that came out, as arrays by path."""
    traces = {name: {v: recording[name, v] for v in found} for name, found in recording.traces.items()}
    tree = {"traces": traces, "counts": recording.counts, "state": recording.state, "graded": recording.graded}
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def assert_same(first, second):
    """Equal to the bit: recorded variables, counts, flags, states and arrivals under way."""
    one, two = arrays(first), arrays(second)
    assert one.keys() == two.keys()
    differ = {path: (a.dtype, b.dtype, a.shape, b.shape) for (path, a), b in zip(one.items(), two.values(), strict=True)
              if (a.dtype, a.shape, a.tobytes()) != (b.dtype, b.shape, b.tobytes())}
    assert differ == {}
