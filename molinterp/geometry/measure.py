"""What a curve costs, measured on so many points, and how far that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.geometry.curves import Curve
from molinterp.geometry.metric import Metric


@final
@dataclass(frozen=True)
class Measure:
    """What p curves cost: tensors (p,)."""

    energy: Tensor
    length: Tensor
    error: Tensor
    """Relative error of the energy, of shape or of measurement."""


def integrals(metric: Metric, curve: Curve, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Energy and length of curves on k steps, and how much the energy may be wrong, relative: (p,) each."""
    if metric.has_fields or metric.is_local:
        energies = [metric.energy(curve(steps(k // stride))) for stride in (2, 4)]
        nodes = curve(steps(k))
        energy, length = metric.energy(nodes), metric.length(nodes)
    else:
        images = metric.images(curve(steps(k)))
        chords = [images[:, ::stride].diff(dim=1).norm(dim=-1) for stride in (1, 2, 4)]
        energy, *energies = (0.5 * c.shape[1] * c.square().sum(1) for c in chords)
        length = chords[0].sum(1)
    change, before = (energy - energies[0]).abs(), (energies[0] - energies[1]).abs()
    # Of the second order, a third of the last change is left; where the order does not show, all of it.
    left = torch.where(change <= 0.4 * before, change / 3, change)
    return energy, length, left / torch.where(energy > 0, energy, 1)


def steps(n: int) -> Tensor:
    """The ends of n equal steps of t, (n + 1,)."""
    return torch.linspace(0, 1, n + 1, dtype=torch.float64)


def extent(nodes: Tensor) -> Tensor:
    """Size of curves (p, n + 1, d), (p,): half the diagonal of the box round each."""
    return 0.5 * (nodes.amax(1) - nodes.amin(1)).norm(dim=1)


def is_near(z0: Tensor, z1: Tensor) -> Tensor:
    """Ends (p, d) so near that nodes between them would be rounding alone, (p,)."""
    rounding = torch.finfo(z0.dtype).eps ** 0.5
    return (z1 - z0).norm(dim=1) <= rounding * torch.maximum(z0.norm(dim=1), z1.norm(dim=1))
