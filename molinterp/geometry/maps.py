"""Exponential and logarithm map, distance: the metric as a geometer uses it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from molinterp.errors import ConvergenceWarning, InputError, ShapeError
from molinterp.geometry.curves import check_ends
from molinterp.geometry.flow import FlowSettings, check_way, flow
from molinterp.geometry.geodesic import Starts, geodesic
from molinterp.geometry.measure import is_near
from molinterp.geometry.metric import Metric, check_metric
from molinterp.geometry.settings import SolverSettings


def exp(
    metric: Metric,
    z: Tensor,
    v: Tensor,
    *,
    n_steps: int = 32,
    errors: Literal["raise", "keep"] = "raise",
    settings: FlowSettings | None = None,
) -> Tensor:
    """Follow the geodesic that leaves z with velocity v for one unit of time, (..., d).

    Args:
        metric: must be positive definite along the way.
        z: points of tangency, (..., d).
        v: tangent vectors, (..., d); both are broadcast.
        n_steps: of the integrator at least; they are halved where the energy is not conserved. A
            `ConvergenceWarning` says for how many vectors that was not enough.
        errors: "raise" stops at a vector whose geodesic cannot be gone along; "keep" gives it NaN.
        settings: tuning of the integrator; None means the defaults.

    Raises:
        ShapeError: `z` and `v` cannot be broadcast.
        InputError: the metric is singular on the way, the way leads to infinity, `n_steps` is below 1, or
            `metric` is no `Metric`.
        NotFiniteError: a callable gives NaN or infinity on the way.
    """
    return geodesic_flow(metric, z, v, n_steps=n_steps, errors=errors, settings=settings)[..., -1, :]


def geodesic_flow(
    metric: Metric,
    z: Tensor,
    v: Tensor,
    *,
    n_steps: int = 32,
    errors: Literal["raise", "keep"] = "raise",
    settings: FlowSettings | None = None,
) -> Tensor:
    """Follow the geodesics that leave z with velocity v, (..., n_steps + 1, d), at equal steps of time.

    The equation is that of Arvanitidis, Hansen and Hauberg, 2018, arXiv 1710.11379, equation 10, in its
    Hamiltonian
    form: see `molinterp.geometry.flow`. Arguments and errors are those of `exp`.
    """
    check_metric(metric, "exp(metric, z, v)")
    z, v = _together(z, v, "v")
    if n_steps < 1:
        raise InputError(f"`n_steps` must be at least 1; got {n_steps}.")
    settings, d = settings or FlowSettings(), z.shape[-1]
    flat, flat_v = z.reshape(-1, d), v.reshape(-1, d)
    points, change = flow(metric, flat, flat_v, n_steps, settings)
    if errors == "raise" and torch.isnan(change).any():
        check_way(metric, flat, flat_v, n_steps * 2**settings.n_rescues)
    off = change > settings.bound(z.dtype)
    _warn(int(off.sum()), len(flat), "geodesics do not conserve their energy: take more steps")
    return points.reshape(*z.shape[:-1], n_steps + 1, d)


def _together(z: Tensor, other: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Two tensors (..., d) broadcast and detached."""
    try:
        if z.shape[-1:] != other.shape[-1:] or z.ndim < 1:
            raise ValueError
        shape = torch.broadcast_shapes(z.shape, other.shape)
    except (RuntimeError, ValueError):
        raise ShapeError(
            f"`z` and `{name}` must have shapes (..., d) that can be broadcast; got {tuple(z.shape)} and "
            f"{tuple(other.shape)}. Give one vector a point."
        ) from None
    check_ends(z.expand(shape), other.expand(shape), ("z", name))
    return z.detach().expand(shape).contiguous(), other.detach().expand(shape).contiguous()


def log(
    metric: Metric,
    z: Tensor,
    y: Tensor,
    *,
    starts: Starts | None = None,
    n_segments: int = 32,
    tol: float = 1e-6,
    n_shots: int = 8,
    n_steps: int = 32,
    settings: SolverSettings | None = None,
) -> Tensor:
    """The tangent vector at z whose geodesic arrives at y after one unit of time, (..., d).

    The velocity of the curve that `geodesic` finds from the straight line, as long as that curve, is
    corrected by shooting: Broyden, A Class of Methods for Solving Nonlinear Simultaneous Equations, 1965.
    A `ConvergenceWarning` says how many vectors miss their end by more than √tol of the way all the same.

    Args:
        metric: output space and λ; with shots, positive definite along the way.
        z: points of tangency, (..., d).
        y: ends, (..., d); both are broadcast.
        starts: as for `geodesic`.
        n_segments: as for `geodesic`.
        tol: as for `geodesic`.
        n_shots: corrections at most; 0 leaves the velocity as it is, good to about √tol.
        n_steps: of the integrator, the same as for `exp`.
        settings: as for `geodesic`.

    Raises:
        ShapeError: `z` and `y` cannot be broadcast.
        NotFiniteError: a callable gives NaN or infinity.
        InputError: with shots, the metric is singular on the way; or `metric` is no `Metric`.
    """
    check_metric(metric, "log(metric, z, y)")
    z, y = _together(z, y, "y")
    # Shots correct what the curve leaves; without them it must be as good as was asked.
    solver_tol = max(tol, 1e-4) if n_shots else tol
    found = geodesic(
        metric,
        z,
        y,
        starts=starts,
        n_segments=n_segments,
        tol=solver_tol,
        max_iterations=200,
        settings=settings,
    )
    velocity = found.curve.velocity(torch.zeros(1))[..., 0, :].reshape(-1, z.shape[-1])
    start, end = z.reshape(velocity.shape), y.reshape(velocity.shape)
    speed = metric.norm(start, velocity)
    velocity = velocity * torch.where(speed > 0, found.length.reshape(-1) / speed, 1)[:, None]
    near = is_near(start, end)
    velocity[near] = (end - start)[near]
    if n_shots == 0:
        _warn(int((~found.converged).sum()), len(start), "geodesics did not converge")
        return velocity.reshape(z.shape)
    far = (~near).nonzero()[:, 0]
    if not len(far):
        return velocity.reshape(z.shape)
    velocity[far], miss = _shoot(metric, start[far], end[far], velocity[far], n_shots, n_steps)
    rounding = 100 * torch.finfo(end.dtype).eps * (1 + end[far].norm(dim=1))
    is_off = ~(miss <= math.sqrt(tol) * (end - start)[far].norm(dim=1) + rounding)
    _warn(int(is_off.sum()), len(start), "tangent vectors miss their ends")
    return velocity.reshape(z.shape)


