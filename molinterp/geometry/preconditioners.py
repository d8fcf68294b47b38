"""What stands for the inverse Hessian of a curve's energy: springs alone, or springs and masses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Self, final

import torch
from torch import Tensor

from molinterp.geometry.curves import PiecewiseLinear
from molinterp.geometry.metric import Metric
from molinterp.geometry.minimise import Preconditioner


@final
@dataclass(frozen=True)
class PreconditionerSettings:
    """Tuning of the approximate inverse Hessians."""

    n_probes: int = 128
    """Evaluations of Φ a pair, about, that go into the metric along a curve."""
    n_bends: int = 512
    """Gradients of λ a pair, about, that go into its second derivatives along a curve."""
    n_places: int = 8
    """Places along a curve, at most, where either is taken."""
    dense: int = 512
    """Unknowns up to which a chain is factorised as one matrix: faster than block by block."""
    ridge: float = 1e-2
    """Share of the mean eigenvalue added to the metric, for directions that Φ does not see."""

    def n_along(self, budget: int, d: int) -> int:
        """Places along a curve that a budget of evaluations allows in d dimensions."""
        return min(max(1, budget // d), self.n_places)


@final
@dataclass(frozen=True)
class Springs(Preconditioner):
    """One metric M for the whole curve and λ = 1: n K ⊗ M, with K the second difference.

    Its inverse is the covariance of a Brownian bridge in t, M⁻¹ in z.
    """

    inverse: Tensor
    """M⁻¹, (p, d, d)."""
    n: int
    """Steps of the grid."""
    is_local = False

    def solve(self, q: Tensor) -> Tensor:
        """See `Preconditioner`; q is (p, (n - 1)·d)."""
        sines, stiffness = _sines(self.n)
        modes = (sines / stiffness[:, None]).to(q) @ q.unflatten(1, (self.n - 1, -1)) @ self.inverse
        return (sines.to(q) @ modes).flatten(1) / self.n

    def rows(self, index: Tensor) -> Self:
        """See `Preconditioner`."""
        return type(self)(self.inverse[index], self.n)

    def with_rows(self, index: Tensor, other: Self) -> Self:
        """See `Preconditioner`."""
        return type(self)(self.inverse.index_copy(0, index, other.inverse), self.n)


@final
@dataclass(frozen=True)
class Dense(Preconditioner):
    """The matrix of `Chain` in one piece, for few unknowns."""

    root: Tensor
    """Its Cholesky factor, (p, (n - 1)·d, (n - 1)·d)."""
    is_local = True

    @classmethod
    def of(cls, diagonal: Tensor, beside: Tensor) -> Self:
        """The matrix with blocks (p, n - 1, d, d) on its diagonal and (p, n - 2, d, d) beside it."""
        p, k, d, _ = diagonal.shape
        matrix = diagonal.new_zeros(p, k, d, k, d)
        at = torch.arange(k, device=diagonal.device)
        matrix[:, at, :, at] = diagonal.transpose(0, 1)
        matrix[:, at[:-1], :, at[1:]] = beside.transpose(0, 1)
        matrix[:, at[1:], :, at[:-1]] = beside.mT.transpose(0, 1)
        return cls(_root(matrix.reshape(p, k * d, k * d)))

    def solve(self, q: Tensor) -> Tensor:
        """See `Preconditioner`; q is (p, (n - 1)·d)."""
        return torch.cholesky_solve(q.to(self.root)[..., None], self.root)[..., 0].to(q)

    def rows(self, index: Tensor) -> Self:
        """See `Preconditioner`."""
        return type(self)(self.root[index])

    def with_rows(self, index: Tensor, other: Self) -> Self:
        """See `Preconditioner`."""
        return type(self)(self.root.index_copy(0, index, other.root))


@final
@dataclass(frozen=True)
class Chain(Preconditioner):
    """The Gauss-Newton matrix of the energy where λ varies: a chain of masses on springs.

    A half step of the curve costs n λ(m)² ‖ΔΦ‖², m its middle. With u the move of the middle, w the change of
    the half step, G the metric of Φ there and a = G Δz, the matrix is 2n times the sum of

        λ² wᵀ G w + 2 λ (aᵀ w) (∇λᵀ u) + ‖ΔΦ‖² ((∇λᵀ u)² + λ uᵀ |∇²λ| u),

    block tridiagonal in the nodes. |∇²λ| has the absolute values of the eigenvalues: Dauphin et al.,
    Identifying and Attacking the Saddle Point Problem, 2014, arXiv 1406.2572.
    """

    factors: Tensor
    """Lower triangular blocks L_k of its Cholesky factor, (n - 1, p, d, d)."""
    links: Tensor
    """Blocks L_k⁻¹ B_k beside them, (n - 2, p, d, d)."""
    is_local = True

    @classmethod
    @torch.no_grad()
    def of(cls, metric: Metric, nodes: Tensor, settings: PreconditionerSettings | None = None) -> Self:
        """The matrix at curves through nodes (p, n + 1, d)."""
        return cls.factorised(*blocks(metric, nodes, settings or PreconditionerSettings()))

    @classmethod
    def factorised(cls, diagonal: Tensor, beside: Tensor) -> Self:
        """The matrix with blocks (p, n - 1, d, d) on its diagonal and (p, n - 2, d, d) beside it."""
        factors, links = [_root(diagonal[:, 0])], list[Tensor]()
        for k in range(beside.shape[1]):
            links.append(torch.linalg.solve_triangular(factors[k], beside[:, k], upper=False))
            factors.append(_root(diagonal[:, k + 1] - links[k].mT @ links[k]))
        return cls(
            torch.stack(factors),
            torch.stack(links) if links else diagonal.new_zeros(0, *diagonal[:, 0].shape),
        )

    def solve(self, q: Tensor) -> Tensor:
        """See `Preconditioner`; q is (p, (n - 1)·d)."""
        x = list(q.to(self.factors).unflatten(1, (len(self.factors), -1))[..., None].unbind(1))
        for k, factor in enumerate(self.factors):
            if k:
                x[k] = x[k] - self.links[k - 1].mT @ x[k - 1]
            x[k] = torch.linalg.solve_triangular(factor, x[k], upper=False)
        for k in reversed(range(len(x))):
            if k + 1 < len(x):
                x[k] = x[k] - self.links[k] @ x[k + 1]
            x[k] = torch.linalg.solve_triangular(self.factors[k].mT, x[k], upper=True)
        return torch.cat(x, 1)[..., 0].to(q)

    def rows(self, index: Tensor) -> Self:
        """See `Preconditioner`."""
        return type(self)(self.factors[:, index], self.links[:, index])

    def with_rows(self, index: Tensor, other: Self) -> Self:
        """See `Preconditioner`."""
        if other.factors.shape[1] == self.factors.shape[1]:
            return other
        return type(self)(
            self.factors.index_copy(1, index, other.factors), self.links.index_copy(1, index, other.links)
        )


@torch.no_grad()
def chained(metric: Metric, nodes: Tensor, settings: PreconditionerSettings) -> Preconditioner:
    """The matrix of `Chain` at curves through nodes (p, n + 1, d), in the form that is faster."""
    form = Dense.of if (nodes.shape[1] - 2) * nodes.shape[2] <= settings.dense else Chain.factorised
    return form(*blocks(metric, nodes, settings))


def _root(matrix: Tensor) -> Tensor:
    """Cholesky factor (p, d, d); where rounding leaves none, that of a multiple of the identity."""
    root, failed = torch.linalg.cholesky_ex(matrix)
    plain = matrix.diagonal(dim1=1, dim2=2).abs().mean(1).sqrt()[:, None, None]
    eye = torch.eye(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    return torch.where((failed > 0)[:, None, None], plain * eye, root)


def blocks(metric: Metric, nodes: Tensor, settings: PreconditionerSettings) -> tuple[Tensor, Tensor]:
    """Blocks of `Chain`'s matrix on its diagonal, (p, n - 1, d, d), and beside it, (p, n - 2, d, d)."""
    n, d = nodes.shape[1] - 1, nodes.shape[2]
    springs, mixed, masses = _parts(metric, halved(nodes), settings)
    # A half step changes by half as much as the step; its middle lies at a quarter of it or at three.
    first, last = (
        springs.new_tensor([0.75, 0.25]).view(2, 1, 1),
        springs.new_tensor([0.25, 0.75]).view(2, 1, 1),
    )
    springs, mixed, masses = (v.unflatten(1, (n, 2)) for v in (springs / 4, mixed / 2, masses))
    both = mixed + mixed.mT
    before = (springs - first * both + first.square() * masses).sum(2)
    after = (springs + last * both + last.square() * masses).sum(2)
    beside = (first * mixed.mT - last * mixed - springs + first * last * masses).sum(2)
    diagonal, beside = 2 * n * (after[:, :-1] + before[:, 1:]), 2 * n * beside[:, 1:-1]
    sound = torch.isfinite(diagonal).flatten(1).all(1) & torch.isfinite(beside).flatten(1).all(1)
    eye = torch.eye(d, dtype=springs.dtype, device=springs.device)
    return _where(sound, diagonal, eye), _where(sound, beside, 0 * eye)


