"""A tree of modules as plain structure and named arrays, and back.

The structure is JSON: numbers, strings, None and flags stand for themselves, everything else is an object with
one tag: ``{"module": class name, "fields": {...}}``, ``{"tuple": [...]}``, ``{"list": [...]}``,
``{"dict": [[key, value], ...]}``, ``{"array": name}`` (``{"numpy": name}`` for a NumPy array that JAX would cut
short) and
``{"float": "nan" | "inf" | "-inf"}``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError, FileFormatError, SnnsimError, UnsupportedError
from snnsim.io.registry import registry

MAX_DEPTH = 64  # deeper than any network; keeps a made-up file from exhausting the stack
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Encoded(NamedTuple):
    """A tree of modules in parts that a file can hold.

    Args:
        structure: JSON-able.
        arrays: arrays by name.
        units: unit of each array, from its field's declaration ("" where none is declared).
    """

    structure: Any
    arrays: dict[str, np.ndarray]
    units: dict[str, str]


def encode(tree: Any) -> Encoded:
    """Structure and arrays of a tree of modules, tuples, lists, dictionaries, arrays and plain values.

    Args:
        tree: for example a `Network`.

    Returns:
        `Encoded`.

    Raises:
        UnsupportedError: a value that is none of these (a function, a random key).
        ConfigurationError: a class of the caller that has the name of one of ours.
    """
    coder = _Encoder()
    return Encoded(coder.node(tree, "", ""), coder.arrays, coder.units)


class _Encoder:
    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.units: dict[str, str] = {}
        self.ours = registry()

    def node(self, value: Any, path: str, unit: str) -> Any:
        if isinstance(value, np.bool_ | np.integer | np.floating):
            value = value.item()
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": str(value)}
        if eqx.is_array(value) or isinstance(value, np.ndarray):
            return self.array(value, path, unit)
        if isinstance(value, eqx.Module) and dataclasses.is_dataclass(value):
            return self.module(value, path)
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {"dict": [[key, self.node(v, _join(path, key), unit)] for key, v in value.items()]}
        if type(value) in (tuple, list):  # named tuples have a class, which would be lost
            items = [self.node(v, _join(path, str(k)), unit) for k, v in enumerate(value)]
            return {type(value).__name__: items}
        raise _refused(value, path)

    def module(self, value: Any, path: str) -> Any:
        kind = type(value)
        if self.ours.get(kind.__name__, kind) is not kind:
            raise ConfigurationError(got=f"a class {kind.__module__}.{kind.__qualname__}", where=path or kind.__name__,
                                     expected=f"a name that snnsim does not use: it has its own {kind.__name__}",
                                     fix="rename your class: files know classes by name")
        fields = {field.name: self.node(getattr(value, field.name), _join(path, field.name),
                                        field.metadata.get("unit", ""))
                  for field in dataclasses.fields(value)}
        return {"module": kind.__name__, "fields": fields}

    def array(self, value: Any, path: str, unit: str) -> Any:
        if isinstance(value, jax.core.Tracer) or (
                isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)):
            raise _refused(value, path)
        name, again = path or "array", 1
        while name in self.arrays:  # keys with dots may meet
            again += 1
            name = f"{path}~{again}"
        self.arrays[name], self.units[name] = np.asarray(value), unit
        # A network fetched to the host is the same network; only what JAX would cut short stays there.
        host = isinstance(value, np.ndarray) and jax.dtypes.canonicalize_dtype(value.dtype) != value.dtype
        return {"numpy" if host else "array": name}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _refused(value: Any, path: str) -> UnsupportedError:
    return UnsupportedError(got=f"{type(value).__name__} {value!r:.80}", where=path or "the tree",
                            expected="modules, tuples, lists, dictionaries, arrays, numbers, text or None",
                            fix="build the network first (recipes become arrays), or remove this value")


def decode(structure: Any, arrays: Mapping[str, np.ndarray], classes: Mapping[str, type], where: str) -> Any:
    """The tree that `encode` took apart.

    Objects are made as equinox makes them in its transformations, field by field, then every `__check_init__`
    runs and every declared bound and choice is checked: a file is no way around a constructor.

    Args:
        structure: as `encode` gave it.
        arrays: arrays by name.
        classes: the only classes that the structure may name, see `registry`.
        where: the file, for messages.

    Returns:
        The tree; arrays are JAX arrays of the stored type (those marked "numpy" are NumPy's).

    Raises:
        FileFormatError: an unknown class, missing or unknown fields, values that a class refuses, arrays that
            are missing or left over.
        ConfigurationError: 64-bit numbers while JAX keeps 32 bits.
    """
    decoder = _Decoder(arrays, classes, where)
    tree = decoder.node(structure, "", 0)
    if unused := sorted(set(arrays) - decoder.used):
        raise decoder.wrong("", f"arrays that nothing refers to: {', '.join(unused[:5])}", "each array once")
    return tree


class _Decoder:
    def __init__(self, arrays: Mapping[str, np.ndarray], classes: Mapping[str, type], where: str):
        self.arrays, self.classes, self.where, self.used = arrays, classes, where, set[str]()

    def wrong(self, path: str, got: str, expected: str, fix: str = "save the network again") -> FileFormatError:
        return FileFormatError(got=got, expected=expected, where=f"{self.where}, {path}" if path else self.where,
                               fix=fix)

    def node(self, value: Any, path: str, depth: int) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if depth > MAX_DEPTH or not isinstance(value, dict):
            raise self.wrong(path, f"{value!r:.60}", f"a tagged value at most {MAX_DEPTH} deep")
        tags = set(value)
        if tags == {"module", "fields"} and isinstance(value["fields"], dict):
            return self.module(value["module"], value["fields"], path, depth)
        tag, content = next(iter(value.items()), ("", None))
        if len(tags) == 1:
            if tag in ("tuple", "list") and isinstance(content, list):
                items = [self.node(item, _join(path, str(k)), depth + 1) for k, item in enumerate(content)]
                return tuple(items) if tag == "tuple" else items
            if tag == "dict" and isinstance(content, list) and all(
                    isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in content):
                return {key: self.node(item, _join(path, key), depth + 1) for key, item in content}
            if tag in ("array", "numpy") and isinstance(content, str):
                return self.array(content, tag, path)
            if tag == "float" and content in ("nan", "inf", "-inf"):
                return _SPECIAL[content]
        raise self.wrong(path, f"tags {', '.join(sorted(tags))[:60] or 'none'}", "one known tag")

    def array(self, name: str, tag: str, path: str) -> Any:
        if name not in self.arrays or name in self.used:
            raise self.wrong(path, f"array {name!r} {'twice' if name in self.used else 'missing'}", "each array once")
        self.used.add(name)
        value = self.arrays[name]
        if tag == "numpy":
            return value
        if jax.dtypes.canonicalize_dtype(value.dtype) != value.dtype:
            raise ConfigurationError(got=f"numbers of type {value.dtype}", where=f"{self.where}, {path}",
                                     expected=f"{jax.dtypes.canonicalize_dtype(value.dtype)}, as JAX is set now",
                                     fix='call jax.config.update("jax_enable_x64", True) before loading')
        return jnp.asarray(value)

    def module(self, name: Any, fields: dict[str, Any], path: str, depth: int) -> Any:
        kind = self.classes.get(name) if isinstance(name, str) else None
        if kind is None:
            raise self.wrong(path, f"class {name!r:.60}", "a class of snnsim, or one that was passed",
                             "pass your own classes: load(path, classes=[MyNeuron])")
        declared = {field.name: field for field in dataclasses.fields(kind)}
        for title, names in (("lacks fields", set(declared) - set(fields)),
                             ("has unknown fields", set(fields) - set(declared))):
            if names:
                raise self.wrong(path, f"{name} that {title} {', '.join(sorted(names))[:100]}",
                                 "the fields of this version", "load it with the version of snnsim that wrote it")
        module: Any = object.__new__(kind)
        for title, content in fields.items():
            object.__setattr__(module, title, self.node(content, _join(path, title), depth + 1))
        try:
            for field in declared.values():
                _check_declared(field, getattr(module, field.name))
            for owner in kind.__mro__:
                if "__check_init__" in owner.__dict__:
                    owner.__dict__["__check_init__"](module)
        except SnnsimError as error:
            raise self.wrong(path, error.got, error.expected) from error
        except Exception as error:  # a value of the wrong type may fail in any way inside a class
            raise self.wrong(path, f"{name} that fails its own check ({error})"[:200],
                             f"values that {name} accepts") from error
        return module


def _check_declared(field: dataclasses.Field, value: Any) -> None:
    """Choices and bounds as declared by `static` and `param`."""
    choices = field.metadata.get("choices") or ()
    if choices and value not in choices:
        raise ConfigurationError(got=f"{field.name} = {value!r:.60}", where=field.name, fix="choose one of these",
                                 expected=f"one of {', '.join(map(repr, choices))}")
    if eqx.is_array(value):
        low, high = field.metadata.get("bounds", (None, None))
        fine = (low is None or (value >= low).all()) and (high is None or (value <= high).all())
        if not fine:
            raise ConfigurationError(got=f"{field.name} outside {low} to {high}", expected="values within the bounds",
                                     where=field.name, fix="correct the value")
