"""Compiles the package's C++ kernels at first use, once a machine, and hands them to XLA."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
import warnings
from functools import cache
from pathlib import Path

import jax

HERE = Path(__file__).parent
HEADERS = ("steps.hpp", "simulation.hpp")
# Nothing is contracted: the units left over by vectors would be rounded otherwise than those in vectors.
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
         "-fwrapv", "-shared", "-fPIC")
LONGEST = 120  # seconds of a compilation


@cache
def available(name: str) -> bool:
    """Whether the C++ kernel ``snnsim_<name>`` of event_propagation.cpp can be used; registers it with XLA.

    Without a compiler, or with ``SNNSIM_NATIVE=0`` in the environment, the plain JAX reference is used instead;
    a missing compiler is said once, as a warning.
    """
    return registered((HERE / "event_propagation.cpp").read_text(), f"snnsim_{name}", f"snnsim_{name}")


@cache
def registered(source: str, symbol: str, target: str) -> bool:
    """Compile a source text and register its handler `symbol` with XLA under the name `target`; False if it cannot."""
    if os.environ.get("SNNSIM_NATIVE") == "0":
        return False
    try:
        library = _loaded(source)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or ""  # bytes where the time was over
        lines = (said if isinstance(said, str) else said.decode(errors="replace")).splitlines()
        _say(next((line for line in lines if "error" in line), str(error)))
        return False
    jax.ffi.register_ffi_target(target, jax.ffi.pycapsule(getattr(library, symbol)), platform="cpu")
    return True


def mark_of(source: str) -> str:
    """A name for this source as it is compiled here: its text, what it includes, flags, JAX and processor."""
    parts = [source.encode(), *((HERE / name).read_bytes() for name in HEADERS), jax.__version__.encode(),
             " ".join(FLAGS).encode(), _processor()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@cache
def _say(reason: str) -> None:
    """One warning a reason, however many programs it concerns."""
    warnings.warn(f"networks run by XLA, more slowly: no C++ kernel ({reason}). "
                  "Install a C++ compiler (c++ or $CXX), or set SNNSIM_NATIVE=0 to silence this.", stacklevel=3)


def _loaded(source: str) -> ctypes.CDLL:
    library = _compiled(source)
    try:
        return ctypes.CDLL(str(library))
    except OSError:  # cut off when a machine went down, or made for another system in the same home folder
        library.unlink()
        return ctypes.CDLL(str(_compiled(source)))


def _compiled(source: str) -> Path:
    """The shared library of a source text, from the user's cache if this machine has made it before."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "snnsim" / "kernels"
    library = folder / f"{mark_of(source)}.so"
    if library.exists():
        return library
    compiler = shlex.split(os.environ.get("CXX", "")) or _found("c++") or _found("g++") or _found("clang++")
    if not compiler:
        raise OSError("no c++, g++ or clang++ on the path")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:  # several processes may compile at once
        made = Path(scratch) / "kernel.so"
        includes = ("-I", jax.ffi.include_dir(), "-I", str(HERE))
        subprocess.run([*compiler, *FLAGS, *includes, "-x", "c++", "-", "-o", str(made)], input=source, check=True,
                       capture_output=True, text=True, timeout=LONGEST)
        made.replace(library)
    return library


def _found(name: str) -> list[str]:
    path = shutil.which(name)
    return [] if path is None else [path]


@cache
def _processor() -> bytes:
    """What tells processors apart: a home folder may be shared by machines with other instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        import platform
        return platform.processor().encode()
    return "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))})).encode()
