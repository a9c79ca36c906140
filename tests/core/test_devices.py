"""Several devices: eight virtual ones and two processes give the bits of one; what cannot be is refused."""

import json
import os
import re
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jax
import numpy as np
import pytest
from device_networks import RECORD, arrays, assert_same, islands, mixed, simulated, spikes_in

import snnsim as sn
from snnsim.core.errors import ConfigurationError, UnsupportedError

HERE = Path(__file__).parent
EIGHT = HERE / "on_eight_devices.py"


def process(arguments, devices, **environment):
    """A Python process that counts the CPU as so many devices; nothing of this leaks into other tests."""
    flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "JAX_PLATFORMS": "cpu"}
    return subprocess.Popen([sys.executable, *map(str, arguments)], env=os.environ | flags | environment, cwd=HERE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def free_address():
    """Where processes can meet."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return f"localhost:{free.getsockname()[1]}"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """By test of `EIGHT`, what failed: one message for each of its cases."""
    report = tmp_path_factory.mktemp("eight") / "report.xml"
    running = process(["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", EIGHT], 8)
    said, _ = running.communicate(timeout=1800)
    assert report.exists(), said
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failed = [child.get("message", "") + "\n" + (child.text or "") for child in case]
        found.setdefault(case.get("name").split("[")[0], []).extend(failed)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", re.findall(r"^def (test_\w+)", EIGHT.read_text(), re.MULTILINE))
def test_eight_devices(outcomes, name):
    assert name in outcomes, outcomes
    assert outcomes[name] == [], "\n".join(outcomes[name])


@pytest.mark.slow
@pytest.mark.parametrize("devices", [1, 4])
def test_two_processes_give_the_bits_of_one(tmp_path, devices):
    address = free_address()
    running = [process([HERE / "two_processes.py", k, tmp_path], devices, JAX_COORDINATOR_ADDRESS=address,
                       JAX_NUM_PROCESSES="2", JAX_PROCESS_ID=str(k)) for k in range(2)]
    said = [one.communicate(timeout=900)[0] for one in running]
    assert [one.returncode for one in running] == [0, 0], "\n".join(said)
    network = mixed()
    expected = arrays(simulated(network, spikes_in(network), RECORD))
    for k, refusal in enumerate(("OutputExistsError", "OutputError")):
        found = np.load(tmp_path / f"{k}.npz")
        assert {path for path, array in expected.items() if found[path].tobytes() != array.tobytes()} == set()
        assert found["again"].all()
        assert found["refused"] == refusal
    one = simulated(islands(), record={"cells_0": ["spikes"], "cells_1": ["spikes"]}, chunk=50,
                    sink=sn.io.RecordingFolder(tmp_path / "one"))
    assert (tmp_path / "run" / "spikes.h5").read_bytes() == (tmp_path / "one" / "spikes.h5").read_bytes()
    assert not (tmp_path / "nowhere").exists()
    assert one.traces


@pytest.mark.gpu
@pytest.mark.parametrize("delay", [0.1, 2.0, 30.0])
def test_two_gpus_give_the_bits_of_one(delay):
    if jax.device_count() < 2:
        pytest.skip("a single GPU")
    network, placement = islands(delay, units=1000), {"cells_0": 0, "cells_1": 1}
    record = {"cells_0": ["spikes", "v"], "cells_1": ["spikes"]}
    one, two, parts = (simulated(network, record=record, duration=100.0, **given) for given in (
        {}, {"devices": 2, "placement": placement}, {"devices": 2, "placement": placement, "chunk": 333}))
    assert two.path == "flat, persistent kernel on 2 devices"
    assert_same(one, two)
    assert_same(one, parts)


# -- one device ----------------------------------------------------------------------------------------------


def test_one_device_that_is_named_runs_all_of_it_as_a_part():
    # A placement forces the way of several devices: fillers, words and arrivals are cut and joined again.
    network = mixed(100)
    inputs, placed = spikes_in(network), {"exc": 0}
    assert simulated(network, inputs, RECORD, devices=1).path == "flat, compiled steps"
    part = simulated(network, inputs, RECORD, devices=1, placement=placed)
    assert part.path == "flat, compiled steps on 1 device"
    assert_same(simulated(network, inputs, RECORD), part)


def dense():
    """A network that is run layer by layer."""
    return sn.Network({"in": sn.Input(3), "a": sn.LIF(4)}, [sn.Projection("in", "a", sn.Dense())],
                      key=jax.random.key(0))


@pytest.mark.parametrize(("given", "error", "word"), [
    ({"devices": jax.device_count() + 1}, ConfigurationError, "XLA_FLAGS"),
    ({"devices": True}, ConfigurationError, "a number, or different devices"),
    ({"devices": "two"}, ConfigurationError, "a number, or different devices"),
    ({"devices": []}, ConfigurationError, "a number, or different devices"),
    ({"placement": {"cells_0": 0}}, ConfigurationError, "devices=2"),
    ({"devices": 1, "placement": {"cells": 0}}, ConfigurationError, "cells_0"),
    ({"devices": 1, "placement": {"cells_0": 0}, "inference": False}, UnsupportedError, "inference=False"),
    ({"devices": 1, "engine": "exact"}, UnsupportedError, "one device"),
])
def test_refusals(given, error, word):
    with pytest.raises(error, match=word):
        simulated(islands(units=33), **given)


def test_networks_that_run_layer_by_layer_stay_on_one_device():
    network = dense()
    assert simulated(network, devices=1).path == "layers"
    with pytest.raises(UnsupportedError, match="no projection is event driven"):
        simulated(network, devices=1, placement={"a": 0})


def test_derivatives_stay_on_one_device():
    network = islands(units=33)

    def count(seed):
        return simulated(network, record={}, seed=seed, devices=1, placement={"cells_0": 0}).counts["cells_0"]
    with pytest.raises(UnsupportedError, match="differentiated or transformed"):
        jax.vmap(count)(np.arange(2, dtype=np.uint32))


# -- command line --------------------------------------------------------------------------------------------


def command(devices, *more, **environment):
    """`snnsim simulate cuba` of a few cells in a process that counts the CPU as so many devices."""
    arguments = ["simulate", "cuba", "--neurons", "160", "--duration", "20", "--dt", "0.1", "--json", *more]
    return subprocess.Popen(
        [sys.executable, "-m", "snnsim", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=os.environ | environment | {
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "JAX_PLATFORMS": "cpu"})


@pytest.mark.slow
def test_command_on_devices_and_in_processes(tmp_path):
    by_hand = {"JAX_COORDINATOR_ADDRESS": free_address(), "JAX_NUM_PROCESSES": "2"}
    running = [command(2, "--devices", 2), command(1, "--distributed", "--out", tmp_path / "run", JAX_PROCESS_ID="0",
                                                   **by_hand),
               command(1, "--distributed", "--out", tmp_path / "run", JAX_PROCESS_ID="1", **by_hand), command(1)]
    said = [one.communicate(timeout=600) for one in running]
    assert [one.returncode for one in running] == [0] * 4, said
    found = [json.loads(said[k][0]) for k in (0, 1, 3)]  # stdout has nothing but the result
    assert said[2][0] == ""
    assert [one["path"] for one in found] == ["flat, compiled steps on 2 devices"] * 2 + ["flat, compiled steps"]
    assert found[0]["populations"] == found[1]["populations"] == found[2]["populations"]
    assert (tmp_path / "run" / "summary.json").is_file()


def test_command_without_devices_or_others():
    running = [command(1, "--devices", 3), command(1, "--distributed")]
    said = [one.communicate(timeout=300) for one in running]
    assert [one.returncode for one in running] == [1, 1]
    assert "devices = 3" in said[0][1]
    assert "JAX_COORDINATOR_ADDRESS" in said[1][1]
