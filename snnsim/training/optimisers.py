"""Optimisers with a learning rate for each group of parameters: weights, delays, neuron constants."""

from __future__ import annotations

from collections.abc import Mapping

import optax

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import GROUPS
from snnsim.core.network import Network
from snnsim.core.parameters import groups

RATES = {"weight": 1e-3, "delay": 0.1, "neuron": 0.1}


def adam(network: Network, *, rates: Mapping[str, float] = RATES, steps: int | None = None, schedule: str = "constant",
         weight_decay: float = 0.0, clip_norm: float | None = None) -> optax.GradientTransformation:
    """Adam with one learning rate a group, in the parameter's own unit per update (delays and taus in ms).

    Args:
        network: whose parameters will be updated.
        rates: learning rate of each group; groups that are left out have the default.
        steps: number of updates of the whole run; needed by every schedule but "constant".
        schedule: "constant", "cosine" (to zero) or "one_cycle" (Smith & Topin 2018).
        weight_decay: decoupled decay of the weights (AdamW).
        clip_norm: largest norm of the whole gradient; None is no limit.

    Returns:
        An optax transformation; state and updates have the form of the network's trainable part.

    Raises:
        ConfigurationError: a rate that is negative, an unknown group or schedule.

    References:
        Kingma & Ba 2015; Loshchilov & Hutter 2019.
    """
    merged = {**RATES, **rates}
    for group, rate in merged.items():
        if group not in GROUPS or not 0 <= rate < float("inf"):
            raise ConfigurationError(got=f"learning rate {rate} of group {group!r}", where="adam",
                                     expected=f"a rate of 0 or more for {', '.join(GROUPS)}", fix="correct the rates")
    per_group = {group: optax.adamw(_scheduled(schedule, rate, steps),
                                    weight_decay=weight_decay if group == "weight" else 0.0)
                 for group, rate in merged.items()}
    parts = [] if clip_norm is None else [optax.clip_by_global_norm(clip_norm)]
    return optax.chain(*parts, optax.multi_transform(per_group, groups(network)))


def _scheduled(schedule: str, rate: float, steps: int | None) -> float | optax.Schedule:
    if schedule == "constant":
        return rate
    if steps is None or schedule not in ("cosine", "one_cycle"):
        raise ConfigurationError(got=f"schedule {schedule!r} with steps={steps}", where="adam",
                                 expected="'constant', or 'cosine' or 'one_cycle' with steps",
                                 fix="pass the number of updates of the whole run")
    if schedule == "cosine":
        return optax.cosine_decay_schedule(rate, steps)
    return optax.cosine_onecycle_schedule(max(steps, 2), rate)
