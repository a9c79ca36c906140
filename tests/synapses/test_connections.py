"""Connections against loops over their synapses: arrivals, fan-out, shapes and first weights."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, ShapeError

KEY = jax.random.key(0)


def convolved(x, kernel, stride, padding, dilation, groups):
    """The definition, one product at a time; spatial axes may be one or two."""
    x, kernel = (a if a.ndim == 4 else a[:, :, None] for a in (x, kernel))
    pads = [(padding[0],) * 2 if len(padding) == 2 else (0, 0), (padding[-1],) * 2]
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    (sy, sx), (dy, dx) = ((v[0] if len(v) == 2 else 1, v[-1]) for v in (stride, dilation))
    n, c_in, c_out = len(x), x.shape[1], len(kernel)
    kh, kw = kernel.shape[2:]
    height, width = (x.shape[2] - dy * (kh - 1) - 1) // sy + 1, (x.shape[3] - dx * (kw - 1) - 1) // sx + 1
    out = np.zeros((n, c_out, height, width))
    for o in range(c_out):
        first = o // (c_out // groups) * (c_in // groups)
        for i, a, b in np.ndindex(c_in // groups, kh, kw):
            window = x[:, first + i, a * dy:a * dy + sy * (height - 1) + 1:sy, b * dx:b * dx + sx * (width - 1) + 1:sx]
            out[:, o] += kernel[o, i, a, b] * window
    return out


def as_matrix(connection, pre):
    """Arrivals of each unit alone, ``[n_pre, *post]``."""
    return np.asarray(jax.jit(lambda x: connection(x))(np.eye(int(np.prod(pre)), dtype=float).reshape(-1, *pre)))


CONVOLUTIONS = {
    "plain": (sn.Conv2d(3), (2, 6, 5), 4),
    "stride and padding": (sn.Conv2d((3, 2), stride=(2, 1), padding=(1, 2)), (2, 6, 5), 4),
    "groups": (sn.Conv2d(2, groups=2, bias=jax.nn.initializers.normal(1.0)), (4, 5, 5), 6),
    "dilation": (sn.Conv2d(2, dilation=2, padding=1), (1, 6, 6), 2),
    "one axis": (sn.Conv1d(3, stride=2, padding=1), (3, 9), 4),
    "one axis dilated": (sn.Conv1d(2, dilation=3, groups=3), (3, 9), 3),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_by_hand(name, x64):
    recipe, pre, channels = CONVOLUTIONS[name]
    post = recipe.output_shape(pre, channels)
    built = recipe.build(pre, post, KEY)
    x = np.random.default_rng(0).normal(size=(3, *pre))
    g = built.geometry(len(pre) - 1)
    expected = convolved(x, np.asarray(built.weight), g["stride"], g["padding"], g["dilation"], built.groups)
    expected = expected + (0.0 if built.bias is None else np.asarray(built.bias)[:, None, None])
    np.testing.assert_allclose(np.asarray(built(jnp.asarray(x))).reshape(expected.shape), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["groups", "one axis"])
def test_a_convolution_is_its_dense_matrix(name, x64):
    """The same network with the convolution written out as a matrix gives the same membrane."""
    recipe, pre, channels = CONVOLUTIONS[name]
    post = recipe.output_shape(pre, channels)
    conv = recipe.build(pre, post, KEY)
    bias = None if conv.bias is None else np.broadcast_to(np.asarray(conv.bias).reshape(-1, 1, 1), post)
    matrix = as_matrix(conv, pre) - (0 if bias is None else bias)
    x = (np.random.default_rng(1).random((8, 2, *pre)) < 0.3).astype(float)

    def membrane(connection):
        net = sn.Network(dict(input=sn.Input(pre), cell=sn.LI(post)),
                         [sn.Projection("input", "cell", connection, delay=1.0)], key=KEY)
        return np.asarray(sn.simulate(net, {"input": x}, duration=8.0)["cell", "output"])
    dense = sn.Dense(matrix.reshape(len(matrix), -1), bias=bias)
    found = membrane(conv)
    assert np.abs(found).max() > 0.1
    np.testing.assert_allclose(found, membrane(dense), atol=1e-12)


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize(("size", "stride", "padding"), [(2, None, 0), (3, 2, 1), ((2, 3), (1, 2), (0, 1))])
def test_pooling_by_hand(size, stride, padding, average, x64):
    pool = (sn.AvgPool2d if average else sn.SumPool2d)(size, stride, padding)
    pre, (kernel, step, pad) = (2, 6, 7), pool.windows()
    post = pool.output_shape(pre)
    x = np.random.default_rng(0).normal(size=(3, *pre))
    ones = np.zeros((2, 2, *kernel))
    ones[[0, 1], [0, 1]] = 1.0 / np.prod(kernel) if average else 1.0
    found = pool.build(pre, post, KEY)(jnp.asarray(x))
    np.testing.assert_allclose(found, convolved(x, ones, step, pad, (1, 1), 1), atol=1e-12)


@pytest.mark.parametrize(("connection", "pre", "post", "word"), [
    (sn.Conv2d(3), (2, 6, 6), (4, 5, 5), "(4, 4, 4)"), (sn.Conv2d(3), (36,), (4, 4, 4), "channels"),
    (sn.Conv2d(3, groups=2), (3, 6, 6), (4, 4, 4), "groups"),
    (sn.Conv2d((3, 3, 3)), (2, 6, 6), (4, 4, 4), "kernel_size"),
    (sn.Conv1d(3, stride=(1, 2)), (2, 6), (4, 4), "stride"), (sn.SumPool2d(2), (2, 6, 6), (2, 2, 2), "(2, 3, 3)"),
    (sn.AvgPool2d(2), (6, 6), (3, 3), "channels"), (sn.OneToOne(), (4,), (5,), "one size"),
])
def test_shapes_that_do_not_fit(connection, pre, post, word):
    with pytest.raises(ShapeError) as caught:
        connection.build(pre, post, KEY)
    assert word in str(caught.value)


# -- fan-out -------------------------------------------------------------------------------------------------


def with_zeros(connection):
    kept = np.random.default_rng(3).random(connection.weight.shape) < 0.5
    return sn.Dense(jnp.where(kept, connection.weight, 0.0), connection.bias, connection.post)


FAN_OUT = {
    **{name: (recipe, pre, recipe.output_shape(pre, channels))
       for name, (recipe, pre, channels) in CONVOLUTIONS.items() if name not in ("plain", "dilation")},
    "sum pool": (sn.SumPool2d(3, 2, 1), (2, 6, 6), (2, 3, 3)), "mean pool": (sn.AvgPool2d(3, 1), (1, 5, 5), (1, 3, 3)),
    "dense": (sn.Dense(bias=True), (2, 3), (4,)), "one to one": (sn.OneToOne(), (5,), (5,)),
    "sparse": (sn.Sparse(sn.FixedTotalNumber(40), weight=-0.5), (6,), (2, 3)),
    "sparse with a silent synapse": (sn.Sparse.from_edges([0, 0, 2], [1, 2, 0], [0.0, 1.0, -1.0]), (3,), (3,)),
}


@pytest.mark.parametrize("name", FAN_OUT)
def test_fan_out_by_counting(name):
    recipe, pre, post = FAN_OUT[name]
    built = recipe.build(pre, post, KEY)
    if name == "dense":
        built = with_zeros(built)
    if name.startswith("sparse"):
        expected = np.bincount(np.asarray(built.sources)[np.asarray(built.weight) != 0], minlength=np.prod(pre))
    else:
        without_bias = as_matrix(built, pre) - np.asarray(built(jnp.zeros((1, *pre))))
        expected = (np.abs(without_bias) > 1e-6).reshape(np.prod(pre), -1).sum(1)
    found = built.fan_out(pre, post)
    assert (found.dtype, found.shape) == (np.int64, pre)
    np.testing.assert_array_equal(found.ravel(), expected)
    assert found.sum() > 0


# -- values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("connection", "pre", "post", "fan_in"), [
    (sn.Dense(), (100,), (80,), 100), (sn.Conv2d(5), (4, 12, 12), (32, 8, 8), 100),
    (sn.Conv1d(5, groups=2), (40, 12), (32, 8), 100)])
def test_weights_begin_uniform_within_the_root_of_fan_in(connection, pre, post, fan_in):
    weight = np.asarray(connection.build(pre, post, KEY).weight)
    bound = fan_in**-0.5
    assert 0.99 * bound < np.abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert abs(weight.mean()) < 0.05 * bound


def test_numbers_arrays_and_initialisers():
    assert (np.asarray(sn.Dense(0.5).build((2,), (3,), KEY).weight) == 0.5).all()
    given = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(sn.Dense(given).build((2,), (3,), KEY).weight, given)
    drawn = np.asarray(sn.Dense(jax.nn.initializers.normal(0.1)).build((80,), (90,), KEY).weight)
    assert drawn.std() == pytest.approx(0.1, rel=0.05)
    assert sn.Dense(bias=True).build((2,), (3,), KEY).bias.tolist() == [0.0] * 3
    assert sn.Dense(bias=None).build((2,), (3,), KEY).bias is None
    again = sn.Dense().build((2,), (3,), KEY)
    np.testing.assert_array_equal(again.weight, sn.Dense().build((2,), (3,), KEY).weight)
    with pytest.raises(ConfigurationError, match="shape"):
        sn.Dense(given).build((3,), (2,), KEY)


def test_sparse_is_its_dense_matrix(x64):
    sparse = sn.Sparse(sn.FixedTotalNumber(30), weight=jax.nn.initializers.normal(1.0)).build((2, 3), (4,), KEY)
    matrix = np.zeros((6, 4))
    np.add.at(matrix, (np.asarray(sparse.sources), np.asarray(sparse.targets)), np.asarray(sparse.weight))
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    np.testing.assert_allclose(sparse(jnp.asarray(x)), x.reshape(5, 6) @ matrix, atol=1e-12)
    assert sparse.n_synapses == 30


def test_images_are_flattened_by_dense(x64):
    built = sn.Dense(bias=True).build((2, 3), (2, 2), KEY)
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    np.testing.assert_allclose(built(jnp.asarray(x)), (x.reshape(5, 6) @ np.asarray(built.weight)).reshape(5, 2, 2),
                               atol=1e-12)


def test_sparse_rows_go_through_in_parts(monkeypatch):
    built = sn.Sparse(sn.FixedInDegree(4), weight=jax.nn.initializers.normal(1.0)).build((9,), (5,), jax.random.key(0))
    signals = jnp.asarray(np.random.default_rng(0).normal(size=(7, 9)), jnp.float32)

    def loss(weight):
        return (eqx.tree_at(lambda c: c.weight, built, weight)(signals) ** 2).sum()

    whole, slope = built(signals), jax.grad(loss)(built.weight)
    monkeypatch.setattr("snnsim.kernels.event_propagation.MOST_AT_ONCE", 3 * built.n_synapses)
    np.testing.assert_allclose(built(signals), whole, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(loss)(built.weight), slope, rtol=1e-5)
