"""Components and their order, against reachability by brute force."""

from itertools import pairwise, product

import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim.core.errors import DelayError
from snnsim.core.graph import components
from snnsim.core.synapse import AbstractSynapse

NAMES = "abcdef"


class Learner(AbstractSynapse):
    """Learns, as far as the graph is concerned."""

    learns = True

    def initial_state(self, connection, pre, post):
        return jnp.zeros(())

    def transmit(self, state, connection, signal, dt, rand):
        return state, connection(signal[None])[0]


@st.composite
def graphs(draw):
    """Projections by name: pairs of six populations, with or without delay, some of them learning."""
    names = st.sampled_from(NAMES)
    found = {}
    for number in range(draw(st.integers(0, 9))):
        pre, post = draw(names), draw(names)
        learns = draw(st.integers(0, 3)) == 0
        found[f"p{number}"] = sn.Projection(
            pre, post, sn.Dense(), delay=draw(st.sampled_from([None, 1.0, 0.0])) if pre != post else None,
            synapse=Learner() if learns else None, modulators=draw(st.lists(names, max_size=1)) if learns else ())
    return found


def edges_of(projections):
    for name, p in projections.items():
        yield p.pre, name
        yield name, p.post
        if p.synapse.learns:
            yield p.post, name
            for modulator in p.modulators:
                yield modulator, name


def closure(nodes, edges):
    """reach[x] = the nodes that x leads to."""
    reach = {node: {node} for node in nodes}
    for a, b in edges:
        reach[a].add(b)
    for k, i in product(nodes, nodes):
        if k in reach[i]:
            reach[i] |= reach[k]
    return reach


def has_instant_cycle(projections):
    edges = [(p.pre, p.post) for p in projections.values() if p.may_be_instant]
    reach = closure(NAMES, edges)
    return any(a in reach[b] for a, b in edges)


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_components_of_random_graphs(projections):
    populations = dict.fromkeys(NAMES)
    if has_instant_cycle(projections):
        with pytest.raises(DelayError, match="cycle without delay"):
            components(populations, projections)
        return
    found = components(populations, projections)
    nodes = [*NAMES, *projections]
    reach = closure(nodes, list(edges_of(projections)))
    strong = {node: frozenset(other for other in reach[node] if node in reach[other]) for node in nodes}

    assert sorted(name for component in found for name in component.populations) == sorted(NAMES)
    place = {}
    for number, component in enumerate(found):
        members = strong[component.populations[0]]
        assert set(component.populations) == members & set(NAMES)
        assert component.cyclic == (len(members) > 1)
        assert set(component.projections) == members - set(NAMES)
        assert component.cyclic or len(component.populations) == 1
        place |= dict.fromkeys(component.populations, number)
        inner = list(component.populations)
        for p in projections.values():
            if p.may_be_instant and p.pre in inner and p.post in inner:
                assert inner.index(p.pre) < inner.index(p.post)
    for p in projections.values():
        assert place[p.pre] <= place[p.post]
        if p.synapse.learns:
            assert all(place[m] <= place[p.post] for m in p.modulators)


@settings(max_examples=50, deadline=None)
@given(graphs(), st.permutations(NAMES))
def test_the_order_does_not_depend_on_how_the_network_was_written(projections, names):
    if has_instant_cycle(projections):
        return
    assert components(dict.fromkeys(NAMES), projections) == components(
        dict.fromkeys(names), dict(reversed(projections.items())))


def test_long_chains_do_not_recurse():
    names = [f"n{number}" for number in range(3000)]
    chain = {f"p{i}": sn.Projection(a, b, sn.Dense()) for i, (a, b) in enumerate(pairwise(names))}
    assert [c.populations[0] for c in components(dict.fromkeys(names), chain)] == names


def test_a_learning_projection_steps_with_its_target():
    feed_forward = {"p": sn.Projection("a", "b", sn.Dense())}
    plastic = {"p": sn.Projection("a", "b", sn.Dense(), synapse=Learner())}
    assert not any(c.cyclic for c in components(dict.fromkeys("ab"), feed_forward))
    last = components(dict.fromkeys("ab"), plastic)[-1]
    assert (last.populations, last.projections, last.cyclic) == (("b",), ("p",), True)
