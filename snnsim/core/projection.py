"""`Projection`: who sends to whom, through which connection, delay and synapse."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.connection import AbstractConnection
from snnsim.core.delay import AbstractDelay, Delay
from snnsim.core.errors import ConfigurationError, DelayError
from snnsim.core.events import exact_ratio
from snnsim.core.fields import part, static
from snnsim.core.keys import named_key
from snnsim.core.neuron import AbstractNeuron
from snnsim.core.synapse import AbstractSynapse, AbstractTransform, StaticSynapse

BY_SIGN = "by_sign"


class Projection(eqx.Module):
    """Synapses from one population to another.

    A signal goes: source, delay, synapse (times weight, summed), transforms, port of the target.

    Args:
        pre: name of the source population.
        post: name of the target population.
        connection: who is joined to whom and how strongly: `Dense`, `Conv2d`, `Sparse`, ...
        delay: ms, or a delay object. None: no delay between populations, one step onto itself.
        port: where it arrives; None is the target's first port, "by_sign" sends positive weights to "exc" and
            negative ones to "inh".
        synapse: its dynamics; None is static.
        transforms: applied to the arrivals in order (`BatchNorm`, `Dropout`).
        modulators: populations whose output the synapse's learning rule sees.

    Example:
        >>> import snnsim as sn
        >>> sn.Projection("input", "hidden", sn.Dense(), delay=2.0).name
        'input_hidden'
    """

    pre: str = static(doc="source population")
    post: str = static(doc="target population")
    connection: AbstractConnection = part(doc="who is joined to whom, and how strongly")
    delay: AbstractDelay | None = part(doc="how long signals travel")
    synapse: AbstractSynapse = part(doc="dynamics on top of the connection")
    transforms: tuple[AbstractTransform, ...] = part(doc="maps on the arrivals")
    port: str | None = static(doc="where it arrives")
    modulators: tuple[str, ...] = static(doc="populations that the learning rule sees")

    def __init__(self, pre: str, post: str, connection: AbstractConnection, *,
                 delay: AbstractDelay | float | None = None, port: str | None = None,
                 synapse: AbstractSynapse | None = None, transforms: Sequence[AbstractTransform] = (),
                 modulators: Sequence[str] = ()):
        if not isinstance(connection, AbstractConnection):
            raise ConfigurationError(got=f"connection {connection!r}", expected="a connection such as sn.Dense()",
                                     where=f"projection {pre} to {post}",
                                     fix="pass Dense(), Conv2d(...) or Sparse(...)")
        self.pre, self.post, self.connection = pre, post, connection
        self.delay = delay if delay is None or isinstance(delay, AbstractDelay) else Delay(delay)
        self.synapse = StaticSynapse() if synapse is None else synapse
        self.transforms, self.port, self.modulators = tuple(transforms), port, tuple(modulators)

    @property
    def name(self) -> str:
        """Name it goes by where no other is given."""
        return f"{self.pre}_{self.post}"

    @property
    def is_static(self) -> bool:
        """Whether arrivals depend on this step's signal only."""
        return isinstance(self.synapse, StaticSynapse)

    @property
    def event_driven(self) -> bool:
        """Whether spikes are sent ahead, so that only synapses of units that spike cost anything."""
        return self.connection.listed and self.is_static and not self.transforms \
            and (self.delay is None or self.delay.fixed)

    @property
    def may_be_instant(self) -> bool:
        """Whether a signal may arrive in the step in which it was sent."""
        return self.pre != self.post if self.delay is None else self.delay.bounds[0] == 0

    def depth(self, dt: float) -> int:
        """Steps that it looks back."""
        return int(self.pre == self.post) if self.delay is None else self.delay.depth(dt)

    def post_depth(self, dt: float) -> int:
        """Steps that its learning rule looks back at its target."""
        return self.synapse.post_steps(self.depth(dt), dt) if self.synapse.learns else 0

    def line_steps(self, dt: float) -> jax.Array:
        """Delays of the synapse's `lines` in steps."""
        return Delay(self.synapse.lines, getattr(self.delay, "rounding", "exact")).steps(dt, jnp)

    def check(self, dt: float, where: str) -> None:
        """Raise if it cannot be used with steps of `dt` ms: delays off the grid, or a rule that knows no such delay."""
        if self.delay is not None:
            self.delay.check(dt, where)
        self.synapse.check(self.delay, dt, where)
        shortest = self.depth(dt) if self.delay is None else floor(exact_ratio(self.delay.bounds[0], dt))
        if self.synapse.learns and self.synapse.learns_first and self.synapse.post_steps(shortest, dt) < 1:
            raise DelayError(got="a rule that runs before the target, whose outputs it sees at once", where=where,
                             expected="outputs of the target seen one step late or more",
                             fix="give the projection or the rule a delay, or let spikes carry the weight before "
                             "their update")

    def taps(self, dt: float, inference: bool) -> tuple[jax.Array, jax.Array | None]:
        """Steps read and their gains, see `AbstractDelay.taps`."""
        if self.delay is None:
            return jnp.full((1,), int(self.pre == self.post), jnp.int32), None
        return self.delay.taps(dt, inference)

    def build(self, name: str, pre: AbstractNeuron, post: AbstractNeuron, key: jax.Array) -> Projection:
        """The projection with arrays in place of recipes."""
        where = f"projection {name!r}"
        ports = tuple(post.ports)
        if not ports:
            raise ConfigurationError(got=f"a {type(post).__name__} as target", expected="a population with ports",
                                     where=where, fix="let it end at neurons; generators take no input")
        port = ports[0] if self.port is None else self.port
        needed = ("exc", "inh") if port == BY_SIGN else (port,)
        if not set(needed) <= set(ports):
            raise ConfigurationError(got=f"port {port!r}", expected=f"one of {', '.join(ports)}", where=where,
                                     fix=f"choose a port that {type(post).__name__} has")
        if port == BY_SIGN and (not self.is_static or getattr(self.connection, "weight", None) is None
                                or getattr(self.connection, "bias", None) is not None
                                or type(self.connection).transmit is not AbstractConnection.transmit
                                or any(transform.over_time for transform in self.transforms)):
            raise ConfigurationError(got="port 'by_sign' with a bias, a normalisation, a synapse that has state, or "
                                     "without weights", expected="static synapses with weights and nothing else",
                                     where=where, fix="use one projection to 'exc' and one to 'inh'")
        connection = self.connection.build(pre.shape, post.shape, named_key(key, "connection"))
        weight = getattr(connection, "weight", None)
        _check_sign(weight, post.weight_signs.get(port, 0), port, where)
        synapses = () if weight is None else weight.shape
        delay = None if self.delay is None else \
            self.delay.build(pre.shape, synapses, named_key(key, "delay"))
        synapse = self.synapse.build(connection, delay, pre.shape, post.shape)
        transforms = tuple(t.build(post.shape) for t in self.transforms)
        return Projection(self.pre, self.post, connection, delay=delay, port=port, synapse=synapse,
                          transforms=transforms, modulators=self.modulators)


def _check_sign(weight: jax.Array | None, sign: int, port: str, where: str) -> None:
    if weight is None or not sign or isinstance(weight, jax.core.Tracer):
        return
    given = np.asarray(weight)  # on the host, where long lists of weights are
    worst = float(sign * (given.min(initial=np.inf) if sign > 0 else given.max(initial=-np.inf)))
    if worst < 0:
        raise ConfigurationError(got=f"weight {sign * worst:g} at port {port!r}", where=where,
                                 expected=f"weights {'>=' if sign > 0 else '<='} 0, as they set a conductance",
                                 fix="change the sign, or use port='by_sign', where negative weights are inhibitory")
