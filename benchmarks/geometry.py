"""Benchmark geodesics through a random decoder: time, energy and memory, also of stochman if installed.

    OMP_NUM_THREADS=1 python benchmarks/geometry.py                       # side by side
    OMP_NUM_THREADS=1 python benchmarks/geometry.py --bundle default      # drugs, fingerprint space
    OMP_NUM_THREADS=1 python benchmarks/geometry.py --cost docs/geometry-cost.png

The decoder is a perceptron d -> 256 -> 256 -> 512 with tanh activations, drawn after torch.manual_seed(0);
the ends are torch.manual_seed(1); torch.randn(2, pairs, d). Energy and length of all curves are measured on
200 uniform points in float64 and divided by those of the straight line; the table has means over the pairs.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from molinterp.geometry import Metric, SolverSettings, geodesic, linear
from molinterp.geometry.network_curve import NetworkCurve
from molinterp.geometry.preconditioners import PreconditionerSettings

T = torch.linspace(0, 1, 200, dtype=torch.float64)
DIMENSIONS = (2, 4, 8, 16, 32, 64, 128, 256)
PAIRS = (1, 2, 4, 8, 16, 32, 100, 320, 1000, 10_000)


def decoder(d: int, dtype: torch.dtype = torch.float32) -> Callable[[Tensor], Tensor]:
    torch.manual_seed(0)
    layers = []
    for n_in, n_out in ((d, 256), (256, 256), (256, 512)):
        weight = (5 / 3) * torch.randn(n_out, n_in) / math.sqrt(n_in)
        layers.append((weight.to(dtype), (0.1 * torch.randn(n_out)).to(dtype)))

    def phi(z: Tensor) -> Tensor:
        for i, (weight, bias) in enumerate(layers):
            z = torch.nn.functional.linear(torch.tanh(z) if i else z, weight, bias)
        return z

    return phi


def ends(d: int, n: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    z0, z1 = torch.randn(2, n, d)
    return z0, z1


def figures(points: Tensor, d: int) -> tuple[float, float]:
    """Return energy and length of curves (pairs, 200, d) relative to the line, means over the pairs."""
    metric = Metric(decoder(d, torch.float64))
    line = linear(points[:, 0].double(), points[:, -1].double(), T)
    curve = points.detach().double()
    energy = metric.energy(curve) / metric.energy(line)
    return float(energy.mean()), float((metric.length(curve) / metric.length(line)).mean())


def best_of(n: int, work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return the least wall-clock and processor seconds of n runs, and the last result."""
    walls, cpus = [], []
    for _ in range(n):
        wall, cpu = time.perf_counter(), time.process_time()
        out = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus), out


