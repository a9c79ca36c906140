"""Exact solutions of the linear equations that most neurons share (Rotter & Diesmann 1999), and resets.

Every leaky variable of this package decays through `relax`; every exponential current reaches a membrane
through `exponential_onto_leak`, every alpha-shaped one through `alpha_onto_leak`. Neurons say which of them apply,
and repeat none.
"""

from __future__ import annotations

from math import e, factorial

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
    constants are no special case: with z = dt |1/tau_syn - 1/tau_mem|, v = dt/tau_mem exp(-dt/tau) (1 - exp(-z)) / z
    where tau is the longer of both, so that no exponential grows however long dt is.
    """
    z = dt * (1.0 / tau_syn - 1.0 / tau_mem)
    slower = jnp.where(z < 0, decay(dt, tau_syn), decay(dt, tau_mem))
    z = jnp.where(z < 0, -z, z)
    small = z < 1e-3
    safe = jnp.where(small, 1.0, z)
    series = 1.0 - z / 2 * (1.0 - z / 3 * (1.0 - z / 4 * (1.0 - z / 5)))
    ratio = jnp.where(small, series, -jnp.expm1(-safe) / safe)
    return dt / tau_mem * slower * ratio


def alpha_onto_leak(dt: float, tau_syn: jax.Array, tau_mem: jax.Array) -> jax.Array:
    """Membrane response after `dt` ms to a current (t / tau_syn) exp(-t / tau_syn) through unit resistance.

    With z = dt (1/tau_syn - 1/tau_mem), v = dt^2 / (tau_mem tau_syn) exp(-dt/tau_mem) (1 - (1 + z) exp(-z)) / z^2;
    equal time constants are no special case, and no exponential grows however long dt is.
    """
    z = dt * (1.0 / tau_syn - 1.0 / tau_mem)
    small = jnp.abs(z) < 0.5  # two orders cancel: below, the closed form loses digits
    safe = jnp.where(small, 1.0, z)
    near = jnp.where(small, z, 0.0)
    series = jnp.zeros_like(z)
    for k in range(14, -1, -1):  # sum of (-z)^k / (k! (k + 2)); the next term is below 1e-17
        series = series * -near + 1.0 / (factorial(k) * (k + 2))
    falling = jnp.exp(-jnp.abs(safe))  # of the faster decay against the slower one
    ratio = jnp.where(small, series, jnp.where(z > 0, 1.0 - (1.0 + safe) * falling, falling - 1.0 - safe) / safe**2)
    slower = jnp.where(small | (z > 0), decay(dt, tau_mem), decay(dt, tau_syn))
    return dt / tau_mem * (dt / tau_syn) * slower * ratio


def alpha_decay(value: jax.Array, feed: jax.Array, dt: float, tau: jax.Array) -> jax.Array:
    """Solution of dx/dt = feed - x / tau, d feed/dt = -feed / tau after `dt` ms (feed itself decays by `decay`)."""
    return (value + dt * feed) * decay(dt, tau)


def alpha_jump(weight: jax.Array, tau: jax.Array) -> jax.Array:
    """What an arriving spike adds to the feed of an alpha function that is to peak at `weight`."""
    return weight * (e / tau)


def after_spike(mechanism: str, v: jax.Array, spikes: jax.Array, v_th: jax.Array, v_reset: jax.Array) -> jax.Array:
    """Membrane after a spike: "zero" sets it to v_reset, "subtract" lowers it by v_th - v_reset, "none" leaves it."""
    if mechanism == "zero":
        return spikes * v_reset + (1.0 - spikes) * v  # exact however far v has overshot
    return v - spikes * (v_th - v_reset) if mechanism == "subtract" else v
