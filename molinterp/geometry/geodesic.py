"""Geodesics between many pairs of latent points at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor

from molinterp.errors import InputError, ShapeError
from molinterp.geometry.curves import CubicSpline, Curve, PiecewiseLinear, check_ends
from molinterp.geometry.metric import Metric, check_metric
from molinterp.geometry.settings import SolverSettings
from molinterp.geometry.solver import Solver
from molinterp.geometry.state import MESSAGES, join

Starts = Sequence[Tensor] | Callable[[Tensor, Tensor], Sequence[Tensor]]
"""Curves (..., k, d), or what makes them of the ends z0, z1 (..., d)."""


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
    discretisation_error: Tensor
    """(...), relative to the energy: how much it differs on fewer points, and the square of three times how
    much the solver's own grid differs from them; NaN for a pair that could not be measured."""
    lowest_curvature: Tensor
    """(...), dimensionless: lowest eigenvalue found of the second variation along the curve, over that of the
    same curve in a constant metric; NaN where the iteration did not converge."""
    is_minimum: Tensor
    """(...) bool: no neighbouring curve costs less, as the second variation says."""
    converged: Tensor
    """(...) bool: on the last grid less than `tol` of the energy was left to gain, as the model promised
    and the last steps confirmed; `discretisation_error` is no more than `tol`; and `is_minimum`."""
    message: tuple[str, ...]
    """What became of each pair, in words, the batch flattened."""


def geodesic(
    metric: Metric,
    z0: Tensor,
    z1: Tensor,
    *,
    starts: Starts | None = None,
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
    mean metric of the start, on grids of 4, 8, ... segments; else by blocks along the curve, rebuilt on the
    way. The curve is a spline through the nodes. It is measured on four times as many points; where this
    tells that the grid was too coarse, the pair is solved again on twice as many segments. Then the second
    variation tells whether it is a minimum; from a saddle the solver goes on to either side. Where the best
    start costs less on the points measured, the start is returned. A minimum is one among its neighbours:
    another valley may be lower, which is what `starts` are for.

    Args:
        metric: output space and λ.
        z0: starts, (..., d).
        z1: ends, (..., d), of the same shape.
        starts: curves to start from, each as points (..., k, d) with the ends first and last, or a function
            that makes them of the ends, as `lambda z0, z1: [graph.paths(z0, z1)]`; None means the straight
            line. Every start is followed, the best result kept.
        n_segments: segments of the grid that every pair reaches, at least 2.
        max_segments: a pair goes on to twice as many segments, up to this number, while its
            `discretisation_error` is more than `tol`; None means 256, or `n_segments` where that is more.
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
    if not len(flat0):
        raise ShapeError(f"`z0` must hold one pair or more; got {tuple(z0.shape)}. Leave empty batches out.")
    given = starts(z0.detach(), z1.detach()) if callable(starts) else starts
    curves = [torch.stack([flat0, flat1], 1)] if given is None else _flat_starts(given, z0, z1)
    kind = CubicSpline if interpolation == "cubic" else PiecewiseLinear
    finest = _finest(n_segments, max_segments or max(n_segments, settings.max_segments))
    solver = Solver(metric, n_segments, finest, tol, max_iterations, kind, errors == "raise", settings)
    size = settings.pairs_at_once(metric, n_segments, d)
    parts = [
        solver.solve(flat0[i : i + size], flat1[i : i + size], [c[i : i + size] for c in curves], i)
        for i in range(0, len(flat0), size)
    ]
    joined = join(parts, kind)
    return GeodesicResult(
        curve=kind(joined.nodes.reshape(*shape, -1, d)),
        energy=joined.energy.reshape(shape),
        length=joined.length.reshape(shape),
        start_energy=joined.start_energy.reshape(shape),
        iterations=joined.iterations.reshape(shape),
        discretisation_error=joined.error.reshape(shape),
        lowest_curvature=joined.eigenvalue.reshape(shape),
        is_minimum=(joined.eigenvalue >= -settings.flat).reshape(shape),
        converged=joined.converged.reshape(shape),
        message=tuple(MESSAGES[i] for i in joined.outcome.tolist()),
    )


def _finest(n_segments: int, max_segments: int) -> int:
    """Segments of the last grid that doubling leads to."""
    n = n_segments
    while 2 * n <= max_segments:
        n *= 2
    return n


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
