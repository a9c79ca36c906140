"""Edge lists and the network made of them: the published worm, small tables, damaged tables."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import DataError
from snnsim.models.cortex import connectome, members, read_edges
from snnsim.models.cortex.connectome import plain

TABLE = """pre,post,type,synapses
AVAL,DD01,chemical,3
DD01,AVAL,chemical,2
AVAL,VA1,electrical,4
DD01,MDL05,chemical,5
AVAL,AVAL,chemical,1
"""


@pytest.fixture
def table(tmp_path):
    (tmp_path / "edges.csv").write_text(TABLE)
    return tmp_path / "edges.csv"


def test_a_table_becomes_edges(table):
    edges = read_edges(table)
    assert edges.names == ("AVAL", "DD01", "VA1", "MDL05")
    np.testing.assert_array_equal(edges.sources, [0, 1, 0, 1, 0])
    np.testing.assert_array_equal(edges.targets, [1, 0, 2, 3, 0])
    np.testing.assert_array_equal(edges.counts, [3, 2, 4, 5, 1])
    np.testing.assert_array_equal(edges.electrical, [False, False, True, False, False])


def test_edges_become_a_network(table):
    edges = read_edges(table)
    assert members(edges) == {"neurons": ("AVAL", "DD01"), "effectors": ("MDL05",)}
    net = connectome(edges, key=jax.random.key(0))
    inside, outside = net["neurons_neurons"].connection, net["neurons_effectors"].connection
    np.testing.assert_array_equal(inside.sources, [0, 0, 1])
    np.testing.assert_array_equal(inside.targets, [1, 0, 0])
    # Weights go by contacts; DD01 is GABAergic.
    np.testing.assert_allclose(inside.weight / inside.weight[1], [3.0, 1.0, -2.0], rtol=1e-6)
    np.testing.assert_allclose(outside.weight / inside.weight[1], [-5.0], rtol=1e-6)
    assert set(net.populations) == {"background", "neurons", "effectors"}


def test_the_transmitter_decides_where_it_is_given(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("Origin,Target,Type,Number of Connections,Neurotransmitter\nDD1,A,Send,1,Acetylcholine\n"
                    "A,B,Send,1,GABA\nB,A,GapJunction,1,Generic_GJ\nB,DD1,Send,2,Glutamate\n")
    weight = np.asarray(connectome(read_edges(path), key=jax.random.key(0))["neurons_neurons"].connection.weight)
    assert np.sign(weight).tolist() == [1, -1, 1]


def test_names_may_be_chosen_to_inhibit(table):
    weight = connectome(read_edges(table), inhibitory=["AVAL"], key=jax.random.key(0))["neurons_neurons"]
    assert np.sign(weight.connection.weight).tolist() == [-1, -1, 1]


@pytest.mark.parametrize(("name", "same"), [("DD01", "DD1"), ("VD13", "VD13"), ("I1L", "I1L"), ("007", "007")])
def test_leading_zeros_do_not_make_another_cell(name, same):
    assert plain(name) == same


@pytest.mark.parametrize(("file", "edges", "gap", "names"), [
    ("cook2019_herm_edges.csv", 7379, 2698, 448),
    ("varshney_celegans_neurontables_neuron_to_neuron.csv", 3363, 1084, 299),
])
def test_published_lists_of_the_worm(file, edges, gap, names, data_folder):
    """Sizes that their README gives; the folder as a whole is its longest list."""
    found = read_edges(data_folder("celegans") / file)
    assert (len(found), int(found.electrical.sum()), len(found.names)) == (edges, gap, names)
    assert len(read_edges(data_folder("celegans"))) == 7379


def test_all_lists_of_the_folder_make_networks(data_folder):
    for file in ("celegans_neuron_to_muscle.csv", "white1986_whole.csv", "cook2019_herm_edges.csv"):
        edges = read_edges(data_folder("celegans") / file)
        net = connectome(edges, key=jax.random.key(0))
        listed = sum(len(p.connection.targets) for p in net.projections.values() if p.connection.listed)
        assert listed == int((~edges.electrical).sum())
        assert any((np.asarray(p.connection.weight) < 0).any() for p in net.projections.values())
    with pytest.raises(DataError, match="header"):
        read_edges(data_folder("celegans") / "celegans_sensory.csv")


def test_activity_is_moderate(data_folder):
    """Most neurons fire, none without end."""
    net = connectome(read_edges(data_folder("celegans")), key=jax.random.key(0))
    rates = np.asarray(sn.simulate(net, duration=1000.0, dt=0.1, record={}).rates("neurons"))
    assert (rates > 0).mean() > 0.9
    assert 5.0 < np.median(rates) < 40.0
    assert rates.max() < 300.0


@pytest.mark.parametrize(("text", "word"), [
    ("", "header"),
    ("a,b,c\n1,2,3\n", "header"),
    ("pre,post,synapses\n", "no edges"),
    ("pre,post,synapses\nA,B\n", "line 2: got 2 columns"),
    ("pre,post,synapses\nA,,1\n", "line 2"),
    (f"pre,post,synapses\nA,{'B' * 200},1\n", "characters"),
    ("pre,post,synapses\nA,B,0\n", "'0' contacts"),
    ("pre,post,synapses\nA,B,-3\n", "'-3' contacts"),
    ("pre,post,synapses\nA,B,nan\n", "'nan' contacts"),
    ("pre,post,synapses\nA,B,many\n", "'many' contacts"),
    ("pre,post,type,synapses\nA,B,telepathy,1\n", "telepathy"),
    ('pre,post,synapses\nA,"B,1\n', "damaged"),
])
def test_damaged_tables_are_refused(text, word, tmp_path):
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(DataError, match=word):
        read_edges(tmp_path / "e.csv")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "e.csv").write_bytes(b"pre,post,synapses\n\xff\xfe,B,1\n")
    with pytest.raises(DataError, match="damaged"):
        read_edges(tmp_path / "e.csv")


def test_nothing_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_edges(tmp_path / "none.csv")
    with pytest.raises(DataError, match="no edge list"):
        read_edges(tmp_path)


def test_gap_junctions_alone_are_refused(tmp_path):
    (tmp_path / "e.csv").write_text("pre,post,type,synapses\nA,B,electrical,1\n")
    with pytest.raises(DataError, match="electrical edges only"):
        connectome(read_edges(tmp_path / "e.csv"), key=jax.random.key(0))