def _parts(metric: Metric, points: Tensor, settings: PreconditionerSettings) -> tuple[Tensor, Tensor, Tensor]:
    """The three matrices of `Chain` on each of k steps, (p, k, d, d)."""
    k, d = points.shape[1] - 1, points.shape[2]
    cost, slope = (_precise(v) for v in _costs(metric, (points[:, 1:] + points[:, :-1]) / 2))
    g = _spread(
        _precise(phi_metrics(metric, points, settings.n_along(settings.n_probes, d), settings.ridge)), k
    )
    if metric.has_fields:
        bends = _spread(_precise(_curvatures(metric, points, settings.n_along(settings.n_bends, d))), k)
    else:
        bends = torch.zeros_like(g)
    steps = _precise(points.diff(dim=1))
    ahead = (g @ steps[..., None])[..., 0]
    seen = (_precise(metric.chords(points)) / cost).square()
    # No less than Δzᵀ G Δz, or the matrix would not be positive.
    squares = torch.maximum(seen, (ahead * steps).sum(-1))[..., None, None]
    cost = cost[..., None, None]
    masses = squares * (slope[..., None] * slope[..., None, :] + cost * bends)
    return cost.square() * g, cost * ahead[..., None] * slope[..., None, :], masses


def halved(nodes: Tensor) -> Tensor:
    """Nodes (p, n + 1, d) and the middles between them, (p, 2n + 1, d)."""
    middles = (nodes[:, 1:] + nodes[:, :-1]) / 2
    return torch.cat([torch.stack([nodes[:, :-1], middles], 2).flatten(1, 2), nodes[:, -1:]], 1)


