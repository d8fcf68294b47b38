"""Second variation of the energy: whether a curve is a minimum, and which way leads down from a saddle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.geometry.minimise import Preconditioner

Gradient = Callable[[Tensor], Tensor]
"""x (p, n) -> the gradients of p functions there, (p, n)."""


@final
@dataclass(frozen=True)
class CurvatureSettings:
    """Tuning of `lowest_curvature`."""

    n_steps: int = 6
    """Steps of the Lanczos iteration, at most the number of unknowns."""
    move: float = 1e-5
    """Move of a difference of gradients over the size of x, in double precision; its square root in
    single."""
    exhausted: float = 1e-6
    """Share of the first new vector under which another one is rounding alone."""
    seed: int = 0
    """Of the random vector that the iteration starts from."""


@final
@dataclass(frozen=True)
class Curvature:
    """Lowest eigenvalue of p Hessians relative to their preconditioners."""

    value: Tensor
    """(p,), dimensionless: an upper bound of the lowest eigenvalue of P H, about 1 where P is H⁻¹."""
    direction: Tensor
    """(p, n), the vector that has this Rayleigh quotient, of length 1."""


@torch.no_grad()
def lowest_curvature(
    gradient: Gradient,
    x: Tensor,
    size: Tensor,
    model: Preconditioner,
    settings: CurvatureSettings | None = None,
) -> Curvature:
    """Estimate the lowest eigenvalue of each Hessian by preconditioned Lanczos iteration.

    Hessians act through differences of gradients, so nothing need be differentiable twice. The value is a
    Rayleigh
    quotient: where it is negative, the function falls along the direction. Parlett, The Symmetric Eigenvalue
    Problem, 1998, chapter 13; with P as the inner product, all vectors orthogonalised anew.

    Args:
        gradient: gradients of the p functions.
        x: places, (p, n).
        size: of the neighbourhood in which the functions vary, (p,), in the unit of x.
        model: P, about the inverse Hessians.
        settings: tuning; None means the defaults.
    """
    settings = settings or CurvatureSettings()
    generator = torch.Generator().manual_seed(settings.seed)
    noise = torch.randn(x.shape[1], generator=generator, dtype=torch.float64).to(x).expand_as(x)
    # Directions that lead down are smooth: the model, applied to noise, makes it so.
    u = model.solve(noise)
    q = model.solve(u)
    scale = _root((u * q).sum(1))
    us, qs, alive = [u / scale], [q / scale], [torch.ones_like(size, dtype=torch.bool)]
    here, first = gradient(x), None
    single = torch.finfo(x.dtype).eps > 1e-10
    move = settings.move**0.5 if single else settings.move
    products = []
    for j in range(min(settings.n_steps, x.shape[1])):
        width = (move * size)[:, None] / qs[j].norm(dim=1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
        w = (gradient(x + width * qs[j]) - here) / width
        products.append(torch.stack([(q * w).sum(1) for q in qs]))
        for _ in range(2):
            for u, q in zip(us, qs, strict=True):
                w = w - (q * w).sum(1, keepdim=True) * u
        q = model.solve(w)
        scale = _root((q * w).sum(1))
        first = scale if first is None else first
        # Nothing new: the vectors so far span all that the iteration can reach.
        alive.append(alive[-1] & (scale > settings.exhausted * first)[:, 0])
        us.append(w / scale)
        qs.append(q / scale)
    return _ritz(products, qs, alive)


def _ritz(products: list[Tensor], qs: list[Tensor], alive: list[Tensor]) -> Curvature:
    """Lowest eigenvalue and vector of the Hessian on the space of the first vectors."""
    m = len(products)
    matrix = products[0].new_zeros(products[0].shape[1], m, m).double()
    for j, column in enumerate(products):
        matrix[:, : j + 1, j] = column.T.double()
        matrix[:, j, : j + 1] = column.T.double()
    kept = torch.stack(alive[:m], 1)
    matrix = torch.where(kept[:, :, None] & kept[:, None], matrix, 0.0)
    matrix += torch.diag_embed((~kept) * (1 + matrix.diagonal(dim1=1, dim2=2).abs().amax(1, keepdim=True)))
    sound = torch.isfinite(matrix).flatten(1).all(1)
    matrix = torch.where(sound[:, None, None], matrix, torch.eye(m, dtype=matrix.dtype, device=matrix.device))
    values, turns = torch.linalg.eigh(matrix)
    basis = torch.stack(qs[:m], 1)
    direction = (turns[:, :, :1].to(basis) * basis).sum(1)
    length = direction.norm(dim=1, keepdim=True)
    return Curvature(
        torch.where(sound, values[:, 0], torch.nan).to(basis),
        direction / length.clamp_min(torch.finfo(basis.dtype).tiny),
    )


def _root(square: Tensor) -> Tensor:
    """√square (p, 1), 1 where nothing is left to divide."""
    return torch.where(square > 0, square, 1.0).sqrt()[:, None]
