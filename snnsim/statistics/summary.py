"""What a population did, in a few numbers: rates, regularity, correlation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.events import Events
from snnsim.core.observe import OUTPUT
from snnsim.core.recording import Recording
from snnsim.statistics.binning import n_whole_bins
from snnsim.statistics.correlation import mean_correlation, pair_correlations
from snnsim.statistics.intervals import cv_isi
from snnsim.statistics.rates import rates
from snnsim.statistics.trains import SpikeTrains

_Spikes = TypeVar("_Spikes", bound=Events | SpikeTrains)


@dataclass(frozen=True)
class PopulationSummary:
    """Statistics of one population over all its units and samples; what is not defined is NaN.

    Args:
        units: units of the population.
        samples: samples of the batch.
        spikes: spikes in the window.
        duration: length of the window (ms).
        rate_mean: mean rate of a unit (Hz).
        rate_std: standard deviation of the rates over the units (Hz).
        silent: share of the units without a spike.
        cv_mean: mean coefficient of variation of the inter-spike intervals.
        cv_std: its standard deviation over the units.
        cv_units: units with three spikes or more, whose coefficient of variation is defined.
        correlation_mean: mean correlation coefficient of the spike counts of all pairs that have one.
        correlation_std: its standard deviation over `sampled_pairs`.
        sampled_pairs: pairs of the units drawn for `correlation_std`.
        bin_size: bin of the spike counts (ms).
        seed: of that draw.
    """

    units: int
    samples: int
    spikes: int
    duration: float
    rate_mean: float
    rate_std: float
    silent: float
    cv_mean: float
    cv_std: float
    cv_units: int
    correlation_mean: float
    correlation_std: float
    sampled_pairs: int
    bin_size: float
    seed: int


def summary(source: Recording | Events | SpikeTrains | Mapping[str, Events | SpikeTrains],
            populations: Sequence[str] | None = None, *, start: float = 0.0, stop: float | None = None,
            bin_size: float = 5.0, most: int = 500, seed: int = 0) -> dict[str, PopulationSummary]:
    """Rates, regularity and correlation of each population, fast enough for 10^5 units.

    Args:
        source: a recording with spikes, events or trains, or these by name of the population.
        populations: names; None is all that are there. Events without a name are called "events".
        start: begin of the window (ms), for example after the first transient.
        stop: end of the window (ms); None is the end of the recording.
        bin_size: bin of the spike counts (ms); a rest of the window that is shorter is not counted there.
        most: units drawn for the spread of the correlations (the mean is that of all pairs).
        seed: of that draw.

    Returns:
        A summary by name of the population. A window shorter than two bins has no correlations: NaN.

    Raises:
        ConfigurationError: no recorded spikes, an unknown population, or a window without a known end.

    Example:
        >>> events = Events.from_times([1.0, 3.0, 5.0, 7.0], [0, 0, 0, 1], shape=2)
        >>> found = summary(events, stop=20.0)["events"]
        >>> found.spikes, found.rate_mean, found.cv_mean, found.cv_units
        (4, 100.0, 0.0, 1)
    """
    known = recorded_spikes(source, populations, where="summary")
    end = source.duration if stop is None and isinstance(source, Recording) else stop
    return {name: _summary(SpikeTrains.of(part, start=start, stop=end), bin_size, most, seed)
            for name, part in known.items()}


def recorded_spikes(source: Recording | _Spikes | Mapping[str, _Spikes], populations: Sequence[str] | None = None, *,
                    where: str) -> dict[str, _Spikes]:
    """Spikes by name of the population.

    Args:
        source: a recording with spikes, events or trains (named "events"), or these by name of the population.
        populations: names, in the order wanted; None is all that are there.
        where: who asks, for the error.

    Raises:
        ConfigurationError: no spikes were recorded, or an unknown population.
    """
    if isinstance(source, Recording):
        known = [name for name, neuron in source.simulated.populations.items()
                 if neuron.spiking and set(OUTPUT) & set(source.traces.get(name, ()))]
    else:
        if isinstance(source, Events | SpikeTrains):
            source = {"events": source}
        known = list(source)
    chosen = known if populations is None else list(populations)
    for name in chosen:
        if name not in known:
            raise ConfigurationError(got=f"population {name!r}", where=where,
                                     expected=f"recorded spikes of {', '.join(known) or 'none'}",
                                     fix=f'simulate with record={{"{name}": ["spikes"]}}')
    if not chosen:
        raise ConfigurationError(got="no spikes", expected="spikes of at least one population", where=where,
                                 fix='simulate with record={"hidden": ["spikes"]}')
    found: Any = {name: source.events(name) if isinstance(source, Recording) else source[name] for name in chosen}
    return found


def _summary(trains: SpikeTrains, bin_size: float, most: int, seed: int) -> PopulationSummary:
    rate, cv = np.ravel(rates(trains)), np.ravel(cv_isi(trains))
    cv = cv[np.isfinite(cv)]
    means = pairs = np.empty(0)
    if trains.duration >= 2 * bin_size and n_whole_bins(trains, bin_size) > 1:
        means = np.atleast_1d(mean_correlation(trains, bin_size=bin_size))
        pairs = pair_correlations(trains, bin_size=bin_size, most=most, seed=seed)
    samples, units = trains.groups
    return PopulationSummary(
        units=units, samples=samples, spikes=len(trains.times), duration=trains.duration, rate_mean=_mean(rate),
        rate_std=_std(rate), silent=_mean(trains.counts == 0), cv_mean=_mean(cv), cv_std=_std(cv), cv_units=len(cv),
        correlation_mean=_mean(means[np.isfinite(means)]), correlation_std=_std(pairs), sampled_pairs=len(pairs),
        bin_size=bin_size, seed=seed)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _std(values: np.ndarray) -> float:
    return float(values.std()) if len(values) else float("nan")
