"""Curves in latent space with fixed ends, evaluated at t in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

from molinterp.errors import ShapeError


def _check_shapes(z0: Tensor, z1: Tensor, t: Tensor) -> None:
    if z0.shape != z1.shape or z0.ndim < 1:
        raise ShapeError(
            f"`z0` and `z1` must have the same shape (..., d); got {tuple(z0.shape)} and "
            f"{tuple(z1.shape)}. Encode both with the same bundle."
        )
    if t.ndim != 1:
        raise ShapeError(f"`t` must have shape (n,); got {tuple(t.shape)}. Flatten it.")


def linear(z0: Tensor, z1: Tensor, t: Tensor) -> Tensor:
    """Straight line, (..., n, d).

    Args:
        z0: start, (..., d).
        z1: end, (..., d).
        t: positions (n,), 0 at the start and 1 at the end; the ends come out exact.

    Raises:
        ShapeError: the ends differ in shape, or `t` is not (n,).
    """
    _check_shapes(z0, z1, t)
    t = t.to(z0)[:, None]
    line = z0[..., None, :] * (1 - t) + z1[..., None, :] * t
    return _with_exact_ends(line, z0, z1, t)


def slerp(z0: Tensor, z1: Tensor, t: Tensor) -> Tensor:
    """Spherical line, (..., n, d): direction on the great circle, norm linear in t.

    Shoemake, Animating Rotation with Quaternion Curves, 1985; for latent spaces White, Sampling
    Generative Networks, 2016, arXiv 1609.04468. Parallel ends give the straight line, as does an end
    at the origin; antipodal ends have no unique great circle and give the straight line too.

    Args:
        z0: start, (..., d).
        z1: end, (..., d).
        t: positions (n,), 0 at the start and 1 at the end; the ends come out exact.

    Raises:
        ShapeError: the ends differ in shape, or `t` is not (n,).
    """
    _check_shapes(z0, z1, t)
    t = t.to(z0)[:, None]
    norm0, norm1 = z0.norm(dim=-1, keepdim=True), z1.norm(dim=-1, keepdim=True)
    at_origin = ((norm0 == 0) | (norm1 == 0))[..., None]
    unit0, unit1 = (z / torch.where(n == 0, torch.ones_like(n), n) for z, n in ((z0, norm0), (z1, norm1)))
    # atan2 of half-chords keeps its precision at small and at straight angles.
    angle = 2 * torch.atan2((unit0 - unit1).norm(dim=-1), (unit0 + unit1).norm(dim=-1))[..., None, None]
    sine = torch.sin(angle)
    straight = (sine.abs() < 1e-4) | at_origin
    safe = torch.where(straight, torch.ones_like(sine), sine)
    weight0, weight1 = torch.sin((1 - t) * angle) / safe, torch.sin(t * angle) / safe
    direction = weight0 * unit0[..., None, :] + weight1 * unit1[..., None, :]
    norm = norm0[..., None, :] * (1 - t) + norm1[..., None, :] * t
    curve = torch.where(straight, linear(z0, z1, t[:, 0]), direction * norm)
    return _with_exact_ends(curve, z0, z1, t)


def _with_exact_ends(curve: Tensor, z0: Tensor, z1: Tensor, t: Tensor) -> Tensor:
    curve = torch.where(t == 0, z0[..., None, :], curve)
    return torch.where(t == 1, z1[..., None, :], curve)
