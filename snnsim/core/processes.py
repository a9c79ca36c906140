"""Several processes that simulate one network together: the first writes what is kept, all hold the same results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from snnsim.core.errors import ConfigurationError, OutputError
from snnsim.core.sink import AbstractSink, Plan, Totals, Traces

FAILED = -1
BY_HAND = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")


def join_processes() -> None:
    """Become one of several processes, before JAX is used: as SLURM or MPI say, or the variables `BY_HAND`.

    Raises:
        ConfigurationError: nothing says which process this is, or the others are not found.
    """
    address, *numbers = (os.environ.get(name) for name in BY_HAND)
    try:
        count, index = (None if number is None else int(number) for number in numbers)
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(address, count, index)
    except (ValueError, RuntimeError) as error:
        raise ConfigurationError(got=str(error).splitlines()[0], where="distributed",
                                 expected=f"a job of SLURM or MPI, or {', '.join(BY_HAND)} in the environment",
                                 fix="see examples/several_devices.md") from error


class FirstProcess(AbstractSink):
    """A sink that only the first process has; where it resumes, all go on from there.

    Args:
        sink: of the first process; elsewhere it is not touched.
    """

    def __init__(self, sink: AbstractSink):
        self.sink = sink if jax.process_index() == 0 else None

    @contextmanager
    def opened(self, plan: Plan, totals: Totals) -> Iterator[tuple[int, Totals]]:
        """Open the sink and tell all where the run begins."""
        begin = 0
        with ExitStack() as stack:
            try:
                if self.sink is not None:
                    begin, totals = stack.enter_context(self.sink.opened(plan, totals))
            except Exception:
                from_first(np.int32(FAILED))  # nobody waits for a process that is gone
                raise
            begin = int(from_first(np.int32(begin)))
            if begin == FAILED:
                raise OutputError(got="a failure of the first process", expected="a place to which it can write",
                                  where="simulate", fix="see what the first process says")
            yield begin, from_first(totals) if begin else totals

    def write(self, done: int, totals: Totals, traces: Traces) -> None:
        """Hand over what a chunk gave."""
        if self.sink is not None:
            self.sink.write(done, totals, traces)

    def finish(self, totals: Totals) -> Traces:
        """What the sink kept; nothing elsewhere."""
        return {} if self.sink is None else self.sink.finish(totals)


def from_first(tree: Any) -> Any:
    """The first process's arrays, in every process, to the bit."""
    leaves, structure = jax.tree.flatten(tree)
    arrays = [np.asarray(leaf) for leaf in leaves]
    sent = np.frombuffer(b"".join(array.tobytes() for array in arrays), np.uint8)
    found = np.asarray(multihost_utils.broadcast_one_to_all(sent)).tobytes()
    ends = np.cumsum([array.nbytes for array in arrays])
    parts = [np.frombuffer(found[end - array.nbytes:end], array.dtype).reshape(array.shape)
             for array, end in zip(arrays, ends, strict=True)]
    return jax.tree.unflatten(structure, [jax.numpy.asarray(part) for part in parts])
