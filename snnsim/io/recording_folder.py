"""`RecordingFolder`: a simulation that is written while it runs, and that can be stopped, killed and resumed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from snnsim.core.errors import ConfigurationError, FileFormatError, OutputError, OutputExistsError, UnsupportedError
from snnsim.core.sink import AbstractSink, Plan, Totals, Traces
from snnsim.io.atomic import remove_abandoned, require_new_folder
from snnsim.io.recording_parts import (
    REPORT,
    SPIKES,
    KeptSpikes,
    KeptTrace,
    Layout,
    Part,
    check_part,
    join_parts,
    read_part,
    write_part,
    write_views,
)
from snnsim.io.snapshot import fingerprint, named_leaves, read_snapshot, write_snapshot

SNAPSHOT, UNFINISHED = "snapshot.h5", "unfinished"
KIND = "simulation snapshot"
PART_BYTES = 2**26  # recorded data that wait in memory for their part of the recording


class RecordingFolder(AbstractSink):
    """Writes a simulation to a folder while it runs, in constant memory; ``simulate(..., sink=RecordingFolder(path))``.

    Spikes become ``spikes.h5`` and every other recorded variable ``<variable>_report.h5``, in the SONATA layout.
    While the run goes on the same files lie in ``unfinished/``, where they show all that came before the latest
    snapshot; they are views of the parts beside them, which are never changed once written. At the end the parts
    are joined (which takes their size on the disk once more), the files appear under their names, whole, and
    ``unfinished/`` goes away.

    ``snapshot.h5`` holds all that the run needs to go on, checksummed. A resumed run gives the same files, byte
    for byte, and the same `Recording` as one that was never interrupted, even after a crash or a power cut: on the
    same kind of machine, which is for the user to see to; everything else that must agree (network, inputs, state,
    dt, duration, seed, record, chunk, versions) is compared and refused if it differs. The code of neurons of your
    own is not compared, only their names and parameters.

    Args:
        path: the folder; made if it is missing.
        resume: go on from the snapshot in it, or begin where there is none yet; without, the folder must be new or
            empty. A run that is finished stays as it is, and only its `Recording` is made again.
        snapshot_every: seconds between snapshots; they are taken between chunks, with 0 after each. Another is
            taken at the end, and on Ctrl-C.

    Example:
        >>> import os, tempfile, jax, snnsim as sn
        >>> net = sn.Network(dict(input=sn.Input(1), cell=sn.LIF(1, tau_mem=10.0)),
        ...                  [sn.Projection("input", "cell", sn.Dense(weight=0.6))], key=jax.random.key(0))
        >>> events = sn.Events.from_times([1.0, 2.0, 3.0], [0, 0, 0], shape=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     recording = sn.simulate(net, {"input": events}, duration=5.0, record={"cell": ["spikes", "v"]},
        ...                             sink=sn.io.RecordingFolder(folder))
        ...     print(recording.events("cell").times, sorted(os.listdir(folder)))
        [2.] ['snapshot.h5', 'spikes.h5', 'v_report.h5']
    """

    def __init__(self, path: str | Path, *, resume: bool = False, snapshot_every: float = 60.0):
        if not snapshot_every >= 0:
            raise ConfigurationError(got=f"snapshot_every = {snapshot_every}", expected="seconds, 0 or more",
                                     where="RecordingFolder", fix="pass for example snapshot_every=60.0")
        self.path, self.resume, self.snapshot_every = Path(path), resume, snapshot_every

    # -- called by simulate ------------------------------------------------------------------------

    @contextmanager
    def opened(self, plan: Plan, totals: Totals) -> Iterator[tuple[int, Totals]]:
        """Make the folder, or find the snapshot in it; nobody else may write there meanwhile."""
        _check(plan, totals)
        if not self.resume:
            require_new_folder(self.path, "choose another folder, or go on with the run in it: resume=True (--resume)")
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
        with _alone(self.path):
            self.layout, self.settings = Layout.of(plan), _settings(plan, totals)
            self.done, self.steps, self.totals, self.finished = 0, plan.steps, totals, False
            self.parts: list[Part] = []
            self.waiting: list[dict[str, np.ndarray]] = []
            self._go_on()
            self.busy, self.latest = False, time.monotonic()
            try:
                yield self.done, self.totals
            except KeyboardInterrupt:
                if not self.busy and not self.finished:  # between two chunks: what was done is whole
                    self._save()
                raise

    def write(self, done: int, totals: Totals, traces: Traces) -> None:
        """Keep what a chunk gave until its part is written; take a snapshot if it is time."""
        self.busy = True
        self.waiting.append(self.layout.block(traces, self.done))
        self.done, self.totals = done, totals
        if sum(array.nbytes for block in self.waiting for array in block.values()) > PART_BYTES:
            self._write_part()
        if time.monotonic() - self.latest >= self.snapshot_every and done < self.steps:
            self._save()
        self.busy = False

    def finish(self, totals: Totals) -> Traces:
        """Take the last snapshot, join the parts, and tell where the recording lies."""
        self.busy = True
        if not self.finished:
            self._save()
            with self._writing():
                join_parts(self.path, self.layout, self.parts, self.unfinished)
            self.finished, self.parts = True, []
            self._save()
        shutil.rmtree(self.unfinished, ignore_errors=True)
        return self._kept()

    # -- folder ------------------------------------------------------------------------------------

    @property
    def unfinished(self) -> Path:
        """Folder of the parts."""
        return self.path / UNFINISHED

    def _go_on(self) -> None:
        """Take up the snapshot if there is one; remove what came after it."""
        snapshot = self.path / SNAPSHOT
        with self._writing():
            for name in (SNAPSHOT, *self.layout.files):
                remove_abandoned(self.path / name)
        if snapshot.exists():
            self.totals, meta = read_snapshot(snapshot, self.totals, kind=KIND, settings=self.settings)
            self.done, self.finished, self.parts = _position(meta, self.steps, snapshot)
            for part in self.parts:
                check_part(self.unfinished, part)
        elif strangers := [path.name for path in self.path.iterdir() if path.name != UNFINISHED]:
            raise OutputExistsError(got=f"other files ({', '.join(sorted(strangers)[:3])})", where=str(self.path),
                                    expected="a run that can be resumed, or an empty folder", fix="correct the path")
        if missing := [name for name in self.layout.files if self.finished and not (self.path / name).is_file()]:
            raise FileFormatError(got=f"a finished run without {', '.join(missing)}", expected="all of its files",
                                  where=str(self.path), fix="restore the file, or run anew into another folder")
        with self._writing():
            self.unfinished.mkdir(exist_ok=True)
            if self.parts:
                write_views(self.unfinished, self.layout, self.parts)
            self._tidy()

    def _tidy(self) -> None:
        """Remove what neither the snapshot nor the views need: parts that were superseded or never counted."""
        needed = {part.file for part in self.parts} | {name for name in self.layout.files if self.parts}
        for path in self.unfinished.iterdir():
            if path.name not in needed:
                path.unlink()

    def _write_part(self) -> None:
        """Write what waits; a small latest part is written anew with it, so that long runs have few parts."""
        if not self.waiting:
            return
        with self._writing():
            self.unfinished.stat()  # before it is read: that the folder is gone shall be said as such
        kept, blocks = self.parts, self.waiting
        serial = 1 + max([int(part.file[5:-3]) for part in kept], default=-1)
        if kept and kept[-1].nbytes < PART_BYTES // 2:
            blocks = [read_part(self.unfinished, kept[-1]), *blocks]
            kept = kept[:-1]
        with self._writing():
            part = write_part(self.unfinished / f"part-{serial:06d}.h5", blocks)
        self.parts, self.waiting = [*kept, part], []

    def _save(self) -> None:
        """Bring everything to the disk, the snapshot last: it names only parts that are there."""
        self._write_part()
        more = {"done": self.done, "finished": self.finished, "parts": [part._asdict() for part in self.parts]}
        totals = jax.tree.map(np.asarray, self.totals)  # what the device has to say comes before the disk's troubles
        with self._writing():
            if self.parts:
                write_views(self.unfinished, self.layout, self.parts)
            write_snapshot(self.path / SNAPSHOT, totals, kind=KIND, settings=self.settings, more=more)
            self._tidy()
        self.latest = time.monotonic()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Whatever keeps results from being written becomes one clear error."""
        try:
            yield
        except (OSError, RuntimeError, ConfigurationError) as error:  # h5py knows both; no folder is the latter
            why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            raise OutputError(got=why[:300], expected="room for the recording and permission to write it",
                              where=str(self.path), fix="make room or restore the folder, then go on from the latest "
                              "snapshot with resume=True (--resume)") from error

    def _kept(self) -> Traces:
        found: Traces = {}
        for variable, populations in self.layout.reports.items():
            for name in populations:
                path = str(self.path / f"{variable}{REPORT}")
                found.setdefault(name, {})[variable] = KeptTrace(path, name, self.layout.shapes[name])
        first, _, dt = self.layout.time
        for name in self.layout.spikes:
            found.setdefault(name, {})["spikes"] = KeptSpikes(str(self.path / SPIKES), name, first, self.steps, dt)
        return found


def _check(plan: Plan, totals: Totals) -> None:
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((plan.network, totals, plan.seed))):
        raise UnsupportedError(got="a simulation inside a transformation of JAX", expected="a plain call",
                               where="RecordingFolder", fix="leave sink away under jit, grad and vmap")
    if plan.batch != 1:
        raise UnsupportedError(got=f"{plan.batch} samples", expected="one: SONATA files know no samples",
                               where="RecordingFolder", fix="simulate one sample after the other, each into a folder "
                               "of its own, or leave sink away")