def _where(sound: Tensor, blocks: Tensor, other: Tensor) -> Tensor:
    return torch.where(sound[:, None, None, None], blocks, other)


def _precise(values: Tensor) -> Tensor:
    """In float64 where the device has it, for the factors lose half of the digits."""
    return values if values.device.type == "mps" else values.double()


def _spread(values: Tensor, n: int) -> Tensor:
    """Values (p, k, d, d) at the middles of k steps, by linear interpolation at those of n: (p, n, d, d)."""
    k = values.shape[1]
    if k == n:
        return values
    at = (((torch.arange(n) + 0.5) * k / n) - 0.5).clamp(0, k - 1).to(values)
    low = at.floor().long().clamp(max=max(0, k - 2))
    share = (at - low)[:, None, None]
    return values[:, low] * (1 - share) + values[:, (low + 1).clamp(max=k - 1)] * share


def _along(nodes: Tensor, k: int) -> Tensor:
    """The middles of k equal steps of the curves through nodes (p, n + 1, d): (p, k, d)."""
    return PiecewiseLinear(nodes)((torch.arange(k, dtype=torch.float64) + 0.5) / k)


def _moves(nodes: Tensor) -> tuple[Tensor, Tensor]:
    """Small moves in each direction, (p, d, d), and their length, (p, 1, 1)."""
    d = nodes.shape[2]
    scale = (nodes[:, 0] - nodes[:, -1]).norm(dim=1) + 0.01 * nodes.abs().amax((1, 2))
    width = (0.02 * scale / math.sqrt(d))[:, None, None]
    return width * torch.eye(d, dtype=nodes.dtype, device=nodes.device), width


