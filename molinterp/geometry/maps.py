"""Exponential and logarithm map, distance: the metric as a geometer uses it."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from molinterp.errors import ConvergenceWarning, InputError, NotFiniteError, ShapeError
from molinterp.geometry.geodesic import geodesic
from molinterp.geometry.metric import Metric, check_metric


def exp(metric: Metric, z: Tensor, v: Tensor, *, n_steps: int = 32) -> Tensor:
    """Where the geodesic that leaves z with velocity v is after one unit of time, (..., d).

    Args:
        metric: must be positive definite along the way.
        z: points of tangency, (..., d).
        v: tangent vectors, (..., d).
        n_steps: of the integrator, at least 1.

    Raises:
        ShapeError: `z` and `v` differ in shape.
        InputError: the metric is singular on the way, the way leads to infinity, `n_steps` is below 1, or
            `metric` is no `Metric`.
        NotFiniteError: a callable gives NaN or infinity on the way.
    """
    return geodesic_flow(metric, z, v, n_steps=n_steps)[..., -1, :]


def geodesic_flow(metric: Metric, z: Tensor, v: Tensor, *, n_steps: int = 32) -> Tensor:
    """The geodesics that leave z with velocity v, (..., n_steps + 1, d), at equal steps of time.

    The geodesic equation in its Hamiltonian form, z' = G⁻¹p and p' = ½ ∇(z'ᵀ G z') with z' held fixed,
    so that no Christoffel symbol is formed; Runge and Kutta's method of the fourth order. Speed is
    conserved up to its error. Arvanitidis, Hansen and Hauberg, 2018, arXiv 1710.11379, equation 10, is the
    same equation.

    Args:
        metric: must be positive definite along the way.
        z: points of tangency, (..., d).
        v: tangent vectors, (..., d).
        n_steps: of the integrator, at least 1.

    Raises:
        ShapeError: `z` and `v` differ in shape.
        InputError: the metric is singular on the way, the way leads to infinity, `n_steps` is below 1, or
            `metric` is no `Metric`.
        NotFiniteError: a callable gives NaN or infinity on the way.
    """
    check_metric(metric, "exp(metric, z, v)")
    if v.shape != z.shape or z.ndim < 1:
        raise ShapeError(
            f"`z` and `v` must have the same shape (..., d); got {tuple(z.shape)} and {tuple(v.shape)}."
            " Give one tangent vector a point."
        )
    if n_steps < 1:
        raise InputError(f"`n_steps` must be at least 1; got {n_steps}.")
    d = z.shape[-1]
    flat = _integrated(metric, z.detach().reshape(-1, d), v.detach().reshape(-1, d), n_steps)
    return flat.reshape(*z.shape[:-1], n_steps + 1, d)


def _integrated(metric: Metric, z: Tensor, v: Tensor, n_steps: int, *, strict: bool = True) -> Tensor:
    """Points (n, n_steps + 1, d); where the way cannot be gone on and is not `strict`, NaN from there on."""
    at, momentum = z, (metric.metric_matrix(z) @ v[..., None]).detach()[..., 0]
    out, h = [at], 1 / n_steps
    for _ in range(n_steps):
        a, ap = _flow(metric, at, momentum, strict)
        b, bp = _flow(metric, at + h / 2 * a, momentum + h / 2 * ap, strict)
        c, cp = _flow(metric, at + h / 2 * b, momentum + h / 2 * bp, strict)
        e, ep = _flow(metric, at + h * c, momentum + h * cp, strict)
        at = at + h / 6 * (a + 2 * b + 2 * c + e)
        momentum = momentum + h / 6 * (ap + 2 * bp + 2 * cp + ep)
        out.append(at)
    return torch.stack(out, 1)


def log(
    metric: Metric,
    z: Tensor,
    y: Tensor,
    *,
    n_segments: int = 32,
    tol: float = 1e-6,
    n_shots: int = 8,
    n_steps: int = 32,
) -> Tensor:
    """The tangent vector at z whose geodesic arrives at y after one unit of time, (..., d).

    The velocity of the curve that `geodesic` finds from the straight line, as long as that curve, is
    corrected by shooting: Broyden, A Class of Methods for Solving Nonlinear Simultaneous Equations, 1965.
    A `ConvergenceWarning` says how many vectors miss their end by more than √tol of the way all the same.

    Args:
        metric: output space and λ; with shots, positive definite along the way.
        z: points of tangency, (..., d).
        y: ends, (..., d).
        n_segments: as for `geodesic`.
        tol: as for `geodesic`.
        n_shots: corrections at most; 0 leaves the velocity as it is, good to about √tol.
        n_steps: of the integrator, the same as for `exp`.

    Raises:
        ShapeError: `z` and `y` differ in shape.
        NotFiniteError: a callable gives NaN or infinity.
        InputError: with shots, the metric is singular on the way; or `metric` is no `Metric`.
    """
    check_metric(metric, "log(metric, z, y)")
    found = geodesic(metric, z, y, n_segments=n_segments, tol=tol, max_iterations=500)
    velocity = found.curve.velocity(torch.zeros(1))[..., 0, :].reshape(-1, z.shape[-1])
    start, end = z.detach().reshape(velocity.shape), y.detach().reshape(velocity.shape)
    speed = metric.norm(start, velocity)
    velocity = velocity * torch.where(speed > 0, found.length.reshape(-1) / speed, 1)[:, None]
    if n_shots == 0:
        _warn(int((~found.converged).sum()), len(start), "geodesics did not converge")
        return velocity.reshape(z.shape)
    velocity, miss = _shoot(metric, start, end, velocity, n_shots, n_steps)
    rounding = 10 * torch.finfo(end.dtype).eps * (1 + end.norm(dim=1))
    is_off = miss > math.sqrt(tol) * (end - start).norm(dim=1) + rounding
    _warn(int(is_off.sum()), len(start), "tangent vectors miss their ends")
    return velocity.reshape(z.shape)


def _warn(n: int, n_all: int, what: str) -> None:
    if n:
        warnings.warn(f"{n} of {n_all} {what}.", ConvergenceWarning, stacklevel=3)


def _shoot(
    metric: Metric, z0: Tensor, z1: Tensor, v: Tensor, n_shots: int, n_steps: int
) -> tuple[Tensor, Tensor]:
    """Tangent vectors (n, d) corrected until their geodesics arrive, the best of all shots; misses (n,)."""
    miss = exp(metric, z0, v, n_steps=n_steps) - z1
    inverse = torch.eye(v.shape[1], dtype=v.dtype, device=v.device).expand(len(v), -1, -1).clone()
    best, least = v, miss.norm(dim=1)
    for _ in range(n_shots):
        if float(least.max()) <= 10 * torch.finfo(v.dtype).eps * float(1 + z1.norm(dim=1).max()):
            break
        step = -(inverse @ miss[..., None])[..., 0]
        found = _integrated(metric, z0, v + step, n_steps, strict=False)[:, -1] - z1
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


def distance(metric: Metric, z: Tensor, y: Tensor, *, n_segments: int = 16, tol: float = 1e-4) -> Tensor:
    """Length of the geodesic between z and y, both (..., d): (...).

    A `ConvergenceWarning` says how many geodesics did not converge; their lengths are upper bounds.

    Raises:
        ShapeError: `z` and `y` differ in shape.
        NotFiniteError: a callable gives NaN or infinity.
        InputError: `metric` is no `Metric`.
    """
    check_metric(metric, "distance(metric, z, y)")
    found = geodesic(metric, z, y, n_segments=n_segments, tol=tol, max_iterations=200)
    _warn(int((~found.converged).sum()), found.converged.numel(), "geodesics did not converge")
    return found.length


def pairwise_distances(metric: Metric, zs: Tensor, *, n_segments: int = 16, tol: float = 1e-3) -> Tensor:
    """Distances between all points zs (n, d): (n, n), symmetric, 0 on the diagonal.

    Each of the n (n - 1) / 2 pairs is solved once, all in batches.

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
        out[i, j] = out[j, i] = distance(metric, zs[i], zs[j], n_segments=n_segments, tol=tol)
    return out


