"""Avalanches and power laws: known exponents, the zeta function, a critical branching process."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

import snnsim as sn
from snnsim import statistics as st
from snnsim.core.errors import ConfigurationError, DataError
from snnsim.statistics.zeta import hurwitz_zeta


@given(hs.lists(hs.lists(hs.integers(0, 3), min_size=9, max_size=9), min_size=1, max_size=4), hs.integers(0, 2))
def test_avalanches_are_found_one_by_one(rows, threshold):
    sizes, durations, cut = [], [], 0
    for row in rows:
        begin = None
        for k, count in enumerate([*row, 0]):
            if count > threshold and k < 9:
                begin = k if begin is None else begin
            elif begin is not None:
                if begin == 0 or k == 9:
                    cut += 1
                else:
                    sizes.append(sum(row[begin:k]))
                    durations.append(k - begin)
                begin = None
    found = st.avalanches(np.array(rows), threshold=threshold)
    assert (found.sizes.tolist(), found.durations.tolist(), found.cut) == (sizes, durations, cut)
    assert len(found) == len(sizes)


def test_mean_sizes_and_event_interval():
    found = st.avalanches([0, 1, 0, 3, 0, 2, 2, 0])
    durations, sizes, number = found.mean_sizes()
    assert (durations.tolist(), sizes.tolist(), number.tolist()) == ([1, 2], [2.0, 4.0], [2, 1])
    assert st.mean_event_interval([[1.0, 4.0], [2.0]]) == 1.5
    assert np.isnan(st.mean_event_interval([[1.0], []]))
    two = sn.Events.concatenate([sn.Events.from_times(t, [0] * len(t), shape=1) for t in ([0.0, 4.0], [10.0, 11.0])])
    np.testing.assert_allclose(st.mean_event_interval(two), 2.5)  # not across samples


@pytest.mark.parametrize("s", [1.01, 1.5, 2.0, 3.7, 12.0, 40.0])
@pytest.mark.parametrize("a", [1.0, 2.0, 17.0, 1e4])
def test_zeta_is_scipys(s, a):
    special = pytest.importorskip("scipy.special")
    np.testing.assert_allclose(hurwitz_zeta(s, a), special.zeta(s, a), rtol=1e-13)


@pytest.mark.parametrize("s", [-3.0, -0.5, 0.3, 2.5])
def test_zeta_differences_are_finite_sums_and_its_slope_is_one(s):
    terms = np.arange(2.0, 60.0)
    np.testing.assert_allclose(hurwitz_zeta(s, 2.0) - hurwitz_zeta(s, 60.0), (terms**-s).sum(), rtol=1e-12)
    slope = np.imag(hurwitz_zeta(s + 1e-30j, 2.0) - hurwitz_zeta(s + 1e-30j, 60.0)) / 1e-30
    np.testing.assert_allclose(slope, -(np.log(terms) * terms**-s).sum(), rtol=1e-11)


@pytest.mark.parametrize(("exponent", "minimum", "maximum"), [(1.5, 1, 10_000), (2.5, 1, None), (2.5, 6, None),
                                                              (3.5, 2, None), (0.7, 3, 300)])
def test_power_law_samples_give_their_exponent_back(exponent, minimum, maximum):
    x = st.sample_power_law(20_000, exponent=exponent, minimum=minimum, maximum=maximum, rng=1)
    assert x.min() == minimum
    assert maximum is None or x.max() <= maximum
    fit = st.fit_power_law(x, minimum=minimum, maximum=maximum)
    assert abs(fit.exponent - exponent) < 4 * fit.standard_error
    assert fit.standard_error < 0.05
    assert fit.n == fit.n_all == 20_000
    assert fit.distance < 1.63 / np.sqrt(20_000)  # Kolmogorov's 1 % point
    np.testing.assert_allclose(fit.log_likelihood, np.log(fit.density(x)).sum(), rtol=1e-9)
    # it is the maximum
    for other in (fit.exponent - 0.01, fit.exponent + 0.01):
        changed = st.PowerLaw(other, minimum, maximum, 0.0, 0.0, 1, 1, 0.0)
        assert np.log(changed.density(x)).sum() < fit.log_likelihood


def test_samples_have_the_laws_probabilities():
    law = st.PowerLaw(1.8, 2, None, 0.0, 0.0, 1, 1, 0.0)
    x = st.sample_power_law(100_000, exponent=1.8, minimum=2, rng=np.random.default_rng(3))
    for value in (2, 3, 5, 100, 2**14 + 50, 10**6):  # the last two beyond the table
        assert abs((x >= value).mean() - law.survival(value)) < 4 * np.sqrt(law.survival(value) / 1e5)
    np.testing.assert_allclose(law.density(np.arange(2, 500)).sum() + law.survival(500), 1.0)
    assert law.density([1, 0, -3]).tolist() == [0, 0, 0]
    assert law.survival([0, 1, 2]).tolist() == [1, 1, 1]
    bounded = st.PowerLaw(1.8, 2, 9, 0.0, 0.0, 1, 1, 0.0)
    np.testing.assert_allclose(bounded.density(np.arange(12)).sum(), 1.0)
    np.testing.assert_allclose(bounded.survival([2, 9, 10, 99]), [1, bounded.density(9), 0, 0], atol=1e-15)


def test_the_minimum_is_found():
    rng = np.random.default_rng(4)
    tail = st.sample_power_law(8000, exponent=2.5, minimum=20, rng=rng)
    fit = st.fit_power_law(np.concatenate([rng.integers(1, 20, 8000), tail]))
    assert 18 <= fit.minimum <= 40
    assert abs(fit.exponent - 2.5) < 0.12
    assert fit.n_all == 16_000


def test_a_power_law_passes_and_an_exponential_does_not():
    law, other = st.sample_power_law(2000, exponent=2.2, rng=5), np.random.default_rng(6).geometric(0.1, 2000)
    assert st.power_law_p_value(law, minimum=1, draws=40, seed=0) > 0.1
    assert st.power_law_p_value(other, minimum=1, draws=40, seed=0) == 0
    for maximum in (None, 60):
        for values, sign in ((law, 1), (other, -1)):
            ratio, p = st.compare_exponential(values, st.fit_power_law(values, minimum=1, maximum=maximum))
            assert ratio * sign > 0
            assert p < 0.01
    with_minimum = st.power_law_p_value(np.concatenate([law + 4, np.full(300, 2)]), draws=5, seed=0)
    assert 0 <= with_minimum <= 1


def test_the_exponential_is_the_one_of_maximum_likelihood():
    from snnsim.statistics.power_law_checks import _log_geometric

    for rate in (0.3, -0.2):
        k = np.arange(12)
        p = np.exp(-rate * k)
        drawn = np.repeat(k, np.round(1e7 * p / p.sum()).astype(int))
        found = _log_geometric(drawn, 11)
        np.testing.assert_allclose(found[np.searchsorted(drawn, k)], np.log(p / p.sum()), atol=1e-4)
    drawn = np.random.default_rng(0).geometric(0.25, 10**6) - 1
    np.testing.assert_allclose(_log_geometric(drawn, None)[drawn == 0][0], np.log(0.25), atol=0.01)


def test_a_critical_branching_process_crackles():
    # Galton-Watson trees with Poisson offspring of mean 1: size exponent 3/2, duration exponent 2, and 2 between.
    rng = np.random.default_rng(7)
    counts = [0]
    for _ in range(20_000):
        now = 1
        while now:
            counts.append(now)
            now = rng.poisson(now) if len(counts) < 10**7 else 0
        counts.append(0)
    found = st.avalanches(np.array(counts))
    assert len(found) == 20_000
    result = st.crackling_noise(found, size=(10, None), duration=(20, None))
    assert abs(result.size.exponent - 1.5) < 0.04
    assert abs(result.duration.exponent - 2.0) < 0.12
    assert abs(result.fitted - 2.0) < 0.1
    assert result.deviation == abs(result.predicted - result.fitted) < 0.35


def test_what_is_not_defined_is_not_a_number():
    for values in ([], [3], [5] * 100, [1, 2, 3]):
        fit = st.fit_power_law(np.array(values, int))
        assert np.isnan([fit.exponent, fit.standard_error, fit.distance, fit.log_likelihood]).all()
        assert fit.n_all == len(values)
        assert np.isnan(st.power_law_p_value(np.array(values, int), draws=1))
        assert np.isnan(st.compare_exponential(np.array(values, int), fit)).all()
    assert np.isnan(st.fit_power_law([3, 3], minimum=3).exponent)
    assert np.isnan(st.fit_power_law([3, 3], minimum=9).exponent)
    nothing = st.crackling_noise(st.avalanches([0, 0]))
    assert np.isnan([nothing.predicted, nothing.fitted, nothing.deviation]).all()


@pytest.mark.parametrize("wrong", [[0, 1], [1.5], [-1], [[1]], ["a"]])
def test_damaged_values_are_refused(wrong):
    with pytest.raises(DataError):
        st.fit_power_law(wrong)
    if wrong not in ([0, 1], [[1]]):
        with pytest.raises(DataError):
            st.avalanches(wrong)


@pytest.mark.parametrize("wrong", [
    lambda: st.fit_power_law([1], minimum=0), lambda: st.fit_power_law([1], minimum=5, maximum=5),
    lambda: st.fit_power_law([1], least=1), lambda: st.avalanches([0, 1], threshold=-1),
    lambda: st.sample_power_law(3, exponent=1.0), lambda: st.sample_power_law(3, exponent=np.nan),
    lambda: st.sample_power_law(3, exponent=2.0, minimum=0), lambda: st.sample_power_law(1000, exponent=1.01),
    lambda: st.power_law_p_value([1, 2, 3], draws=0)])
def test_refusals(wrong):
    with pytest.raises(ConfigurationError):
        wrong()
