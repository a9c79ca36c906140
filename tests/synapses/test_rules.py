"""Connection rules: exact degrees, no pair twice, probabilities within bounds, and work only for what is drawn."""

import time
import tracemalloc

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DataError
from snnsim.synapses import DistanceDependent


def draw(rule, pre, post, seed=0):
    pre, post = ((n,) if isinstance(n, int) else n for n in (pre, post))
    starts, targets = rule.draw(pre, post, np.random.default_rng(seed))
    assert starts.dtype == targets.dtype == np.int32
    assert starts[0] == 0
    assert starts[-1] == len(targets)
    sources = np.repeat(np.arange(np.prod(pre)), np.diff(starts))
    if len(sources):
        assert 0 <= sources.min() <= sources.max() < np.prod(pre)
        assert 0 <= targets.min() <= targets.max() < np.prod(post)
    return sources, targets


def pairs(sources, targets):
    return len(set(zip(sources.tolist(), targets.tolist(), strict=True)))


sizes = st.integers(1, 30)


@settings(max_examples=60, deadline=None)
@given(sizes, sizes, st.integers(0, 30), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 99))
def test_fixed_degrees_are_exact(pre, post, k, inwards, allow_self, multiple, seed):
    rule = (sn.FixedInDegree if inwards else sn.FixedOutDegree)(k, allow_self=allow_self, multiple=multiple)
    rows, others = (post, pre) if inwards else (pre, post)
    available = others if allow_self else others - 1
    if k > available and not (multiple and available):
        with pytest.raises(ConfigurationError, match="degree"):
            draw(rule, pre, post, seed)
        return
    sources, targets = draw(rule, pre, post, seed)
    np.testing.assert_array_equal(np.bincount(targets if inwards else sources, minlength=rows), k)
    assert multiple or pairs(sources, targets) == len(sources)
    assert allow_self or not (sources == targets).any()


@pytest.mark.parametrize("rule", [sn.FixedInDegree(3), sn.FixedInDegree(15), sn.FixedOutDegree(3, multiple=True),
                                  sn.FixedTotalNumber(60), sn.FixedProbability(0.15)])
def test_every_pair_is_as_likely(rule):
    counts = np.zeros((20, 20))
    for seed in range(400):
        np.add.at(counts, draw(rule, 20, 20, seed), 1)
    mean = counts.mean()
    assert mean > 30
    assert counts.min() > mean - 5 * mean**0.5
    assert counts.max() < mean + 5 * mean**0.5


@pytest.mark.parametrize("rule", [sn.FixedInDegree(1, allow_self=False), sn.FixedOutDegree(1, allow_self=False),
                                  sn.FixedTotalNumber(8, allow_self=False), sn.FixedProbability(0.2, allow_self=False)])
@pytest.mark.parametrize(("pre", "post"), [(8, 8), (8, 4), (4, 8)])
def test_without_self_all_other_pairs_are_left(rule, pre, post):
    counts = np.zeros((pre, post))
    for seed in range(300):
        np.add.at(counts, draw(rule, pre, post, seed), 1)
    same = np.eye(pre, post, dtype=bool)
    assert not counts[same].any()
    expected = 300 / 64
    assert counts[~same].min() > expected
    for axis in (0, 1):
        other = counts[~same]
        assert other.std() < 2.5 * other.mean() ** 0.5 + 0.5 * other.mean(), axis


def test_one_unit_has_no_other():
    for rule in (sn.FixedTotalNumber(2, allow_self=False), sn.FixedInDegree(1, allow_self=False, multiple=True)):
        with pytest.raises(ConfigurationError, match="allow"):
            draw(rule, 1, 1)


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, st.floats(0.0, 1.0), st.integers(0, 99))
def test_probability_draws_no_pair_twice(pre, post, p, seed):
    sources, targets = draw(sn.FixedProbability(p), pre, post, seed)
    assert pairs(sources, targets) == len(sources)


@pytest.mark.parametrize("p", [0.003, 0.1, 0.7])
def test_number_of_synapses_is_binomial(p):
    n = 500 * 400
    found = [len(draw(sn.FixedProbability(p), 500, 400, seed)[0]) for seed in range(20)]
    deviation = (n * p * (1 - p)) ** 0.5
    assert abs(np.mean(found) - n * p) < 4 * deviation / 20**0.5
    assert np.abs(np.array(found) - n * p).max() < 4.5 * deviation
    assert np.std(found) > 0.4 * deviation


