"""The hippocampal memory against its three published spike tables, and as a memory that one teaches and asks."""

import dataclasses
import hashlib
from typing import NamedTuple

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.core.state import fold_back
from snnsim.models.memory import HippocampalMemory, Operation, hippocampus, schedule

POPULATIONS = ("cue_by_cue", "content_by_cue", "gate", "gate_helper", "cue_by_content", "content_by_content",
               "merged_cue", "merged_content", "cue_out", "content_out")


class Published(NamedTuple):
    """One published test: its input, spikes of each population, and a digest of the whole spike table."""

    cues: int
    bits: int
    duration: int
    operations: list
    spikes: tuple
    digest: str


def numbers():
    """Cues learn the binary numbers 1 to 5, then their complements, then the numbers; all questions after each."""
    patterns = [tuple(bit for bit in range(10) if (cue + 1) >> bit & 1) for cue in range(5)]
    complements = [tuple(bit for bit in range(10) if bit not in pattern) for pattern in patterns]
    shown = []
    for round_ in (patterns, complements, patterns):
        shown += list(enumerate(round_)) + [(cue, ()) for cue in range(5)] + [(None, (bit,)) for bit in range(10)]
    return [Operation(1.0 + 14 * i, cue, content) for i, (cue, content) in enumerate(shown)]


MAP = [0, 5, 1, 3, 0, 3, 4, 5, 0, 5, 4, 3, 2, 4, 4, 3]  # state of each place of a map of 4 x 4

# Spikes and digests were taken from the tables that accompany Casanueva-Morato et al. 2024 (results/*/spikes.xlsx).
PUBLISHED = {
    "learn, recall, forget": Published(
        5, 10, 90,
        [Operation(0.0, 0, (0, 1, 8, 9)), Operation(10.0, 4, (1, 5, 6)), Operation(20.0, 3, (4, 5, 6)),
         Operation(30.0, 0), Operation(40.0, None, (6,)), Operation(50.0, None, (0, 4)),
         Operation(60.0, 3, (1, 3, 4, 8)), Operation(70.0, 3), Operation(80.0, None, (6,))],
        (10, 42, 34, 13, 15, 34, 15, 42, 15, 42), "84b6f8305e3c7f63"),
    "binary numbers": Published(5, 10, 851, numbers(), (45, 251, 194, 75, 102, 194, 102, 251, 102, 251),
                                "6e51f0524dffd385"),
    "map of states": Published(
        16, 6, 140,
        [Operation(7.0 * place, place, (state,)) for place, state in enumerate(MAP)]
        + [Operation(112.0 + 6 * i, None, content) for i, content in enumerate([(1, 2, 4), (3,), (5,), (0,)])],
        (32, 38, 38, 36, 48, 38, 48, 38, 48, 38), "31b2aadfe32d7539"),
}


def run(test, network=None):
    network = hippocampus(test.cues, test.bits) if network is None else network
    return sn.simulate(network, schedule(test.operations, test.cues, test.bits), duration=float(test.duration), dt=1.0,
                       record={name: ["spikes"] for name in POPULATIONS})