def sines(z0: Tensor, z1: Tensor, n_modes: int = 32) -> Tensor:
    """Approximate the optimum by the line and sine modes, with L-BFGS in float64 on 200 points."""
    metric, k = Metric(decoder(z0.shape[1], torch.float64)), torch.arange(1, n_modes + 1, dtype=torch.float64)
    modes = torch.sin(math.pi * k * T[:, None]) / k
    line = linear(z0.double(), z1.double(), T)
    weights = torch.zeros(len(z0), n_modes, z0.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=150, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        energy = metric.energy(line + modes @ weights).sum()
        energy.backward()
        return energy

    optimiser.step(closure)
    return (line + modes @ weights).detach()


def peers(z0: Tensor, z1: Tensor) -> dict[str, tuple[int, Callable[[], Tensor]]]:
    """Run stochman with the same decoder; nothing if it is not installed."""
    try:
        from stochman.curves import CubicSpline
        from stochman.geodesic import geodesic_minimizing_energy
        from stochman.manifold import Manifold
    except ImportError:
        print("stochman is not installed; `pip install stochman` includes it")
        return {}
    phi = decoder(z0.shape[1])

    class Decoded(Manifold):  # type: ignore[misc]
        def metric(self, points: Tensor) -> Tensor:
            raise NotImplementedError

        def curve_energy(self, curve: Tensor, reduction: str = "sum") -> Tensor:
            curve = curve if curve.ndim == 3 else curve[None]
            images = phi(curve.reshape(-1, curve.shape[-1])).view(*curve.shape[:2], -1)
            return images.diff(dim=1).square().sum()

    manifold = Decoded()

    def at_points(curve: CubicSpline) -> Tensor:
        found = curve(T.float()).detach()
        return found if found.ndim == 3 else found[None]

    def one_by_one() -> Tensor:
        curves = [manifold.connecting_geodesic(a[None], b[None])[0] for a, b in zip(z0, z1, strict=True)]
        return torch.cat([at_points(c) for c in curves])

    def together() -> Tensor:
        return at_points(manifold.connecting_geodesic(z0, z1)[0])

    def accurate() -> Tensor:
        curve = CubicSpline(z0, z1, num_nodes=10)
        geodesic_minimizing_energy(curve, manifold, max_iter=1000, eval_grid=50)
        return at_points(curve)

    return {
        "stochman, default, one pair at a time": (1, one_by_one),
        "stochman, default, one call": (2, together),
        "stochman, 10 nodes, 1,000 iterations, 50 points, one call": (1, accurate),
    }


def side_by_side(d: int, n: int) -> None:
    z0, z1 = ends(d, n)
    metric = Metric(decoder(d))

    def ours(**options: float) -> Callable[[], Tensor]:
        return lambda: geodesic(metric, z0, z1, **options).curve(T)  # type: ignore[arg-type]

    work = {
        "molinterp, default (tol 1e-3)": (7, ours()),
        "molinterp, tol 5e-4": (7, ours(tol=5e-4)),
        "molinterp, tol 1e-4, 32 segments": (5, ours(tol=1e-4, n_segments=32)),
        "molinterp, network curve, 200 steps": (2, lambda: NetworkCurve(z0, z1).fit(metric)(T).detach()),
        **peers(z0, z1),
        "line and 32 sine modes, L-BFGS, float64": (1, lambda: sines(z0, z1)),
    }
    print(
        "| solver | s a geodesic | processor s | energy / line's | length / line's |\n|---|---|---|---|---|"
    )
    for name, (repeats, run) in work.items():
        wall, cpu, points = best_of(repeats, run)
        energy, length = figures(points, d)
        print(f"| {name} | {wall / n:.4f} | {cpu / n:.4f} | {energy:.4f} | {length:.4f} |", flush=True)


def in_bundle(name: str, n: int) -> None:
    """Measure pairs of drugs in the fingerprint space of a model, with and without the mean metric."""
    from molinterp.data import drugs

    from molinterp.errors import VocabularyError
    from molinterp.model.bundle import Bundle
    from molinterp.model.output_spaces import output_space

    bundle, z = Bundle.load(name), []
    for smiles in drugs().values():
        with contextlib.suppress(VocabularyError):
            z.append(bundle.encode([smiles])[0])
    order = torch.randperm(len(z), generator=torch.Generator().manual_seed(0))
    z0, z1 = (torch.stack(z)[order[i * n : (i + 1) * n]] for i in (0, 1))
    metric = Metric(output_space(bundle, "fingerprint"))
    line = metric.energy(linear(z0, z1, T)).detach()
    print("| solver | processor s | steps | energy / line's |\n|---|---|---|---|")
    for title, tol, ridge in (
        ("default", 1e-3, 1e-2),
        ("G nearly isotropic", 1e-3, 1.0),
        ("tol 1e-5", 1e-5, 1e-2),
    ):
        settings = SolverSettings(preconditioner=PreconditionerSettings(ridge=ridge))
        options: dict[str, Any] = {"tol": tol, "max_iterations": 400, "settings": settings}
        _, cpu, found = best_of(2, lambda options=options: geodesic(metric, z0, z1, **options))
        energy = (metric.energy(found.curve(T)).detach() / line).mean()
        print(f"| {title} | {cpu / n:.4f} | {found.iterations.float().mean():.1f} | {float(energy):.4f} |")


def cost(picture: Path, device: str) -> None:
    """Plot time and memory against dimensions (32 pairs) and against pairs (64 dimensions)."""
    rows: dict[str, list[dict[str, float]]] = {"d": [], "pairs": []}
    sizes = {"d": [(d, 32) for d in DIMENSIONS], "pairs": [(64, n) for n in PAIRS]}
    for name, pairs in sizes.items():
        print(f"\n| {name} | ms a geodesic | processor ms | peak memory, MiB |\n|---|---|---|---|")
        for d, n in pairs:
            rows[name].append({"size": d if name == "d" else n} | measured(d, n, device))
            print("| {:,} | {:.1f} | {:.1f} | {:.0f} |".format(*rows[name][-1].values()), flush=True)
    plot(picture, rows)


def measured(d: int, n: int, device: str) -> dict[str, float]:
    z0, z1 = (z.to(device) for z in ends(d, n))
    with torch.device(device):
        metric = Metric(decoder(d))
    wall, cpu, _ = best_of(1 if n > 320 else 4, lambda: geodesic(metric, z0, z1).energy.cpu())
    # Kilobytes on Linux; the maximum of the process so far, so sizes must increase.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": 1000 * wall / n, "cpu": 1000 * cpu / n, "mib": peak}


def plot(picture: Path, rows: dict[str, list[dict[str, float]]]) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for axis, (name, found) in zip(axes, rows.items(), strict=True):
        axis.loglog([r["size"] for r in found], [r["cpu"] for r in found], "o-", color="#1f4e79")
        axis.set_xlabel(
            {"d": "latent dimensions, 32 pairs", "pairs": "pairs in one call, 64 dimensions"}[name]
        )
        axis.set_ylabel("processor time, ms a geodesic")
        axis.set_ylim(1, 100)
        axis.grid(which="both", alpha=0.25)
    figure.savefig(picture, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--pairs", type=int, default=32)
    parser.add_argument("--cost", type=Path, help="Measure the cost against sizes and plot it here.")
    parser.add_argument("--bundle", help="Pairs of drugs in the fingerprint space of this bundle.")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, one thread")
    if args.cost:
        cost(args.cost, args.device)
    elif args.bundle:
        in_bundle(args.bundle, args.pairs)
    else:
        side_by_side(args.dimensions, args.pairs)


if __name__ == "__main__":
    main()
