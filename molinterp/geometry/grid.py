"""The energy of curves through nodes as a function of these nodes, and about the inverse of its Hessian."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError
from molinterp.geometry.curves import PiecewiseLinear
from molinterp.geometry.metric import Metric
from molinterp.geometry.spaces import LocalSpace

PROBES = 128
"""Evaluations of Φ a pair, about, that go into the mean metric."""
RIDGE = 1e-2
"""Share of the mean eigenvalue added to the mean metric, for directions that Φ does not see."""


@final
@dataclass(frozen=True)
class Ends:
    """Ends of p pairs and, where the output space has images, their images."""

    z0: Tensor
    """(p, d)."""
    z1: Tensor
    """(p, d)."""
    images: tuple[Tensor, Tensor] | None
    """Φ of both, (p, h) each; None for a `LocalSpace`."""

    @classmethod
    @torch.no_grad()
    def of(cls, metric: Metric, z0: Tensor, z1: Tensor) -> Ends:
        """The ends z0, z1 (p, d) with their images, which no step changes."""
        if isinstance(metric.phi, LocalSpace):
            return cls(z0, z1, None)
        return cls(z0, z1, (metric.images(z0), metric.images(z1)))

    def rows(self, rows: Tensor) -> Ends:
        """Those of some pairs."""
        kept = None if self.images is None else (self.images[0][rows], self.images[1][rows])
        return Ends(self.z0[rows], self.z1[rows], kept)


@final
@dataclass(frozen=True)
class Grid:
    """The energy over n equal steps as a function of the inner nodes, (p, (n - 1)·d)."""

    metric: Metric
    """Output space and λ."""
    ends: Ends
    """Of p pairs."""
    n: int
    """Steps, at least 2."""
    inverse: Tensor
    """Inverse of a metric that stands for that of each pair, (p, d, d)."""
    context: Tensor | None = None
    """Of a `LocalSpace`, (p, n, k): its charts stay as they were where the grid began."""

    def at(self, x: Tensor) -> Grid:
        """The same energy with the charts that hold around x (p, (n - 1)·d)."""
        inner = x.unflatten(1, (self.n - 1, -1))
        nodes = torch.cat([self.ends.z0[:, None], inner, self.ends.z1[:, None]], 1)
        return replace(self, context=self.metric.contexts((nodes[:, 1:] + nodes[:, :-1]) / 2))

    def __call__(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (p,) and gradients (p, (n - 1)·d)."""
        inner = x.unflatten(1, (self.n - 1, -1)).requires_grad_()
        with torch.enable_grad():
            parts = self._parts(inner, rows)
        if not parts[0].requires_grad:
            raise InputError("`phi` must be differentiable; got a tensor without a gradient. Detach nothing.")
        steps, costs = parts[0].detach(), parts[1].detach()
        weights = self.n * costs.square()
        squares = steps.square().sum(-1)
        energy = 0.5 * (weights * squares).sum(1)
        outputs, slopes = [parts[0]], [weights[..., None] * steps]
        if parts[1].requires_grad:
            outputs, slopes = [*outputs, parts[1]], [*slopes, self.n * costs * squares]
        (gradient,) = torch.autograd.grad(outputs, inner, slopes)
        return energy, gradient.flatten(1)

    def _parts(self, inner: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Steps of Φ, (p, n, h), and λ at their middles, (p, n)."""
        ends = self.ends
        nodes = torch.cat([ends.z0[rows, None], inner, ends.z1[rows, None]], 1)
        a, b = nodes[:, :-1], nodes[:, 1:]
        middle = (a + b) / 2
        costs = self.metric.costs(middle)
        if self.context is not None:
            images = [self.metric.chart_images(z, middle, self.context[rows]) for z in (a, b)]
            return images[1] - images[0], costs
        if ends.images is None:
            raise TypeError("the ends must have images where there is no chart.")
        images = [ends.images[0][rows, None], self.metric.images(inner), ends.images[1][rows, None]]
        return torch.cat(images, 1).diff(dim=1), costs

    def precondition(self, q: Tensor, rows: Tensor) -> Tensor:
        """The inverse of the energy's Hessian for a constant metric, times q (p, (n - 1)·d).

        In t it is the covariance of a Brownian bridge, the inverse of the second difference.
        """
        wide = _bridge(self.n).to(q) @ q.unflatten(1, (self.n - 1, -1))
        return (wide @ self.inverse[rows]).flatten(1)


@torch.no_grad()
def inverse_mean_metric(metric: Metric, nodes: Tensor) -> Tensor:
    """Inverse of the mean of λ² J_Φᵀ J_Φ along the curves through nodes (p, n + 1, d): (p, d, d).

    Differences in place of derivatives will do, for it is a preconditioner: they need nothing of Φ.
    """
    n_pairs, _, d = nodes.shape
    n_points = min(max(1, PROBES // d), 8)
    t = (torch.arange(n_points, dtype=torch.float64) + 0.5) / n_points
    scale = (nodes[:, 0] - nodes[:, -1]).norm(dim=1) + 0.01 * nodes.abs().amax((1, 2))
    width = (0.02 * scale / math.sqrt(d))[:, None, None]
    moves = width * torch.eye(d, dtype=nodes.dtype, device=nodes.device)
    total = nodes.new_zeros(n_pairs, d, d)
    for point in PiecewiseLinear(nodes)(t).unbind(1):
        columns = metric.chart_images(point[:, None] + moves, point)
        columns = columns - metric.chart_images(point, point)[:, None]
        total += metric.costs(point).square()[:, None, None] * (columns @ columns.mT)
    eye = torch.eye(d, dtype=nodes.dtype, device=nodes.device)
    mean = total / width.square() / n_points
    mean = mean + RIDGE * mean.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * eye
    sound = torch.isfinite(mean).all(2).all(1) & (mean.diagonal(dim1=1, dim2=2).amin(1) > 0)
    return torch.linalg.inv(torch.where(sound[:, None, None], mean, eye))


@lru_cache(maxsize=64)
def _bridge(n: int) -> Tensor:
    """Covariance (n - 1, n - 1) of a Brownian bridge at the inner nodes of n equal steps."""
    t = torch.arange(1, n, dtype=torch.float64) / n
    return torch.minimum(t[:, None], t) - t[:, None] * t
