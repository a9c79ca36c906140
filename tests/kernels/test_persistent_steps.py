"""The GPU kernel of many steps against loops in NumPy and XLA's steps: interpreted, and on a GPU where there is one.

In interpret mode one program does all the work: lists, pieces of rows and the ring are tested, waiting is not.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flat_networks import KEY, assert_agree, drawn, everything, run, sparse
from test_family import FAMILY

import snnsim as sn
from snnsim import neurons
from snnsim.core import flat_kernels
from snnsim.core.flat import flatten
from snnsim.core.flat_engine import run_flat
from snnsim.core.state import initial_state
from snnsim.kernels.event_propagation import Rows
from snnsim.kernels.persistent_steps import Tuning, persistent_steps

pytestmark = pytest.mark.usefixtures("interpreted_or_gpu")


@pytest.fixture(autouse=True)
def _short_compilation(monkeypatch):
    """One step a turn of XLA's loop: the same steps, compiled sooner."""
    monkeypatch.setattr(flat_kernels, "UNROLL", 1)


# -- the kernel alone ------------------------------------------------------------------------------------------


def ahead(constants, state, offset):
    """Half of a potential is forgotten, some units are driven; steps are counted, so that one too many shows."""
    keep, drive, _ = constants
    v, age = state
    return (keep * v + drive, age + 1), (offset,)


def update(senders, constants, state, early, arrivals, offset):
    """Integrators that jump by whole numbers: arithmetic is exact, and so is every comparison below."""
    *_, threshold = constants
    v, age = state
    v = v + sum(arrivals[1:], arrivals[0])
    fired = tuple(v > threshold + 4.0 * g for g in range(senders))
    return (jnp.where(fired[0], 0.0, v), age), fired, {"v": v, "begun": jnp.broadcast_to(early[0] - offset, v.shape)}


def loop(constants, v, age, ring, rows, weight, *, units, steps, senders, first_row=0):
    """The same step by step, synapse by synapse."""
    (keep, drive, threshold), ring, depth = constants, ring.copy(), len(ring)
    starts, ends, targets, delays = (np.asarray(part) for part in rows)
    spikes, potentials = [], []
    for step in range(first_row, first_row + steps):
        v, age = keep * v + drive, age + 1
        arrivals = ring[step % depth].reshape(-1, units).copy()
        ring[step % depth] = 0
        v = v + arrivals.sum(0)
        fired = np.stack([v > threshold + 4.0 * g for g in range(senders)])
        potentials.append(v)
        spikes.append(fired.ravel())
        v = np.where(fired[0], 0, v)
        for source in np.flatnonzero(fired.ravel()):
            for n in range(starts[source], ends[source]):
                delay = int(delays[n if len(delays) > 1 else 0])
                ring[(step + 1 + delay) % depth, targets[n]] += weight[n]
    return v, age, ring, np.array(spikes), np.array(potentials)


