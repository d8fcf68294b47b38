"""Energy at equal time beside GEORCE: OMP_NUM_THREADS=1 python benchmarks/geometry_georce.py.

The update of Rygaard and Hauberg, 2025, arXiv 2505.05961, written here from its equations and not checked
against the authors' own code: the metric matrix at every node, the multipliers in closed form, a line
search on the energy. Decoder, ends and measure are those of benchmarks/geometry.py; `varied` is a decoder
whose metric grows about the origin, which at d = 64 no curve comes near.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
from geometry import T, best_of, decoder, ends
from torch import Tensor

from molinterp.geometry import CubicSpline, Metric, geodesic, linear


def georce(metric: Metric, z0: Tensor, z1: Tensor, n: int, n_iterations: int, tol: float = 1e-4) -> Tensor:
    """Nodes (p, n + 1, d) of least Σ uᵀ G(x) u over moves u from z0 to z1, both (p, d)."""
    x = linear(z0, z1, torch.linspace(0, 1, n + 1))
    energy = control_energy(metric, x)
    for _ in range(n_iterations):
        aim = updated(metric, x)
        share = torch.ones_like(energy)
        for _ in range(12):
            trial = x + share[:, None, None] * (aim - x)
            found = control_energy(metric, trial)
            worse = ~(found <= energy)
            if not worse.any():
                break
            share = torch.where(worse, share / 2, share)
        better = found < energy
        gain = torch.where(better, energy - found, 0)
        x, energy = torch.where(better[:, None, None], trial, x), torch.where(better, found, energy)
        if (gain <= tol * energy).all():
            break
    return x


@torch.no_grad()
def control_energy(metric: Metric, x: Tensor) -> Tensor:
    """Σ uᵀ G(x) u, (p,): one derivative in the direction of each move."""
    return metric.norm(x[:, :-1], x.diff(dim=1)).square().sum(1)


def updated(metric: Metric, x: Tensor) -> Tensor:
    """Where the multipliers of the control problem lead from nodes x (p, n + 1, d)."""
    moves = x.diff(dim=1)
    with torch.no_grad():
        inverse = torch.linalg.inv(metric.metric_matrix(x[:, :-1]))
    at = x[:, :-1].detach().requires_grad_()
    (slopes,) = torch.autograd.grad(metric.norm(at, moves).square().sum(), at)
    # ν of all nodes after each; the first node does not move.
    later = slopes.flip(1).cumsum(1).flip(1) - slopes
    pulled = (inverse @ later[..., None]).sum(1)[..., 0]
    last = torch.linalg.solve(inverse.sum(1), 2 * (x[:, 0] - x[:, -1]) - pulled)
    steps = -0.5 * (inverse @ (last[:, None] + later)[..., None])[..., 0]
    return torch.cat([x[:, :1], x[:, :1] + steps.cumsum(1)], 1)


def varied(d: int, dtype: torch.dtype = torch.float32) -> Callable[[Tensor], Tensor]:
    plain = decoder(d, dtype)
    return lambda z: torch.cat([plain(z), 30 * torch.exp(-2 * z.square().sum(1, keepdim=True)) * z], 1)


def compare(d: int, name: str, make: Callable[..., Callable[[Tensor], Tensor]], pairs: int) -> None:
    z0, z1 = ends(d, pairs)
    metric, exact = Metric(make(d)), Metric(make(d, torch.float64))
    line = exact.energy(linear(z0.double(), z1.double(), T))

    def rival(n: int, n_iterations: int) -> Callable[[], Tensor]:
        return lambda: CubicSpline(georce(metric, z0, z1, n, n_iterations))(T)

    work: dict[str, Callable[[], Tensor]] = {
        "molinterp, default": lambda: geodesic(metric, z0, z1).curve(T),
        "molinterp, tol 1e-4": lambda: geodesic(metric, z0, z1, tol=1e-4).curve(T),
        **{f"GEORCE, {n} steps, {k} iterations": rival(n, k) for n, k in ((16, 3), (16, 10), (32, 30))},
    }
    for title, run in work.items():
        _, cpu, points = best_of(1 if d > 8 else 2, run)
        share = float((exact.energy(points.double()) / line).mean())
        print(f"| {d} | {name} | {title} | {cpu / pairs:.4f} | {share:.4f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--dimensions", type=int, nargs="*", default=[2, 8, 64])
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| d | decoder | solver | processor s | energy / line's |\n|---|---|---|---|---|")
    for d in args.dimensions:
        compare(d, "smooth", decoder, args.pairs)
        compare(d, "varied", varied, args.pairs)


if __name__ == "__main__":
    main()
