"""Every scalar operation of the generated C++ against JAX, on the numbers where languages differ."""

import math
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from scalar_programs import by_jax, compiled

from snnsim.kernels import native
from snnsim.kernels.expressions import MOST_TURNS, SAMPLE, STATE, STEP, UNIT, NotScalarError, Value, statements

compiles = pytest.mark.skipif(not native.available("propagate"), reason="no C++ compiler")

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -7.25, 1e-3, 1e-30, 0.1, -0.3, 12.5, 88.0, -88.0, 100.0,
          -104.0, 1e6, -3e9, 2.0**31, 2.0**32, 1e20, -1e30, np.inf, -np.inf, np.nan, 2.0**-127, -(2.0**-140), 8388609.5]
INTEGERS = [0, 1, -1, 2, 3, -3, 7, -8, 31, 32, 33, 63, 64, 100, -100, 65535, 2**31 - 1, -(2**31), -(2**31) + 1,
            123456789]


def pairs(values, dtype):
    """All pairs of these as two arrays."""
    first, second = zip(*product(values, values), strict=True)
    with np.errstate(over="ignore"):
        return np.array(first).astype(dtype), np.array(second).astype(dtype)


def of(operation, *names):
    """The operation on values of these names."""
    return lambda **values: operation(*(values[name] for name in names))


def to(dtype):
    return lambda x: lax.convert_element_type(x, dtype)


UNARY = {"neg": lax.neg, "abs": lax.abs, "sign": lax.sign, "square": lax.square}
ORDERED = {"eq": lax.eq, "ne": lax.ne, "lt": lax.lt, "le": lax.le, "gt": lax.gt, "ge": lax.ge, "max": lax.max,
           "min": lax.min, "select": lambda x, y: lax.select(lax.lt(x, y), x, y)}
ARITHMETIC = {"add": lax.add, "sub": lax.sub, "mul": lax.mul, "div": lax.div, "rem": lax.rem}
BITS = {"and": lax.bitwise_and, "or": lax.bitwise_or, "xor": lax.bitwise_xor}
SHIFTS = {"shift_left": lax.shift_left, "shift_right": lax.shift_right_logical,
          "shift_right_signed": lax.shift_right_arithmetic}
POWERS = {f"integer_pow {n}": lambda x, n=n: lax.integer_pow(x, n) for n in (0, 1, 2, 3, 5, 7)}
RECIPROCAL = {f"integer_pow {n}": lambda x, n=n: lax.integer_pow(x, n) for n in (-1, -2, -3)}
ROUNDING = {"floor": lax.floor, "ceil": lax.ceil, "round": lax.round,
            "round even": lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), "is_finite": lax.is_finite,
            "floor_divide": lambda x: jnp.floor_divide(x, jnp.full_like(x, 0.3))}
# Functions that call functions, branch and loop.
CALLS = {"jit": jax.jit(lambda x, y: jnp.abs(x * y)),
         "checkpoint": jax.checkpoint(lambda x, y: x - y), "relu": lambda x, y: jax.nn.relu(x - y),
         "where": lambda x, y: jnp.where(x > y, x, -y), "nan_to_num": lambda x, y: jnp.nan_to_num(x) - y,
         "cond": lambda x, y: lax.cond(x > y, lambda x, y: x, lambda x, y: y - x, x, y),
         "switch": lambda x, y: lax.switch(jnp.nan_to_num(y).astype(jnp.int32), [lax.neg, lax.abs, lax.floor], x),
         "loop": lambda x, y: lax.fori_loop(0, 3, lambda k, z: z / 2 + k.astype(z.dtype) * y, x),
         "no turns": lambda x, y: lax.fori_loop(0, 0, lambda k, z: z + y, x),
         "old value": lambda x, y: lax.fori_loop(0, 3, lambda k, pair: (pair[1], pair[0] - 1), (x, y))[0]}