def table(units, senders, regions, degree, depth, seed=0, delays=np.uint8):
    """Rows of any length, none among them; sums of weights are whole numbers."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 2 * degree + 1, senders * units)
    lengths[rng.integers(0, senders * units, senders * units // 5)] = 0
    ends = np.cumsum(lengths)
    each = rng.integers(0, depth - 1, ends[-1])
    rows = Rows(jnp.asarray(ends - lengths, jnp.int32), jnp.asarray(ends, jnp.int32),
                jnp.asarray(rng.integers(0, regions * units, ends[-1]), jnp.int32),
                jnp.asarray(each if delays else each[:1], delays or jnp.uint8))
    return rows, rng.integers(-2, 4, ends[-1]).astype(np.float32)


CASES = {
    "short rows": dict(units=13, senders=1, regions=1, degree=3, depth=5),
    "long rows, many pieces": dict(units=9, senders=1, regions=1, degree=40, depth=5, tuning=Tuning(width=8, run=2)),
    "several groups": dict(units=16, senders=3, regions=2, degree=5, depth=7, tuning=Tuning(width=16, run=4)),
    "one delay for all": dict(units=13, senders=2, regions=1, degree=4, depth=4, delays=None),
    "delays of two bytes": dict(units=6, senders=1, regions=2, degree=4, depth=300, delays=np.uint16),
    "one unit": dict(units=1, senders=1, regions=1, degree=6, depth=4),
    "the ring goes on from its last row": dict(units=13, senders=1, regions=1, degree=4, depth=5, first_row=4),
}


def kernel(constants, state, ring, rows, weight, *, senders, **options):
    """The kernel on arrays of NumPy."""
    constants, state, ring, weight = jax.tree.map(jnp.asarray, (constants, state, ring, weight))
    return persistent_steps(ahead, partial(update, senders), constants, state, ring, rows, weight, senders=senders,
                            interpret=jax.default_backend() != "gpu", **options)


@pytest.mark.parametrize("case", CASES)
def test_a_loop_over_synapses(case):
    options = dict(first_row=0, tuning=Tuning(width=64, run=8)) | CASES[case]
    tuning, first_row = options.pop("tuning"), options.pop("first_row")
    units, senders, depth = options["units"], options["senders"], options["depth"]
    rows, weight = table(**options)
    rng = np.random.default_rng(1)
    drive, threshold, v = (rng.integers(low, high, units).astype(np.float32) for low, high in ((2, 5), (2, 6), (4, 9)))
    constants, age = (np.float32(0.5), drive, threshold), np.zeros(units, np.int32)
    ring = rng.integers(0, 9, (depth, options["regions"] * units)).astype(np.float32)
    chosen = dict(units=units, steps=30, senders=senders, first_row=first_row)
    state, after, spikes, records = kernel(constants, (v, age), ring, rows, weight, **chosen, tuning=tuning)
    expected = loop(constants, v, age, ring, rows, weight, **chosen)
    assert 5 < expected[3].sum() < expected[3].size + (units == 1)
    assert expected[2].any()
    for name, found, wanted in zip(("v", "steps", "ring", "spikes", "records"),
                                   (*state, after, spikes != 0, records["v"]), expected, strict=True):
        np.testing.assert_array_equal(found, wanted, name)
    assert not records["begun"].any()  # what was begun ahead of a step is used in that step


def test_all_units_spike_in_every_step():
    """The list holds every unit, twice: of this step and of the next."""
    units, steps = 40, 6
    rows, weight = table(units, 2, 1, 6, 4)
    ring = np.full((4, units), 100.0, np.float32)
    none = np.zeros(units, np.float32)
    constants, v, age = (np.float32(1.0), none, none - 1e6), none, np.zeros(units, np.int32)
    chosen = dict(units=units, steps=steps, senders=2)
    state, after, spikes, _ = kernel(constants, (v, age), ring, rows, weight, **chosen, tuning=Tuning(width=32, run=4))
    assert (np.asarray(spikes) == 1).all()
    np.testing.assert_array_equal(after, loop(constants, v, age, ring, rows, weight, **chosen)[2])
    np.testing.assert_array_equal(state[1], steps)


# -- networks --------------------------------------------------------------------------------------------------


def cells(size=13, **options):
    """Cells with two signed ports that fire when driven by weights of a few nA."""
    return sn.Refractory(sn.LIFPscExp(size, tau_mem=10.0, **options), t_ref=0.5)


def groups(size=13):
    """A generator, two kinds of cells that send, integrators that only listen: four groups, arrivals at four ports."""
    return sn.Network(
        dict(rain=neurons.PoissonGenerator(size, 900.0), a=cells(size), b=sn.AdEx(size), out=sn.LI(size)),
        dict(rain_a=sn.Projection("rain", "a", sn.OneToOne(4.0), port="exc"),
             rain_b=sn.Projection("rain", "b", sn.OneToOne(12.0)),
             a_a=sparse("a", "a", 4, sn.synapses.Normal(0.0, 2.0), delay=drawn(2.0), port="by_sign"),
             a_b=sparse("a", "b", 4, 3.0, delay=drawn(1.0)),
             b_a=sparse("b", "a", 4, -1.0, delay=0.3, port="inh"),
             b_out=sparse("b", "out", 4, 1.0, delay=0.3),
             a_out=sn.Projection("a", "out", sn.OneToOne(0.5), delay=0.0)), key=KEY)


def both(network, **options):
    return [run(kernel, network, {}, everything(network), **options) for kernel in ("persistent", "stepwise")]


def test_several_groups_equal_steps_by_xla():
    """Spikes and counts of all, membranes, states and arrivals under way: equal but for rounding."""
    network = groups()
    flat = flatten(network, 0.1)
    assert (len(flat.groups), len(flat.senders), len(flat.slots)) == (4, 2, 4)
    found, expected = both(network, steps=80)
    assert_agree(network, found, expected, rtol=1e-5)
    assert all(expected[2][name].sum() > 20 for name in network.populations)
    assert all(np.asarray(leaf).any() for leaf in expected[0].pending.values())


def test_populations_side_by_side_with_parameters_of_their_own():
    """5 + 8 units are one group of 13; numbers that differ between units, and constant currents instead of inputs."""
    rng = np.random.default_rng(0)
    populations = dict(one=cells(5, i_e=0.8), two=cells((2, 4), i_e=1.0, c_m=rng.uniform(0.2, 0.3, (2, 4))))
    network = sn.Network(populations, {
        f"{pre}_{post}": sparse(pre, post, 3, sn.synapses.Normal(0.0, 2.0), delay=drawn(1.5), port="by_sign")
        for pre in populations for post in populations}, key=KEY)
    assert [neuron.shape for neuron in flatten(network, 0.1).groups] == [(13,)]
    found, expected = both(network, steps=150)
    assert_agree(network, found, expected, rtol=1e-5)
    assert found[1]["two"]["v"].shape == (150, 1, 2, 4)


def test_a_run_in_parts_is_the_whole_to_the_bit():
    """Arrivals under way, refractory times and random numbers go on where the first part ended."""
    network = sn.Network(dict(rain=neurons.PoissonGenerator(13, 900.0), a=cells()), dict(
        rain_a=sn.Projection("rain", "a", sn.OneToOne(4.0), port="exc"),
        a_a=sparse("a", "a", 4, sn.synapses.Normal(0.0, 2.0), delay=drawn(2.0), port="by_sign")), key=KEY)
    record = everything(network)
    whole, traces, counts, _ = run("persistent", network, {}, record, steps=60)
    first, head, early, _ = run("persistent", network, {}, record, steps=30)
    assert any(np.asarray(leaf).any() for leaf in first.pending.values())
    state, tail, late, _ = run("persistent", network, {}, record, steps=30, state=first)
    for name, found in traces.items():
        for variable, expected in found.items():
            assert expected.any()
            joined = np.concatenate([head[name][variable], tail[name][variable]])
            np.testing.assert_array_equal(joined, expected, f"{name}: {variable}")
        np.testing.assert_array_equal(early[name] + late[name], counts[name])
    assert jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(a, b), state, whole))


@pytest.mark.parametrize("name", FAMILY)
def test_every_neuron_becomes_a_program_for_a_gpu(name, monkeypatch):
    """Triton's language knows fewer operations than JAX; the translation needs no GPU."""
    monkeypatch.setattr(flat_kernels, "persistent_steps", lambda *arguments, interpret, **options: persistent_steps(
        *arguments, interpret=False, **options))
    make, weight = FAMILY[name]
    neuron = make((40,))
    source = "cell" if neuron.spiking else "other"
    others = {} if neuron.spiking else {"other": cells(40)}
    network = sn.Network({"cell": neuron, **others}, [sparse(source, "cell", 3, weight, delay=0.5)], key=KEY)
    arrays, rest = eqx.partition((flatten(network, 0.1), initial_state(network, 1, 0.1)), eqx.is_array)

    def chunk(arrays):
        flat, state = eqx.combine(arrays, rest)
        state, ran = run_flat(flat, state, {}, dt=0.1, steps=3, seed=jnp.uint32(0), record=everything(network),
                              kernels=(flat_kernels.PERSISTENT,))
        return state, ran.words, ran.traces
    program = jax.jit(chunk).trace(arrays).lower(lowering_platforms=("cuda",)).as_text()
    assert program.count("snnsim_persistent_steps") > 0