def _settings(plan: Plan, totals: Totals) -> dict[str, Any]:
    """All that a resumed run must share, as plain values."""
    return {"network": fingerprint(plan.network), "inputs": fingerprint(plan.feed.given),
            "state": fingerprint(dict(named_leaves(totals.state))), "dt": plan.dt, "duration": plan.steps * plan.dt,
            "first_step": plan.first_step, "seed": int(plan.seed), "chunk": plan.length,
            "record": [[name, list(variables)] for name, variables in plan.record], "inference": plan.inference,
            "precision": plan.precision, "path": plan.path, "platform": jax.default_backend()}


def _position(meta: dict[str, Any], steps: int, path: Path) -> tuple[int, bool, list[Part]]:
    """(steps done, whether the run is finished, its parts) as a snapshot tells."""
    try:
        parts = [Part(part["file"], part["sha256"], {key: tuple(size) for key, size in part["sizes"].items()},
                      part["types"]) for part in meta["parts"]]
        fine = all(re.fullmatch(r"part-\d{6,}\.h5", part.file) for part in parts) and 0 <= meta["done"] <= steps
        if fine:
            return int(meta["done"]), bool(meta["finished"]), parts
    except (KeyError, TypeError, AttributeError):
        pass
    raise FileFormatError(got="a snapshot without position and parts", expected="one that RecordingFolder wrote",
                          where=str(path), fix="check the path, or begin a new run")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the folder; the system lets go of it when the process ends, however that may be."""
    folder = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputExistsError(got="a run that is still writing", expected="one run at a time", where=str(path),
                                    fix="wait for the other process, end it, or choose another folder") from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(folder)
