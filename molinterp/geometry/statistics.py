"""Means on the latent space under a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.errors import ShapeError
from molinterp.geometry.geodesic import Starts, geodesic
from molinterp.geometry.metric import Metric, check_metric
from molinterp.geometry.settings import SolverSettings


@final
@dataclass(frozen=True)
class MeanResult:
    """A Fréchet mean and how it was found."""

    mean: Tensor
    """(d,)."""
    variance: float
    """Mean squared distance of the points to it, in squared units of the output space."""
    iterations: int
    """Steps taken."""
    is_converged: bool
    """Whether the last step was as small as asked."""


def frechet_mean(
    metric: Metric,
    zs: Tensor,
    *,
    n_segments: int = 16,
    tol: float = 1e-3,
    max_iterations: int = 30,
    solver_tol: float = 1e-6,
    starts: Starts | None = None,
    settings: SolverSettings | None = None,
) -> MeanResult:
    """The point with the least sum of squared distances to some points.

    Fréchet 1948. Starts at the arithmetic mean and follows the mean of the initial velocities of the
    geodesics to all points, which is the gradient of the sum (Karcher 1977); a step that does not lower the
    sum is halved.

    Args:
        metric: output space and λ.
        zs: points (n, d), at least one.
        n_segments: segments of the geodesics.
        tol: length of the last step over the spread of the points, dimensionless.
        max_iterations: steps at most.
        solver_tol: of the geodesics, relative to their energy.
        starts: what makes curves to start from of the ends of the geodesics, as for `geodesic`.
        settings: of the solver; None means one descent a geodesic, unchecked, for many are solved.

    Raises:
        ShapeError: `zs` is no matrix or holds no point.
        NotFiniteError: a callable of the metric gives NaN or infinity.
        InputError: `metric` is no `Metric`.
    """
    check_metric(metric, "frechet_mean(metric, zs)")
    solver = _Options(n_segments, solver_tol, starts, settings or SolverSettings.unchecked())
    if zs.ndim != 2 or len(zs) == 0:
        raise ShapeError(f"`zs` must have shape (n, d) with n >= 1; got {tuple(zs.shape)}.")
    mean, share = zs.mean(0), 1.0
    spread = float((zs - mean).norm(dim=1).mean())
    # The velocity of a curve between equal points is rounding alone.
    rounding = 8 * n_segments * torch.finfo(zs.dtype).eps * float(zs.abs().max())
    variance, step = _towards(metric, mean, zs, solver)
    for iteration in range(max_iterations):
        if share * float(step.norm()) <= max(tol * spread, rounding):
            return MeanResult(mean, variance, iteration, True)
        trial = mean + share * step
        trial_variance, trial_step = _towards(metric, trial, zs, solver)
        if trial_variance < variance:
            mean, variance, step = trial, trial_variance, trial_step
        else:
            share /= 2
    return MeanResult(mean, variance, max_iterations, False)


@dataclass(frozen=True)
class _Options:
    """What `geodesic` is called with; the fields bear the names of its arguments."""

    n_segments: int
    tol: float
    starts: Starts | None
    settings: SolverSettings


def _towards(metric: Metric, mean: Tensor, zs: Tensor, solver: _Options) -> tuple[float, Tensor]:
    """Mean squared distance from a point to all others, and the mean velocity with which they are left."""
    found = geodesic(metric, mean.expand_as(zs), zs, **vars(solver))
    start = torch.zeros(1, dtype=zs.dtype, device=zs.device)
    velocity = found.curve.velocity(start)[:, 0]
    return float(found.length.square().mean()), velocity.mean(0)
