"""Tuning of the solver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self, final

from molinterp.geometry.curvature import CurvatureSettings
from molinterp.geometry.metric import Metric
from molinterp.geometry.minimise import MinimiserSettings
from molinterp.geometry.preconditioners import PreconditionerSettings
from molinterp.geometry.restarts import RestartSettings


@final
@dataclass(frozen=True)
class SolverSettings:
    """Tuning of `geodesic`."""

    coarsest: int = 4
    """Segments of the first grid."""
    max_segments: int = 256
    """Segments up to which a curve is refined where the caller names no bound."""
    n_measured: int = 4
    """Points at which a segment is measured in the end, twice as many where there is a λ."""
    n_remeasured: int = 2
    """Times that the points are made four times as many where a measurement does not tell."""
    leeway: float = 10.0
    """How much looser the tolerance is on the grids before the first that every pair must reach."""
    chunk: int = 128
    """Pairs solved in one batch."""
    memory: int = 2**28
    """Numbers that the blocks of one batch may hold, about; fewer pairs are solved at once where d is
    large."""
    varied: float = 10.0
    """Ratio of the traces of the metric along a start from which on a chain stands for the Hessian."""
    flat: float = 1e-2
    """A relative curvature above minus this passes for a minimum: a saddle that gains nothing."""
    n_escapes: int = 3
    """Times that a curve is left along a direction that leads down; 0 leaves saddles as they are."""
    amplitudes: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
    """Moves along that direction that are tried, over the size of the curve."""
    minimiser: MinimiserSettings = field(default_factory=MinimiserSettings)
    """Of the quasi-Newton iteration."""
    n_charts: int = 8
    """Times that the charts of a `LocalSpace` are made anew where they cannot be differentiated."""
    n_steps_back: int = 4
    """Times that a move is halved whose charts turn out to make it dearer."""
    restarts: RestartSettings = field(default_factory=RestartSettings)
    """Of the paths looked for about the line where λ varies."""
    preconditioner: PreconditionerSettings = field(default_factory=PreconditionerSettings)
    """Of what stands for the inverse Hessian."""
    curvature: CurvatureSettings | None = field(default_factory=CurvatureSettings)
    """Of the second variation; None leaves it out, and nothing is known about `is_minimum`."""

    @classmethod
    def unchecked(cls) -> Self:
        """One descent from each start on one grid: fast, and what it says holds of that grid alone."""
        return cls(max_segments=0, n_escapes=0, curvature=None)

    def pairs_at_once(self, metric: Metric, n_segments: int, d: int) -> int:
        """Pairs of a batch whose blocks fit the memory."""
        # A chain holds about twenty matrices a segment while it is made.
        numbers = 20 * n_segments * d**2 if metric.has_fields else 1
        return min(self.chunk, max(1, self.memory // numbers))
