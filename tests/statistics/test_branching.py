"""Branching ratios of processes whose ratio is known, seen whole and in part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

import snnsim as sn
from snnsim import statistics as st
from snnsim.core.errors import ConfigurationError, DataError


def branching_process(ratio, mean, bins, seed):
    """Poisson offspring with mean `ratio`, driven so that its mean is `mean`."""
    rng = np.random.default_rng(seed)
    counts, now = np.empty(bins, np.int64), int(mean)
    for k in range(bins):
        now = rng.poisson(ratio * now + mean * (1 - ratio))
        counts[k] = now
    return counts


@pytest.fixture(scope="module")
def process():
    return branching_process(0.95, 100.0, 60_000, 0)


def test_activity_of_events_and_lists():
    one = sn.Events.from_times([1.0, 2.0, 12.0], [0, 1, 1], shape=2)
    together = sn.Events.concatenate([one, sn.Events.from_times([13.0], [0], shape=2)])
    assert st.activity(together, bin_size=10.0, stop=20.0).tolist() == [[2, 1], [0, 1]]
    assert st.activity([[1.0, 2.0], [12.0]], bin_size=10.0, stop=20.0).tolist() == [[2, 1]]


def test_regression_finds_the_ratio_of_a_whole_population(process):
    assert abs(st.branching_ratio(process) - 0.95) < 0.005
    assert abs(st.branching_ratio(process.reshape(4, -1)) - 0.95) < 0.005


@pytest.mark.parametrize("share", [1.0, 0.2, 0.05])
def test_multistep_regression_does_not_depend_on_the_seen_share(process, share):
    seen = np.random.default_rng(1).binomial(process, share)
    if share < 1:
        assert st.branching_ratio(seen) < 0.8  # the plain regression is biased
    found = st.multistep_branching_ratio(seen, max_lag=50)
    assert abs(found.ratio - 0.95) < 0.01
    # The slopes are scaled by share * var / (share * var + (1 - share) mean), from binomial thinning of a process
    # with variance mean / (1 - ratio^2).
    expected = share / (share + (1 - share) * (1 - 0.95**2))
    assert abs(found.amplitude - expected) < 0.08 * expected
    assert found.residual < 0.02
    np.testing.assert_allclose(found.timescale(4.0), -4.0 / np.log(found.ratio))


def test_independent_counts_do_not_branch():
    counts = np.random.default_rng(2).poisson(3.0, 50_000)
    assert abs(st.branching_ratio(counts)) < 0.02
    found = st.multistep_branching_ratio(counts, max_lag=20)
    np.testing.assert_allclose(found.amplitude * found.ratio**found.lags, found.slopes, atol=0.03)


@given(hs.floats(0.05, 1.2), hs.floats(0.01, 1.5), hs.integers(2, 40))
def test_the_fit_recovers_exact_decays(ratio, amplitude, lags):
    from snnsim.statistics.branching import _best

    at = np.arange(1, lags + 1)
    found, factor, residual = _best(at, amplitude * ratio**at)
    np.testing.assert_allclose(found, ratio, rtol=1e-6)
    np.testing.assert_allclose(factor, amplitude, rtol=1e-5)
    assert residual < 1e-7


def test_what_is_not_defined_is_not_a_number():
    for counts in (np.zeros(20, int), np.full(20, 3), [1, 2], []):
        assert np.isnan(st.branching_ratio(counts))
    found = st.multistep_branching_ratio(np.zeros(20, int), max_lag=3)
    assert np.isnan([found.ratio, found.amplitude, found.residual, found.timescale(1.0)]).all()


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0, 1.2])
def test_timescales(ratio):
    found = st.BranchingEstimate(ratio, 1.0, np.arange(2), np.zeros(2), 0.0).timescale(2.0)
    assert found == {0.0: 0.0, 0.5: 2.0 / np.log(2.0), 1.0: np.inf, 1.2: np.inf}[ratio]


@pytest.mark.parametrize("wrong", [[-1, 2], [1.0, np.nan], np.zeros((2, 2, 2)), ["a"], [1j]])
def test_damaged_counts_are_refused(wrong):
    with pytest.raises(DataError):
        st.branching_ratio(wrong)


@pytest.mark.parametrize("max_lag", [0, 1, 8, -3])
def test_lags_that_do_not_fit_are_refused(max_lag):
    with pytest.raises(ConfigurationError):
        st.multistep_branching_ratio(np.arange(10), max_lag=max_lag)
