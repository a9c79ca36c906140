"""Tests for a process with eight virtual CPU devices; `test_devices` starts it.

By hand: XLA_FLAGS=--xla_force_host_platform_device_count=8 pytest tests/core/on_eight_devices.py
"""

from functools import cache

import equinox as eqx
import jax
import numpy as np
import pytest
from device_networks import DT, RECORD, assert_same, islands, mixed, simulated, sparse, spikes_in

import snnsim as sn
from snnsim.core import flat_kernels
from snnsim.core.errors import ConfigurationError, DelayError
from snnsim.core.flat_engine import run_flat
from snnsim.core.sharded_kernel import sharded_kernels
from snnsim.core.sharded_layout import on_devices
from snnsim.core.shards import replicated
from snnsim.core.state import initial_state
from snnsim.models.cortex import microcircuit, microcircuit_start
from snnsim.neurons import PoissonGenerator

NETWORK = mixed()
ISLANDS = islands()


@cache
def alone(batch=1):
    """The mixed network on one device."""
    return simulated(NETWORK, spikes_in(NETWORK, batch), RECORD)


def layout(network, devices, placement=None):
    """How this network is laid out."""
    return on_devices(network, {}, DT, True, devices, placement)


# -- the same bits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("devices", [2, 3, 8])
def test_any_number_of_devices_gives_the_same_bits(devices):
    recording = simulated(NETWORK, spikes_in(NETWORK), RECORD, devices=devices)
    assert recording.path == f"flat, compiled steps on {devices} devices"
    assert_same(alone(), recording)
    counts = {name: int(np.asarray(count).sum()) for name, count in recording.counts.items()}
    assert all(counts.values()), counts  # all of them do something


def test_every_device_has_units_of_the_largest_population():
    blocks = [size for name, spans in layout(NETWORK, 8).shards.spans if name == "exc" for size in spans]
    assert len(blocks) > 2


def test_several_samples_in_chunks():
    recording = simulated(NETWORK, spikes_in(NETWORK, 3), RECORD, devices=3, chunk=77)
    assert_same(alone(3), recording)


@pytest.mark.parametrize("devices", [2, 8])
def test_rounds_of_many_steps(devices):
    # 260 steps of rounds of 20; chunks of 77 end within a round.
    placement = {"cells_0": 0, "cells_1": devices - 1}
    assert layout(ISLANDS, devices, placement).shards.interval == 20
    whole = simulated(ISLANDS)
    assert_same(whole, simulated(ISLANDS, devices=devices, placement=placement))
    assert_same(whole, simulated(ISLANDS, devices=devices, placement=placement, chunk=77))
    assert 0.001 < np.asarray(whole["cells_1", "spikes"]).mean() < 0.1


def test_the_other_circuit_is_heard():
    # Without the long synapses the second circuit spikes otherwise: spikes do travel between devices.
    deaf = sn.Network(ISLANDS.populations, {name: p for name, p in ISLANDS.projections.items() if name != "long_0"},
                      key=jax.random.key(1))
    placement = {"cells_0": 0, "cells_1": 1}
    heard, unheard = (np.asarray(simulated(net, devices=2, placement=placement)["cells_1", "spikes"])
                      for net in (ISLANDS, deaf))
    assert (heard != unheard).any()


def test_circuits_apart_never_exchange():
    apart = sn.Network(ISLANDS.populations, {name: p for name, p in ISLANDS.projections.items() if "long" not in name},
                       key=jax.random.key(1))
    assert layout(apart, 2).shards.interval is None
    assert_same(simulated(apart), simulated(apart, devices=2))


def test_outputs_other_than_spikes_travel():
    # A generator whose counts, up to several a step, go to cells on the other device.
    net = sn.Network({"noise": PoissonGenerator(40, 9000.0), "cells": sn.LIF(50, tau_mem=10.0)},
                     [sn.Projection("noise", "cells", sparse(10, 0.02), delay=0.7)], key=jax.random.key(2))
    record = {"noise": ["output"], "cells": ["v"]}
    two = simulated(net, record=record, devices=2, placement={"noise": 1, "cells": 0})
    assert np.asarray(two["noise", "output"]).max() > 1
    assert_same(simulated(net, record=record), two)
    assert_same(simulated(net, record={"cells": ["v"]}),
                simulated(net, record={"cells": ["v"]}, devices=2, placement={"noise": 1, "cells": 0}))


def test_long_delays_and_no_recording():
    net = islands(delay=40.0, units=40)
    assert layout(net, 2).shards.interval == 400
    one, two = (simulated(net, record={}, duration=90.0, **given) for given in ({}, {"devices": 2}))
    assert_same(one, two)


def test_the_same_on_several_devices_where_xla_runs_the_steps(monkeypatch):
    # One device to rounding only: XLA's loops round the units left over by vectors otherwise.
    monkeypatch.setitem(flat_kernels.KERNELS, "cpu", (flat_kernels.STEPWISE,))
    given = {"duration": 20.0, "record": {"exc": ["spikes"], "sheet": ["v"]}}
    two, eight, one = (simulated(NETWORK, spikes_in(NETWORK, steps=200), **given, **some)
                       for some in ({"devices": 2}, {"devices": 8}, {}))
    assert two.path == "flat, events by XLA on 2 devices"
    assert_same(two, eight)
    np.testing.assert_array_equal(one["exc", "spikes"], two["exc", "spikes"])
    np.testing.assert_allclose(one["sheet", "v"], two["sheet", "v"], atol=1e-5)


