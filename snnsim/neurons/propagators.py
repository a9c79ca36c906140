"""Exact solutions of the linear equations that most neurons share (Rotter & Diesmann 1999), and resets.

Every leaky variable of this package decays through `relax`; every exponential current reaches a membrane
through `exponential_onto_leak`. Neurons say which of them apply, and repeat none.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


def decay(dt: float, tau: jax.Array) -> jax.Array:
    """exp(-dt / tau)."""
    return jnp.exp(-dt / tau)


def relax(value: jax.Array, target: jax.Array, dt: float, tau: jax.Array, method: str = "exact") -> jax.Array:
    """Solution of tau dx/dt = target - x after `dt` ms: exact, or one step of Euler's method."""
    gain = -jnp.expm1(-dt / tau) if method == "exact" else dt / tau
    return value + (target - value) * gain


def exponential_onto_leak(dt: float, tau_syn: jax.Array, tau_mem: jax.Array) -> jax.Array:
    """Membrane response after `dt` ms to a current exp(-t / tau_syn) through unit resistance.

    v = tau_syn / (tau_mem - tau_syn) (exp(-dt/tau_mem) - exp(-dt/tau_syn)), written so that equal time
    constants are no special case: with z = dt (1/tau_syn - 1/tau_mem), v = dt/tau_mem exp(-dt/tau_mem)
    (1 - exp(-z)) / z.
    """
    z = dt * (1.0 / tau_syn - 1.0 / tau_mem)
    small = jnp.abs(z) < 1e-3
    safe = jnp.where(small, 1.0, z)
    series = 1.0 - z / 2 * (1.0 - z / 3 * (1.0 - z / 4 * (1.0 - z / 5)))
    ratio = jnp.where(small, series, -jnp.expm1(-safe) / safe)
    return dt / tau_mem * decay(dt, tau_mem) * ratio


def after_spike(mechanism: str, v: jax.Array, spikes: jax.Array, v_th: jax.Array, v_reset: jax.Array) -> jax.Array:
    """Membrane after a spike: "zero" sets it to v_reset, "subtract" lowers it by v_th - v_reset, "none" leaves it."""
    if mechanism == "zero":
        return spikes * v_reset + (1.0 - spikes) * v  # exact however far v has overshot
    return v - spikes * (v_th - v_reset) if mechanism == "subtract" else v
