"""What a NIR node may hold, and the checks that every node from outside passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnsim.core.errors import FileFormatError

# Fields of each primitive; a question mark means that files may leave it out.
FIELDS: dict[str, tuple[str, ...]] = {
    "Input": ("shape",), "Output": ("shape",),
    "Affine": ("weight", "bias"), "Linear": ("weight",), "Scale": ("scale",),
    "Conv1d": ("input_shape?", "weight", "stride", "padding", "dilation", "groups", "bias"),
    "Conv2d": ("input_shape?", "weight", "stride", "padding", "dilation", "groups", "bias"),
    "SumPool2d": ("kernel_size", "stride", "padding"), "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Flatten": ("start_dim", "end_dim", "input_type?"), "Delay": ("delay",), "Threshold": ("threshold",),
    "I": ("r",), "IF": ("r", "v_threshold", "v_reset?"), "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset?"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in?"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset?", "w_in?"),
}
NEURONS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF", "Threshold")
_POSITIVE = {"tau", "tau_syn", "tau_mem", "stride", "dilation", "groups", "kernel_size", "shape"}
_NOT_NEGATIVE = {"delay", "padding"}
_WHOLE = {"stride", "padding", "dilation", "groups", "kernel_size", "shape", "input_shape", "start_dim", "end_dim",
          "input_type"}


@dataclass(frozen=True)
class Node:
    """One checked node.

    Args:
        name: its path in the graph, for messages.
        kind: NIR type.
        fields: arrays (float64 unless the file says otherwise, or integers) and texts by name.
        notes: what `to_nir` wrote down beside NIR's own fields.
    """

    name: str
    kind: str
    fields: Mapping[str, Any]
    notes: Mapping[str, Any]


def node_error(where: str, name: str, got: str, expected: str,
               fix: str = "correct the file or the program that wrote it") -> FileFormatError:
    """The error for a node that cannot be what was meant."""
    return FileFormatError(got=got, expected=expected, where=f"{where}, node {name!r}", fix=fix)


def checked_node(name: str, raw: Mapping[str, Any], where: str) -> Node:
    """A node with all of its fields, known, finite and in range.

    Args:
        name: path of the node in the graph.
        raw: its fields as they came, with "type".
        where: the file or graph, for messages.

    Raises:
        FileFormatError: unknown type, missing or unknown fields, numbers that are not finite or out of range.
    """
    kind = raw.get("type")
    if not isinstance(kind, str) or kind not in FIELDS:
        raise node_error(where, name, f"type {kind!r:.40}", f"one of {', '.join(FIELDS)}")
    needed = {field for field in FIELDS[kind] if not field.endswith("?")}
    allowed = {field.rstrip("?") for field in FIELDS[kind]}
    given = {field: value for field, value in raw.items() if field not in ("type", "metadata") and value is not None}
    if missing := needed - set(given):
        raise node_error(where, name, f"{kind} without {', '.join(sorted(missing))}",
                         f"fields {', '.join(sorted(needed))}")
    if unknown := set(given) - allowed:
        raise node_error(where, name, f"{kind} with {', '.join(sorted(unknown))[:80]}",
                         f"fields {', '.join(sorted(allowed))}")
    fields = {field: _checked(name, field, value, where) for field, value in given.items()}
    metadata = raw.get("metadata")
    notes = metadata.get("snnsim", {}) if isinstance(metadata, Mapping) else {}
    return Node(name, kind, fields, notes if isinstance(notes, Mapping) else {})


def _checked(name: str, field: str, value: Any, where: str) -> Any:
    if isinstance(value, str):
        if field == "padding" and value in ("same", "valid"):
            return value
        raise node_error(where, name, f"{field} = {value!r:.40}", "numbers")
    if isinstance(value, Mapping):  # Flatten keeps its shape under "input"
        value = value.get("input", ())
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise node_error(where, name, f"{field} of type {array.dtype}", "numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.isfinite(array.astype(np.float32)).all():
            raise node_error(where, name, f"{field} with NaN, infinite or huge values",
                             "numbers that 32-bit floats hold")
    if field in _POSITIVE and array.size and array.min() <= 0:
        raise node_error(where, name, f"{field} = {array.min()}", "numbers above 0")
    if field in _NOT_NEGATIVE and array.size and array.min() < 0:
        raise node_error(where, name, f"{field} = {array.min()}", "numbers of 0 or more")
    if field in _WHOLE:
        if array.ndim > 1 or not np.equal(np.mod(array, 1), 0).all() or (array.size and np.abs(array).max() > 2**40):
            raise node_error(where, name, f"{field} = {array.ravel()[:3]}", "whole numbers of usual size")
        return array.astype(np.int64)
    return array
