"""What is published about the models' activity, and how ours compares with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from snnsim.core.bibliography import reference
from snnsim.models.cortex import microcircuit_constants
from snnsim.models.cortex.brunel import brunel_rate


@dataclass(frozen=True)
class Published:
    """Activity of a model as its source gives it.

    Args:
        rates: mean rate (spikes/s) of each population.
        source: key of the bibliography.
        scope: to what it applies.
        regularity: mean coefficient of variation of inter-spike intervals by population; empty where no number is
            published.
    """

    rates: Mapping[str, float]
    source: str
    scope: str
    regularity: Mapping[str, float]

    @property
    def citation(self) -> str:
        """The source, in short."""
        return f"{reference(self.source).short} ({self.scope})"


def of_microcircuit() -> Published:
    """Rates of the microcircuit at full scale under Poisson input.

    Its source shows regularity and correlations as distributions in figures, no numbers.
    """
    rates = dict(zip(microcircuit_constants.POPULATIONS, microcircuit_constants.RATES, strict=True))
    return Published(rates, "pd14model", "NEST, full scale", {})


def of_brunel(order: int, g: float, eta: float, j: float) -> Published:
    """Rate of Brunel's network in the stationary asynchronous state; the same for both populations.

    Args:
        order: number of inhibitory neurons.
        g: inhibitory weight, relative to the excitatory one.
        eta: external rate, relative to threshold.
        j: step of the membrane at an excitatory spike (mV).
    """
    rate = brunel_rate(order, g=g, eta=eta, j=j)
    return Published({"excitatory": rate, "inhibitory": rate}, "brunel2000",
                     "diffusion approximation of the asynchronous state, delta synapses", {})


def compare(rates: Mapping[str, float], published: Published) -> dict[str, dict[str, Any]]:
    """Our rates beside the published ones.

    Args:
        rates: ours (spikes/s) by population.
        published: theirs.

    Returns:
        By population ``{"ours", "published", "ratio"}``; the ratio is None where it is not a number.

    Example:
        >>> compare({"L23E": 0.95}, of_microcircuit())["L23E"]["ratio"]
        1.052
    """
    rows = {}
    for name, theirs in published.rates.items():
        if name in rates:
            ratio = rates[name] / theirs if theirs else float("nan")
            rows[name] = {"ours": rates[name], "published": theirs,
                          "ratio": round(ratio, 3) if isfinite(ratio) else None}
    return rows
