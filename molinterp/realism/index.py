"""The realism index of a density: ri(z) = P[q(Y) <= q(z)] for Y ~ q.

Struski et al., Feature-Based Interpolation and Geodesics in the Latent Spaces of Generative Models,
2019, arXiv 1904.03445.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError, ShapeError
from molinterp.realism.density import Density
from molinterp.realism.settings import IndexFit


@final
@dataclass(frozen=True)
class RealismIndex:
    """How many of a density's own samples are less dense than a point.

    For Y ~ q the index of Y is uniform on (0, 1). Its logarithm is piecewise linear in log q between the
    entries of a table, goes on as a line below it, so that gradients never vanish far out, and is 0
    above it.
    """

    density: Density
    """The density q."""
    knots: Tensor
    """(k,) rising values of log q, nats."""
    log_levels: Tensor
    """(k,) logarithm of the index at each knot; the last is 0."""
    n_slope: int = 12
    """Entries at the lower end of the table that set the slope below it: a single gap is noise."""

    @classmethod
    def fit(cls, density: Density, settings: IndexFit | None = None, seed: int = 0) -> RealismIndex:
        """Compute the index from the density's own samples.

        Args:
            density: q.
            settings: of the table; None means the defaults of `IndexFit`.
            seed: of the samples.

        Raises:
            InputError: the density is not finite at one of its samples.
            ShapeError: the density does not give one number a point.
        """
        settings = settings or IndexFit()
        n_samples = settings.n_samples
        points = density.sample(n_samples, torch.Generator().manual_seed(seed))
        with torch.no_grad():
            log_q = torch.cat([density.log_prob(part) for part in points.split(2_048)]).double()
        if log_q.shape != (len(points),):
            raise ShapeError(
                f"`density` must give log q of shape ({len(points)},) for {len(points)} points; got "
                f"{tuple(log_q.shape)}. Give one number a point."
            )
        if not torch.isfinite(log_q).all():
            raise InputError(
                "`density` must give a finite log q at its own samples; got NaN or infinity. "
                "Check the sampler against the density."
            )
        lowest = torch.tensor(max(settings.lowest, 10 / n_samples)).log10().item()
        tail = torch.logspace(lowest, -1, settings.n_tail, dtype=torch.double)
        body = torch.linspace(0.1, 1.0, settings.n_body, dtype=torch.double)
        levels = torch.cat([tail[:-1], body])
        return cls(density, *_table(torch.quantile(log_q, levels).float(), levels.log().float()))

    def log_index(self, z: Tensor) -> Tensor:
        """Logarithm of the index (...,), at most 0, at z (..., dim); differentiable."""
        return self.of_log_prob(self.density.log_prob(z))

    def of_log_prob(self, log_q: Tensor) -> Tensor:
        """Logarithm of the index (...,) of points whose log-density is `log_q` (...,)."""
        knots, levels = self.knots.to(log_q), self.log_levels.to(log_q)
        place = torch.searchsorted(knots, log_q.detach().contiguous()).clamp(1, len(knots) - 1)
        slope = (levels[1:] - levels[:-1]) / (knots[1:] - knots[:-1])
        far = min(self.n_slope, len(knots) - 1)
        tail = (levels[far] - levels[0]) / (knots[far] - knots[0])
        inside = levels[place - 1] + slope[place - 1] * (log_q - knots[place - 1])
        below = levels[0] + tail * (log_q - knots[0])
        return torch.where(log_q < knots[0], below, inside).clamp_max(0.0)

    def __call__(self, z: Tensor) -> Tensor:
        """The index (...,) in (0, 1] at z (..., dim)."""
        return self.log_index(z).exp()


def _table(knots: Tensor, log_levels: Tensor) -> tuple[Tensor, Tensor]:
    """The table without equal knots, as plateaus of a density give them: all of a plateau is at its top."""
    is_top = torch.ones_like(knots, dtype=torch.bool)
    is_top[:-1] = knots[1:] > knots[:-1]
    knots, tops = knots[is_top], log_levels[is_top]
    if tops[0] == log_levels[0]:
        return knots, tops
    # No sample lies below the lowest plateau: the index falls to the smallest level within a nat.
    return torch.cat([knots[:1] - 1, knots]), torch.cat([log_levels[:1], tops])
