"""Shortest paths through given points: starts that a straight line does not lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molinterp.errors import InputError, NotFittedError, ShapeError
from molinterp.geometry.curves import linear
from molinterp.geometry.metric import Metric, check_metric


@final
@dataclass(frozen=True)
class GraphSettings:
    """Tuning of `NeighbourGraph`: what is held in memory at once."""

    n_points: int = 65_536
    """Points of edges measured at once."""
    n_pairs: int = 256
    """Pairs whose paths are looked for at once."""


@final
class NeighbourGraph:
    """Points joined to their nearest neighbours, each edge as long as the metric finds it.

    A shortest path in it goes round what costs much where points, as encoded data, lie there: Chen et
    al., Fast Approximate Geodesics for Deep Generative Models, 2019, arXiv 1812.08284.
    """

    points_: Tensor
    """The points, (n, d)."""
    edges_: NDArray[np.int64]
    """Pairs of points, (m, 2), each edge once."""
    lengths_: NDArray[np.float64]
    """Length of each edge in the metric, (m,)."""

    def __init__(
        self,
        metric: Metric,
        n_neighbours: int = 10,
        n_points: int = 4,
        settings: GraphSettings | None = None,
    ) -> None:
        """Choose the metric, the neighbours of a point and the steps at which an edge is measured.

        Raises:
            InputError: one of the numbers is below 1, or `metric` is no `Metric`.
        """
        for name, value in (("n_neighbours", n_neighbours), ("n_points", n_points)):
            if value < 1:
                raise InputError(f"`{name}` must be at least 1; got {value}.")
        check_metric(metric, "NeighbourGraph(metric, n_neighbours)")
        self.metric = metric
        self.settings = settings or GraphSettings()
        self.n_neighbours = n_neighbours
        self.n_points = n_points

    def fit(self, points: Tensor) -> NeighbourGraph:
        """Join `points` (n, d) to their neighbours by Euclidean distance.

        Raises:
            ShapeError: there are fewer than two points, or they are no matrix.
            InputError: a point is not finite.
        """
        if points.ndim != 2 or len(points) < 2:
            raise ShapeError(
                f"`points` must have shape (n, d) with n >= 2; got {tuple(points.shape)}. Flatten the batch."
            )
        if not torch.isfinite(points).all():
            raise InputError("`points` must be finite; got NaN or infinity. Leave such points out.")
        self.points_ = points.detach()
        near = self._neighbours(self.points_, min(self.n_neighbours + 1, len(points)))
        pairs = np.stack([np.repeat(np.arange(len(near)), near.shape[1]), near.ravel()], 1)
        pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], 1), axis=0)
        self.edges_ = pairs
        self.lengths_ = self._measure(self.points_[pairs[:, 0]], self.points_[pairs[:, 1]])
        return self

    def paths(self, z0: Tensor, z1: Tensor, n_nodes: int = 17) -> Tensor:
        """Shortest paths (..., n_nodes, d) from z0 to z1, both (..., d), at equal steps of length.

        The ends are joined to their own nearest neighbours. A pair without a path gets the line.

        Raises:
            NotFittedError: `fit` was not called.
            ShapeError: the ends differ in shape or in dimensions from the points, or there are none.
        """
        if "points_" not in vars(self):
            raise NotFittedError("`NeighbourGraph` must be fitted before `paths`. Call `fit(points)`.")
        if z0.shape != z1.shape or z0.ndim < 1 or z0.shape[-1] != self.points_.shape[1]:
            raise ShapeError(
                f"`z0` and `z1` must have the same shape (..., {self.points_.shape[1]}); got "
                f"{tuple(z0.shape)} and {tuple(z1.shape)}. Encode with the same bundle."
            )
        if not z0.numel():
            raise ShapeError(f"`z0` must hold one pair or more; got {tuple(z0.shape)}.")
        flat0, flat1 = (z.detach().reshape(-1, z.shape[-1]).to(self.points_) for z in (z0, z1))
        # Memory goes with the pairs of a call times the points and the pairs.
        size = self.settings.n_pairs
        routes = [
            r
            for i in range(0, len(flat0), size)
            for r in self._routes(flat0[i : i + size], flat1[i : i + size])
        ]
        found = [self._resample(torch.stack(route), n_nodes) for route in routes]
        return torch.stack(found).to(z0).reshape(*z0.shape[:-1], n_nodes, z0.shape[-1])

    def _routes(self, z0: Tensor, z1: Tensor) -> list[list[Tensor]]:
        """Points on the way of each pair, ends included."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import dijkstra

        n, p = len(self.points_), len(z0)
        k = min(self.n_neighbours, n)
        out, into = self._neighbours(z0, k), self._neighbours(z1, k)
        pairs = np.repeat(np.arange(p), k)
        leave = self._measure(z0[pairs], self.points_[out.ravel()])
        arrive = self._measure(z1[pairs], self.points_[into.ravel()])
        # One way out of each start and into each end, so that no pair goes through another's.
        tails = np.concatenate([self.edges_[:, 0], self.edges_[:, 1], n + pairs, into.ravel()])
        heads = np.concatenate([self.edges_[:, 1], self.edges_[:, 0], out.ravel(), n + p + pairs])
        lengths = np.concatenate([self.lengths_, self.lengths_, leave, arrive])
        # A sparse matrix takes an explicit zero for no edge.
        graph = coo_matrix(
            (np.maximum(lengths, 1e-300), (tails, heads)), shape=(n + 2 * p, n + 2 * p)
        ).tocsr()
        _, before = dijkstra(graph, indices=np.arange(n, n + p), return_predecessors=True)
        routes = []
        for i in range(p):
            route, at = [z1[i]], before[i, n + p + i]
            while 0 <= at < n:
                route.append(self.points_[at])
                at = before[i, at]
            routes.append([z0[i], *reversed(route)])
        return routes

    def _neighbours(self, z: Tensor, k: int) -> NDArray[np.int64]:
        from sklearn.neighbors import NearestNeighbors

        tree = NearestNeighbors(n_neighbors=k).fit(self.points_.double().cpu().numpy())
        return np.asarray(tree.kneighbors(z.double().cpu().numpy(), return_distance=False))

    @torch.no_grad()
    def _measure(self, a: Tensor, b: Tensor) -> NDArray[np.float64]:
        t = torch.linspace(0, 1, self.n_points + 1, device=a.device)
        size = max(1, self.settings.n_points // (self.n_points + 1))
        parts = [
            self.metric.length(linear(a[i : i + size], b[i : i + size], t)) for i in range(0, len(a), size)
        ]
        return np.asarray(torch.cat(parts).double().cpu().numpy())

    @torch.no_grad()
    def _resample(self, route: Tensor, n: int) -> Tensor:
        """`n` points of a polyline (k, d) at equal steps of its length in the metric."""
        way = torch.cat([route.new_zeros(1), self.metric.chords(route).cumsum(0)])
        if not float(way[-1]) > 0:
            return linear(route[0], route[-1], torch.linspace(0, 1, n))
        at = torch.linspace(0, 1, n, dtype=way.dtype, device=way.device) * way[-1]
        piece = torch.searchsorted(way, at, right=True).clamp(1, len(way) - 1)
        share = (at - way[piece - 1]) / (way[piece] - way[piece - 1]).clamp(min=torch.finfo(way.dtype).tiny)
        points = torch.lerp(route[piece - 1], route[piece], share.clamp(0, 1)[:, None])
        points[0], points[-1] = route[0], route[-1]
        return points
