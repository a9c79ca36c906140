"""Memory that a network takes, estimated before it is drawn or laid out, and what there is.

Far too large networks are refused at once: a system that runs out of memory kills the process after minutes of work.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.neuron import AbstractNeuron
from snnsim.core.projection import Projection

LEAST = 2**30  # bytes from which on a need is told and checked
INDEX = 4  # bytes of the index of a target
ROUNDING = 12  # bytes a synapse while weights are rounded: three arrays of float32, measured
# Files of control groups: limit and use, of version 2 and of version 1.
LIMITS = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
UNLIMITED = 2**60  # no limit is told as a word or as a huge number


class Need(NamedTuple):
    """What something takes: how many synapses, bytes that stay, bytes that are needed besides while it is made."""

    synapses: float
    kept: float
    making: float

    @property
    def peak(self) -> float:
        """Bytes at the worst moment."""
        return self.kept + self.making


def drawn(projection: Projection, pre: AbstractNeuron, post: AbstractNeuron) -> Need:
    """What the arrays take that `Projection.build` makes; those that were given are there already."""
    connection, delay = projection.connection, projection.delay
    n = connection.expected_weights(pre.shape, post.shape)
    weight: Any = getattr(connection, "weight", None)
    default = np.dtype(jnp.result_type(float)).itemsize
    kept, made = 0.0, callable(weight)
    if made or (eqx.is_array(weight) and weight.ndim == 0):
        kept += n * (weight.dtype.itemsize if eqx.is_array(weight) else default)
    if connection.listed and getattr(connection, "starts", None) is None:
        kept += n * INDEX
    if callable(getattr(delay, "value", None)):
        kept += n * default
    return Need(n, kept, n * connection.bytes_while_drawn)


def drawn_together(populations: Mapping[str, AbstractNeuron], projections: Iterable[Projection]) -> Need:
    """What the arrays of all these projections take; they are made one after the other."""
    needs = [drawn(p, populations[p.pre], populations[p.post]) for p in projections]
    return Need(sum(need.synapses for need in needs), sum(need.kept for need in needs),
                max((need.making for need in needs), default=0.0))


def laid_out(projections: Sequence[Projection], delay: type, depth: int, slots: int) -> Need:
    """What a table of the synapses of built projections takes, delays in this type, and a ring of arrivals."""
    kinds = {p.connection.weight.dtype for p in projections}
    weight = np.dtype(np.result_type(*kinds)) if kinds else np.dtype(float)
    synapses = sum(p.connection.weight.size for p in projections)
    ring = depth * slots * np.dtype(jnp.result_type(float)).itemsize
    kept = synapses * (INDEX + np.dtype(delay).itemsize + weight.itemsize) + ring
    return Need(synapses, kept, synapses * ROUNDING * (weight == np.float32))


def free_on_host() -> int | None:
    """Bytes that this process may still take without swapping; None where the system does not tell."""
    free = _from_meminfo()
    if free is None:
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError, AttributeError):  # no such name on this system
            return None
    return min([free, *_from_control_groups()])


def free_on_device() -> int | None:
    """Bytes that the device on which JAX computes may still hand out; None on CPUs and where it does not tell."""
    device = jax.local_devices()[0]
    told = None if device.platform == "cpu" else device.memory_stats()
    return None if not told or "bytes_limit" not in told else told["bytes_limit"] - told.get("bytes_in_use", 0)


def ensure_room(need: Need, what: str, fix: str, *, on_device: bool = False, say: bool = False) -> None:
    """Go on if there is room for this; small things are not looked at.

    Args:
        need: its size.
        what: what it is, for the reader.
        fix: what the reader can do to need less.
        on_device: whether it goes to the device on which JAX computes.
        say: whether the estimate is told on stderr, once.

    Raises:
        ConfigurationError: more bytes than are free.
    """
    if need.peak < LEAST:
        return
    places = {"memory": free_on_host()} | ({"memory of the device": free_on_device()} if on_device else {})
    besides = f", {size_text(need.making)} more while it is made" if need.making else ""
    text = f"{what}: {need.synapses:,.0f} synapses, about {size_text(need.kept)}{besides}"
    if say:
        _tell(text)
    for place, free in places.items():
        if free is not None and need.peak > free:
            raise ConfigurationError(got=f"{need.synapses:,.0f} synapses that need about {size_text(need.peak)}",
                                     expected=f"at most {size_text(free)}, the {place} that is free", where=what,
                                     fix=fix)


def size_text(n_bytes: float) -> str:
    """Bytes for people.

    Example:
        >>> size_text(3.2e9), size_text(5e6)
        ('3.2 GB', '5 MB')
    """
    unit, name = (1e9, "GB") if n_bytes >= 1e9 else (1e6, "MB")
    return f"{n_bytes / unit:,.3g} {name}" if n_bytes < 1e12 else f"{n_bytes / unit:,.0f} {name}"


@cache
def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _from_meminfo() -> int | None:
    found = [line.split()[1] for line in _lines(Path("/proc/meminfo")) if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _from_control_groups(root: Path = Path("/")) -> list[int]:
    """What is left of the limits that a container or a batch system has set, of both versions of control groups."""
    left = []
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, own = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        limit, used = LIMITS[bool(controllers)]
        folder = base / own.lstrip("/")
        for place in [folder, *folder.parents][:len(folder.relative_to(base).parts) + 1]:
            most, now = (next(iter(_lines(place / name)), "") for name in (limit, used))
            if most.isdigit() and now.isdigit() and int(most) < UNLIMITED:
                left.append(max(0, int(most) - int(now) + _cached(place)))
    return left


def _cached(folder: Path) -> int:
    """Bytes of files that the system keeps in memory as long as nobody needs it."""
    rows = [line.split() for line in _lines(folder / "memory.stat")]
    return max((int(row[1]) for row in rows if row[0] in ("inactive_file", "total_inactive_file")), default=0)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