def _costs(metric: Metric, z: Tensor) -> tuple[Tensor, Tensor]:
    """λ (...) and its gradient (..., d) at z (..., d); zeros where it has none."""
    z = z.detach().requires_grad_()
    with torch.enable_grad():
        costs = metric.costs(z)
        total = costs.sum()
    if not costs.requires_grad:
        return costs, torch.zeros_like(z)
    (slopes,) = torch.autograd.grad(total, z)
    return costs.detach(), slopes


def _curvatures(metric: Metric, nodes: Tensor, k: int) -> Tensor:
    """|∇²λ| at k points along the curves, (p, k, d, d), by differences of gradients."""
    points, (moves, width) = _along(nodes, k), _moves(nodes)
    probes = torch.cat([points[:, :, None], points[:, :, None] + moves[:, None]], 2)
    _, slopes = _costs(metric, probes)
    second = (slopes[:, :, 1:] - slopes[:, :, :1]) / width[:, None]
    second = torch.where(torch.isfinite(second).all(3).all(2)[..., None, None], second, 0.0)
    values, turns = torch.linalg.eigh(0.5 * (second + second.mT))
    return (turns * values.abs()[..., None, :]) @ turns.mT


@torch.no_grad()
def phi_metrics(metric: Metric, nodes: Tensor, k: int, ridge: float) -> Tensor:
    """J_Φᵀ J_Φ and a ridge at k points along the curves through nodes (p, n + 1, d): (p, k, d, d).

    Differences in place of derivatives will do, for it is a preconditioner: they need nothing of Φ.
    """
    moves, width = _moves(nodes)
    found = []
    for point in _along(nodes, k).unbind(1):
        columns = metric.chart_images(point[:, None] + moves, point)
        columns = (columns - metric.chart_images(point, point)[:, None]) / width
        found.append(columns @ columns.mT)
    metrics = torch.stack(found, 1)
    eye = torch.eye(nodes.shape[2], dtype=nodes.dtype, device=nodes.device)
    share = ridge * metrics.diagonal(dim1=2, dim2=3).mean((1, 2))
    metrics = metrics + share[:, None, None, None] * eye
    least = metrics.diagonal(dim1=2, dim2=3).amin((1, 2))
    return _where(torch.isfinite(metrics).flatten(1).all(1) & (least > 0), metrics, eye)


def metrics_along(metric: Metric, nodes: Tensor, settings: PreconditionerSettings | None = None) -> Tensor:
    """J_Φᵀ J_Φ at some places along the curves through nodes (p, n + 1, d): (p, k, d, d)."""
    settings = settings or PreconditionerSettings()
    k = settings.n_along(settings.n_probes, nodes.shape[2])
    return phi_metrics(metric, nodes, k, settings.ridge)


@lru_cache(maxsize=64)
def _sines(n: int) -> tuple[Tensor, Tensor]:
    """Eigenvectors (n - 1, n - 1) and eigenvalues (n - 1,) of the second difference at n - 1 inner nodes."""
    k = torch.arange(1, n, dtype=torch.float64)
    sines = math.sqrt(2 / n) * torch.sin(math.pi / n * k[:, None] * k)
    return sines, 2 - 2 * torch.cos(math.pi / n * k)
