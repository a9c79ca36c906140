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
         "uint64": "uint64_t", "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "uint16": "uint16_t",
         "bool": "bool"}
_INFIX = {"add": "+", "sub": "-", "mul": "*", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
          "and": "&", "or": "|", "xor": "^"}
# Names in steps.hpp: what C++ does otherwise than JAX, and what a compiler can run on many units at once.
_CALLS = {"div": "quotient", "max": "maximum", "min": "minimum", "exp": "exponential", "log": "logarithm",
          "abs": "magnitude", "sign": "sign_of", "rem": "remainder_of", "logistic": "logistic", "clamp": "clamped",
          "shift_left": "shifted_left", "shift_right_logical": "shifted_right",
          "shift_right_arithmetic": "shifted_right_signed", "square": "squared", "rsqrt": "inverse_root",
          "is_finite": "std::isfinite", "pow": "std::pow", "atan2": "std::atan2",
          **{name: f"std::{name}" for name in (
              "sqrt", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh",
              "atanh", "expm1", "log1p", "exp2", "floor", "ceil", "erf", "erfc")}}
_SAME = {"broadcast_in_dim", "reshape", "squeeze", "stop_gradient", "copy", "copy_p", "optimization_barrier"}
# Functions called once: the parameter that holds their statements has one of these names.
_CALLED = {"jit", "pjit", "closed_call", "core_call", "remat", "remat2", "checkpoint", "custom_jvp_call",
           "custom_vjp_call", "custom_vjp_call_jaxpr"}
_INSIDE = ("jaxpr", "call_jaxpr", "fun_jaxpr")
MOST_TURNS = 64  # of a loop: it is written out turn by turn


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


def _walk(jaxpr, consts, arguments: Sequence[Value], found: list[Statement], prefix: str) -> list[Value]:
    known = dict(zip(jaxpr.invars, arguments, strict=True))
    known |= {var: _literal(value) for var, value in zip(jaxpr.constvars, consts, strict=True)}

    def value_of(atom) -> Value:
        return _literal(atom.val) if hasattr(atom, "val") else known[atom]

    def write(text: str, reads: tuple[Value, ...], dtype: str) -> Value:
        depends = 0
        for value in reads:
            depends |= value.depends
        result = Value(f"{prefix}{len(found)}", dtype, depends)
        found.append(Statement(result, text, reads))
        return result

    for eqn in jaxpr.eqns:
        reads, name = tuple(value_of(atom) for atom in eqn.invars), eqn.primitive.name
        if name in _CALLED:
            inner = next(eqn.params[key] for key in _INSIDE if key in eqn.params)
            results = _walk(*_opened(inner), reads, found, prefix)
        elif name == "cond":
            choice, *given = reads
            first, *others = (_walk(*_opened(branch), given, found, prefix) for branch in eqn.params["branches"])
            results = first
            for k, other in enumerate(others):  # what is below 0 takes the first, what is too large the last
                results = [write(f"{choice.text} > {k} ? {b.text} : {a.text}", (choice, a, b), a.dtype)
                           for a, b in zip(results, other, strict=True)]
        elif name == "scan":
            results = _turns(eqn, reads, found, prefix)
        elif name in _SAME:
            results = [_single(var, name, value) for var, value in zip(eqn.outvars, reads, strict=True)]
        elif len(eqn.outvars) != 1:
            raise NotScalarError(f"the operation {name} with {len(eqn.outvars)} results")
        elif name == "iota":
            results = [_single(eqn.outvars[0], name, _literal(np.zeros((), eqn.outvars[0].aval.dtype)))]
        else:
            dtype = str(eqn.outvars[0].aval.dtype)
            if eqn.outvars[0].aval.size != 1 or dtype not in TYPES:
                raise NotScalarError(f"{name} makes {eqn.outvars[0].aval}")
            results = [write(_operation(name, eqn.params, reads, TYPES[dtype]), reads, dtype)]
        known |= dict(zip(eqn.outvars, results, strict=True))
    return [value_of(atom) for atom in jaxpr.outvars]


def _opened(inner) -> tuple[Any, Sequence[Any]]:
    """(jaxpr, its constants)."""
    return (inner.jaxpr, inner.consts) if hasattr(inner, "consts") else (inner, ())


def _single(var, name: str, value: Value) -> Value:
    if var.aval.size != 1:
        raise NotScalarError(f"{name} makes {var.aval}")
    return value


def _turns(eqn, reads: tuple[Value, ...], found: list[Statement], prefix: str) -> list[Value]:
    """A loop of a fixed number of turns that carries scalars only."""
    turns, n_consts, n_carry = (eqn.params[name] for name in ("length", "num_consts", "num_carry"))
    if turns > MOST_TURNS or len(reads) > n_consts + n_carry or len(eqn.outvars) > n_carry:
        raise NotScalarError(f"a loop of {turns} turns over arrays" if turns <= MOST_TURNS else f"{turns} turns")
    consts, carry = reads[:n_consts], list(reads[n_consts:])
    for _ in range(turns):
        carry = _walk(*_opened(eqn.params["jaxpr"]), [*consts, *carry], found, prefix)
    return carry


def _operation(name: str, params: dict[str, Any], reads: tuple[Value, ...], c_type: str) -> str:
    given = [value.text for value in reads]
    if name in _INFIX:
        return f"{given[0]} {_INFIX[name]} {given[1]}"
    if name == "select_n" and len(given) == 3 and reads[0].dtype == "bool":
        return f"{given[0]} ? {given[2]} : {given[1]}"
    if name == "convert_element_type":
        if c_type == "bool":
            return f"{given[0]} != 0"
        if reads[0].dtype == "bool":  # compilers vectorise a choice, not the conversion of a flag
            return f"{given[0]} ? {c_type}(1) : {c_type}(0)"
        cut = reads[0].dtype.startswith("float") and c_type not in ("float", "double")
        return f"truncated<{c_type}>({given[0]})" if cut else f"{c_type}({given[0]})"
    if name == "neg":
        return f"-{given[0]}"
    if name == "not":
        return f"!{given[0]}" if reads[0].dtype == "bool" else f"~{given[0]}"
    if name == "integer_pow":
        return f"power({given[0]}, {params['y']})"
    if name == "round":
        even = params["rounding_method"] == jax.lax.RoundingMethod.TO_NEAREST_EVEN
        return f"{'std::nearbyint' if even else 'std::round'}({given[0]})"
    if name in _CALLS:
        return f"{_CALLS[name]}({', '.join(given)})"
    raise NotScalarError(f"the operation {name}")


def _literal(value: Any) -> Value:
    if isinstance(value, jax.core.Tracer):
        raise NotScalarError("a value of the program around")
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
    if number == np.iinfo("int64").min:  # has no literal: the minus is applied to the digits
        return Value(f"({number + 1} - 1)", dtype, 0)
    return Value(f"{TYPES[dtype]}({number}{'u' * dtype.startswith('u')})", dtype, 0)
