"""Where no C++ kernel can be had, the same network runs by XLA, with the same spikes and a reason."""

import json
import os
import stat
import subprocess
import sys
import warnings

import jax.numpy as jnp
import numpy as np
import pytest
from flat_networks import KEY, drawn, given, sparse

import snnsim as sn
from snnsim import neurons
from snnsim.core.chunks import Layers
from snnsim.core.simulate import _record_of
from snnsim.core.state import initial_state
from snnsim.kernels import native

compiles = pytest.mark.skipif(not native.available("propagate"), reason="no C++ compiler")

SCRIPT = """
import json, warnings
import jax, numpy as np
import snnsim as sn

cells = sn.Refractory(sn.LIFPscExp(40, tau_mem=10.0), t_ref=0.5)
net = sn.Network(dict(input=sn.Input(20), cell=cells), dict(
    drive=sn.Projection("input", "cell", sn.Sparse(sn.FixedInDegree(5), weight=6.0), delay=0.2, port="exc"),
    loop=sn.Projection("cell", "cell", sn.Sparse(sn.FixedInDegree(6), weight=-1.0), delay=1.0, port="by_sign")),
    key=jax.random.key(0))
given = (np.random.default_rng(0).random((300, 1, 20)) < 0.05).astype(np.float32)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    rec = sn.simulate(net, {"input": given}, duration=30.0, dt=0.1, record={"cell": ["spikes"]})
found = rec.events("cell")
print(json.dumps(dict(path=rec.path, times=found.ticks.tolist(), units=found.indices.tolist(),
                      warned=[str(w.message) for w in caught if "C++" in str(w.message)])))
"""


def elsewhere(cache, **environment):
    """What the script gives in a process of its own, with this cache of libraries."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CXX", "SNNSIM_NATIVE")}
    done = subprocess.run([sys.executable, "-c", SCRIPT], text=True, capture_output=True, check=True,
                          env={**kept, "XDG_CACHE_HOME": str(cache), **environment})
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_without_compiler_the_reference_gives_the_same_spikes(tmp_path):
    """Switched off: silent. No compiler on the path: the reason once, and what to do."""
    off = elsewhere(tmp_path, SNNSIM_NATIVE="0")
    none = elsewhere(tmp_path, PATH=str(tmp_path))
    for found in (off, none):
        assert found["path"] == "flat, events by XLA"
        assert 30 < len(found["times"]) < 6000
    assert off["warned"] == []
    (warning,) = none["warned"]
    assert "no c++, g++ or clang++ on the path" in warning
    assert "$CXX" in warning
    assert (off["times"], off["units"]) == (none["times"], none["units"])
    assert not list(tmp_path.rglob("*.so"))
    if native.available("propagate"):
        made = elsewhere(tmp_path)
        assert made["path"] == "flat, compiled steps"
        assert made["warned"] == []
        assert (made["times"], made["units"]) == (off["times"], off["units"])
        (library,) = tmp_path.rglob("*.so")
        assert stat.S_IMODE(library.parent.stat().st_mode) == 0o700
        assert elsewhere(tmp_path, PATH=str(tmp_path)) == made  # compiled once, then from the cache


def failing(tmp_path, monkeypatch, text):
    """Compile something with a compiler that is this shell script; (whether it worked, warnings)."""
    compiler = tmp_path / "compiler"
    compiler.write_text(f"#!/bin/sh\n{text}\n")
    compiler.chmod(0o700)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SNNSIM_NATIVE", raising=False)
    native._say.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        worked = native.registered.__wrapped__("int x;", "snnsim_none", "snnsim_none")
    return worked, [str(warning.message) for warning in caught]


@pytest.mark.parametrize(("text", "reason"), [
    ("echo 'x.cpp:1: fatal error: ffi.h: no such file' >&2; exit 1", "fatal error: ffi.h: no such file"),
    ("exit 3", "exit status 3"), ("true", "kernel.so"), ('for last; do :; done; echo broken > "$last"', ".so")])
def test_a_compiler_that_fails_is_a_warning(text, reason, tmp_path, monkeypatch):
    worked, (warning,) = failing(tmp_path, monkeypatch, text)
    assert not worked
    assert reason in warning
    assert [path.suffix for path in (tmp_path / "snnsim" / "kernels").iterdir()] in ([], [".so"])


@compiles
def test_a_library_that_was_cut_off_is_compiled_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library = native._compiled("int snnsim_test;")
    whole = library.read_bytes()
    library.write_bytes(whole[:100])
    native._loaded("int snnsim_test;")
    assert len(library.read_bytes()) == len(whole)


def test_a_compiler_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "LONGEST", 0.5)
    worked, (warning,) = failing(tmp_path, monkeypatch, "echo 'error: still at it' >&2; exec sleep 30")
    assert not worked
    assert "timed out" in warning or "still at it" in warning


@compiles
def test_a_compiler_with_options_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "c++ -DNOTHING=1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert native._compiled("int snnsim_test;").exists()


def by_layers(network, inputs, record, *, dt, steps, batch):
    """Traces by the engine of layers."""
    chunk = Layers(network, True).run(initial_state(network, batch, dt), inputs, dt=dt, steps=steps,
                                      seed=jnp.uint32(0), record=_record_of(network, record))
    return chunk.traces


@compiles
def test_a_neuron_that_is_no_scalar_program_runs_by_xla(monkeypatch):
    """A table of currents in the update: the other engine's numbers, and the path says which kernel ran."""
    from snnsim.core import flat_kernels

    monkeypatch.setattr(flat_kernels, "UNROLL", 1)
    steps = neurons.StepCurrentGenerator(30, (1.0, 5.0, 9.0), (0.6, 0.2, 0.8))
    network = sn.Network(dict(input=sn.Input(10), steps=steps, cell=sn.LIFPscExp(30, tau_mem=10.0)), dict(
        current=sn.Projection("steps", "cell", sn.OneToOne(1.0), port="current"),
        drive=sparse("input", "cell", 4, 3.0, delay=0.3, port="exc"),
        loop=sparse("cell", "cell", 4, -2.0, delay=drawn(2.0), port="inh")), key=KEY)
    inputs, record = given(network, 150, 2), {"cell": ["spikes", "v"], "steps": ["output"]}
    rec = sn.simulate(network, inputs, duration=15.0, dt=0.1, record=record)
    assert rec.path == "flat, events by XLA"
    expected = by_layers(network, inputs, record, dt=0.1, steps=150, batch=2)
    assert 0 < np.asarray(rec["cell", "spikes"]).mean() < 1
    np.testing.assert_array_equal(rec["cell", "spikes"], expected["cell"]["spikes"])
    np.testing.assert_array_equal(rec["steps", "output"], expected["steps"]["output"])
    np.testing.assert_allclose(rec["cell", "v"], expected["cell"]["v"], rtol=0, atol=1e-3)