# Largest difference from the exact result, in units in the last place.
TRANSCENDENTAL = {"exp": (lax.exp, 2), "log": (lax.log, 2), "log1p": (lax.log1p, 2), "expm1": (lax.expm1, 2),
                  "exp2": (lax.exp2, 2), "sqrt": (lax.sqrt, 1), "rsqrt": (lax.rsqrt, 2), "cbrt": (lax.cbrt, 2),
                  "sin": (lax.sin, 2), "cos": (lax.cos, 2), "tan": (lax.tan, 3), "tanh": (lax.tanh, 3),
                  "asin": (lax.asin, 3), "acos": (lax.acos, 3), "atan": (lax.atan, 3), "sinh": (lax.sinh, 3),
                  "cosh": (lax.cosh, 3), "asinh": (lax.asinh, 3), "acosh": (lax.acosh, 3), "atanh": (lax.atanh, 3),
                  "logistic": (lax.logistic, 4), "erf": (lax.erf, 3), "erfc": (lax.erfc, 6)}


def exact_operations(wide):
    """Operations whose result is defined to the bit."""
    signed, unsigned = ("int64", "uint64") if wide else ("int32", "uint32")
    found = {}
    for name, operation in {**UNARY, **ROUNDING}.items():
        found[f"float {name}"] = of(operation, "x")
    for name, operation in {**ORDERED, **ARITHMETIC}.items():
        found[f"float {name}"] = of(operation, "x", "y")
    for name, operation in {**POWERS, **RECIPROCAL}.items():
        found[f"float {name}"] = of(operation, "x")
    found["float clamp"] = of(lambda x, y: lax.clamp(jnp.full_like(x, -2.0), x, y), "x", "y")
    for name, operation in CALLS.items():
        found[f"call {name}"] = of(operation, "x", "y")
    for kind, first, second in (("signed", "i", "j"), ("unsigned", "u", "w")):
        for name, operation in UNARY.items():
            if name != "abs" or kind == "signed":
                found[f"{kind} {name}"] = of(operation, first)
        found[f"{kind} not"] = of(lax.bitwise_not, first)
        for name, operation in {**ORDERED, **ARITHMETIC, **BITS, **SHIFTS}.items():
            found[f"{kind} {name}"] = of(operation, first, second)
        for name, operation in POWERS.items():
            found[f"{kind} {name}"] = of(operation, first)
        found[f"{kind} less smallest"] = of(lambda x: x - jnp.array(jnp.iinfo(x.dtype).min, x.dtype), first)
        found[f"{kind} less largest"] = of(lambda x: x - jnp.array(jnp.iinfo(x.dtype).max, x.dtype), first)
        found[f"{kind} clamp"] = of(lambda x, y: lax.clamp(jnp.full_like(x, 5), x, y), first, second)
        found[f"{kind} floor_divide"] = of(jnp.floor_divide, first, second)
        found[f"{kind} mod"] = of(jnp.remainder, first, second)
    for name, operation in {**BITS, "eq": lax.eq, "ne": lax.ne, "max": lax.max, "min": lax.min}.items():
        found[f"flag {name}"] = of(operation, "b", "c")
    found["flag not"] = of(lax.bitwise_not, "b")
    found["flag select"] = of(lax.select, "b", "c", "b")
    targets = ["float32", signed, unsigned, "bool", "int8", "uint8", "int16", "uint16"]
    targets += ["float64", "int32"] if wide else []
    for name, target in product("xiub", targets):
        found[f"{name} to {target}"] = of(to(target), name)
    return found


def values_of(wide):
    x, y = pairs(FLOATS, "float64" if wide else "float32")
    i, j = pairs(INTEGERS + [0] * (len(FLOATS) - len(INTEGERS)), "int64" if wide else "int32")
    u, w = (array.astype("uint64" if wide else "uint32") for array in (i, j))
    return dict(x=x, y=y, i=i, j=j, u=u, w=w, b=np.resize([True, False, True, False], x.shape),
                c=np.resize([True, True, False, False], x.shape))


