"""When a membrane next reaches its threshold: safe bracketing of every crossing, for one unit.

A leaky membrane driven by decaying currents makes a margin m(t) that is a sum of a constant and of terms
t^k exp(-a t). Such a sum may rise and fall several times, so that a scan for changes of sign can miss a crossing.
The search here cannot, by an argument of Rolle: (m' + a m) exp(a t) is the derivative of m(t) exp(a t), hence
between two zeros of g1 = m' + a m the function m(t) exp(a t) is monotone, and m has one zero at most. Choose a as
the rate of one of the terms, and g1 is a sum with one term less. Repeated, the chain m, g1, g2, ... ends in a sum
whose zero is known in closed form; its zeros bracket those of the function before it, and so on up to m. No zero is
missed but for those that rounding makes invisible (m exceeds zero by less than its own rounding error).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

Flow = Callable[[jax.Array], Any]
Function = Callable[[Any], jax.Array]
PATIENCE = 40  # turns after which an interval is halved until it is done
SETTLED = 100.0  # of the longest time constant: exp(-100) = 4e-44 of the state is left


def first_crossing(flow: Flow, margin: Function, chain: Sequence[Function], cut: jax.Array, longest: jax.Array,
                   ) -> jax.Array:
    """Time (ms) at which `margin` first gets above 0; 0 where it is there already, inf where it never does.

    Args:
        flow: state after a time (ms).
        margin: of a state; a sum of a constant and of terms t^k exp(-a t) along the flow.
        chain: g1, g2, ... of a state: each is, up to a factor that keeps its sign, the derivative of the function
            before it plus a times that function.
        cut: the zero (ms) of what follows the last of the chain; a time below 0, or nan, where there is none.
        longest: longest time constant (ms); after 100 of them nothing moves any more.

    Example:
        >>> import jax.numpy as jnp
        >>> v = lambda t: 2.0 * (jnp.exp(-t / 20.0) - jnp.exp(-t / 5.0)) - 0.5  # v' + v/20 = 0.3 exp(-t/5) - 0.025
        >>> round(float(first_crossing(lambda t: t, v, [], 5.0 * jnp.log(12.0), jnp.asarray(20.0))), 4)
        2.1787
    """
    end = SETTLED * longest
    middle = jnp.where(cut > 0, jnp.minimum(cut, end), 0.0).astype(end.dtype)
    edges = jnp.stack([jnp.zeros_like(end), middle, end])
    for function in reversed(chain):
        def value(t, function=function):
            return function(flow(t))
        at = jax.lax.optimization_barrier(jax.vmap(value)(edges))  # one value for all that looks at its sign
        roots = bracketed_root(value, edges[:-1], edges[1:], at[:-1], at[1:])
        edges = jnp.concatenate([edges[:1], roots, edges[-1:]])

    def above(t):
        return margin(flow(t))
    at = jax.lax.optimization_barrier(jax.vmap(above)(edges))
    first = jnp.argmax(at > 0)  # the first edge above threshold; monotone since the edge before it
    low = jnp.maximum(first - 1, 0)
    found = bracketed_root(above, edges[low], edges[first], at[low], at[first])
    return jnp.where(at[0] > 0, 0.0, jnp.where(jnp.any(at > 0), found, jnp.inf))


def not_before(margin: jax.Array, slope: jax.Array, ceiling: jax.Array) -> jax.Array:
    """A time (ms) before which no crossing can be: the margin rises by `slope` at most, and never above `ceiling`.

    Args:
        margin: now.
        slope: bound on what it rises in a ms, from now on.
        ceiling: bound on the margin, from now on.
    """
    wait = jnp.maximum(-margin, 0.0) / jnp.where(slope > 0, slope, 1.0)
    return jnp.where(margin > 0, 0.0, jnp.where((slope > 0) & (ceiling > 0), wait, jnp.inf))


def bracketed_root(function: Callable[[jax.Array], jax.Array], low: jax.Array, high: jax.Array, at_low: jax.Array,
                   at_high: jax.Array) -> jax.Array:
    """A zero between `low` and `high` to rounding; `low` where the function does not change its sign.

    Inverse quadratic steps where they are safe, else bisection; all given intervals at once.

    Args:
        function: of one time.
        low: beginning of each interval, a number or an array.
        high: its end.
        at_low: value of the function there.
        at_high: value there.

    References:
        Chandrupatla 1997, Adv. Eng. Softw. 28:145.
    """
    evaluate, epsilon = function, jnp.finfo(high.dtype).eps
    for _ in range(high.ndim):
        evaluate = jax.vmap(evaluate)
    changes = (at_low > 0) != (at_high > 0)
    high = jnp.where(changes, high, low)  # nothing to search: an interval without length

    def width(a, b):
        return (2 * epsilon * jnp.minimum(jnp.abs(a), jnp.abs(b)) + epsilon) / jnp.maximum(jnp.abs(b - a), 1e-300)

    def unfinished(carry):
        a, b, _, fa, fb, _, _, _, _ = carry
        return (width(a, b) < 0.5) & (fa != 0) & (fb != 0)

    def narrow(carry):
        a, b, c, fa, fb, fc, x, fx, turn = carry  # fx was stored: compiled twice it might be rounded to two signs
        same = (fx > 0) == (fa > 0)
        c, fc = jnp.where(same, a, b), jnp.where(same, fa, fb)
        b, fb = jnp.where(same, b, a), jnp.where(same, fb, fa)
        a, fa = x, fx
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        quadratic = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        safe = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi) & (turn < PATIENCE)
        least = jnp.minimum(width(a, b), 0.5)
        x = a + jnp.clip(jnp.where(safe, quadratic, jnp.full_like(xi, 0.5)), least, 1 - least) * (b - a)
        going = unfinished(carry)  # one that has been found must stay while others are sought
        after = (a, b, c, fa, fb, fc, x, evaluate(x), turn + 1)
        return tuple(jnp.where(going, new, old) for new, old in zip(after, carry, strict=True))

    middle = (low + high) / 2
    start = (low, high, low, at_low, at_high, at_low, middle, evaluate(middle), jnp.zeros_like(low, jnp.int32))
    a, b, _, fa, fb, *_ = jax.lax.while_loop(lambda carry: jnp.any(unfinished(carry)), narrow, start)
    return jnp.where(jnp.abs(fa) < jnp.abs(fb), a, b)
