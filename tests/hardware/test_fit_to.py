"""What must change for a network to fit: everything at once, and that the advice works."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.hardware import Workload, fit_to
from snnsim.hardware.loihi.target import LoihiMapping


def network(delay=1.0, hidden=None, sources=4, weight=0.1):
    return sn.Network(
        dict(a=sn.Input(sources), b=hidden or sn.LIF(3), c=sn.LIF(2)),
        [sn.Projection("a", "b", sn.Dense(weight), delay=delay), sn.Projection("b", "c", sn.Dense(weight))],
        key=jax.random.key(0))


def test_a_network_that_fits_has_its_mapping(checked):
    found = fit_to(checked[0], "loihi")
    assert found.fits
    assert found.obstacles == ()
    assert isinstance(found.mapping, LoihiMapping)
    assert str(found) == "fits loihi"


def test_all_obstacles_are_told_at_once():
    found = fit_to(network(delay=100.0, hidden=sn.AdEx(3), sources=5000), "loihi")
    assert not found.fits
    text = str(found)
    for words in ("AdEx", "100 steps", "shorten the delays by 37 steps", "5000 input axons", "exceeds by 904 axons"):
        assert words in text
    assert len(found.obstacles) == len(set(found.obstacles)) == 3


def test_membranes_between_populations_are_told():
    found = fit_to(network(hidden=sn.LI(3), delay=64.0), "loihi")
    assert {o.got for o in found.obstacles} == {
        "population 'b' of LI sends its membrane to others", "a delay of 64 steps"}


def test_following_the_advice_makes_it_fit():
    found = fit_to(network(delay=100.0), "loihi")
    (obstacle,) = found.obstacles
    assert "by 37 steps" in obstacle.change
    assert fit_to(network(delay=63.0), "loihi").fits
    assert not fit_to(network(delay=64.0), "loihi").fits


def test_a_larger_step_is_another_question():
    assert not fit_to(network(delay=100.0), "loihi", dt=1.0).fits
    assert fit_to(network(delay=100.0), "loihi", dt=2.0).fits


def test_recurrence_and_a_given_workload():
    net = sn.Network(dict(a=sn.Input(2), b=sn.LIF(3)),
                     dict(up=sn.Projection("a", "b", sn.Dense(0.2)), back=sn.Projection("b", "b", sn.Dense(0.1),
                                                                                      delay=90.0)),
                     key=jax.random.key(0))
    work = Workload.of(net, sn.simulate(net, {"a": np.ones((5, 1, 2), np.float32)}, duration=5.0))
    (obstacle,) = fit_to(net, "loihi", workload=work).obstacles
    assert "'back'" in obstacle.where


def test_unknown_targets():
    with pytest.raises(ConfigurationError, match="abacus"):
        fit_to(network(), "abacus")
