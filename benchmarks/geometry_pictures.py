"""Draw the pictures of docs/geometry.md: python benchmarks/geometry_pictures.py docs."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from molinterp.geometry import Metric, NeighbourGraph, geodesic, linear
from molinterp.geometry.output_spaces import latent, stacked
from molinterp.realism.precision_network import PrecisionNetwork

T = torch.linspace(0, 1, 201, dtype=torch.float64)
LN2 = math.log(2)
LINE, GEODESIC = {"color": "0.55", "ls": "--"}, {"color": "#b03a2e", "lw": 2}


def vector(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def half_sphere(z: Tensor) -> Tensor:
    n = vector(0, 0, 1)
    rays = torch.cat([z, torch.zeros_like(z[:, :1])], 1) - n
    return n + rays / rays.norm(dim=1, keepdim=True)


def disc_cost(z: Tensor) -> Tensor:
    return LN2 + 5 * (1 - z.norm(dim=1)).clamp(min=0)


def cube_cost(z: Tensor) -> Tensor:
    return LN2 + 50 * (1 - z.abs().amax(1)).abs()


def solve(metric: Metric, z0: Tensor, z1: Tensor, **options: object) -> tuple[Tensor, float]:
    found = geodesic(metric, z0, z1, tol=1e-6, max_iterations=500, **options)  # type: ignore[arg-type]
    return found.curve(T), float(found.length)


def plane(axis: Axes) -> None:
    z0, z1 = vector(0, 1), vector(1, 0)
    curve, length = solve(Metric(latent, lambda z: z.new_full(z.shape[:1], LN2)), z0, z1)
    axis.plot(*curve.T, **GEODESIC)
    axis.plot(*torch.stack([z0, z1]).T, "ko", ms=4)
    axis.set_title(f"plane, Q = 1/2\nlength {length / LN2:.4f} ln 2; √2 = {math.sqrt(2):.4f}", fontsize=9)
    axis.set_aspect("equal")


def sphere(axis: Axes) -> None:
    z0, z1 = vector(0, 1), vector(1, 0)
    curve, length = solve(Metric(half_sphere), z0, z1, n_segments=32)
    u, v = torch.meshgrid(
        torch.linspace(0, 2 * math.pi, 60), torch.linspace(0, math.pi / 2, 20), indexing="ij"
    )
    shell = (torch.sin(v) * torch.cos(u), torch.sin(v) * torch.sin(u), 1 - torch.cos(v))
    axis.plot_surface(*(x.numpy() for x in shell), alpha=0.15, color="#1f4e79", linewidth=0)
    for z, style in ((linear(z0, z1, T), LINE), (curve, GEODESIC)):
        axis.plot(*half_sphere(z).T, **style)
    axis.set_title(f"half-sphere\nlength {length:.4f}; π/3 = {math.pi / 3:.4f}", fontsize=9)
    axis.view_init(elev=35, azim=30)
    axis.set_box_aspect((2, 2, 1))


def disc(axis: Axes) -> None:
    metric, z0, z1 = Metric(latent, disc_cost), vector(-1.3, 0), vector(1.3, 0)
    points = 1.2 * torch.randn(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    path = NeighbourGraph(metric, 6).fit(points).paths(z0, z1, 33)
    curve, length = solve(metric, z0, z1, starts=[path], n_segments=64)
    exact = 2 * math.sqrt(1.3**2 - 1) + math.pi - 2 * math.acos(1 / 1.3)
    axis.add_patch(plt.Circle((0, 0), 1, color="#1f4e79", alpha=0.15, lw=0))
    axis.plot(*points.T, ".", ms=2, color="0.6")
    axis.plot(*path.T, color="#d68910", lw=1)
    axis.plot(*curve.T, **GEODESIC)
    axis.plot(*torch.stack([z0, z1]).T, "ko", ms=4)
    axis.set(aspect="equal", xlim=(-1.7, 1.7), ylim=(-1.7, 1.7))
    axis.set_title(f"disc\nlength {length / LN2:.4f} ln 2; exact {exact:.4f}", fontsize=9)


def cube(axis: Axes) -> None:
    z0, z1 = vector(0, 0, 1), vector(1, 0, 0)
    curve, length = solve(Metric(latent, cube_cost), z0, z1, interpolation="linear")
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    for a in corners:
        for b in corners:
            if sum(p != q for p, q in zip(a, b, strict=True)) == 1:
                axis.plot(*zip(a, b, strict=True), color="#1f4e79", alpha=0.3, lw=1)
    axis.plot(*linear(z0, z1, T).T, **LINE)
    axis.plot(*curve.T, **GEODESIC)
    axis.set_title(f"cube\nlength {length / LN2:.4f} ln 2; on the surface 2", fontsize=9)
    axis.view_init(elev=18, azim=-62)
    axis.set_box_aspect((1, 1, 1))


def manifolds(folder: Path) -> None:
    figure = plt.figure(figsize=(12, 3.4), layout="constrained")
    for i, (draw, projection) in enumerate(((plane, None), (sphere, "3d"), (disc, None), (cube, "3d"))):
        axis = figure.add_subplot(1, 4, i + 1, projection=projection)
        axis.tick_params(labelsize=6)
        draw(axis)
    figure.savefig(folder / "geometry-manifolds.png", dpi=120)


def crescent(n: int = 600) -> tuple[Tensor, Tensor]:
    """Return points of a crescent in the plane, and outputs: the points plus noise that grows along it."""
    generator = torch.Generator().manual_seed(0)
    angle = math.pi * torch.rand(n, generator=generator)
    radius = 1 + 0.08 * torch.randn(n, generator=generator)
    z = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], 1)
    noise = (0.05 + 0.1 * angle)[:, None] * torch.randn(n, 2, generator=generator)
    return z, z + noise


def plain_sigma(z: Tensor, residuals: Tensor) -> nn.Module:
    """Train a plain network for σ by likelihood, as in a variational autoencoder."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 2))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(1000):
        optimiser.zero_grad()
        log_sigma = network(z)
        (log_sigma + 0.5 * (residuals / log_sigma.exp()).square()).mean().backward()
        optimiser.step()
    return network


