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
    model: Model
    """What stands for the Hessian of each pair."""
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
        """About the inverse of the energy's Hessian times q (p, (n - 1)·d); see `Model`."""
        sines, stiffness = _sines(self.n)
        basis, masses = self.model.basis[rows], self.model.masses[rows]
        modes = sines.to(q) @ q.unflatten(1, (self.n - 1, -1)) @ basis
        modes = modes / (self.n * stiffness.to(q)[:, None] + masses[:, None] / self.n)
        return (sines.to(q) @ modes @ basis.mT).flatten(1)


@final
@dataclass(frozen=True)
class Model:
    """The Hessian of the energy with one metric and one curvature of λ for the whole curve.

    n K ⊗ M + I ⊗ P / n, with K the second difference, M the mean of λ² JᵀJ and P the mean of
    (∇λ ∇λᵀ + λ ∇²λ) times the squared speed of Φ, without its negative part: a chain of masses on springs.
    """

    basis: Tensor
    """W with Wᵀ M W = 1 and Wᵀ P W diagonal, (p, d, d)."""
    masses: Tensor
    """That diagonal, (p, d)."""

    @classmethod
    @torch.no_grad()
    def of(cls, metric: Metric, nodes: Tensor) -> Model:
        """The model along the curves through nodes (p, n + 1, d)."""
        root = torch.linalg.cholesky(inverse_mean_metric(metric, nodes))
        potential = _mean_potential(metric, nodes)
        if potential is None:
            return cls(root, root.new_zeros(root.shape[:2]))
        masses, turn = torch.linalg.eigh(root.mT @ potential @ root)
        return cls(root @ turn, masses.clamp_min(0))

    def rows(self, rows: Tensor) -> Model:
        """That of some pairs."""
        return Model(self.basis[rows], self.masses[rows])


def _mean_potential(metric: Metric, nodes: Tensor) -> Tensor | None:
    """P of `Model`, (p, d, d), by differences of gradients; None where λ is constant or has no gradient."""
    if metric.lambda_ is None:
        return None
    d = nodes.shape[2]
    n_points = min(max(1, PROBES // d), 8)
    t = (torch.arange(n_points, dtype=torch.float64) + 0.5) / n_points
    curve = PiecewiseLinear(nodes)
    points, velocity = curve(t), curve.velocity(t)
    moves = _probe_width(nodes) * torch.eye(d, dtype=nodes.dtype, device=nodes.device)
    probes = torch.cat([points[:, :, None], points[:, :, None] + moves[:, None]], 2)
    with torch.enable_grad():
        costs = metric.costs(probes.requires_grad_())
        total = costs.sum()
    if not costs.requires_grad:
        return None
    (slopes,) = torch.autograd.grad(total, probes)
    first, values = slopes[:, :, 0], costs.detach()[:, :, 0]
    second = (slopes[:, :, 1:] - first[:, :, None]) / _probe_width(nodes)[:, None]
    second = 0.5 * (second + second.mT)
    at = points
    ahead = 0.01 * velocity
    seen = metric.chart_images((at + ahead)[:, :, None], at) - metric.chart_images(at[:, :, None], at)
    speed = (seen / 0.01).square().sum((2, 3))
    found = first[..., None] * first[..., None, :] + values[..., None, None] * second
    mean = (speed[..., None, None] * found).mean(1)
    return torch.where(torch.isfinite(mean).all(2).all(1)[:, None, None], mean, 0.0)


def _probe_width(nodes: Tensor) -> Tensor:
    """Length (p, 1, 1) of the moves by which derivatives are taken."""
    scale = (nodes[:, 0] - nodes[:, -1]).norm(dim=1) + 0.01 * nodes.abs().amax((1, 2))
    return (0.02 * scale / math.sqrt(nodes.shape[2]))[:, None, None]


@torch.no_grad()
def inverse_mean_metric(metric: Metric, nodes: Tensor) -> Tensor:
    """Inverse of the mean of λ² J_Φᵀ J_Φ along the curves through nodes (p, n + 1, d): (p, d, d).

    Differences in place of derivatives will do, for it is a preconditioner: they need nothing of Φ.
    """
    n_pairs, _, d = nodes.shape
    n_points = min(max(1, PROBES // d), 8)
    t = (torch.arange(n_points, dtype=torch.float64) + 0.5) / n_points
    width = _probe_width(nodes)
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
def _sines(n: int) -> tuple[Tensor, Tensor]:
    """Eigenvectors (n - 1, n - 1) and eigenvalues (n - 1,) of the second difference at n - 1 inner nodes."""
    k = torch.arange(1, n, dtype=torch.float64)
    sines = math.sqrt(2 / n) * torch.sin(math.pi / n * k[:, None] * k)
    return sines, 2 - 2 * torch.cos(math.pi / n * k)
