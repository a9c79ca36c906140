"""What `compiled_steps` promises about a group, called directly: scalars in, scalars out, whatever they depend on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from snnsim.kernels import native
from snnsim.kernels.compiled_steps import Group, Twin, compiled_steps
from snnsim.kernels.event_propagation import Rows

pytestmark = pytest.mark.skipif(not native.available("propagate"), reason="no C++ compiler")


def table(starts, ends, targets, delays):
    arrays = (np.asarray(values, np.int32) for values in (starts, ends, targets))
    return Rows(*map(jnp.asarray, arrays), jnp.asarray(delays, jnp.uint8))


def test_every_kind_of_result():
    """Numbers, step, sample, parameters, arrivals and old states, computed as often as they change."""
    units, batch, steps = 5, 3, 4
    own, shared = jnp.arange(5.0), jnp.asarray(0.25)
    state = dict(one=jnp.arange(15.0).reshape(3, 5), two=-jnp.arange(15.0).reshape(3, 5),
                 flag=jnp.zeros((3, 5), bool), count=jnp.zeros((3, 5), jnp.uint8))

    def update(constants, state, arrivals, step, sample):
        own, shared = constants
        after = dict(one=state["two"], two=state["one"], flag=~state["flag"], count=state["count"] + jnp.uint8(100))
        once = jnp.exp(shared) + sample.astype(jnp.float32)
        each_step = step.astype(jnp.float32) * once
        records = dict(
            number=jnp.float32(1.5), step=step, sample=sample, own=own, shared=shared, arrival=arrivals["a"],
            other=arrivals["b"], old=state["one"], once=once, each_unit=jnp.exp(own) * once, each_step=each_step,
            unit_and_step=each_step * own + jnp.float32(1), flag=state["flag"], every=own + state["one"] * each_step,
            is_even=(step & jnp.uint32(1)) == jnp.uint32(0))
        return after, (own == step.astype(jnp.float32)).astype(jnp.float32), records

    group = Group(update, (own, shared), state, units, {"b": 5, "a": 0}, (), 0, False)
    ring = jnp.arange(2.0 * 3 * 10).reshape(2, 3, 10)
    rows = table([0] * 5, [0] * 5, [], [])
    ran = jax.jit(lambda: compiled_steps([group], ring, jnp.ones(0), rows, jnp.zeros((steps, batch, 0)), steps=steps,
                                         first_step=jnp.int32(2**31 - 5)))()
    found = {name: np.asarray(array) for name, array in ran.records[0].items()}
    step = np.arange(steps, dtype=np.float64)[:, None, None] + (2**31 - 5)
    sample, units_ = np.arange(batch)[None, :, None], np.arange(5.0)[None, None]
    shape, once = (steps, batch, units), np.exp(0.25) + sample
    old = np.stack([state["one"], state["two"]] * 2)
    arrivals = np.concatenate([ring, np.zeros_like(ring)])
    expected = dict(
        number=1.5, step=step, sample=sample, own=units_, shared=0.25, arrival=arrivals[..., :5],
        other=arrivals[..., 5:], old=old, once=once, each_unit=np.exp(units_) * once, each_step=step * once,
        flag=np.arange(4)[:, None, None] % 2,
        unit_and_step=step * once * units_ + 1, every=units_ + old * step * once, is_even=step % 2 == 0)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], np.broadcast_to(array, shape), rtol=3e-7, err_msg=name)
    assert {name: found[name].dtype.name for name in ("step", "flag", "own")} == dict(
        step="uint32", flag="bool", own="float32")
    np.testing.assert_array_equal(ran.states[0]["one"], state["one"])
    assert not np.asarray(ran.states[0]["flag"]).any()
    assert np.asarray(ran.states[0]["count"]).tolist() == [[400 - 256] * 5] * 3
    assert not np.asarray(ran.ring).any()
    assert ran.tallies == [None]


def test_spikes_travel_and_are_counted():
    """Two groups and two inputs; delays count from the step after a spike, those of inputs from their own step."""
    def early(constants, state, arrivals, step, sample):
        return state, jnp.where(step == constants, jnp.float32(1), jnp.float32(0)), ()

    def late(constants, state, arrivals, step, sample):
        value = arrivals["in"] + arrivals["twin"]
        return state + value, value, {"value": value}

    groups = [Group(early, jnp.arange(3, dtype=jnp.uint32), (), 3, {}, (), 0, False),
              Group(late, (), jnp.zeros((1, 2)), 2, {"in": 0}, (
                  Twin("twin", 0, jnp.asarray([2, 0], jnp.int32), jnp.asarray([10.0, 0.5], jnp.float32)),
                  Twin("twin", 0, jnp.asarray([1, 1], jnp.int32), jnp.asarray([0.0, 7.0], jnp.float32))), 3, True)]
    # Sources: three early units, two late ones, two inputs.
    rows = table([0, 1, 2, 2, 2, 3, 4], [1, 2, 2, 2, 3, 4, 5], [0, 1, 0, 1, 0], [0, 2, 1, 1, 3])
    weight = jnp.asarray([1.0, 2.0, 4.0, 8.0, 16.0])
    external = jnp.zeros((6, 1, 2)).at[2, 0].set(jnp.asarray([1.0, -0.5]))
    state = [(), jnp.zeros((1, 2))]

    def go(external):
        given = [group._replace(state=s) for group, s in zip(groups, state, strict=True)]
        return compiled_steps(given, jnp.zeros((4, 1, 2)), weight, rows, external, steps=6, first_step=jnp.int32(0))
    ran = jax.jit(go)(external)
    value = np.zeros((6, 2))
    value[0] += [0, 0.5]   # twin of early unit 0, which fires in step 0
    value[1] += [0, 7.0]   # early unit 1
    value[2] += [10.0, 0]  # early unit 2
    value[1, 0] += 1.0     # early 0 onto late 0: the next step
    value[4, 1] += 2.0     # early 1, step 1, three steps later
    value[3, 1] += 8.0     # input 0 of step 2, one step later
    value[5, 0] -= 8.0     # input 1 of step 2, three steps later
    for t in range(4):     # late 1 onto late 0, two steps later, graded
        value[t + 2, 0] += 4.0 * value[t, 1]
    np.testing.assert_array_equal(ran.records[1]["value"][:, 0], value)
    np.testing.assert_array_equal(ran.states[1], value.sum(0)[None])
    outputs = np.concatenate([np.eye(6, 3), value], 1) != 0
    assert np.asarray(ran.counts)[0].tolist() == [*outputs.sum(0), 1, 1]
    words = np.asarray(ran.words)[:, 0, 0]
    assert [[word >> bit & 1 for bit in range(5)] for word in words.tolist()] == outputs.astype(int).tolist()
    count, beyond = ran.tallies[1]
    np.testing.assert_array_equal(count[0], (value != 0).sum(0))
    np.testing.assert_array_equal(beyond[0], ((value != 0) & (value != 1)).any(0))
    under_way = np.zeros((4, 1, 2))
    for t in (4, 5):
        under_way[(t + 2) % 4, 0, 0] += 4.0 * value[t, 1]
    np.testing.assert_array_equal(ran.ring, under_way)


def test_what_is_no_scalar_program_is_left_to_others():
    """Arrays of half precision, states that change their type, loops until something holds."""
    def run(update, state):
        group = Group(update, (), state, 2, {}, (), None, False)
        return compiled_steps([group], jnp.zeros((1, 1, 0)), jnp.ones(0), table([], [], [], []), jnp.zeros((1, 1, 0)),
                              steps=1, first_step=jnp.int32(0))

    zero, plain = jnp.zeros((), jnp.float32), jnp.zeros((1, 2))
    assert run(lambda c, s, a, step, sample: (s, zero, ()), plain) is not None
    assert run(lambda c, s, a, step, sample: (s, zero, ()), plain.astype(jnp.float16)) is None
    assert run(lambda c, s, a, step, sample: (s > 0, zero, ()), plain) is None
    assert run(lambda c, s, a, step, sample: (
        jax.lax.while_loop(lambda z: z < 1, lambda z: z + 1, s), zero, ()), plain) is None