def assert_same(name, found, expected, given):
    """Equal values, NaN for NaN, and the same zeros; which of two equal numbers is the larger is left open."""
    assert found.dtype == expected.dtype, name
    if name.split()[1] in ("max", "min", "clamp"):  # numbers below the normal ones count as 0
        found, expected = (np.where(np.abs(z) < np.finfo(z.dtype).tiny, 0, z) if z.dtype.kind == "f" else z
                           for z in (found, expected))
    same = (found == expected) | ((found != found) & (expected != expected))
    if found.dtype.kind == "f":
        same &= (np.signbit(found) == np.signbit(expected)) | (found != found)
    where = np.flatnonzero(~same)
    examples = [({key: str(array[k]) for key, array in given.items()}, str(found[k]), str(expected[k]))
                for k in where[:3]]
    assert not len(where), f"{name}: {len(where)} differ; inputs, here, JAX: {examples}"


@compiles
@pytest.mark.parametrize("wide", [False, True], ids=["float32", "float64"])
def test_every_operation_equals_jax(wide):
    """To the bit: sums, products, comparisons, whole numbers, shifts, roundings, choices and conversions."""
    with jax.enable_x64(wide):
        functions, values = exact_operations(wide), values_of(wide)
        found, expected = compiled(functions, values), by_jax(functions, values)
    faults = []
    for name in functions:
        try:
            assert_same(name, found[name], expected[name], values)
        except AssertionError as error:
            faults.append(str(error))
    assert not faults, "\n".join(faults)


def in_last_places(found, exact):
    """Difference in units in the last place of float32."""
    with np.errstate(over="ignore"):
        unit = np.spacing(np.maximum(np.abs(exact), np.finfo("float32").tiny).astype("float32"))
    return np.abs(found.astype("float64") - exact) / unit.astype("float64")


