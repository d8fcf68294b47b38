"""Geodesics between many pairs of latent points at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, final

import torch
from torch import Tensor

from molinterp.errors import InputError, NotFiniteError, ShapeError
from molinterp.geometry.curves import CubicSpline, Curve, PiecewiseLinear, check_ends
from molinterp.geometry.grid import Ends, Grid
from molinterp.geometry.metric import Metric, check_metric
from molinterp.geometry.minimise import MinimiserSettings, Preconditioner, minimise
from molinterp.geometry.preconditioners import (
    Chain,
    PreconditionerSettings,
    Springs,
    inverse_mean_metric,
)


@final
@dataclass(frozen=True)
class SolverSettings:
    """Tuning of `geodesic`."""

    coarsest: int = 4
    """Segments of the first grid."""
    n_measured: int = 4
    """Steps at which each segment is measured in the end."""
    leeway: float = 10.0
    """How much looser the tolerance is on the grids before the first that every pair must reach."""
    chunk: int = 128
    """Pairs solved in one batch."""
    minimiser: MinimiserSettings = field(default_factory=MinimiserSettings)
    """Of the quasi-Newton iteration."""
    preconditioner: PreconditionerSettings = field(default_factory=PreconditionerSettings)
    """Of what stands for the inverse Hessian."""


@final
@dataclass(frozen=True)
class GeodesicResult:
    """Shortest curves found, one a pair; (...) is the batch shape of the ends."""

    curve: Curve
    """t (n,) in [0, 1] -> points (..., n, d), ends exact."""
    energy: Tensor
    """E = ½∫λ²‖dΦ/dt‖²dt, (...), dimensionless; NaN for a pair that could not be measured."""
    length: Tensor
    """L = ∫λ‖dΦ/dt‖dt, (...), dimensionless."""
    start_energy: Tensor
    """Energy of the best of the starts, (...), measured on the same points; never under `energy`."""
    iterations: Tensor
    """Steps of the solver, all grids together, (...) int64."""
    converged: Tensor
    """(...) bool: on the last grid less than `tol` of the energy was left to gain, as the model promised and
    the last steps confirmed."""
    message: tuple[str, ...]
    """What became of each pair, in words, the batch flattened."""


def geodesic(
    metric: Metric,
    z0: Tensor,
    z1: Tensor,
    *,
    starts: Sequence[Tensor] | None = None,
    n_segments: int = 16,
    max_segments: int | None = None,
    tol: float = 1e-3,
    max_iterations: int = 60,
    interpolation: Literal["cubic", "linear"] = "cubic",
    errors: Literal["raise", "keep"] = "raise",
    settings: SolverSettings | None = None,
) -> GeodesicResult:
    """Curves of least energy between pairs of points.

    The energy of a curve through nodes is Σ λ(middle)² ‖ΔΦ‖² / (2 Δt), a sum of squares. About the inverse of
    its Gauss-Newton matrix starts a limited-memory quasi-Newton iteration: with λ = 1 in closed form for the
    mean metric of the start, on grids of 4, 8, ... segments; else by blocks along the curve, made anew on the
    way. The curve is a spline through the nodes. Where the best start costs less on the points
    measured, the start is returned.

    Args:
        metric: output space and λ.
        z0: starts, (..., d).
        z1: ends, (..., d), of the same shape.
        starts: curves to start from, each as points (..., k, d) with the ends first and last; None means
            the straight line. Every start is followed, the best result kept.
        n_segments: segments of the grid that every pair reaches, at least 2.
        max_segments: a pair goes on to twice as many segments, up to this number, while its energy on the
            grid and on twice as many points differ by more than √tol / 3; None means `n_segments`. The
            shape of a curve costs it the square of that.
        tol: relative to the energy, dimensionless.
        max_iterations: steps on each grid at most.
        interpolation: between nodes; "linear" where λ or Φ has kinks.
        errors: "raise" stops at a callable that gives NaN or infinity on the start of a pair; "keep" gives
            such a pair the straight line, energy NaN and a message, and solves the others.
        settings: tuning of the solver; None means the defaults.

    Raises:
        ShapeError: `z0`, `z1`, a start or what a callable gives has a wrong shape.
        NotFiniteError: NaN or infinity on a start, with the callable and the pair.
        InputError: an option is out of range, an end is no tensor of floating-point numbers, or λ is negative
            on a start.
    """
    check_metric(metric, "geodesic(metric, z0, z1)")
    _check(z0, z1, n_segments, max_segments, tol, max_iterations, interpolation, errors)
    settings = settings or SolverSettings()
    shape, d = z0.shape[:-1], z0.shape[-1]
    flat0, flat1 = z0.detach().reshape(-1, d), z1.detach().reshape(-1, d)
    curves = [torch.stack([flat0, flat1], 1)] if starts is None else _flat_starts(starts, z0, z1)
    kind = CubicSpline if interpolation == "cubic" else PiecewiseLinear
    coarsest = settings.coarsest if metric.lambda_ is None else n_segments
    grids = _grids(coarsest, n_segments, max_segments or n_segments)
    solver = _Solver(metric, grids, n_segments, tol, max_iterations, kind, errors == "raise", settings)
    chunk = settings.chunk
    parts = [
        solver.solve(flat0[i : i + chunk], flat1[i : i + chunk], [c[i : i + chunk] for c in curves], i)
        for i in range(0, len(flat0), chunk)
    ]
    if not parts:
        raise ShapeError(f"`z0` must hold one pair or more; got {tuple(z0.shape)}. Leave empty batches out.")
    joined = _Part(*(torch.cat(tensors) for tensors in zip(*(vars(p).values() for p in parts), strict=True)))
    return GeodesicResult(
        curve=kind(joined.nodes.reshape(*shape, -1, d)),
        energy=joined.energy.reshape(shape),
        length=joined.length.reshape(shape),
        start_energy=joined.start_energy.reshape(shape),
        iterations=joined.iterations.reshape(shape),
        converged=joined.converged.reshape(shape),
        message=tuple(MESSAGES[i] for i in joined.outcome.tolist()),
    )


MESSAGES = (
    "converged",
    "iterations ran out or no step led down; the best curve so far",
    "the start could not be improved",
    "ends are equal; a constant curve",
    "a callable gave NaN or infinity; the straight line",
)
_CONVERGED, _STOPPED, _START, _EQUAL, _BAD = range(len(MESSAGES))


@dataclass(frozen=True)
class _Part:
    """Results of p pairs: tensors (p, ...)."""

    nodes: Tensor
    energy: Tensor
    length: Tensor
    start_energy: Tensor
    iterations: Tensor
    converged: Tensor
    outcome: Tensor


@dataclass(frozen=True)
class _Solver:
    """The options of one call."""

    metric: Metric
    grids: list[int]
    n_segments: int
    tol: float
    max_iterations: int
    kind: Callable[[Tensor], Curve]
    raises: bool
    settings: SolverSettings

    def solve(self, z0: Tensor, z1: Tensor, starts: list[Tensor], first: int) -> _Part:
        """Pairs z0, z1 (p, d), the first of which is pair `first` of the call."""
        grid = _steps(self.grids[-1])
        line = PiecewiseLinear(torch.stack([z0, z1], 1))(grid)
        begun = [PiecewiseLinear(start)(grid) for start in starts]
        measures = [self._measure(nodes) for nodes in begun]
        equal = (z0 == z1).all(1)
        bad = self._bad_pairs(begun, measures, equal, first)
        self._check_costs(begun, first)
        energies = torch.stack([e for e, _ in measures])
        usable = ~(equal | bad)
        outcome = torch.where(equal, _EQUAL, torch.where(bad, _BAD, _START))
        start_energy, at = energies.min(0)
        nodes = torch.stack(begun)[at, torch.arange(len(z0), device=z0.device)]
        nodes[~usable] = line[~usable]
        length = torch.stack([v for _, v in measures]).gather(0, at[None])[0]
        start_energy[equal], length[equal] = 0, 0
        start_energy[bad], length[bad] = torch.nan, torch.nan
        part = _Part(nodes, start_energy.clone(), length, start_energy, outcome * 0, equal.clone(), outcome)
        (index,) = usable.nonzero(as_tuple=True)
        for start, (energy, _) in zip(begun, measures, strict=True) if len(index) else ():
            self._improve(part, start[index], energy[index], index)
        return part

    def _improve(self, part: _Part, nodes: Tensor, before: Tensor, index: Tensor) -> None:
        """Follow a start of the pairs `index`, of energy `before`, and take what costs less."""
        found, iterations, converged = self._descend(nodes, self.grids)
        energy, length = self._measure(found)
        # A coarse grid can lead through what it does not see; then the start is followed on fine ones.
        (lost,) = (~(energy <= before * (1 + self.tol))).nonzero(as_tuple=True)
        if len(lost) and len(self.grids) > 1:
            fine = [n for n in self.grids if n >= self.n_segments]
            found[lost], more, converged[lost] = self._descend(nodes[lost], fine)
            iterations[lost] += more
            energy[lost], length[lost] = self._measure(found[lost])
        part.iterations[index] += iterations
        flat = converged & (energy <= part.energy[index] * (1 + self.tol))
        part.converged[index] |= flat
        better = energy < part.energy[index]
        hit = index[better]
        part.nodes[hit], part.energy[hit], part.length[hit] = found[better], energy[better], length[better]
        part.converged[hit] = converged[better]
        part.outcome[hit] = torch.where(converged[better], _CONVERGED, _STOPPED)
        stayed = index[flat & ~better]
        part.outcome[stayed] = torch.where(part.outcome[stayed] == _START, _CONVERGED, part.outcome[stayed])

    def _descend(self, start: Tensor, grids: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Nodes of least energy on the finest grid from a start (p, n + 1, d); iterations; converged."""
        is_plain = self.metric.lambda_ is None
        inverse = inverse_mean_metric(self.metric, start, self.settings.preconditioner) if is_plain else None
        ends = Ends.of(self.metric, start[:, 0], start[:, -1])
        nodes = start.clone()
        iterations = torch.zeros(len(start), dtype=torch.long, device=start.device)
        converged = torch.zeros_like(iterations, dtype=torch.bool)
        open_ = torch.arange(len(start), device=start.device)
        finest = self.grids[-1]
        for n in grids:
            if n > self.n_segments:
                open_ = open_[self._is_coarse(nodes[open_], n // 2)]
            if not len(open_):
                break
            x = nodes[open_][:, finest // n : -1 : finest // n].flatten(1)
            problem = Grid(self.metric, ends.rows(open_), n).at(x)
            tol = self.tol * (self.settings.leeway if n < self.n_segments else 1)
            build = self._builder(problem, None if inverse is None else inverse[open_])
            minimum = minimise(
                problem,
                x,
                build,
                tolerance=tol,
                max_iterations=self.max_iterations,
                settings=self.settings.minimiser,
            )
            inner = minimum.x.unflatten(1, (n - 1, -1))
            coarse = torch.cat([start[open_, :1], inner, start[open_, -1:]], 1)
            nodes[open_] = self.kind(coarse)(_steps(finest))
            iterations[open_] += minimum.iterations
            converged[open_] = minimum.converged
        return nodes, iterations, converged

    def _builder(self, grid: Grid, inverse: Tensor | None) -> Callable[[Tensor, Tensor], Preconditioner]:
        if inverse is not None:
            return lambda x, rows: Springs(inverse[rows], grid.n)
        return lambda x, rows: Chain.of(self.metric, grid.nodes(x, rows), self.settings.preconditioner)

    @torch.no_grad()
    def _is_coarse(self, nodes: Tensor, n: int) -> Tensor:
        """Which of the curves through nodes (p, ., d) cost visibly more at 2n than at n steps."""
        curve = self.kind(nodes)
        seen, more = (self.metric.energy(curve(_steps(k))) for k in (n, 2 * n))
        return (more - seen).abs() > math.sqrt(self.tol) / 3 * more

    @torch.no_grad()
    def _measure(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Energy and length of the curves through nodes (p, n + 1, d), two tensors (p,)."""
        n = max(self.settings.n_measured * self.n_segments, 2 * self.grids[-1])
        chords = self.metric.chords(self.kind(nodes)(_steps(n)))
        return 0.5 * chords.shape[1] * chords.square().sum(1), chords.sum(1)

    @torch.no_grad()
    def _check_costs(self, begun: list[Tensor], first: int) -> None:
        """Make sure that λ is no negative number on a start: its square would pass for a cost."""
        for nodes in begun if self.metric.lambda_ is not None else ():
            costs = self.metric.costs(nodes)
            below = (costs < 0).any(1)
            if below.any():
                raise InputError(
                    f"`lambda_` must be positive; got {float(costs.min()):g} at pair "
                    f"{first + int(below.nonzero()[0])}. Add a constant to it."
                )

    def _bad_pairs(
        self, begun: list[Tensor], measures: list[tuple[Tensor, Tensor]], equal: Tensor, first: int
    ) -> Tensor:
        """Pairs with a start that has no energy; such a start raises unless bad pairs are kept."""
        bad = ~torch.isfinite(torch.stack([e for e, _ in measures])).all(0) & ~equal
        if self.raises and bad.any():
            pair = int(bad.nonzero()[0])
            with torch.no_grad():
                middles = torch.cat([(n[pair, 1:] + n[pair, :-1]) / 2 for n in begun])
                is_field = not bool(torch.isfinite(self.metric.costs(middles)).all())
            ends_finite = all(bool(torch.isfinite(n[pair]).all()) for n in begun)
            name = ("lambda_" if is_field else "phi") if ends_finite else "z0, z1 or starts"
            raise NotFiniteError(name, first + pair)
        return bad


def _steps(n: int) -> Tensor:
    """The ends of n equal steps of t, (n + 1,)."""
    return torch.linspace(0, 1, n + 1, dtype=torch.float64)


def _grids(coarsest: int, n_segments: int, max_segments: int) -> list[int]:
    """Segments of the grids, coarse to fine."""
    grids = [n_segments]
    while grids[0] % 2 == 0 and grids[0] // 2 >= coarsest:
        grids.insert(0, grids[0] // 2)
    while 2 * grids[-1] <= max_segments:
        grids.append(2 * grids[-1])
    return grids


def _flat_starts(starts: Sequence[Tensor], z0: Tensor, z1: Tensor) -> list[Tensor]:
    out = []
    for i, start in enumerate(starts):
        is_curve = start.ndim == z0.ndim + 1 and start.shape[:-2] == z0.shape[:-1] and start.shape[-2] > 1
        if not is_curve or start.shape[-1] != z0.shape[-1]:
            raise ShapeError(
                f"`starts[{i}]` must have shape (*{tuple(z0.shape[:-1])}, k, {z0.shape[-1]}) to match the "
                f"ends; got {tuple(start.shape)}. Give one curve a pair."
            )
        nodes = start.detach().to(z0).reshape(-1, *start.shape[-2:]).clone()
        nodes[:, 0], nodes[:, -1] = z0.detach().reshape(len(nodes), -1), z1.detach().reshape(len(nodes), -1)
        out.append(nodes)
    if not out:
        raise InputError("`starts` must hold one curve a pair or more; got none. Leave it out for the line.")
    return out


def _check(
    z0: Tensor,
    z1: Tensor,
    n_segments: int,
    max_segments: int | None,
    tol: float,
    max_iterations: int,
    interpolation: str,
    errors: str,
) -> None:
    check_ends(z0, z1)
    for name, value, low in (("n_segments", n_segments, 2), ("max_iterations", max_iterations, 0)):
        if value < low:
            raise InputError(f"`{name}` must be at least {low}; got {value}.")
    if max_segments is not None and max_segments < n_segments:
        raise InputError(f"`max_segments` must be at least `n_segments`, {n_segments}; got {max_segments}.")
    if not 0 < tol < 1:
        raise InputError(f"`tol` must lie between 0 and 1; got {tol}.")
    if interpolation not in ("cubic", "linear"):
        raise InputError(f'`interpolation` must be "cubic" or "linear"; got {interpolation!r}.')
    if errors not in ("raise", "keep"):
        raise InputError(f'`errors` must be "raise" or "keep"; got {errors!r}.')
