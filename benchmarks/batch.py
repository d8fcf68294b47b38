"""Benchmark batches: pairs per second, first result, memory, random kills, and faulty pairs.

python benchmarks/batch.py speed|share|memory|kills|faults [--pairs N] [--workers N] [--model] [--cheap] ...

`share` measures how much processor time pairs would save by sharing passes through the model. `speed` and
`faults` use the shipped model. `memory` and `kills` use no model and measure only the batch, unless --model
is given. --cheap replaces the defaults by the decodes of the straight line (method linear, pointwise), so
that a pair costs a fraction while the batch does the same work around it.
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
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from molinterp.data import drugs

BEGAN = time.perf_counter()
ROOT = Path(__file__).resolve().parents[1]
CHEAP = {"method": "linear", "pointwise": True}
FAULTS = ("crash", "hang", "eat")
WIDEST = 16
"""Number of pairs in a full shard."""
N_SAMPLES = 5
"""Number of times that a run reports the memory of its processes."""


def write_pairs(folder: Path, n: int, seed: int) -> list[tuple[str, str]]:
    """Write a table of random pairs of well-known drugs."""
    source = random.Random(seed)
    smiles = list(drugs().values())
    pairs = [tuple(source.sample(smiles, 2)) for _ in range(n)]
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("start", "end"), *pairs])
    return pairs


def resumed(folder: Path, output: str, asked: argparse.Namespace) -> subprocess.Popen[str]:
    """Start `once` in a separate process."""
    flags = [f"--{name}" for name in ("model", "cheap") if getattr(asked, name)]
    flags += ["--workers", str(asked.workers), "--seconds", str(asked.seconds)]
    arguments = ["once", "--output", output, *flags]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, __file__, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def once(output: str, asked: argparse.Namespace) -> None:
    """Resume the run of pairs.csv in this folder; print its time, processor time and memory."""
    from molinterp.batch import Budget, Job, Pool, read_pairs, run_batch
    from molinterp.batch.job import template
    from tests.batch.faulty import COMMAND

    request = template(CHEAP if asked.cheap else {})
    job = Job(read_pairs(Path("pairs.csv")), request, Budget(asked.seconds, 1024))
    pool = Pool(request, asked.workers, job.budget, [*COMMAND, *(["real"] if asked.model else [])])
    done = 0
    reported: list[tuple[int, int]] = []

    def progress(n: int, failed: int) -> None:
        nonlocal done
        done += n
        if not reported:
            print(f"first result after {time.perf_counter() - BEGAN:.1f} s")
        if done >= (len(reported) + 1) * len(job.pairs) / N_SAMPLES or not reported:
            reported.append((done, max(children_memory(), default=0)))

    summary = run_batch(
        job, pool, Path(output), resume=True, errors=Path(f"{output}.errors.csv"), progress=progress
    )
    took, cpu = time.perf_counter() - BEGAN, processor_seconds()
    print(f"{summary}: {took:.1f} s, {cpu:.1f} s of processor time, {cpu / len(job.pairs):.3f} per pair")
    peak = peak_memory() / 1024
    samples = ", ".join(f"{size >> 20} MiB after {n}" for n, size in reported)
    print(f"largest memory of the parent {peak:.0f} MiB; largest worker: {samples} pairs")


def processor_seconds() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def peak_memory() -> int:
    """Return the largest resident memory of this process, in KiB.

    The value of `resource` starts with that of the parent, so it is only the second choice.
    """
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    own = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    return own or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def children_memory() -> Iterator[int]:
    """Yield the resident memory of each child of this process, in bytes; nothing without /proc."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                yield int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue


def speed(folder: Path, asked: argparse.Namespace) -> None:
    """Compare pairs per second of a batch and of a loop over `interpolate`; measure the first result."""
    import torch

    from molinterp.errors import MolinterpError
    from molinterp.model.bundle import Bundle
    from molinterp.paths.interpolate import interpolate

    torch.set_num_threads(1)
    pairs, options = write_pairs(folder, asked.pairs, asked.seed), CHEAP if asked.cheap else {}
    model = Bundle.load()
    interpolate(*pairs[0], model=model, **options)
    began, cpu, n = time.perf_counter(), time.process_time(), min(asked.loop, asked.pairs)
    for a, b in pairs[:n]:
        try:
            interpolate(a, b, model=model, **options)
        except MolinterpError as error:
            print(f"  {error}")
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"loop over interpolate, one process: {n / took:.3f} pairs/s (first {n} pairs), ", end="")
    print(f"{cpu / n:.3f} s of processor time per pair")
    began = time.perf_counter()
    lines = resumed(folder, "out.csv", argparse.Namespace(**vars(asked) | {"model": True})).communicate()[0]
    whole = asked.pairs / (time.perf_counter() - began)
    print(f"{lines.strip()}\nbatch -j {asked.workers}, start included: {whole:.3f} pairs/s, ", end="")
    print(f"{whole / (n / took):.2f} times the loop")


