"""NIR files from anywhere: an error that names the node, never a crash, a hang or a bare assertion."""

import contextlib

import h5py
import nir
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snnsim.core.errors import FileFormatError, SnnsimError, UnsupportedError
from snnsim.io import from_nir
from snnsim.io.nir_graph import FlatGraph


def lif(n=2, **changed):
    fields = dict(tau=np.full(n, 0.01), r=np.ones(n), v_leak=np.zeros(n), v_threshold=np.ones(n)) | changed
    return {"type": "LIF", **fields}


def graph(edges=(("input", "fc"), ("fc", "cell"), ("cell", "output")), **nodes):
    nodes = {"input": {"type": "Input", "shape": np.array([3])}, "fc": {"type": "Linear", "weight": np.ones((2, 3))},
             "cell": lif(), "output": {"type": "Output", "shape": np.array([2])}} | nodes
    return {"type": "NIRGraph", "nodes": nodes, "edges": list(edges)}


class Raw:
    """What `from_nir` asks of a graph object."""

    def __init__(self, raw):
        self.raw = raw

    def to_dict(self):
        return self.raw


def test_the_base_graph_is_fine():
    assert from_nir(Raw(graph())).sinks == ("cell",)


@pytest.mark.parametrize(("match", "raw"), {
    "unknown type": ("node 'cell'.*type 'Gremlin'", graph(cell={"type": "Gremlin"})),
    "no type": ("node 'cell'", graph(cell={})),
    "no tau": ("node 'cell'.*without tau", graph(cell={k: v for k, v in lif().items() if k != "tau"})),
    "unknown field": ("node 'cell'.*evil", graph(cell=lif(evil=np.ones(2)))),
    "NaN": ("node 'cell'.*v_threshold", graph(cell=lif(v_threshold=np.array([1.0, np.nan])))),
    "infinite": ("node 'fc'.*weight", graph(fc={"type": "Linear", "weight": np.full((2, 3), np.inf)})),
    "huge number": ("node 'fc'.*weight", graph(fc={"type": "Linear", "weight": np.full((2, 3), 1e300)})),
    "negative tau": ("node 'cell'.*tau", graph(cell=lif(tau=np.array([1.0, -1.0])))),
    "tiny tau": ("node 'cell'.*tau_mem", graph(cell=lif(tau=np.full(2, 1e-12)))),
    "shapes": ("node 'cell'.*shapes", graph(cell=lif(r=np.ones(3)))),
    "weights": ("node 'fc'.*weights", graph(fc={"type": "Linear", "weight": np.ones((2, 4))})),
    "target": ("node 'cell'", graph(fc={"type": "Linear", "weight": np.ones((5, 3))})),
    "text": ("node 'fc'.*weight", graph(fc={"type": "Linear", "weight": "many"})),
    "object": ("node 'fc'.*weight", graph(fc={"type": "Linear", "weight": np.array([None])})),
    "missing node": ("edge from 'fc' to 'nobody'", graph(edges=[("input", "fc"), ("fc", "nobody")])),
    "edge twice": ("twice", graph(edges=[("input", "fc"), ("fc", "cell"), ("fc", "cell")])),
    "edges of three": ("pairs", graph(edges=[("input", "fc", "cell")])),
    "huge input": ("node 'input'", graph(input={"type": "Input", "shape": np.array([2**39])})),
    "shape of fractions": ("node 'input'", graph(input={"type": "Input", "shape": np.array([1.5])})),
    "bad note": ("node 'cell'", graph(cell=lif(metadata={"snnsim": {"method": "magic"}}))),
    "bad step": ("dt_ms", graph() | {"metadata": {"snnsim": {"dt_ms": float("nan")}}}),
    "no graph": ("NIRGraph", lif()),
    "no nodes": ("without nodes", {"type": "NIRGraph", "edges": []}),
    "no edges": ("edges", {"type": "NIRGraph", "nodes": {}}),
    "groups": ("node 'fc'",
               graph(fc={"type": "Conv1d", "weight": np.ones((2, 3, 1)), "stride": 1, "padding": 0, "dilation": 1,
                                      "groups": 0, "bias": np.zeros(2)})),
    "kernel too large": ("node 'fc'", graph(
        input={"type": "Input", "shape": np.array([1, 3])},
        fc={"type": "Conv1d", "weight": np.ones((2, 1, 9)), "stride": 1, "padding": 0, "dilation": 1, "groups": 1,
            "bias": np.zeros(2)})),
    "huge padding": ("node 'fc'", graph(
        input={"type": "Input", "shape": np.array([1, 3])},
        fc={"type": "Conv1d", "weight": np.ones((2, 1, 1)), "stride": 1, "padding": 2**39, "dilation": 1, "groups": 1,
            "bias": np.zeros(2)})),
    "several axes": ("node 'fc'", graph(fc={"type": "Flatten", "start_dim": np.array([0, 1]), "end_dim": -1})),
    "pool with text": ("node 'fc'", graph(input={"type": "Input", "shape": np.array([1, 2, 2])}, fc={
        "type": "SumPool2d", "kernel_size": np.array([2, 2]), "stride": np.array([2, 2]), "padding": "same"})),
    "shape of two axes": ("node 'input'", graph(input={"type": "Input", "shape": np.ones((2, 2))})),
    "type of numbers": ("node 'cell'", graph(cell=lif() | {"type": np.ones(2)})),
    "negative delay": ("node 'fc'.*delay", graph(fc={"type": "Delay", "delay": np.full(3, -1.0)})),
}.values())
def test_contradictions(match, raw):
    with pytest.raises(FileFormatError, match=match):
        from_nir(Raw(raw))


