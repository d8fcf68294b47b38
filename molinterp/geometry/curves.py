"""Curves in latent space with fixed ends, evaluated at t in [0, 1]."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError, ShapeError


def check_ends(z0: Tensor, z1: Tensor, names: tuple[str, str] = ("z0", "z1")) -> None:
    """Make sure that two ends can be joined.

    Raises:
        InputError: one is no tensor of floating-point numbers, in single or double precision.
        ShapeError: they differ in shape, or are single numbers.
    """
    for name, z in zip(names, (z0, z1), strict=True):
        if not isinstance(z, Tensor) or z.dtype not in (torch.float32, torch.float64):
            kind = str(z.dtype) if isinstance(z, Tensor) else type(z).__name__
            raise InputError(
                f"`{name}` must be a tensor of floating-point numbers, float32 or float64; got {kind}. "
                f"Write torch.as_tensor({name}, dtype=torch.float32)."
            )
    if z0.shape != z1.shape or z0.ndim < 1:
        raise ShapeError(
            f"`{names[0]}` and `{names[1]}` must have the same shape (..., d); got {tuple(z0.shape)} and "
            f"{tuple(z1.shape)}. Encode both with the same bundle."
        )


def _check_shapes(z0: Tensor, z1: Tensor, t: Tensor) -> None:
    check_ends(z0, z1)
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
        InputError: an end is no tensor of floating-point numbers.
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
        InputError: an end is no tensor of floating-point numbers.
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


class Curve(ABC):
    """A continuous map t in [0, 1] -> (..., d) with fixed ends, one for each pair of a batch."""

    @abstractmethod
    def __call__(self, t: Tensor) -> Tensor:
        """Points (..., n, d) at positions t (n,)."""

    @abstractmethod
    def velocity(self, t: Tensor) -> Tensor:
        """dz/dt, (..., n, d), at positions t (n,)."""


@final
class PiecewiseLinear(Curve):
    """Straight pieces between nodes at equal steps of t."""

    def __init__(self, nodes: Tensor) -> None:
        """Take the nodes (..., k + 1, d), ends included.

        Raises:
            ShapeError: there are fewer than two nodes.
        """
        self.nodes = _checked_nodes(nodes)

    def __call__(self, t: Tensor) -> Tensor:
        """Points (..., n, d) at positions t (n,); the ends come out exact.

        Raises:
            ShapeError: `t` is not (n,).
        """
        return _at_ends(_hats(self.nodes.shape[-2] - 1, t).to(self.nodes) @ self.nodes, self.nodes, t)

    def velocity(self, t: Tensor) -> Tensor:
        """dz/dt, (..., n, d), at positions t (n,); at a node that of the piece after it.

        Raises:
            ShapeError: `t` is not (n,).
        """
        k = self.nodes.shape[-2] - 1
        piece = _pieces(k, t).to(self.nodes.device)
        return (self.nodes.diff(dim=-2) * k)[..., piece, :]


@final
class CubicSpline(Curve):
    """The cubic spline through nodes at equal steps of t, with not-a-knot ends.

    Twice continuously differentiable; the third derivative is continuous at the second and at the last
    but one node, so that polynomials up to the third degree are met exactly: de Boor, A Practical Guide
    to Splines, 1978. Two nodes give the line, three the parabola.
    """

    def __init__(self, nodes: Tensor) -> None:
        """Take the nodes (..., k + 1, d), ends included.

        Raises:
            ShapeError: there are fewer than two nodes.
        """
        self.nodes = _checked_nodes(nodes)

    def __call__(self, t: Tensor) -> Tensor:
        """Points (..., n, d) at positions t (n,); the ends come out exact.

        Raises:
            ShapeError: `t` is not (n,).
        """
        k = self.nodes.shape[-2] - 1
        local, piece = _local(k, t)
        bends = _second_derivatives(k)
        left, right = 1 - local, local
        cubic = (left**3 - left) * bends[piece] + (right**3 - right) * bends[piece + 1]
        weights = _hats(k, t) + cubic / (6 * k**2)
        return _at_ends(weights.to(self.nodes) @ self.nodes, self.nodes, t)

    def velocity(self, t: Tensor) -> Tensor:
        """dz/dt, (..., n, d), at positions t (n,).

        Raises:
            ShapeError: `t` is not (n,).
        """
        k = self.nodes.shape[-2] - 1
        local, piece = _local(k, t)
        bends = _second_derivatives(k)
        slopes = torch.eye(k + 1, dtype=torch.float64).diff(dim=0)[piece] * k
        cubic = (1 - 3 * (1 - local) ** 2) * bends[piece] + (3 * local**2 - 1) * bends[piece + 1]
        return (slopes + cubic / (6 * k)).to(self.nodes) @ self.nodes


@lru_cache(maxsize=64)
def _second_derivatives(k: int) -> Tensor:
    """Matrix (k + 1, k + 1) from values at k + 1 equally spaced nodes to second derivatives there."""
    if k == 1:
        return torch.zeros(2, 2, dtype=torch.float64)
    system = torch.zeros(k + 1, k + 1, dtype=torch.float64)
    values = torch.zeros_like(system)
    for i in range(1, k):
        system[i, i - 1 : i + 2] = torch.tensor([1.0, 4.0, 1.0])
        values[i, i - 1 : i + 2] = 6 * k**2 * torch.tensor([1.0, -2.0, 1.0])
    ends = [1.0, -2.0, 1.0] if k > 2 else [1.0, -1.0]
    system[0, : len(ends)] = torch.tensor(ends)
    system[k, k + 1 - len(ends) :] = torch.tensor(ends[::-1])
    return torch.linalg.solve(system, values)


def _pieces(k: int, t: Tensor) -> Tensor:
    if t.ndim != 1:
        raise ShapeError(f"`t` must have shape (n,); got {tuple(t.shape)}. Flatten it.")
    return (t.detach().double().cpu() * k).floor().long().clamp(0, k - 1)


def _local(k: int, t: Tensor) -> tuple[Tensor, Tensor]:
    """Position within its piece, (n, 1) float64 on the CPU, and the piece, (n,), of each t."""
    piece = _pieces(k, t)
    return (t.double().cpu() * k - piece)[:, None], piece


def _hats(k: int, t: Tensor) -> Tensor:
    """Weights (n, k + 1) of the nodes in the piecewise linear curve."""
    local, piece = _local(k, t)
    rows = torch.eye(k + 1, dtype=torch.float64)
    return (1 - local) * rows[piece] + local * rows[piece + 1]


def _checked_nodes(nodes: Tensor) -> Tensor:
    if nodes.ndim < 2 or nodes.shape[-2] < 2:
        raise ShapeError(
            f"`nodes` must have shape (..., k + 1, d) with k >= 1; got {tuple(nodes.shape)}. "
            "Give at least the two ends."
        )
    return nodes


def _at_ends(points: Tensor, nodes: Tensor, t: Tensor) -> Tensor:
    return _with_exact_ends(points, nodes[..., 0, :], nodes[..., -1, :], t.to(nodes)[:, None])
