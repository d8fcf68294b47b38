"""Batches: pairs a second, first result, memory, random kills, and pairs that go wrong.

python benchmarks/batch.py speed|memory|kills|faults [--pairs N] [--workers N] [--seed N]
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from molinterp.data import drugs

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "from molinterp.cli.main import main; main()", "batch"]


def write_pairs(file: Path, n: int, seed: int) -> list[tuple[str, str]]:
    """A table of random pairs of well-known drugs."""
    source = random.Random(seed)
    smiles = list(drugs().values())
    pairs = [tuple(source.sample(smiles, 2)) for _ in range(n)]
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("start", "end"), *pairs])
    return pairs


def batch(folder: Path, output: str, workers: int, *options: str) -> subprocess.Popen[str]:
    arguments = ["pairs.csv", "-o", output, "-j", str(workers), "-q", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*COMMAND, *arguments], cwd=folder, env=environment, text=True)


def speed(folder: Path, n: int, workers: int, seed: int) -> None:
    """Pairs a second of a batch against a loop over `interpolate`, and the time to the first shard."""
    import torch

    from molinterp.bundle import Bundle
    from molinterp.errors import MolinterpError
    from molinterp.interpolation import interpolate

    torch.set_num_threads(1)
    pairs = write_pairs(folder / "pairs.csv", n, seed)
    bundle = Bundle.load()
    interpolate(*pairs[0], bundle=bundle)
    began = time.perf_counter()
    for a, b in pairs[:60]:
        try:
            interpolate(a, b, bundle=bundle)
        except MolinterpError as error:
            print(f"  {error}")
    loop = min(60, n) / (time.perf_counter() - began)
    began = time.perf_counter()
    process = batch(folder, "out.csv", workers)
    parts = folder / "out.csv.parts"
    while process.poll() is None and not list(parts.glob("0*.json")):
        time.sleep(0.01)
    first = time.perf_counter() - began
    process.wait()
    whole = n / (time.perf_counter() - began)
    print(f"loop over interpolate, one process    {loop:.2f} pairs/s (first {min(60, n)} pairs)")
    times = f"{whole / loop:.1f} times the loop"
    print(f"molinterp batch -j {workers}, start included   {whole:.2f} pairs/s, {times}")
    print(f"first shard on disk after             {first:.1f} s")


def memory(folder: Path, n: int, workers: int, seed: int) -> None:
    """Largest memory of the parent, at n / 100 pairs and at n, with a worker that computes nothing."""
    for size in (max(1, n // 100), n):
        write_pairs(folder / "pairs.csv", size, seed)
        code = (
            "from pathlib import Path; from molinterp.batch import *; from tests.batch.faulty import COMMAND;"
            "import resource;"
            "pairs = read_pairs(Path('pairs.csv'));"
            f"run_batch(Job(pairs, Setup()), Pool(Setup(), {workers}, None, COMMAND), Path('o{size}.csv'));"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
        )
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        print(f"parent, {size} pairs: {float(done.stdout):.0f} MiB")


def kills(folder: Path, n: int, workers: int, seed: int, n_kills: int = 50) -> None:
    """Kill -9 at random moments, each followed by --resume, against a run that is left alone."""
    write_pairs(folder / "pairs.csv", n, seed)
    batch(folder, "whole.csv", workers).wait()
    source = random.Random(seed)
    parts = folder / "out.csv.parts"
    killed = 0
    while killed < n_kills:
        before = len(list(parts.glob("0*.json")))
        process = batch(folder, "out.csv", workers, "--resume")
        while process.poll() is None and len(list(parts.glob("0*.json"))) <= before:
            time.sleep(0.01)
        time.sleep(source.uniform(0, 2))
        if process.poll() is not None:
            same = (folder / "out.csv").read_bytes() == (folder / "whole.csv").read_bytes()
            print(f"  finished after {killed} kills, {'the same bytes' if same else 'OTHER BYTES'}")
            (folder / "out.csv").unlink()
            (folder / "out.csv.manifest.json").unlink()
            continue
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
    code = batch(folder, "out.csv", workers, "--resume").wait()
    same = (folder / "out.csv").read_bytes() == (folder / "whole.csv").read_bytes()
    print(f"{killed} kills, exit code {code} at the end: {'the same bytes' if same else 'OTHER BYTES'}")


def faults(folder: Path, n: int, workers: int, seed: int) -> None:
    """One pair that crashes, one that hangs and one that eats memory among n, the others as usual."""
    write_pairs(folder / "pairs.csv", n, seed)
    rows = (folder / "pairs.csv").read_text(encoding="utf-8").splitlines()
    for place, fault in ((n // 4, "crash"), (n // 2, "hang"), (3 * n // 4, "eat")):
        rows[place + 1] = f"{fault},CCO"
    (folder / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    code = (
        "from pathlib import Path; from molinterp.batch import *; from tests.batch.faulty import COMMAND;"
        "job = Job(read_pairs(Path('pairs.csv')), Setup(), Budget(20, 1024));"
        f"pool = Pool(Setup(), {workers}, job.budget, [*COMMAND, 'real']);"
        "print(run_batch(job, pool, Path('out.csv'), errors=Path('errors.csv')))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)
    print((folder / "errors.csv").read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "memory", "kills", "faults"])
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch, rdkit = (version(name) for name in ("torch", "rdkit"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(f"torch {torch}, rdkit {rdkit}; load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as name:
        work = {"speed": speed, "memory": memory, "kills": kills, "faults": faults}[arguments.what]
        work(Path(name), arguments.pairs, arguments.workers, arguments.seed)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest child {peak:.0f} MiB")


if __name__ == "__main__":
    main()