@pytest.mark.parametrize("kind", [{"type": "Threshold", "threshold": np.ones(2)}, {"type": "I", "r": np.ones(2)},
                                  {"type": "CubaLI", "tau_syn": np.ones(2), "tau_mem": np.ones(2), "r": np.ones(2),
                                   "v_leak": np.zeros(2)}])
def test_primitives_that_we_lack(kind):
    with pytest.raises(UnsupportedError, match=f"node 'cell'.*{kind['type']}"):
        from_nir(Raw(graph(cell=kind)))


def test_an_output_that_is_no_neuron():
    with pytest.raises(UnsupportedError, match="node 'fc'"):
        from_nir(Raw(graph(edges=[("input", "fc"), ("fc", "output")])))


def test_maps_in_a_circle():
    square = {"type": "Linear", "weight": np.ones((2, 2))}
    edges = [("input", "fc"), ("fc", "a"), ("a", "b"), ("b", "a"), ("b", "cell")]
    with pytest.raises(UnsupportedError, match="circle"):
        from_nir(Raw(graph(edges=edges, a=square, b=square)))


def test_paths_that_multiply():
    nodes, edges, last = {}, [("input", "fc")], "fc"
    for k in range(40):
        for side in "ab":
            nodes[f"{side}{k}"] = {"type": "Scale", "scale": np.ones(2)}
            edges.append((last, f"{side}{k}"))
        nodes[f"m{k}"] = {"type": "Scale", "scale": np.ones(2)}
        edges += [(f"a{k}", f"m{k}"), (f"b{k}", f"m{k}")]
        last = f"m{k}"
    with pytest.raises(UnsupportedError, match="paths"):
        from_nir(Raw(graph(edges=[*edges, (last, "cell")], **nodes)))


def test_nesting():
    raw = graph()
    for _ in range(100):
        raw = graph(edges=[], inner=raw)
    with pytest.raises(FileFormatError, match="nested"):
        FlatGraph(raw, "x")


# -- files ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    cell = nir.CubaLIF(*(np.full(2, v) for v in (0.01, 0.02, 1.0, 0.0, 1.0)))
    nir.write(path, nir.NIRGraph.from_list(nir.Affine(np.ones((2, 3)), np.zeros(2)), cell))
    return path.read_bytes()


def change(content, tmp_path, function):
    path = tmp_path / "net.nir"
    path.write_bytes(content)
    with h5py.File(path, "r+") as file:
        function(file)
    return path