@compiles
def test_functions_are_as_precise_as_their_type():
    """float32 against float64 by JAX, float64 against JAX to 1e-13."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, scale, 300) for scale in (1e-4, 0.3, 3.0, 30.0)]).astype("float32")
    y = rng.normal(0, 2, len(x)).astype("float32")
    functions = {name: of(function, "x") for name, (function, _) in TRANSCENDENTAL.items()}
    functions |= {"pow": of(lambda x, y: lax.pow(jnp.abs(x), y), "x", "y"), "atan2": of(lax.atan2, "x", "y")}
    found = compiled(functions, dict(x=x, y=y))
    with jax.enable_x64(True):
        wide = dict(x=x.astype("float64"), y=y.astype("float64"))
        exact, found_wide = by_jax(functions, wide), compiled(functions, wide)
    faults = {}
    for name in functions:
        finite = np.isfinite(exact[name]) & (np.abs(exact[name]) < np.finfo("float32").max)
        np.testing.assert_array_equal(np.isnan(found[name]), np.isnan(exact[name]), name)
        usual = finite & (np.abs(exact[name]) > np.finfo("float32").tiny)
        assert usual.sum() > 200, name
        off = in_last_places(found[name][usual], exact[name][usual]).max()
        if off > TRANSCENDENTAL.get(name, (None, 2))[1]:
            faults[name] = off
        np.testing.assert_allclose(found_wide[name][finite], exact[name][finite], rtol=1e-13, atol=1e-300, err_msg=name)
    assert not faults


@compiles
def test_exponential_over_its_whole_range():
    """Within 1.1 units in the last place; 0 below, infinite above, as the correctly rounded function."""
    x = np.arange(0, 2**32, 9973, dtype=np.uint64).astype(np.uint32).view("float32")
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 88.7228, 88.7229, -87.336, -87.337, -103.97, -103.98, -104.5, -1e4]
    x = np.concatenate([x, np.array(edges, "float32"), np.linspace(-106, 90, 200_001, dtype="float32")])
    found = compiled({"exp": of(lax.exp, "x")}, dict(x=x))["exp"]
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.exp(x.astype("float64"))
    limits = np.finfo("float32")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(x))
    np.testing.assert_array_equal(np.isinf(found), exact >= float(limits.max) * (1 + 2.0**-25))
    usual = (exact <= float(limits.max)) & (exact >= float(limits.tiny))
    assert in_last_places(found[usual], exact[usual]).max() < 1.1
    small = exact < float(limits.tiny)  # XLA sets them to 0
    assert (found[small] == 0).all() or np.abs(found[small] - exact[small]).max() <= limits.smallest_subnormal
    assert (found[x < -104.5] == 0).all()
    assert found[x == 0].tolist() == [1.0] * (x == 0).sum()


SCALAR = jax.ShapeDtypeStruct((), jnp.float32)


def program(function, depends=(STATE | UNIT,)):
    arguments = [Value(f"x{k}", "float32", one) for k, one in enumerate(depends)]
    return statements(function, arguments, [SCALAR] * len(arguments), "v")


NOT_SCALAR = {
    "sorting": lambda x: jnp.sort(jnp.stack([x, -x]))[0],
    "table": lambda x: jnp.asarray([1.0, 2.0])[x.astype(jnp.int32)],
    "loop until": lambda x: lax.while_loop(lambda z: z < 1, lambda z: z + 1, x),
    "loop of two": lambda x: lax.while_loop(lambda z: z[0] < 1, lambda z: (z[1], z[0] + 1), (x, x))[0],
    "long loop": lambda x: lax.fori_loop(0, MOST_TURNS + 1, lambda k, z: z * z, x),
    "loop over an array": lambda x: lax.scan(lambda c, a: (c + a, None), x, jnp.ones(3))[0],
    "loop that collects": lambda x: lax.scan(lambda c, _: (c + 1, c), x, None, length=3)[1].sum(),
    "half precision": lambda x: x.astype(jnp.bfloat16).astype(jnp.float32),
    "complex": lambda x: jnp.real(lax.complex(x, x)),
    "printing": lambda x: (jax.debug.print("{}", x), x)[1],
    "call to Python": lambda x: jax.pure_callback(lambda x: x, SCALAR, x),
    "choice of three": lambda x: lax.select_n(x.astype(jnp.int32), x, -x, x),
    "broadcast": lambda x: jnp.broadcast_to(x, (3,)).sum(),
    "no counterpart": lambda x: lax.digamma(x),
}


@pytest.mark.parametrize("name", NOT_SCALAR)
def test_what_is_no_scalar_program_is_told(name):
    with pytest.raises(NotScalarError):
        program(lambda x: [NOT_SCALAR[name](x)])


def test_a_value_of_the_program_around_is_told():
    """Constants must be handed over: as a literal, a traced value has no number."""
    @jax.jit
    def around(y):
        with pytest.raises(NotScalarError):
            program(lambda x: [x * y])
        return y
    around(jnp.ones(()))


def test_statements_are_those_that_are_needed_in_order():
    found, (result, same) = program(lambda x, y: [(x + y) * y, x], (UNIT, STATE | UNIT))
    assert [statement.text for statement in found] == ["x0 + x1", "v0 * x1"]
    assert result.text == "v1"
    assert same.text == "x0"
    found, _ = program(lambda x, y: [jnp.sin(x)], (UNIT, STATE))  # what y would need is left out
    assert [statement.text for statement in found] == ["std::sin(x0)"]


@pytest.mark.parametrize(("depends", "expected"), [
    ((0, 0), 0), ((UNIT, 0), UNIT), ((0, STEP), STEP), ((SAMPLE, STEP), SAMPLE | STEP),
    ((UNIT, STATE | UNIT), UNIT | STATE)])
def test_a_result_depends_on_what_its_operands_do(depends, expected):
    _, (result,) = program(lambda x, y: [x * y], depends)
    assert result.depends == expected


def test_literals_keep_their_value():
    """Numbers without a literal of their own in C++ among them."""
    found, _ = program(lambda x: [x * jnp.inf, x * -jnp.inf, x * jnp.nan, x * np.float32(0.1), x * -0.0])
    assert [s.text for s in found] == ["x0 * float(INFINITY)", "x0 * float(-INFINITY)", "x0 * float(NAN)",
                                       f"x0 * float({float(np.float32(0.1)).hex()})", "x0 * float(-0x0.0p+0)"]
    assert math.isclose(float.fromhex(float(np.float32(0.1)).hex()), 0.1, rel_tol=1e-7)
