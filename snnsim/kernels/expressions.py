"""C++ of a function of scalars: the statements of its jaxpr, sorted by how often they must run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isinf, isnan
from typing import Any, NamedTuple

import jax
import numpy as np

# What a value depends on. A value of none of these is the same for the whole run.
UNIT, STEP, SAMPLE, STATE = 1, 2, 4, 8

TYPES = {"float32": "float", "float64": "double", "int32": "int32_t", "uint32": "uint32_t", "int64": "int64_t",
         "uint64": "uint64_t", "int8": "int8_t", "uint8": "uint8_t", "bool": "bool"}
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">",
          "ge": ">=", "and": "&", "or": "|", "xor": "^"}
# Names in steps.hpp: what C++ does otherwise than JAX, and what a compiler can run on many units at once.
_CALLS = {"max": "maximum", "min": "minimum", "exp": "exponential", "log": "logarithm", "abs": "magnitude",
          "sign": "sign_of", "rem": "remainder_of", "integer_pow": "power", "logistic": "logistic",
          "clamp": "clamped", "shift_left": "shifted_left", "shift_right_logical": "shifted_right", "shift_right_arithmetic": "shifted_right_signed",
          "square": "squared", "rsqrt": "inverse_root", "is_finite": "std::isfinite", "round": "rounded",
          "sqrt": "std::sqrt", "sin": "std::sin", "cos": "std::cos", "tan": "std::tan", "tanh": "std::tanh",
          "expm1": "std::expm1", "log1p": "std::log1p", "exp2": "std::exp2", "pow": "std::pow", "floor": "std::floor",
          "ceil": "std::ceil", "erf": "std::erf", "erfc": "std::erfc", "atan2": "std::atan2", "cbrt": "std::cbrt"}
_SAME = {"broadcast_in_dim", "reshape", "squeeze", "stop_gradient", "copy", "copy_p", "optimization_barrier"}
_INLINED = ("jaxpr", "call_jaxpr", "fun_jaxpr")


class NotScalarError(Exception):
    """A function that is no chain of scalar operations; callers fall back to XLA."""


class Value(NamedTuple):
    """A value in the program: its C++ expression or name, its type, and what it depends on."""

    text: str
    dtype: str
    depends: int

    @property
    def c_type(self) -> str:
        """Its type in C++."""
        return TYPES[self.dtype]


class Statement(NamedTuple):
    """``result = text`` with the values that it reads."""

    result: Value
    text: str
    reads: tuple[Value, ...]


def statements(function: Callable, arguments: Sequence[Value], example: Sequence[Any], prefix: str,
               ) -> tuple[list[Statement], list[Value]]:
    """(statements that are needed, results) of ``function(*arguments)``, in order.

    Args:
        function: of scalars, to a flat list of scalars; may call jitted functions and custom derivatives.
        arguments: name, type and dependence of each argument.
        example: abstract scalars like the arguments.
        prefix: what the names of intermediate values begin with.

    Raises:
        NotScalarError: an operation on arrays, or one that has no counterpart here.
    """
    closed = jax.make_jaxpr(function)(*example)
    found: list[Statement] = []
    results = _walk(closed.jaxpr, closed.consts, list(arguments), found, prefix)
    needed = {result.text for result in results}
    kept = []
    for statement in reversed(found):
        if statement.result.text in needed:
            needed |= {value.text for value in statement.reads}
            kept.append(statement)
    return kept[::-1], results


def _walk(jaxpr, consts, arguments: list[Value], found: list[Statement], prefix: str) -> list[Value]:
    known = dict(zip(jaxpr.invars, arguments, strict=True))
    known |= {var: _literal(value) for var, value in zip(jaxpr.constvars, consts, strict=True)}

    def value_of(atom) -> Value:
        return _literal(atom.val) if hasattr(atom, "val") else known[atom]

    for eqn in jaxpr.eqns:
        reads = tuple(value_of(atom) for atom in eqn.invars)
        inner = next((eqn.params[name] for name in _INLINED if name in eqn.params), None)
        if inner is not None:
            plain, inside = (inner.jaxpr, inner.consts) if hasattr(inner, "consts") else (inner, ())
            outputs = _walk(plain, inside, list(reads), found, prefix)
            known |= dict(zip(eqn.outvars, outputs, strict=True))
            continue
        (out,) = eqn.outvars
        name = eqn.primitive.name
        dtype = str(out.aval.dtype)
        if name == "iota" and out.aval.size == 1:
            known[out] = _literal(np.zeros((), dtype))
            continue
        if out.aval.size != 1 or dtype not in TYPES:
            raise NotScalarError(f"{name} makes {out.aval}")
        if name in _SAME:
            known[out] = reads[0]
            continue
        depends = 0
        for value in reads:
            depends |= value.depends
        result = Value(f"{prefix}{len(found)}", dtype, depends)
        found.append(Statement(result, _operation(name, eqn.params, reads, result.c_type), reads))
        known[out] = result
    return [value_of(atom) for atom in jaxpr.outvars]


def _operation(name: str, params: dict[str, Any], reads: tuple[Value, ...], c_type: str) -> str:
    given = [value.text for value in reads]
    if name in _INFIX:
        return f"{given[0]} {_INFIX[name]} {given[1]}"
    if name == "select_n" and len(given) == 3 and reads[0].dtype == "bool":
        return f"{given[0]} ? {given[2]} : {given[1]}"
    if name == "convert_element_type":
        if c_type == "bool":
            return f"{given[0]} != 0"
        # Compilers vectorise a choice, not the conversion of a flag.
        return f"{given[0]} ? {c_type}(1) : {c_type}(0)" if reads[0].dtype == "bool" else f"{c_type}({given[0]})"
    if name == "neg":
        return f"-{given[0]}"
    if name == "not":
        return f"!{given[0]}" if reads[0].dtype == "bool" else f"~{given[0]}"
    if name == "integer_pow":
        return f"power({given[0]}, {params['y']})"
    if name == "round" and "TO_NEAREST_EVEN" not in str(params["rounding_method"]):
        return f"std::round({given[0]})"
    if name in _CALLS:
        return f"{_CALLS[name]}({', '.join(given)})"
    raise NotScalarError(f"the operation {name}")


def _literal(value: Any) -> Value:
    array = np.asarray(value)
    if array.size != 1 or str(array.dtype) not in TYPES:
        raise NotScalarError(f"a constant of shape {array.shape} and dtype {array.dtype}")
    dtype = str(array.dtype)
    number = array.reshape(()).item()
    if dtype == "bool":
        return Value("true" if number else "false", dtype, 0)
    if dtype.startswith("float"):
        text = "NAN" if isnan(number) else f"{'-' * (number < 0)}INFINITY" if isinf(number) else float(number).hex()
        return Value(f"{TYPES[dtype]}({text})", dtype, 0)
    return Value(f"{TYPES[dtype]}({number}{'u' * dtype.startswith('u')})", dtype, 0)
