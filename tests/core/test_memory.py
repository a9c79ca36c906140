"""Memory is estimated before it is taken: what does not fit is refused at once, what is large is told."""

import subprocess
import sys
import tracemalloc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core import memory
from snnsim.core.errors import ConfigurationError
from snnsim.core.flat import flatten
from snnsim.core.memory import Need, drawn, drawn_together, ensure_room, free_on_host, laid_out, size_text
from snnsim.synapses import Chain, DistanceDependent, Normal, Uniform

KEY = jax.random.key(0)
RULES = [sn.FixedProbability(0.1), sn.FixedProbability(0.1, allow_self=False), sn.FixedInDegree(40),
         sn.FixedInDegree(40, allow_self=False), sn.FixedInDegree(300), sn.FixedInDegree(40, multiple=True),
         sn.FixedOutDegree(40), sn.FixedOutDegree(300, allow_self=False), sn.FixedOutDegree(40, multiple=True),
         sn.FixedTotalNumber(400_000), sn.FixedTotalNumber(400_000, allow_self=False), DistanceDependent(0.5, 4.0)]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_rules_tell_how_much_they_draw_and_need(rule):
    """The number within four standard deviations, the memory at the worst moment from above but not by far."""
    shape = (40, 50) if isinstance(rule, DistanceDependent) else (2000,)
    rng = np.random.default_rng(0)
    rule.draw(shape, shape, rng)  # what is made once only
    tracemalloc.start()
    _, targets = rule.draw(shape, shape, rng)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    expected = rule.expected(shape, shape)
    if isinstance(rule, DistanceDependent):
        assert len(targets) <= expected < 2 * len(targets)
        assert sn.Sparse(rule).expected_weights((3, 3), (2, 2)) <= 9 * 4
    else:
        assert abs(len(targets) - expected) <= 4 * expected**0.5 * isinstance(rule, sn.FixedProbability)
    # Small arrays beside the synapses: starts and counts of each source.
    assert peak <= expected * (4 + rule.bytes_while_drawn) + 200 * 2000
    assert peak >= 0.4 * len(targets) * (4 + rule.bytes_while_drawn)


def need(projection, pre=200, post=300):
    return drawn(projection, sn.LIF(pre), sn.LIF(post))


def test_what_is_made_counts_and_what_was_given_does_not():
    def of(connection, **options):
        return need(sn.Projection("a", "b", connection, **options))
    pairs = 200 * 300
    assert of(sn.Dense()) == Need(pairs, 4.0 * pairs, 0.0)
    assert of(sn.Dense(0.5)).kept == 4.0 * pairs
    assert of(sn.Dense(np.zeros((200, 300)))).kept == 0.0
    assert of(sn.Sparse(sn.FixedInDegree(10))) == Need(3000, 3000 * 8.0, 3000 * 24.0)
    assert of(sn.Sparse(sn.FixedInDegree(10), weight=jnp.ones((), jnp.bfloat16))).kept == 3000 * 6.0
    assert of(sn.Sparse(sn.FixedInDegree(10), weight=Normal(0.0, 1.0)), delay=1.0).kept == 3000 * 8.0
    drawn_delays = sn.Delay(Uniform(low=0.1, high=2.0), "nearest")
    assert of(sn.Sparse(sn.FixedInDegree(10)), delay=drawn_delays).kept == 3000 * 12.0
    listed = sn.Sparse.from_edges([0, 1, 1], [2, 2, 3], np.ones(3))
    assert of(listed) == Need(3, 0.0, 0.0)
    assert of(sn.Sparse.from_edges([0, 1, 1], [2, 2, 3])).kept == 12.0
    assert need(sn.Projection("a", "b", sn.OneToOne(0.5)), 300, 300).kept == 1200.0
    chain = Chain((sn.Dense(), sn.Dense()), between=[(10,)])
    assert of(chain).synapses == 200 * 10 + 10 * 300
    assert of(sn.Sparse(None)).synapses == 0
    with jax.enable_x64(True):
        assert of(sn.Dense()).kept == 8.0 * pairs