def _flow(metric: Metric, z: Tensor, momentum: Tensor, strict: bool) -> tuple[Tensor, Tensor]:
    """Derivatives in time of points and momenta, both (n, d)."""
    with torch.no_grad():
        matrix = metric.metric_matrix(z)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if strict:
            _check_definite(metric, z, matrix, failed)
        velocity = torch.cholesky_solve(momentum[..., None], factor)[..., 0]
        velocity = torch.where((failed > 0)[:, None], torch.nan, velocity)
    with torch.enable_grad():
        at = z.detach().requires_grad_()
        half = 0.5 * metric.norm(at, velocity).square().sum()
        force = torch.autograd.grad(half, at)[0] if half.requires_grad else torch.zeros_like(z)
    return velocity, force


def _check_definite(metric: Metric, z: Tensor, matrix: Tensor, failed: Tensor) -> None:
    """Say what is wrong where a geodesic cannot go on: at z (n, d), with G (n, d, d)."""
    unsound = ~torch.isfinite(matrix).flatten(1).all(1)
    if unsound.any():
        pair = int(unsound.nonzero()[0])
        if not torch.isfinite(z[pair]).all():
            raise InputError(
                f"`z` and `v` must be finite and lead to finite points; they do not at pair {pair}. "
                "Take shorter tangent vectors or more steps."
            )
        is_field = not bool(torch.isfinite(metric.costs(z[pair])))
        raise NotFiniteError("lambda_" if is_field else "phi", pair)
    if failed.any():
        raise InputError(
            "`metric` must be positive definite along a geodesic; it is singular at "
            f"{z[int(failed.nonzero()[0])].tolist()}. Add a floor to the output space, as "
            "`stacked(phi, latent)`."
        )
