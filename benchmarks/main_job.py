"""Measure the main job: help, one cold path, warm encoding and decoding of 256 molecules.

python benchmarks/main_job.py
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time

import torch
from molinterp.data import drugs

from molinterp.model.bundle import Bundle

COMMAND = [sys.executable, "-c", "from molinterp.cli.main import main; main()"]


def cold(*arguments: str) -> float:
    """Return the seconds of a command in a separate process, best of three."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([*COMMAND, *arguments], check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def warm_256() -> float:
    """Return the seconds to encode and greedily decode 256 molecules with a loaded model, best of five."""
    bundle = Bundle.load()
    smiles = (list(drugs().values()) * 2)[:256]
    seconds = []
    for _ in range(6):
        began = time.perf_counter()
        bundle.decode(bundle.encode(smiles))
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(f"torch {torch.__version__} with {torch.get_num_threads()} threads")
    print(f"molinterp --help                {cold('--help'):.2f} s")
    print(f"molinterp path, cold            {cold('path', 'aspirin', 'ibuprofen'):.2f} s")
    # Kilobytes on Linux; the maximum of all children so far, which is that of the path.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"molinterp path, peak memory     {peak / 1024:.0f} MiB")
    print(f"encode and decode 256, warm     {warm_256():.2f} s")


if __name__ == "__main__":
    main()