def _warn(n: int, n_all: int, what: str) -> None:
    if n:
        warnings.warn(f"{n} of {n_all} {what}.", ConvergenceWarning, stacklevel=3)


def _shoot(
    metric: Metric, z0: Tensor, z1: Tensor, v: Tensor, n_shots: int, n_steps: int
) -> tuple[Tensor, Tensor]:
    """Tangent vectors (n, d) corrected until their geodesics arrive, the best of all shots; misses (n,)."""
    # What a shot cannot resolve is made good by the next one.
    settings = FlowSettings(n_halvings=2, n_rescues=0)

    def shot(v: Tensor) -> Tensor:
        return flow(metric, z0, v, n_steps, settings)[0][:, -1] - z1

    miss = shot(v)
    lost = torch.isnan(miss).any(1)
    if lost.any():
        check_way(metric, z0, torch.where(lost[:, None], 0, v), 1)
        # Half as far leads nearer home.
        miss = torch.where(lost[:, None], z0 - z1, miss)
        v = torch.where(lost[:, None], 0, v)
    inverse = torch.eye(v.shape[1], dtype=v.dtype, device=v.device).expand(len(v), -1, -1).clone()
    best, least = v, miss.norm(dim=1)
    for _ in range(n_shots):
        if float(least.max()) <= 10 * torch.finfo(v.dtype).eps * float(1 + z1.norm(dim=1).max()):
            break
        step = -(inverse @ miss[..., None])[..., 0]
        found = shot(v + step)
        # A shot that leaves the domain of the metric is tried again half as far.
        lost = ~torch.isfinite(found).all(1)
        step, found = torch.where(lost[:, None], 0, step), torch.where(lost[:, None], miss, found)
        v, last, miss = v + step, miss, found
        change = (inverse @ (miss - last)[..., None])[..., 0]
        row = (step[:, None] @ inverse)[:, 0]
        share = (step * change).sum(1)
        safe = torch.where(share == 0, 1, share)
        inverse = inverse + ((step - change) / safe[:, None])[..., None] * row[:, None]
        inverse = torch.where(lost[:, None, None], inverse / 2, inverse)
        nearer = miss.norm(dim=1) < least
        best = torch.where(nearer[:, None], v, best)
        least = torch.where(nearer, miss.norm(dim=1), least)
    return best, least


def distance(
    metric: Metric,
    z: Tensor,
    y: Tensor,
    *,
    starts: Starts | None = None,
    n_segments: int = 16,
    tol: float = 1e-4,
    settings: SolverSettings | None = None,
) -> Tensor:
    """Length of the geodesic between z and y, both (..., d): (...).

    A `ConvergenceWarning` says how many geodesics did not converge; their lengths are upper bounds. Options
    are those of `geodesic`.

    Raises:
        ShapeError: `z` and `y` cannot be broadcast.
        NotFiniteError: a callable gives NaN or infinity.
        InputError: `metric` is no `Metric`.
    """
    check_metric(metric, "distance(metric, z, y)")
    z, y = _together(z, y, "y")
    found = geodesic(
        metric, z, y, starts=starts, n_segments=n_segments, tol=tol, max_iterations=200, settings=settings
    )
    _warn(int((~found.converged).sum()), found.converged.numel(), "geodesics did not converge")
    return found.length


def pairwise_distances(
    metric: Metric,
    zs: Tensor,
    *,
    starts: Callable[[Tensor, Tensor], Sequence[Tensor]] | None = None,
    n_segments: int = 16,
    tol: float = 1e-3,
    settings: SolverSettings | None = None,
) -> Tensor:
    """Distances between all points zs (n, d): (n, n), symmetric, 0 on the diagonal.

    Each of the n (n - 1) / 2 pairs is solved once, all in batches. Options are those of `geodesic`; `starts`
    makes curves (p, k, d) of the ends of p pairs.

    Raises:
        ShapeError: `zs` is no matrix.
        NotFiniteError: a callable gives NaN or infinity.
        InputError: `metric` is no `Metric`.
    """
    check_metric(metric, "pairwise_distances(metric, zs)")
    if zs.ndim != 2:
        raise ShapeError(f"`zs` must have shape (n, d); got {tuple(zs.shape)}. Flatten the batch.")
    out = zs.new_zeros(len(zs), len(zs))
    if len(zs) > 1:
        i, j = torch.triu_indices(len(zs), len(zs), 1, device=zs.device)
        out[i, j] = out[j, i] = distance(
            metric, zs[i], zs[j], starts=starts, n_segments=n_segments, tol=tol, settings=settings
        )
    return out
