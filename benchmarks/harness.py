"""The one harness: contestants in turn in one run, medians, compile time apart, machine and versions recorded."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import jax

PACKAGES = ("snnsim", "jax", "jaxlib", "numpy", "torch", "snntorch", "brian2", "nest-simulator", "spikingjelly")


def machine() -> dict[str, Any]:
    """What the numbers were taken on."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {"platform": platform.platform(), "python": platform.python_version(), "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "device": str(jax.devices()[0].device_kind), "versions": versions, "commit": _commit()}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
                platform.processor())


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() or "unknown"


class Timed(NamedTuple):
    """What a contestant returns that knows better than a clock around its call how long its work took."""

    seconds: float
    result: Any


def compare(question: str, contestants: Mapping[str, Callable[[], Any]], *, repeats: int,
            **facts: Any) -> list[dict[str, Any]]:
    """Time contestants in turn: first call apart (compilation), then `repeats` rounds through all of them.

    Args:
        question: what is measured.
        contestants: functions by name; each does one whole run and returns when its result is there. What it
            returns is kept as ``result``: print a number that must agree between contestants. A `Timed` result
            brings its own seconds.
        repeats: rounds; a contestant's figure is the median.
        facts: sizes and settings, kept with each line.

    Returns:
        one dict a contestant, each also printed as a JSON line on stdout.
    """
    first, times, results = {}, {name: [] for name in contestants}, {}
    for name, run in contestants.items():
        begin = time.perf_counter()
        result = run()
        first[name] = time.perf_counter() - begin
        results[name] = result.result if isinstance(result, Timed) else result
    for _ in range(repeats):
        for name, run in contestants.items():
            begin = time.perf_counter()
            result = run()
            times[name].append(result.seconds if isinstance(result, Timed) else time.perf_counter() - begin)
    lines = []
    for name in contestants:
        line = {"question": question, "contestant": name, **facts, "median_ms": 1e3 * median(times[name]),
                "fastest_ms": 1e3 * min(times[name]), "slowest_ms": 1e3 * max(times[name]),
                "first_call_ms": 1e3 * first[name], "repeats": repeats, "result": results[name],
                "machine": machine(), "command": " ".join(sys.argv)}
        print(json.dumps(line, sort_keys=True), flush=True)
        lines.append(line)
    return lines