def test_double_precision_to_rounding():
    with jax.enable_x64(True):
        net = mixed(100)
        record = {"exc": ["spikes", "v"], "sheet": ["spikes"]}
        one, two = (simulated(net, spikes_in(net), record, **given) for given in ({}, {"devices": 2}))
        np.testing.assert_array_equal(one["exc", "spikes"], two["exc", "spikes"])
        np.testing.assert_allclose(one["exc", "v"], two["exc", "v"], rtol=0, atol=1e-11)
        assert one["exc", "v"].dtype == two["exc", "v"].dtype == np.float64


def test_the_persistent_kernel_on_two_devices(monkeypatch):
    net = islands(delay=0.5, units=40)
    one = simulated(net, duration=2.0)
    monkeypatch.setitem(flat_kernels.KERNELS, "cpu", (flat_kernels.PERSISTENT,))  # interpreted
    two = simulated(net, duration=2.0, devices=2)
    assert two.path == "flat, persistent kernel on 2 devices"
    np.testing.assert_array_equal(one["cells_0", "spikes"], two["cells_0", "spikes"])
    np.testing.assert_array_equal(one.counts["noise_1"], two.counts["noise_1"])


def test_the_program_for_gpus_can_be_made(monkeypatch):
    # As far as a machine without GPUs gets: one kernel for the steps, one that sends what others heard, in a loop.
    mesh = layout(ISLANDS, 2).shards.mesh
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    flat, shards = (getattr(layout(ISLANDS, 2), name) for name in ("flat", "shards"))
    state, seed = replicated((initial_state(ISLANDS, 1, DT), np.uint32(3)), mesh)
    arrays, rest = eqx.partition((flat, shards, state, seed), eqx.is_array)

    def program(arrays):
        flat, shards, state, seed = eqx.combine(arrays, rest)
        return eqx.filter(run_flat(flat, state, {}, dt=DT, steps=47, seed=seed, record=(),
                                   kernels=sharded_kernels(shards, "gpu"))[0], eqx.is_array)
    text = jax.jit(program).trace(arrays).lower(lowering_platforms=("cuda",)).as_text()
    for kernel in ("snnsim_persistent_steps", "snnsim_spike_search"):
        assert text.count(f'name = "{kernel}"') == 2, kernel  # in the rounds, and in the one that is shorter
    assert "all_gather" in text


# -- state, folders ------------------------------------------------------------------------------------------


def test_a_run_goes_on_with_other_devices():
    inputs = spikes_in(NETWORK)
    first, second = ({name: array[part] for name, array in inputs.items()} for part in (slice(130), slice(130, None)))
    half = simulated(NETWORK, first, RECORD, duration=13.0, devices=8)
    rest = simulated(NETWORK, second, RECORD, duration=13.0, state=half.state, devices=2)
    for name, variables in RECORD.items():
        for v in variables:
            whole = np.asarray(alone()[name, v])
            np.testing.assert_array_equal(whole[130:], rest[name, v], err_msg=f"{name}.{v}")
    assert_same(rest, simulated(NETWORK, second, RECORD, duration=13.0, state=half.state))


def test_a_folder_holds_the_same_bytes_and_resumes_on_other_devices(tmp_path):
    record = {"cells_0": ["spikes", "v"], "cells_1": ["spikes"]}

    class Interrupted(Exception):
        pass

    def stop(progress):
        if progress.time >= 10.0:
            raise Interrupted

    def run(name, resume=False, **given):
        sink = sn.io.RecordingFolder(tmp_path / name, resume=resume, snapshot_every=0)
        return simulated(ISLANDS, record=record, chunk=50, sink=sink, **given)
    run("one")
    with pytest.raises(Interrupted):
        run("two", devices=2, progress=stop)
    run("two", resume=True, devices=8)
    for name in ("spikes.h5", "v_report.h5"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("devices", [2, 8])
def test_microcircuit(devices):
    net = microcircuit(0.02, 0.05, key=jax.random.key(0))
    state = microcircuit_start(net, key=jax.random.key(1))
    record = {name: ["spikes"] for name, neuron in net.populations.items() if neuron.ports}
    one, several = (simulated(net, record=record, state=state, duration=100.0, **given)
                    for given in ({}, {"devices": devices}))
    assert_same(one, several)
    assert sum(int(one.counts[name].sum()) for name in record) > 100


# -- what cannot be ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "error", "word"), [
    ({"devices": 9}, ConfigurationError, "1 to 8"),
    ({"devices": 0}, ConfigurationError, "1 to 8"),
    ({"devices": jax.devices()[:1] * 2}, ConfigurationError, "different devices"),
    ({"devices": 2, "placement": {"cells": 0}}, ConfigurationError, "cells_0"),
    ({"devices": 2, "placement": {"cells_0": 2}}, ConfigurationError, "0 to 1"),
    ({"devices": 2, "placement": {"cells_0": 0, "noise_0": 1}}, DelayError, "one device"),
])
def test_refusals(given, error, word):
    with pytest.raises(error, match=word):
        simulated(ISLANDS, **given)


def test_named_devices():
    chosen = jax.devices()[3:5]
    assert [d.id for d in layout(ISLANDS, chosen).shards.mesh.devices.flat] == [3, 4]
    assert_same(simulated(ISLANDS), simulated(ISLANDS, devices=chosen))
    only = simulated(ISLANDS, devices=chosen[:1])
    assert only.counts["cells_0"].devices() == {chosen[0]}
    assert_same(simulated(ISLANDS), only)