def test_projections_are_made_one_after_the_other_and_built_ones_are_there():
    cells = dict(a=sn.LIF(200), b=sn.LIF(300))
    projections = dict(one=sn.Projection("a", "b", sn.Sparse(sn.FixedInDegree(10))),
                       two=sn.Projection("b", "a", sn.Sparse(sn.FixedInDegree(20)), delay=1.0))
    both = drawn_together(cells, projections.values())
    assert both == Need(7000, 7000 * 8.0, 4000 * 24.0)
    assert both.peak == 7000 * 8 + 4000 * 24
    built = sn.Network(cells, projections, key=KEY)
    assert drawn_together(cells, built.projections.values()) == Need(7000, 0.0, 0.0)
    assert drawn_together(cells, []) == Need(0, 0.0, 0.0)


def test_the_table_of_synapses():
    network = sn.Network(dict(a=sn.Input(200), b=sn.LIF(300)), dict(
        p=sn.Projection("a", "b", sn.Sparse(sn.FixedInDegree(10)), delay=3.0)), key=KEY)
    flat = flatten(network, 0.1)
    found = laid_out(list(network.projections.values()), np.uint8, flat.depth, flat.n_slots)
    rows = flat.rows
    assert found.kept == rows.targets.nbytes + rows.delays.nbytes + flat.weight.nbytes + 31 * 300 * 4
    assert found.making == 12.0 * 3000
    with jax.enable_x64(True):
        assert laid_out([], np.uint8, 1, 0) == Need(0, 0.0, 0.0)


def large(monkeypatch, free=None, least=1000):
    monkeypatch.setattr(memory, "LEAST", least)
    monkeypatch.setattr(memory, "free_on_host", lambda: free)
    memory._tell.cache_clear()


def network():
    return sn.Network(dict(a=sn.Input(200), b=sn.LIF(300)), [
        sn.Projection("a", "b", sn.Sparse(sn.FixedInDegree(10)), delay=3.0)], key=KEY)


def test_a_network_that_does_not_fit_is_refused_before_it_is_drawn(monkeypatch, capsys):
    large(monkeypatch, free=3000 * 32 - 1)
    monkeypatch.setattr(sn.FixedInDegree, "draw", None)
    with pytest.raises(ConfigurationError) as caught:
        network()
    assert caught.value.got == "3,000 synapses that need about 0.096 MB"
    assert caught.value.expected == "at most 0.096 MB, the memory that is free"
    assert caught.value.where == "network"
    assert "fewer neurons or synapses" in caught.value.fix
    assert capsys.readouterr().err.startswith("network: 3,000 synapses, about 0.024 MB, 0.072 MB more while")


@pytest.mark.parametrize("free", [3000 * 32, None])
def test_a_large_network_is_told_once(free, monkeypatch, capsys):
    """One line on stderr, also where the system does not say what is free; nothing for small ones."""
    large(monkeypatch, free)
    network()
    network()
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    large(monkeypatch, free, least=3000 * 32 + 1)
    network()
    assert capsys.readouterr() == ("", "")


def test_a_simulation_that_does_not_fit_is_refused_before_its_table_is_made(monkeypatch):
    """In the host's memory, or in that of the device; the network itself stays."""
    built = network()
    large(monkeypatch, free=3000 * 21)
    with pytest.raises(ConfigurationError, match=r"simulation.*free"):
        sn.simulate(built, duration=1.0, dt=0.1)
    large(monkeypatch, free=3000 * 40)
    monkeypatch.setattr(memory, "free_on_device", lambda: 3000 * 21)
    with pytest.raises(ConfigurationError, match=r"the memory of the device that is free.*bfloat16"):
        sn.simulate(built, duration=1.0, dt=0.1)
    monkeypatch.setattr(memory, "free_on_device", lambda: None)
    sn.simulate(built, duration=1.0, dt=0.1)


def test_a_network_of_billions_of_synapses_is_refused_at_once():
    """On any machine of today: 10^12 synapses, in a moment and without memory."""
    cells = dict(a=sn.LIF(1_000_000))
    for connection in (sn.Sparse(sn.FixedProbability(1.0)), sn.Sparse(sn.FixedInDegree(10**6)), sn.Dense()):
        with pytest.raises(ConfigurationError, match="1,000,000,000,000 synapses"):
            sn.Network(cells, [sn.Projection("a", "a", connection, delay=1.0)], key=KEY)


