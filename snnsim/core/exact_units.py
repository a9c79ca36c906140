"""Units of one population that go from event to event, each at its own time; derived from the neuron's verbs.

A unit stands at the instant of its last event and knows when, left alone, it would cross its threshold or change its
equations. Many units take their next event at once, compiled; those that are done wait for the others.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import DivergenceError
from snnsim.core.exact_synapses import Arrivals
from snnsim.core.exact_time import FAR, PER_MS, TICK, as_written
from snnsim.core.neuron import AbstractPointNeuron

BLOCKS = ((16, 64), (512, 16))  # units that are compiled to run at once, and how many arrivals each gets at a time
SEARCHES = 16  # units whose next spike is sought at once
SLOTS = 8  # spikes of a unit before the host collects them


class Lane(NamedTuple):
    """Where a unit stands: its state, when that was, and when it next does something by itself.

    That is a spike where `crosses`; unless `sure`, it is only known that no spike comes before.
    """

    state: Any
    now: jax.Array
    due: jax.Array
    crosses: jax.Array
    sure: jax.Array


class Rows(NamedTuple):
    """Arrivals by unit and time, those of one instant summed; a last row without unit is later than all."""

    units: np.ndarray
    times: np.ndarray
    amounts: np.ndarray


def jump_ports(neuron: AbstractPointNeuron) -> tuple[str, ...]:
    """Ports at which spikes arrive, in order."""
    return tuple(port for port, kind in neuron.ports.items() if kind == "jump")


def at_rest(neuron: AbstractPointNeuron) -> dict[str, jax.Array]:
    """No current at any port."""
    return {port: jnp.zeros(()) for port, kind in neuron.ports.items() if kind == "drive"}


def happens(neuron: AbstractPointNeuron, lane: Lane, time: jax.Array, amounts: jax.Array) -> tuple[Lane, jax.Array]:
    """(lane, whether it spikes) of one unit after its next event: arrivals at `time`, or what is due before them.

    At one instant: flow, arrivals, the end of a refractory period, threshold, reset. A spike that is due exactly when
    something arrives has to pass the threshold once more, with what arrived.
    """
    drive, arrives = at_rest(neuron), time <= lane.due
    at = jnp.minimum(time, lane.due)
    state = neuron.flow(lane.state, _span(neuron, lane, at), drive)  # type: ignore[arg-type]
    state = neuron.receive(state, {port: jnp.where(arrives, amounts[i], 0.0)
                                   for i, port in enumerate(jump_ports(neuron))})
    never = jnp.zeros_like(arrives)
    if not neuron.spiking:
        return Lane(state, at, jnp.full_like(at, FAR), never, ~never), never
    state = neuron.flow(state, 0.0, drive)  # where a refractory period ends now, it has ended
    margin = neuron.margin(state)
    fires = (margin >= 0 if neuron.spike_at == ">=" else margin > 0) | (~arrives & lane.crosses)  # type: ignore[attr-defined]
    fires = jax.lax.optimization_barrier(fires)  # one decision: compiled twice it might be rounded to two
    state = jax.tree.map(partial(jnp.where, fires), neuron.reset(state, jnp.ones_like(margin)), state)
    return Lane(state, at, *_ahead(neuron, state, at, neuron.earliest_crossing, closed_form(neuron))), fires


def closed_form(neuron: AbstractPointNeuron) -> bool:
    """Whether the next crossing costs no more than a bound on it."""
    inside = getattr(neuron, "neuron", None)
    return closed_form(inside) if isinstance(inside, AbstractPointNeuron) else \
        type(neuron).earliest_crossing is AbstractPointNeuron.earliest_crossing


def searched(neuron: AbstractPointNeuron, lane: Lane) -> Lane:
    """The unit with its next spike found."""
    return lane._replace(**dict(zip(("due", "crosses", "sure"),
                                    _ahead(neuron, lane.state, lane.now, neuron.next_crossing, True), strict=True)))


def _span(neuron: AbstractPointNeuron, lane: Lane, at: jax.Array) -> jax.Array:
    """Time (ms) to an instant; up to a change of the equations to the last bit, or a rest of it would remain."""
    span, change = (at - lane.now).astype(float) / PER_MS, neuron.next_change(lane.state)
    return jnp.where(jnp.abs(span - change) < TICK, change, span)


def _ahead(neuron: AbstractPointNeuron, state: Any, at: jax.Array, crossing_of: Any, exact: bool,
           ) -> tuple[jax.Array, jax.Array, jax.Array]:
    """When it does something by itself, whether that is a spike, and whether that is sure."""
    crossing, change = crossing_of(state, at_rest(neuron)), neuron.next_change(state)
    ticks = jnp.minimum(crossing, change) * PER_MS
    near = ticks < FAR - at.astype(float)  # false where it is not a number, too
    spikes = crossing <= change
    whole = jnp.where(spikes & (not exact), jnp.floor(ticks), jnp.rint(ticks))
    return jnp.where(near, at + jnp.where(near, whole, 0.0).astype(jnp.int64), FAR), spikes, ~spikes | exact


def mapped(kind: Any, leaves: tuple, units: jax.Array, function: Any, *arguments: Any) -> Any:
    """`function(neuron, *arguments)` of units with the parameters of these indices; arguments lead with the units."""
    mine = tuple(leaf[units] if leaf.ndim else leaf for leaf in leaves)
    axes = tuple(0 if leaf.ndim else None for leaf in leaves)
    one = jax.vmap(lambda leaves, _, *rest: function(kind.unflatten(leaves), *rest),
                   in_axes=(axes, 0, *(0 for _ in arguments)))
    return one(mine, units, *arguments)


@partial(jax.jit, static_argnums=0)
def _begin(kind, leaves, units):
    return mapped(kind, leaves, units, lambda neuron: neuron.init())


@partial(jax.jit, static_argnums=0)
def _peek(kind, leaves, units, lanes, at):
    def one(neuron, lane):
        state = neuron.flow(lane.state, (at - lane.now).astype(float) / PER_MS, at_rest(neuron))
        return state, None if neuron.spiking else neuron.fire(state)[1]
    return mapped(kind, leaves, units, one, lanes)


@partial(jax.jit, static_argnums=0, donate_argnums=2)
def _advance(kind, leaves, lanes, chosen, units, times, amounts, given, stop):
    """The chosen units through their events up to `stop` of each, or until they have no slot left for a spike.

    Returns (lanes, arrivals that each has met, spike times [chosen, slots], their number, first due of all units).
    """
    places = jnp.arange(len(chosen), dtype=jnp.int32)

    def upcoming(mine, row, count):
        time = jnp.where(row < given, times[places, jnp.minimum(row, times.shape[1] - 1)], FAR)
        return time, (jnp.minimum(time, mine.due) <= stop) & (count < SLOTS)

    def search(mine, open_):
        few = jnp.nonzero(open_, size=SEARCHES, fill_value=len(open_))[0]
        those = jax.tree.map(lambda leaf: leaf.at[few].get(mode="clip"), mine)
        found = mapped(kind, leaves, units.at[few].get(mode="clip"), searched, those)
        return jax.tree.map(lambda leaf, new: leaf.at[few].set(new, mode="drop"), mine, found)

    def turn(carry):
        mine, row, spikes, count = carry
        time, active = upcoming(mine, row, count)
        if not closed_form(kind.unflatten(leaves)):
            open_ = active & ~mine.sure & (mine.due <= time)  # it may spike before anything arrives
            mine = jax.lax.cond(jnp.any(open_), search, lambda mine, _: mine, mine, open_)
            active = upcoming(mine, row, count)[1] & (mine.sure | (mine.due > time))
        time = jnp.where(active, time, mine.now)  # the others stay where they are
        amount = amounts[places, jnp.minimum(row, times.shape[1] - 1)]
        after, fires = mapped(kind, leaves, units, happens, mine, time, amount)
        arrived, fires = active & (time <= mine.due), active & fires
        mine = jax.tree.map(partial(jnp.where, active), after, mine)
        spikes = spikes.at[places, jnp.where(fires, count, SLOTS)].set(mine.now, mode="drop")
        return mine, row + arrived.astype(row.dtype), spikes, count + fires.astype(count.dtype)

    mine, nothing = jax.tree.map(lambda leaf: leaf[chosen], lanes), jnp.zeros_like(places)
    start = mine, nothing, jnp.zeros((len(chosen), SLOTS), jnp.int64), nothing
    mine, row, spikes, count = jax.lax.while_loop(lambda carry: jnp.any(upcoming(*carry[:2], carry[3])[1]), turn, start)
    lanes = jax.tree.map(lambda leaf, new: leaf.at[chosen].set(new), lanes, mine)
    return lanes, row, spikes, count, jnp.min(lanes.due)


class Units:
    """All units of a population in all samples; unit u of sample b is number b * size + u."""

    def __init__(self, name: str, neuron: AbstractPointNeuron, batch: int, states: Any = None):
        leaves, self.kind = jax.tree.flatten(neuron)
        self.name, self.neuron, self.size, self.number = name, neuron, neuron.size, batch * neuron.size
        self.leaves = tuple(jnp.asarray(as_written(leaf).reshape(-1 if leaf.ndim else ())) for leaf in leaves)
        self.block, self.length = BLOCKS[0] if self.number <= 4 * BLOCKS[0][0] else BLOCKS[1]
        # One unit more than there are, at which the places left over in a block point; nothing ever happens to it.
        self.index = np.arange(self.number + 1) % self.size
        if states is None:
            states = _begin(self.kind, self.leaves, self.index)
        else:
            states = jax.tree.map(lambda leaf: jnp.asarray(np.r_[leaf.reshape(-1), leaf.reshape(-1)[:1]]), states)
        now, due = np.zeros(self.number + 1, np.int64), np.zeros(self.number + 1, np.int64)
        due[-1] = FAR  # all others look at themselves at the first instant
        no = jnp.zeros(self.number + 1, bool)
        self.lanes = Lane(states, jnp.asarray(now), jnp.asarray(due), no, ~no)
        self.first_due = 0

    def run(self, arrivals: Arrivals, stop: int, most: int) -> tuple[np.ndarray, np.ndarray]:
        """(times, units) of the spikes up to and including the instant `stop`, given all arrivals up to it.

        Raises:
            DivergenceError: more than `most` spikes.
        """
        rows = in_order(arrivals, len(jump_ports(self.neuron)))
        due = np.asarray(self.lanes.due) <= stop if self.first_due <= stop else np.zeros(0, bool)
        waiting = np.union1d(rows.units, np.flatnonzero(due))
        first, end = (np.searchsorted(rows.units, waiting, side) for side in ("left", "right"))
        found: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        while len(waiting):
            order = np.argsort(first - end, kind="stable")  # units with as many arrivals go together
            waiting, first, end = waiting[order], first[order], end[order]
            again = np.zeros(len(waiting), bool)
            for low in range(0, len(waiting), self.block):
                part = slice(low, low + self.block)
                met, spikes, count = self._block(rows, waiting[part], first[part], end[part], stop)
                found.append((spikes[np.arange(SLOTS) < count[:, None]], np.repeat(waiting[part], count)))
                again[part] = (count == SLOTS) | (first[part] + met < end[part])
                first[part] += met
            waiting, first, end = waiting[again], first[again], end[again]
            if sum(len(times) for times, _ in found) > most:
                raise too_many(f"population {self.name!r}", int(max(times.max(initial=0) for times, _ in found)))
        times, units = (np.concatenate(column) for column in zip(*found, strict=True))
        return times, units

    def _block(self, rows: Rows, chosen: np.ndarray, first: np.ndarray, end: np.ndarray, stop: int,
               ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One compiled call: (arrivals met, spike times, number of spikes) of each chosen unit."""
        n = len(chosen)
        given = np.minimum(end - first, self.length)
        # Who has more arrivals than fit stops before the first that does not.
        ends = np.where(end - first > self.length, rows.times[first + given] - 1, stop)
        take = np.minimum(first[:, None] + np.arange(self.length), len(rows.times) - 1)
        self.lanes, met, spikes, count, due = _advance(
            self.kind, self.leaves, self.lanes, self._filled(chosen, self.number), self._filled(self.index[chosen]),
            self._filled(rows.times[take]), self._filled(rows.amounts[take]), self._filled(given.astype(np.int32)),
            self._filled(ends, -1))
        self.first_due = int(due)
        return np.asarray(met)[:n], np.asarray(spikes)[:n], np.asarray(count)[:n]

    def _filled(self, column: np.ndarray, empty: int = 0) -> np.ndarray:
        """The column at the length of a block."""
        full = np.full((self.block, *column.shape[1:]), empty, column.dtype)
        full[:len(column)] = column
        return full

    def states(self, at: int) -> tuple[Any, Any]:
        """(state, output of a population that does not spike) of all units at an instant before their next event."""
        found = _peek(self.kind, self.leaves, self.index, self.lanes, at)
        return jax.tree.map(lambda leaf: leaf[:-1], found)


