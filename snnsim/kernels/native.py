"""Compiles the package's C++ kernels at first use, once a machine, and hands them to XLA."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import warnings
from functools import cache
from pathlib import Path

import jax

FLAGS = ("-std=c++17", "-O3", "-march=native", "-shared", "-fPIC")


@cache
def available(name: str) -> bool:
    """Whether the C++ kernel ``snnsim_<name>`` can be used; compiles it if that was never done here.

    Without a compiler, or with ``SNNSIM_NATIVE=0`` in the environment, the plain JAX reference is used instead;
    a missing compiler is said once, as a warning.
    """
    if os.environ.get("SNNSIM_NATIVE") == "0":
        return False
    try:
        library = ctypes.CDLL(str(_compiled(Path(__file__).parent / "event_propagation.cpp")))
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.stderr.strip()[-300:] if isinstance(error, subprocess.CalledProcessError) else error
        warnings.warn(f"event propagation runs on the slower JAX reference: no C++ kernel ({reason}). "
                      "Install a C++ compiler (c++ or $CXX), or set SNNSIM_NATIVE=0 to silence this.", stacklevel=2)
        return False
    jax.ffi.register_ffi_target(f"snnsim_{name}", jax.ffi.pycapsule(getattr(library, f"snnsim_{name}")),
                                platform="cpu")
    return True


def _compiled(source: Path) -> Path:
    """The shared library of a source file, from the user's cache if this machine has made it before."""
    text = source.read_bytes()
    mark = hashlib.sha256(b"\0".join([text, jax.__version__.encode(), " ".join(FLAGS).encode(), _processor()]))
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "snnsim" / "kernels"
    library = folder / f"{source.stem}-{mark.hexdigest()[:16]}.so"
    if library.exists():
        return library
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise OSError("no c++, g++ or clang++ on the path")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(suffix=".so", dir=folder)  # several processes may compile at once
    os.close(handle)
    try:
        subprocess.run([compiler, *FLAGS, "-I", jax.ffi.include_dir(), str(source), "-o", name], check=True,
                       capture_output=True, text=True, timeout=120)
        Path(name).replace(library)
    finally:
        Path(name).unlink(missing_ok=True)
    return library


def _processor() -> bytes:
    """What tells processors apart: a home folder may be shared by machines with other instruction sets."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        import platform
        return platform.processor().encode()
    return "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))})).encode()