# -- what is left to XLA's steps -------------------------------------------------------------------------------


def fed():
    return sn.Network(dict(input=sn.Input(4), a=cells(4)), dict(
        drive=sparse("input", "a", 2, 8.0, delay=0.2, port="exc")), key=KEY)


def other_sizes():
    return sn.Network(dict(a=cells(5), b=sn.AdEx(4)), dict(
        a_b=sparse("a", "b", 2, 3.0, delay=0.2)), key=KEY)


def crossed():
    """Generators in another order than the cells that they feed."""
    rain, storm = neurons.PoissonGenerator(1, 900.0), neurons.PoissonGenerator(3, 3000.0)
    return sn.Network(dict(rain=rain, storm=storm, a=cells(3), b=cells(1)), dict(
        storm_a=sn.Projection("storm", "a", sn.OneToOne(4.0), port="exc"),
        rain_b=sn.Projection("rain", "b", sn.OneToOne(4.0), port="exc"),
        a_b=sparse("a", "b", 1, 1.0, delay=0.2, port="exc")), key=KEY)


def graded():
    return sn.Network(dict(a=cells(4), meter=sn.LI(4)), dict(
        up=sparse("a", "meter", 2, 1.0, delay=0.2), down=sparse("meter", "a", 2, 1.0, delay=0.2, port="exc")), key=KEY)


def kernel_of(network, batch=1):
    """Name of the kernel that runs this network on a GPU; nothing is run."""
    given = {name: jnp.zeros((3, batch, 4)) for name in network.inputs}
    _, ran = eqx.filter_eval_shape(run_flat, flatten(network, 0.1), initial_state(network, batch, 0.1), given, dt=0.1,
                                   steps=3, seed=jnp.uint32(0), record=(), kernels=flat_kernels.KERNELS["gpu"])
    return ran.kernel


def test_which_kernel_is_asked():
    assert kernel_of(groups(4)) == flat_kernels.PERSISTENT.name


def empty():
    return sn.Network(dict(a=cells(4)), dict(none=sn.Projection(
        "a", "a", sn.Sparse(sn.FixedProbability(0.0)), delay=0.2, port="exc")), key=KEY)


@pytest.mark.parametrize(("make", "batch"), [(groups, 2), (fed, 1), (other_sizes, 1), (crossed, 1), (graded, 1),
                                             (empty, 1)])
def test_other_networks_go_step_by_step(make, batch):
    assert kernel_of(make(), batch) == flat_kernels.STEPWISE.name


def test_double_precision_goes_step_by_step(x64):
    """Sums of 64 bits would depend on the order of additions."""
    assert kernel_of(groups(4)) == flat_kernels.STEPWISE.name
