"""Measuring a whole process and all that it starts.

Belongs here: wall, processor seconds and peak memory of a process tree.
Does not belong here: what is measured.
"""

import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil

_INTERVAL = 0.05
_GIB = 1024**3


@dataclass(frozen=True)
class Measured:
    """One process, from start to end.

    Attributes:
        cpu: processor seconds of the process and of those it started.
        peak: largest sum of resident memory over the process tree, in GiB; shared pages count once per process.
        output: what it printed last.
    """

    wall: float
    cpu: float
    peak: float
    output: str


def measure(module: str, *arguments: str) -> Measured:
    """Run `python -m module arguments` and measure it.

    Raises:
        RuntimeError: if it fails.
    """
    before, started, peak = _cpu_of_children(), time.perf_counter(), 0
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    tree = psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, _resident(tree))
        time.sleep(_INTERVAL)
    wall = time.perf_counter() - started
    output, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} failed: {errors[-2000:]}")
    return Measured(wall, _cpu_of_children() - before, peak / _GIB, output.strip().splitlines()[-1])


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for member in [process, *process.children(recursive=True)]:
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total
