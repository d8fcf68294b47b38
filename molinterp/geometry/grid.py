"""The energy of curves through nodes as a function of these nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import LocalSpace
from molinterp.geometry.preconditioners import halved


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
    """The energy over n equal steps as a function of the inner nodes, (p, (n - 1)·d).

    Where there is a λ, each step is measured in two halves. In one, λ at its middle and the chord of Φ do not
    see a zigzag of the nodes, which a steep λ would reward.
    """

    metric: Metric
    """Output space and λ."""
    ends: Ends
    """Of p pairs."""
    n: int
    """Steps, at least 2."""
    context: Tensor | None = None
    """Of a `LocalSpace` whose charts cannot be differentiated, (p, n, k): they stay as they were made by
    `at`."""

    def at(self, x: Tensor) -> Grid:
        """The same energy with the charts of x (p, (n - 1)·d), where these must be held fixed."""
        if not self.metric.is_local:
            return self
        points = self._points(self.nodes(x)).detach().requires_grad_()
        with torch.enable_grad():
            context = self.metric.contexts((points[:, 1:] + points[:, :-1]) / 2)
        if context is None or context.requires_grad:
            return self
        return replace(self, context=context)

    def nodes(self, x: Tensor, rows: Tensor | None = None) -> Tensor:
        """The nodes (p, n + 1, d) with inner ones x (p, (n - 1)·d); `rows` None stands for all pairs."""
        ends = self.ends if rows is None else self.ends.rows(rows)
        return torch.cat([ends.z0[:, None], x.unflatten(1, (self.n - 1, -1)), ends.z1[:, None]], 1)

    def _points(self, nodes: Tensor) -> Tensor:
        """Where the energy is measured: the nodes (p, n + 1, d) and, where there is a λ, their middles."""
        return halved(nodes) if self.metric.has_fields else nodes

    def __call__(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (p,) and gradients (p, (n - 1)·d)."""
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            steps, costs, middle = self._parts(x, rows)
            potential = None if self.metric.potential is None else self.metric.potentials(middle).mean(1)
        if not steps.requires_grad:
            raise InputError(
                "`phi` must be differentiable; got a tensor without a gradient. Detach nothing in it, and "
                "call this outside torch.inference_mode."
            )
        n = steps.shape[1]
        moves, weights = steps.detach(), n * costs.detach().square()
        squares = moves.square().sum(-1)
        energy = 0.5 * (weights * squares).sum(1)
        outputs, slopes = [steps], [weights[..., None] * moves]
        if costs.requires_grad:
            outputs, slopes = [*outputs, costs], [*slopes, n * costs.detach() * squares]
        if potential is not None:
            energy = energy + potential.detach()
        if potential is not None and potential.requires_grad:
            outputs, slopes = [*outputs, potential], [*slopes, torch.ones_like(energy)]
        (gradient,) = torch.autograd.grad(outputs, x, slopes)
        return energy, gradient

    def _parts(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Moves of Φ over all steps, (p, k, h), λ at their middles, (p, k), and the middles, (p, k, d)."""
        ends = self.ends
        points = self._points(self.nodes(x, rows))
        a, b = points[:, :-1], points[:, 1:]
        middle = (a + b) / 2
        costs = self.metric.costs(middle)
        if self.metric.is_local:
            context = self.metric.contexts(middle) if self.context is None else self.context[rows]
            images = [self.metric.chart_images(z, middle, context) for z in (a, b)]
            return images[1] - images[0], costs, middle
        if ends.images is None:
            raise TypeError("the ends must have images where there is no chart.")
        inner = self.metric.images(points[:, 1:-1])
        images = [ends.images[0][rows, None], inner, ends.images[1][rows, None]]
        return torch.cat(images, 1).diff(dim=1), costs, middle
