"""The geodesic equation, integrated in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError, NotFiniteError
from molinterp.geometry.metric import Metric


@final
@dataclass(frozen=True)
class FlowSettings:
    """Tuning of the integrator."""

    tol: float = 1e-6
    """Relative change of the energy along a geodesic, which conserves it, from which on steps are halved; in
    single precision a thousand roundings at least."""
    n_halvings: int = 7
    """Times that the steps are halved at most."""
    n_rescues: int = 2
    """Times that they are halved where a geodesic leaves the domain of the metric."""

    def bound(self, dtype: torch.dtype) -> float:
        """The change that numbers of this type can be asked for."""
        return max(self.tol, 1000 * torch.finfo(dtype).eps)


@torch.no_grad()
def flow(metric: Metric, z: Tensor, v: Tensor, n_steps: int, settings: FlowSettings) -> tuple[Tensor, Tensor]:
    """Geodesics that leave z with velocity v, both (n, d), and the change of their energy.

    The geodesic equation in its Hamiltonian form, z' = G⁻¹p and p' = ½ ∇(z'ᵀ G z') + ∇V with z' held fixed,
    so that no Christoffel symbol is formed; V is the potential, if any. Runge and Kutta's method of the
    fourth order. Steps are halved for those whose energy ½ pᵀG⁻¹p - V changes.

    Returns:
        Points (n, n_steps + 1, d), NaN from where the metric is singular or not finite on; and the relative
        change of the energy, (n,), NaN there.
    """
    points, change = _integrate(metric, z, v, n_steps)
    finer, bound = 1, settings.bound(z.dtype)
    for k in range(settings.n_halvings):
        again = change > bound
        if k < settings.n_rescues:
            again |= torch.isnan(change) & torch.isfinite(points[:, 1]).all(1)
        (rows,) = again.nonzero(as_tuple=True)
        if not len(rows):
            break
        finer *= 2
        found, change[rows] = _integrate(metric, z[rows], v[rows], finer * n_steps)
        points[rows] = found[:, ::finer]
    return points, change


def check_way(metric: Metric, z: Tensor, v: Tensor, n_steps: int) -> None:
    """Say why a geodesic that leaves z with velocity v, both (n, d), cannot be gone along.

    Raises:
        InputError: the metric is singular on the way, or the way leads to infinity.
        NotFiniteError: a callable gives NaN or infinity on the way.
    """
    _integrate(metric, z, v, n_steps, strict=True)


def _integrate(
    metric: Metric, z: Tensor, v: Tensor, n_steps: int, *, strict: bool = False
) -> tuple[Tensor, Tensor]:
    """Points (n, n_steps + 1, d) and the largest relative change of the energy, (n,)."""
    at, momentum = z, (metric.metric_matrix(z) @ v[..., None])[..., 0]
    out, energies, h = [at], [], 1 / n_steps
    for _ in range(n_steps):
        a, ap, energy = _rates(metric, at, momentum, strict)
        b, bp, _ = _rates(metric, at + h / 2 * a, momentum + h / 2 * ap, strict)
        c, cp, _ = _rates(metric, at + h / 2 * b, momentum + h / 2 * bp, strict)
        e, ep, _ = _rates(metric, at + h * c, momentum + h * cp, strict)
        at = at + h / 6 * (a + 2 * b + 2 * c + e)
        momentum = momentum + h / 6 * (ap + 2 * bp + 2 * cp + ep)
        out.append(at)
        energies.append(energy)
    energies.append(_rates(metric, at, momentum, strict)[2])
    along = torch.stack(energies, 1)
    least = torch.finfo(z.dtype).tiny
    change = (along - along[:, :1]).abs().amax(1) / along[:, 0].abs().clamp_min(least)
    # The largest of some numbers with NaN among them is NaN; at rest nothing changes.
    return torch.stack(out, 1), torch.where(along[:, 0] == 0, torch.where(change.isnan(), change, 0), change)


def _rates(metric: Metric, z: Tensor, momentum: Tensor, strict: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Derivatives in time of points and momenta, both (n, d), and the energy, (n,)."""
    matrix = metric.metric_matrix(z)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if strict:
        _check_definite(metric, z, matrix, failed)
    velocity = torch.cholesky_solve(momentum[..., None], factor)[..., 0]
    velocity = torch.where((failed > 0)[:, None], torch.nan, velocity)
    energy = 0.5 * (momentum * velocity).sum(1)
    with torch.enable_grad():
        at = z.detach().requires_grad_()
        half = 0.5 * metric.norm(at, velocity).square().sum()
        if metric.potential is not None:
            potential = metric.potentials(at)
            energy, half = energy - potential.detach(), half + potential.sum()
        force = torch.autograd.grad(half, at)[0] if half.requires_grad else torch.zeros_like(z)
    return velocity, force, energy


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