def too_many(where: str, ticks: int) -> DivergenceError:
    """The error of a network that spikes without end."""
    return DivergenceError(got=f"too many spikes, at {ticks / PER_MS:g} ms", expected="at most max_events", where=where,
                           fix="look for a loop of strong excitation or a reset at the threshold, or raise max_events")


def in_order(arrivals: Arrivals, n_ports: int) -> Rows:
    """Arrivals in order, those of one unit and instant summed by port."""
    order = by_unit_and_time(arrivals)
    times, units = arrivals.times[order], arrivals.units[order]
    new = np.ones(len(order), bool)
    new[1:] = (times[1:] != times[:-1]) | (units[1:] != units[:-1])
    place = (np.cumsum(new) - 1) * n_ports + arrivals.ports[order]
    amounts = np.bincount(place, arrivals.amounts[order], minlength=(int(new.sum()) + 1) * n_ports)
    return Rows(units[new], np.r_[times[new], FAR], amounts.astype(np.float64).reshape(-1, n_ports))


def by_unit_and_time(arrivals: Arrivals) -> np.ndarray:
    """Indices that bring arrivals in order; those of one unit and instant stay as they are."""
    times, units = arrivals.times, arrivals.units
    begin = times.min(initial=FAR)
    span = int(times.max(initial=0) - begin) + 1
    if len(times) and (int(units.max()) + 1) * span < FAR:  # one number is sorted ten times as fast as two
        key = units * span + (times - begin)
        order = np.argsort(key)
        if (np.diff(key[order]) > 0).all():
            return order
        return np.argsort(key, kind="stable")
    return np.lexsort((times, units))
