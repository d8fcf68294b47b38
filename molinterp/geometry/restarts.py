"""Starts that a straight line does not lead to: shortest paths through points strewn about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.geometry.curves import linear
from molinterp.geometry.graph import NeighbourGraph
from molinterp.geometry.metric import Metric


@final
@dataclass(frozen=True)
class RestartSettings:
    """Tuning of the paths looked for about the line."""

    max_dim: int = 8
    """Dimensions up to which points about the line fill the space well enough to be tried."""
    n_points: int = 300
    """Points strewn about the line."""
    width: float = 0.4
    """Standard deviation of their distance from it in each direction, over the distance of the ends."""
    n_neighbours: int = 12
    """Neighbours that each point is joined to."""
    n_measured: int = 12
    """Steps at which an edge is measured: a thin wall must not be stepped over."""
    n_nodes: int = 17
    """Nodes of the path."""
    unequal: float = 1.5
    """Ratio of the largest to the least λ along a curve from which on a way round is looked for."""
    seed: int = 0
    """Of the points."""


def way_round(metric: Metric, z0: Tensor, z1: Tensor, settings: RestartSettings) -> Tensor:
    """Shortest paths (p, n_nodes, d) through random points about the lines from z0 to z1, both (p, d).

    The roadmap of Kavraki et al., Probabilistic Roadmaps for Path Planning in High-Dimensional Configuration
    Spaces, 1996. Where Φ or λ is not finite at a point, the point is left out.

    Args:
        metric: output space and λ.
        z0: starts, (p, d).
        z1: ends, (p, d).
        settings: tuning.
    """
    t = torch.linspace(0, 1, settings.n_points)
    paths = []
    for a, b in zip(z0, z1, strict=True):
        # The same for each pair, so that none depends on its neighbours in the batch.
        generator = torch.Generator().manual_seed(settings.seed)
        noise = torch.randn(settings.n_points, len(a), generator=generator, dtype=torch.float64).to(a)
        points = linear(a, b, t) + settings.width * (b - a).norm() * noise
        with torch.no_grad():
            cost = metric.costs(points)
        points = points[torch.isfinite(cost) & (cost >= 0)]
        if len(points) < 2:
            paths.append(linear(a, b, torch.linspace(0, 1, settings.n_nodes)))
            continue
        graph = NeighbourGraph(metric, settings.n_neighbours, settings.n_measured).fit(points)
        paths.append(graph.paths(a, b, settings.n_nodes))
    return torch.stack(paths)