def bomb(file):
    del file["node/nodes/affine/weight"]
    file["node/nodes/affine"].create_dataset("weight", shape=(40_000, 80_000), dtype="f4", chunks=(1000, 1000),
                                             compression="gzip")


def external(file):
    del file["node/nodes/affine/weight"]
    file["node/nodes/affine/weight"] = h5py.ExternalLink("/etc/hostname", "/x")


def soft(file):
    del file["node/nodes/affine/weight"]
    file["node/nodes/affine/weight"] = h5py.SoftLink("/node/nodes/affine/bias")


def cycle(file):
    file["node/nodes/affine/self"] = file["node/nodes"]


def virtual(file):
    del file["node/nodes/affine/weight"]
    layout = h5py.VirtualLayout(shape=(2, 3), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=(2, 3))
    file["node/nodes/affine"].create_virtual_dataset("weight", layout)


def long_text(file):
    del file["node/nodes/affine/type"]
    file["node/nodes/affine"].create_dataset("type", data="A" * 100_000)


def packed_edges(file):
    edges = file["node/edges"][()]
    del file["node/edges"]
    file["node"].create_dataset("edges", data=edges, dtype=h5py.string_dtype(), chunks=True, compression="gzip")


def empty(file):
    del file["node/nodes/affine/weight"]
    file["node/nodes/affine"].create_dataset("weight", data=h5py.Empty("f4"))


def no_node(file):
    file.move("node", "elsewhere")


@pytest.mark.parametrize("function", [bomb, external, soft, cycle, virtual, long_text, packed_edges, empty, no_node])
def test_files_made_on_purpose(function, content, tmp_path):
    path = change(content, tmp_path, function)
    with pytest.raises(FileFormatError) as caught:
        from_nir(path, dt=1.0)
    assert str(path) in str(caught.value)


def test_size_cap(content, tmp_path):
    (tmp_path / "net.nir").write_bytes(content)
    with pytest.raises(FileFormatError, match="max_bytes"):
        from_nir(tmp_path / "net.nir", dt=1.0, max_bytes=30)


def test_no_file(tmp_path):
    for path in (tmp_path, tmp_path / "none.nir"):
        with pytest.raises(FileFormatError, match="no such file"):
            from_nir(path)
    with pytest.raises(FileFormatError, match="from_nir"):
        from_nir(3)


def test_damaged_files(content, tmp_path):
    path = tmp_path / "net.nir"
    rng = np.random.default_rng(0)
    damaged = [content[:n] for n in (0, 7, 100, len(content) // 2, len(content) - 1)]
    for _ in range(80):
        flipped = bytearray(content)
        for at in rng.integers(len(content), size=rng.integers(1, 4)):
            flipped[at] ^= 1 << rng.integers(8)
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        with contextlib.suppress(SnnsimError):
            from_nir(path, dt=1.0)


VALUES = st.sampled_from([None, "text", b"x", -1, 0, 1, 2.5, np.nan, np.zeros(0), np.ones(3), np.ones((2, 2)),
                          np.ones((2, 3)),
                          np.array(-5), np.array([2**62]), np.array(["a"]), [], {}, {"type": "LIF"}, [("a", "b")],
                          object()])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["input", "fc", "cell", "output", "edges", "nodes", "metadata"]),
       st.sampled_from(["type", "shape", "weight", "tau", "r", "v_leak", "v_threshold", "v_reset", "metadata", "bias",
                        "delay"]),
       VALUES,
       st.sampled_from([None, "Affine", "LIF", "Scale", "Delay", "Flatten", "Conv2d", "IF", "NIRGraph", "Output"]))
def test_any_change(name, field, value, kind):
    raw = graph()
    if name in raw["nodes"]:
        raw["nodes"][name] = raw["nodes"][name] | {field: value} | ({"type": kind} if kind else {})
    else:
        raw[name] = value
    with contextlib.suppress(SnnsimError):
        from_nir(Raw(raw))
