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


def stub(folder: Path, output: str, workers: int) -> subprocess.Popen[str]:
    """A resumed run whose workers compute nothing: what is measured is the batch, not the model."""
    code = (
        "import resource, time; from pathlib import Path; from molinterp.batch import *;"
        "from tests.batch.faulty import COMMAND;"
        "job = Job(read_pairs(Path('pairs.csv')), Setup());"
        "began = time.perf_counter();"
        f"run_batch(job, Pool(Setup(), {workers}, None, COMMAND), Path({output!r}), resume=True);"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024;"
        "print(f'{len(job.pairs)} pairs: {time.perf_counter() - began:.1f} s, parent {peak:.0f} MiB')"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    quiet = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env=environment, stdout=quiet, stderr=quiet, text=True
    )


def memory(folder: Path, n: int, workers: int, seed: int) -> None:
    """Largest memory of the parent and time of a run, at n / 100 pairs and at n, without a model."""
    for size in (max(1, n // 100), n):
        write_pairs(folder / "pairs.csv", size, seed)
        print(stub(folder, f"{size}.csv", workers).communicate()[0].strip())


def kills(folder: Path, n: int, workers: int, seed: int, n_kills: int) -> None:
    """Kill -9 at random moments, each followed by --resume, against a run that is left alone; no model."""
    write_pairs(folder / "pairs.csv", n, seed)
    stub(folder, "whole.csv", workers).communicate()
    whole, source = (folder / "whole.csv").read_bytes(), random.Random(seed)
    same = n_late = 0
    for _ in range(n_kills):
        with stub(folder, "out.csv", workers) as process:
            while process.poll() is None and not (folder / "out.csv.parts" / "manifest.json").exists():
                time.sleep(0.002)
            time.sleep(source.uniform(0, 1.5))
            n_late += process.poll() is not None
            process.kill()
            process.communicate()
        stub(folder, "out.csv", workers).communicate()
        same += (folder / "out.csv").read_bytes() == whole
        (folder / "out.csv").unlink()
        (folder / "out.csv.manifest.json").unlink()
    print(
        f"{n_kills} runs of {n} pairs killed and resumed ({n_late} had finished): {same} gave the same bytes"
    )


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
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch, rdkit = (version(name) for name in ("torch", "rdkit"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(f"torch {torch}, rdkit {rdkit}; load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as name:
        common = Path(name), arguments.pairs, arguments.workers, arguments.seed
        if arguments.what == "kills":
            kills(*common, arguments.kills)
        else:
            {"speed": speed, "memory": memory, "faults": faults}[arguments.what](*common)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest child {peak:.0f} MiB")


if __name__ == "__main__":
    main()