def uncertainty(folder: Path) -> None:
    z, truth = crescent()
    torch.manual_seed(0)
    mean = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 2))
    optimiser = torch.optim.Adam(mean.parameters(), lr=0.01)
    for _ in range(500):
        optimiser.zero_grad()
        (mean(z) - truth).square().mean().backward()
        optimiser.step()
    residuals = (truth - mean(z)).detach()
    precision, plain = PrecisionNetwork(24).fit(z, residuals), plain_sigma(z, residuals)
    side = torch.linspace(-2.2, 2.2, 120)
    grid = torch.cartesian_prod(side, side)
    images = {
        "plain network": plain(grid).exp().detach(),
        "radial basis functions for the precision": precision(grid),
    }
    ends = torch.stack([z[z[:, 0].argmin()], z[z[:, 0].argmax()]])
    metric = Metric(stacked(mean, precision))
    path = NeighbourGraph(metric, 8).fit(z).paths(*ends, 33)
    found = geodesic(metric, *ends, starts=[ends, path], n_segments=32, tol=1e-4, max_iterations=200)
    line = float(metric.length(linear(*ends, T)).detach())
    print(f"length of the geodesic {float(found.length):.2f}, of the line {line:.2f}: {found.message[0]}")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for axis, (title, image) in zip(axes, images.items(), strict=True):
        shown = image.mean(1).log10().view(120, 120).T.numpy()
        drawn = axis.imshow(
            shown, origin="lower", extent=(-2.2, 2.2, -2.2, 2.2), cmap="Blues", vmin=-1.6, vmax=0.4
        )
        axis.plot(*z.T, ".", ms=1.5, color="0.3")
        axis.set_title(title, fontsize=10)
        figure.colorbar(drawn, ax=axis, label="log10 σ", shrink=0.8)
    axes[1].plot(*ends.T, **LINE)
    axes[1].plot(*found.curve(T).T, **GEODESIC)
    figure.savefig(folder / "geometry-uncertainty.png", dpi=120)
    for name, points in (("on the data", z), ("at (0, -1.5)", torch.tensor([[0.0, -1.5]]))):
        sigmas = float(plain(points).detach().exp().mean()), float(precision(points).mean())
        print(f"mean σ {name}: plain network {sigmas[0]:.3f}, precision network {sigmas[1]:.3f}")
    print(f"residuals on the data: {float(residuals.square().mean().sqrt()):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    manifolds(folder)
    uncertainty(folder)


if __name__ == "__main__":
    main()