def test_more_synapses_than_an_index_holds_are_refused_before_they_are_drawn(monkeypatch):
    monkeypatch.setattr(memory, "free_on_host", lambda: None)
    with pytest.raises(ConfigurationError, match="fewer than 2,147,483,648 a projection"):
        sn.Network(dict(a=sn.LIF(50_000)), [
            sn.Projection("a", "a", sn.Sparse(sn.FixedProbability(0.9)), delay=1.0)], key=KEY)


def test_free_memory_is_that_of_the_machine(monkeypatch):
    free = free_on_host()
    if sys.platform == "linux":
        assert 2**24 < free < 2**46
    monkeypatch.setattr(memory, "_lines", lambda path: [])
    other = free_on_host()  # by the system's own count of free pages, where it has one
    assert other is None or 2**20 < other < 2**46


@pytest.mark.parametrize(("files", "expected"), [
    ({"proc/self/cgroup": "0::/job/step", "sys/fs/cgroup/job/step/memory.max": "1000",
      "sys/fs/cgroup/job/step/memory.current": "300", "sys/fs/cgroup/job/memory.max": "max",
      "sys/fs/cgroup/job/memory.current": "900"}, [700]),
    ({"proc/self/cgroup": "0::/job/step", "sys/fs/cgroup/job/memory.max": "1000",
      "sys/fs/cgroup/job/memory.current": "900",
      "sys/fs/cgroup/job/memory.stat": "anon 5\ninactive_file 250\n"}, [350]),
    ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "1000", "sys/fs/cgroup/memory.current": "1100"}, [0]),
    ({"proc/self/cgroup": "5:cpu:/\n4:memory:/box\n0::/", "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000",
      "sys/fs/cgroup/memory/memory.usage_in_bytes": "500",
      "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "9223372036854771712",
      "sys/fs/cgroup/memory/box/memory.usage_in_bytes": "500"}, [1500]),
    ({"proc/self/cgroup": "0::/"}, []), ({}, [])])
def test_limits_of_containers_and_batch_systems(files, expected, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory._from_control_groups(tmp_path) == expected


def test_a_device_tells_its_memory(monkeypatch):
    class Device:
        platform, told = "gpu", {"bytes_limit": 1000, "bytes_in_use": 300}

        def memory_stats(self):
            return self.told
    monkeypatch.setattr(jax, "local_devices", lambda: [Device()])
    assert memory.free_on_device() == 700
    Device.told = None
    assert memory.free_on_device() is None
    Device.platform = "cpu"
    assert memory.free_on_device() is None


def test_sizes_for_people():
    assert [size_text(n) for n in (0, 5e5, 2.34e7, 1e9, 1.2345e10, 4e12)] == [
        "0 MB", "0.5 MB", "23.4 MB", "1 GB", "12.3 GB", "4,000 GB"]


def test_small_needs_ask_nobody(monkeypatch):
    monkeypatch.setattr(memory, "free_on_host", None)
    ensure_room(Need(10, 1e6, 1e6), "network", "")


@pytest.mark.slow
def test_the_estimate_is_near_what_a_process_takes():
    """20 million synapses: resident memory of a process of its own, at its height, against the estimate."""
    if sys.platform != "linux":
        pytest.skip("reads /proc/self/status")
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        measured, estimated = (float(word) for word in line.split())
        assert 0.6 * estimated < measured < 1.15 * estimated, done.stdout


SCRIPT = """
import re
from pathlib import Path
import jax, numpy as np
import snnsim as sn
from snnsim.core.flat import flatten
from snnsim.core.memory import drawn_together, laid_out

def status(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

def network(n, make=True):
    cells = dict(a=sn.LIF(20000))
    delay = sn.Delay(sn.synapses.Uniform(low=0.1, high=3.0), "nearest")
    recipe = sn.Sparse(sn.FixedTotalNumber(n), weight=sn.synapses.Normal(0.0, 1.0))
    projections = dict(p=sn.Projection("a", "a", recipe, delay=delay))
    if not make:
        return drawn_together(cells, projections.values())
    return sn.Network(cells, projections, key=jax.random.key(0))

flatten(network(1000), 0.1)
n = 20_000_000
begin = status("VmRSS")
net = network(n)
print(status("VmHWM") - begin, network(n, False).peak)
begin = status("VmRSS")
flat = flatten(net, 0.1)
flat.weight.block_until_ready()
print(status("VmHWM") - begin, laid_out(list(net.projections.values()), np.uint8, flat.depth, flat.n_slots).peak)
"""