def memory(folder: Path, asked: argparse.Namespace) -> None:
    """Measure memory and time of runs with n / 100 and n pairs."""
    for size in (max(1, asked.pairs // 100), asked.pairs):
        write_pairs(folder, size, asked.seed)
        print(resumed(folder, f"{size}.csv", asked).communicate()[0].strip())


def kills(folder: Path, asked: argparse.Namespace) -> None:
    """Compare runs that are killed at random moments and resumed with an undisturbed run."""
    write_pairs(folder, asked.pairs, asked.seed)
    began = time.perf_counter()
    resumed(folder, "whole.csv", asked).communicate()
    usual = time.perf_counter() - began
    whole, source = (folder / "whole.csv").read_bytes(), random.Random(asked.seed)
    same = n_late = 0
    for _ in range(asked.kills):
        with resumed(folder, "out.csv", asked) as process:
            while process.poll() is None and not (folder / "out.csv.parts" / "manifest.json").exists():
                time.sleep(0.002)
            time.sleep(source.uniform(0, 0.9 * usual))
            n_late += process.poll() is not None
            process.kill()
            process.communicate()
        resumed(folder, "out.csv", asked).communicate()
        same += (folder / "out.csv").read_bytes() == whole
        (folder / "out.csv").unlink()
        (folder / "out.csv.manifest.json").unlink()
    print(f"{asked.kills} runs of {asked.pairs} pairs killed and resumed, {n_late} of them after they had")
    print(f"finished: {same} gave the same bytes")


def faults(folder: Path, asked: argparse.Namespace) -> None:
    """Run n pairs among which one crashes, one hangs and one exhausts memory."""
    write_pairs(folder, asked.pairs, asked.seed)
    rows = (folder / "pairs.csv").read_text(encoding="utf-8").splitlines()
    for i, fault in enumerate(FAULTS, 1):
        rows[i * asked.pairs // (len(FAULTS) + 1) + 1] = f"{fault},CCO"
    (folder / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    print(resumed(folder, "out.csv", argparse.Namespace(**vars(asked) | {"model": True})).communicate()[0])
    print((folder / "out.csv.errors.csv").read_text(encoding="utf-8"))


def share(folder: Path, asked: argparse.Namespace) -> None:
    """Measure the cost of passes that several pairs share, and whether sharing changes the results."""
    import torch
    from rdkit import Chem

    from molinterp.geometry import Metric, geodesic
    from molinterp.model.bundle import Bundle
    from molinterp.model.protocol import OutputSpace
    from molinterp.paths.objective import objective_of
    from molinterp.paths.request import PathRequest
    from molinterp.paths.sources import SOLVER_TOLERANCE

    torch.set_num_threads(1)
    bundle = Bundle.load()
    pairs = write_pairs(folder, 4 * WIDEST, asked.seed)
    smiles = [s for pair in pairs for s in pair if bundle.can_encode(s)][: 2 * WIDEST]
    z0, z1 = bundle.encode(smiles).chunk(2)
    mols = [Chem.MolFromSmiles(s) for s in smiles[:2]]
    realism = objective_of(bundle, mols[0], mols[1], PathRequest()).realism
    metric, t = Metric(bundle.output_space(OutputSpace.FINGERPRINT), realism), torch.linspace(0, 1, 9)
    noise = torch.randn(1024, bundle.latent_dim, generator=torch.Generator().manual_seed(asked.seed))

    def solve(rows: slice) -> torch.Tensor:
        return geodesic(metric, z0[rows], z1[rows], tol=SOLVER_TOLERANCE).curve(t)

    solve(slice(1))
    together = solve(slice(WIDEST))
    for n in (1, 2, 4, 8, WIDEST):
        began = time.process_time()
        found = torch.cat([solve(slice(i, i + n)) for i in range(0, WIDEST, n)])
        cost, off = (time.process_time() - began) / WIDEST, float((found - together).abs().max())
        print(f"geodesics, {n:4d} at once: {1e3 * cost:6.1f} ms per pair, points differ by up to {off:.2g}")
    for n in (2, 4, 16, 2 * WIDEST):
        began = time.process_time()
        for i in range(0, 2 * WIDEST, n):
            bundle.invert(smiles[i : i + n])
        cost = (time.process_time() - began) / WIDEST
        print(f"inversion, ends of {n // 2:2d} pairs at once: {1e3 * cost:6.1f} ms per pair")
    for n in (1, 4, 16, 64, 256, 1024):
        began = time.process_time()
        bundle.decode(noise[:n])
        print(f"decodes,   {n:4d} at once: {1e3 * (time.process_time() - began) / n:6.2f} ms per point")
    for n in (1, 4, 16, 2 * WIDEST):
        began = time.process_time()
        bundle.encode(smiles[:n])
        print(f"encodings, {n:4d} at once: {1e3 * (time.process_time() - began) / n:6.2f} ms per molecule")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["speed", "share", "memory", "kills", "faults", "once"])
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--loop", type=int, default=60, help="number of pairs in the loop of `speed`")
    parser.add_argument("--seconds", type=float, default=60.0, help="budget of a pair")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", action="store_true", help="use the shipped model in `memory` and `kills`")
    parser.add_argument("--cheap", action="store_true", help="use the method linear, pointwise")
    parser.add_argument("--output", help="output of `once`, which the others start")
    asked = parser.parse_args()
    if asked.what == "once":
        once(asked.output, asked)
        return
    torch, rdkit = (version(name) for name in ("torch", "rdkit"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(f"torch {torch}, rdkit {rdkit}; load {os.getloadavg()[0]:.1f} at the start", flush=True)
    with tempfile.TemporaryDirectory() as name:
        {"speed": speed, "share": share, "memory": memory, "kills": kills, "faults": faults}[asked.what](
            Path(name), asked
        )


if __name__ == "__main__":
    main()