@pytest.mark.parametrize(("p", "expected"), [(0.0, 0), (1.0, 600), (1e-19, 0), (1e-300, 0)])
def test_extreme_probabilities(p, expected):
    sources, targets = draw(sn.FixedProbability(p), 20, 30)
    assert len(sources) == pairs(sources, targets) == expected


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_no_probability(p):
    with pytest.raises(ConfigurationError, match="0 to 1"):
        sn.FixedProbability(p)


def test_total_number_is_exact():
    sources, _ = draw(sn.FixedTotalNumber(1234), 30, 40)
    assert len(sources) == 1234


@pytest.mark.parametrize("rule", [sn.FixedProbability(1e-5), sn.FixedTotalNumber(100_000), sn.FixedOutDegree(1),
                                  sn.FixedInDegree(1)])
def test_ten_billion_pairs_cost_what_is_drawn(rule):
    """10^5 sources, 10^5 targets, about 10^5 synapses."""
    begin = time.process_time()
    sources, _ = draw(rule, 100_000, 100_000)
    assert time.process_time() - begin < 1.0
    assert abs(len(sources) - 100_000) < 1600
    tracemalloc.start()
    draw(rule, 100_000, 100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_many_of_many_without_repeats_is_quick():
    begin = time.process_time()
    sources, targets = draw(sn.FixedInDegree(500), 50_000, 200)
    assert time.process_time() - begin < 1.0
    assert pairs(sources, targets) == 100_000


# -- distances ---------------------------------------------------------------------------------------------


def test_probability_falls_with_distance():
    p, scale, shape = 0.8, 2.0, (12, 12)
    counts = np.zeros((144, 144))
    for seed in range(100):
        np.add.at(counts, draw(DistanceDependent(p, scale), shape, shape, seed), 1)
    place = np.stack(np.unravel_index(np.arange(144), shape), -1)
    square = ((place[:, None] - place[None]) ** 2).sum(-1)
    assert not counts[square == 0].any()
    for d2 in (1, 2, 4, 8, 13, 25):
        chance, n = p * np.exp(-d2 / scale**2), (square == d2).sum() * 100
        assert counts[square == d2].sum() == pytest.approx(n * chance, abs=4 * (n * chance * (1 - chance)) ** 0.5 + 1)
    assert not counts[square > 2 * 9**2].any()


def test_grids_of_different_size_cover_the_same_area():
    """Each of 4 sources sits in the middle of 4 of the 16 targets."""
    sources, targets = draw(DistanceDependent(1.0, 0.8, allow_self=True), 4, 16)
    np.testing.assert_allclose([targets[sources == s].mean() for s in range(4)], [1.5, 5.5, 9.5, 13.5], atol=1.0)


def test_grids_must_have_one_dimension_count():
    with pytest.raises(ConfigurationError, match="grids"):
        draw(DistanceDependent(0.5, 1.0), (4,), (4, 4))


# -- lists ---------------------------------------------------------------------------------------------------


def test_a_rule_is_drawn_from_the_key():
    def built(seed):
        return sn.Sparse(sn.FixedProbability(0.3)).build((20,), (30,), jax.random.key(seed))
    a, b, c = built(0), built(0), built(1)
    np.testing.assert_array_equal(a.targets, b.targets)
    assert a.n_synapses != c.n_synapses or not np.array_equal(a.targets, c.targets)


@pytest.mark.parametrize(("sources", "targets", "word"), [
    ([1, 0], [0, 0], "sorted"), ([0, 1], [0], "equal lengths"), ([[0]], [[0]], "equal lengths")])
def test_a_list_that_is_none(sources, targets, word):
    with pytest.raises(DataError, match=word):
        sn.Sparse.from_edges(sources, targets)


@pytest.mark.parametrize(("sources", "targets"), [([0, 3], [0, 0]), ([-1, 0], [0, 0]), ([0, 1], [0, 2])])
def test_a_list_beyond_the_populations(sources, targets):
    with pytest.raises(DataError, match="indices"):
        sn.Sparse.from_edges(sources, targets).build((3,), (2,), jax.random.key(0))


def test_neither_rule_nor_list():
    with pytest.raises(ConfigurationError, match="neither"):
        sn.Sparse().build((3,), (2,), jax.random.key(0))