def digest(rec):
    """Of all spikes of all populations: bits by step, populations in the order of the tables."""
    table = np.concatenate([np.asarray(rec[name, "spikes"])[:, 0] for name in POPULATIONS], 1) != 0
    return hashlib.sha256(np.packbits(table).tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_spike_of_the_published_tables(name, x64):
    test = PUBLISHED[name]
    rec = run(test)
    assert tuple(int(rec.counts[population].sum()) for population in POPULATIONS) == test.spikes
    assert digest(rec) == test.digest


def test_single_precision_gives_the_same_spikes():
    test = PUBLISHED["learn, recall, forget"]
    assert digest(run(test)) == test.digest


def test_the_published_answers_and_weights(x64):
    """Readable: what came out and when, and the weights that are left."""
    rec = run(PUBLISHED["learn, recall, forget"])
    out = {name: np.asarray(rec[f"{name}_out", "spikes"])[:, 0] for name in ("cue", "content")}
    found = {name: {step: np.flatnonzero(row).tolist() for step, row in enumerate(rows) if row.any()}
             for name, rows in out.items()}
    assert found["cue"] == {5: [0], 7: [0], 15: [4], 17: [4], 25: [3], 27: [3], 35: [0], 46: [3, 4], 56: [0, 3],
                            65: [3], 67: [3], 75: [3], 86: [4]}
    # At 66 the old content of cue 3 comes out once while it is overwritten.
    assert found["content"] == {5: [0, 1, 8, 9], 7: [0, 1, 8, 9], 15: [1, 5, 6], 17: [1, 5, 6], 25: [4, 5, 6],
                                27: [4, 5, 6], 36: [0, 1, 8, 9], 45: [6], 55: [0, 4], 65: [1, 3, 4, 8], 66: [5, 6],
                                67: [1, 3, 4, 8], 76: [1, 3, 4, 8], 85: [6]}
    learned = fold_back(rec.simulated, rec.state)
    np.testing.assert_allclose(learned["recall_by_cue"].connection.weight[3],
                               [0, 6, 0, 6, 6, 0, 0.169, 0, 6, 0.323], atol=5e-4)
    np.testing.assert_allclose(learned["recall_by_content"].connection.weight[:, 3],
                               [3.318, 6, 0, 6, 6, 3.295, 2.967, 0, 6, 0.024], atol=5e-4)


@pytest.mark.parametrize("options", [dict(coincidence="none"), dict(timing="somatic"), dict(weight_sent="before"),
                                     dict(a_plus=36.0), dict(a_minus=5.2 / 6)])
def test_other_rules_do_not_give_the_tables(options, x64):
    """The tables tell conventions of timing apart."""
    test = PUBLISHED["learn, recall, forget"]
    network = hippocampus(test.cues, test.bits)
    projections = dict(network.projections)
    for name in ("recall_by_cue", "recall_by_content"):
        rule = dataclasses.replace(network[name].synapse, **options)
        projections[name] = sn.Projection(network[name].pre, network[name].post, network[name].connection, delay=1.0,
                                          port="current", synapse=rule)
    other = sn.Network(network.populations, projections, key=jax.random.key(0))
    assert digest(run(test, other)) != test.digest


@pytest.fixture(scope="module")
def memory():
    return HippocampalMemory.empty(cues=5, bits=10).learn(0, [0, 1, 8, 9]).learn(4, [1, 5, 6]).learn(3, [4, 5, 6])


def test_recall_by_cue_and_by_content(memory):
    assert [memory.recall(cue=cue) for cue in range(5)] == [(0, 1, 8, 9), (), (), (4, 5, 6), (1, 5, 6)]
    assert memory.recall(content=[1]) == (0, 4)
    assert memory.recall(content=[6]) == (3, 4)
    assert memory.recall(content=[0, 4]) == (0, 3)
    assert memory.recall(content=[2, 7]) == ()


def test_learning_a_cue_anew_forgets_its_content(memory):
    later = memory.learn(3, [1, 3, 4, 8])
    assert later.recall(cue=3) == (1, 3, 4, 8)
    assert later.recall(content=[6]) == (4,)
    assert later.recall(content=[3]) == (3,)
    assert memory.recall(cue=3) == (4, 5, 6)  # the earlier memory is another object


def test_recall_in_the_tissue_ties_memories_together_and_recall_does_not(memory):
    """Two recalls by bits of different memories, and a bit answers with a cue that never held it."""
    assert memory.recall(content=[0]) == (0,)
    asked = memory
    for _ in range(2):
        before = asked.weights()["recall_by_content"][0, 4]
        asked, found = asked.recalled(content=[0, 5])
        assert found == (0, 3, 4)
        assert asked.weights()["recall_by_content"][0, 4] > before + 0.1
    assert asked.recall(content=[0]) != (0,)
    for _ in range(3):
        memory.recall(content=[0, 5])
    assert memory.recall(content=[0]) == (0,)


def test_all_patterns_of_a_full_memory():
    contents = [(0, 3, 5), (1, 4), (2,), (0, 1, 2, 3), (5,), (2, 4, 5)]
    memory = HippocampalMemory.empty(cues=6, bits=6)
    for cue, content in enumerate(contents):
        memory = memory.learn(cue, content)
    assert [memory.recall(cue=cue) for cue in range(6)] == contents
    for bit in range(6):
        assert memory.recall(content=[bit]) == tuple(cue for cue in range(6) if bit in contents[cue])


@pytest.mark.parametrize(("ask", "said"), [
    (lambda m: m.learn(5, [1]), "0 to 4"), (lambda m: m.learn(0, []), "no content"),
    (lambda m: m.learn(0, [1, 1]), "different numbers"), (lambda m: m.learn(0, [-1]), "0 to 9"),
    (lambda m: m.recall(), "neither"), (lambda m: m.recall(cue=0, content=[1]), "one of them"),
    (lambda m: m.recall(content=[10]), "0 to 9")])
def test_refusals(memory, ask, said):
    with pytest.raises(ConfigurationError, match=said):
        ask(memory)
