"""Many minimisations at once: preconditioned L-BFGS in which every row goes its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""x (p, n) and the rows (p,) it stands for -> values (p,) and gradients (p, n)."""
Preconditioner = Callable[[Tensor, Tensor], Tensor]
"""Vectors (p, n) and the rows (p,) they stand for -> about the inverse Hessian times them, (p, n)."""

MEMORY = 8
TRIALS = 12
SUFFICIENT = 1e-4


@final
@dataclass(frozen=True)
class Minimum:
    """Where each row ended."""

    x: Tensor
    """(p, n)."""
    value: Tensor
    """(p,), never above the start's."""
    iterations: Tensor
    """Steps taken, (p,) int64."""
    converged: Tensor
    """(p,) bool; where False, the iterations ran out or no step led down."""


@dataclass
class _State:
    """The rows still at work; x, gradient (p, n), value (p,), differences (m, p, n), scales (m, p)."""

    rows: Tensor
    x: Tensor
    value: Tensor
    gradient: Tensor
    steps: Tensor
    changes: Tensor
    weights: Tensor

    def keep(self, mask: Tensor) -> None:
        self.rows, self.x, self.value = self.rows[mask], self.x[mask], self.value[mask]
        self.gradient = self.gradient[mask]
        self.steps, self.changes = self.steps[:, mask], self.changes[:, mask]
        self.weights = self.weights[:, mask]


def minimise(
    objective: Objective,
    x: Tensor,
    precondition: Preconditioner,
    *,
    tolerance: float,
    max_iterations: int,
) -> Minimum:
    """Minimise one function a row, all rows in one batch that shrinks as they converge.

    A row has converged when the model of its function promises less than `tolerance` times its value.
    A trial point with a value that is not finite counts as too far. Nocedal and Wright, Numerical
    Optimization, 2006, chapter 7 (L-BFGS), with the preconditioner as the initial inverse Hessian.

    Args:
        objective: values and gradients of some rows.
        x: start, (p, n); it is not changed.
        precondition: a symmetric positive definite map, about the inverse Hessian up to a factor.
        tolerance: relative, dimensionless.
        max_iterations: steps of a row at most.
    """
    rows = torch.arange(len(x), device=x.device)
    value, gradient = objective(x, rows)
    best = Minimum(x.clone(), value.clone(), torch.zeros_like(rows), torch.zeros_like(rows, dtype=torch.bool))
    empty = x.new_zeros(0, *x.shape)
    state = _State(rows, x.clone(), value, gradient, empty, empty, empty[..., 0])
    state.keep(torch.isfinite(value))
    for _ in range(max_iterations):
        direction = -_inverse_hessian(state, precondition)
        slope = (state.gradient * direction).sum(1)
        done = -0.5 * slope <= tolerance * state.value
        best.converged[state.rows[done]] = True
        if done.any():
            state.keep(~done)
            direction, slope = direction[~done], slope[~done]
        if not len(state.rows):
            break
        moved = _advance(objective, state, direction, slope)
        best.x[state.rows], best.value[state.rows] = state.x, state.value
        best.iterations[state.rows] += 1
        # A row that cannot go down with its history tries once more without.
        fresh = state.weights[:-1].abs().sum(0) == 0
        state.weights[:, ~moved] = 0
        if (~moved & fresh).any():
            state.keep(moved | ~fresh)
    return best


def _inverse_hessian(state: _State, precondition: Preconditioner) -> Tensor:
    """The two-loop recursion; a pair of differences with weight 0 counts for nothing."""
    q = state.gradient.clone()
    if not len(state.steps):
        return precondition(q, state.rows)
    factors = []
    for s, y, w in zip(state.steps.flip(0), state.changes.flip(0), state.weights.flip(0), strict=True):
        a = w * (s * q).sum(1)
        q.addcmul_(y, a[:, None], value=-1)
        factors.append(a)
    s, y, w = state.steps[-1], state.changes[-1], state.weights[-1]
    scale = torch.where(w > 0, 1 / (w * (y * precondition(y, state.rows)).sum(1)), 1)
    q = precondition(q, state.rows) * scale[:, None]
    for s, y, w, a in zip(state.steps, state.changes, state.weights, reversed(factors), strict=True):
        q.addcmul_(s, (a - w * (y * q).sum(1))[:, None])
    return q


def _advance(objective: Objective, state: _State, direction: Tensor, slope: Tensor) -> Tensor:
    """One step of every row with backtracking; which rows moved, (p,)."""
    x, value, gradient = state.x.clone(), state.value.clone(), state.gradient.clone()
    length = torch.ones_like(value)
    open_ = slope < 0
    moved = torch.zeros_like(open_)
    for _ in range(TRIALS):
        (index,) = open_.nonzero(as_tuple=True)
        if not len(index):
            break
        trial = state.x[index] + length[index, None] * direction[index]
        found, slopes = objective(trial, state.rows[index])
        bound = state.value[index] + SUFFICIENT * length[index] * slope[index]
        good = (found <= bound) & torch.isfinite(slopes).all(1)
        hit = index[good]
        x[hit], value[hit], gradient[hit] = trial[good], found[good], slopes[good]
        moved[hit], open_[hit] = True, False
        length[index] = length[index] * _shorter(length[index], found, state.value[index], slope[index])
    _remember(state, x - state.x, gradient - state.gradient)
    state.x, state.value, state.gradient = x, value, gradient
    return moved


def _shorter(length: Tensor, found: Tensor, value: Tensor, slope: Tensor) -> Tensor:
    """Factor of the step length: the minimum of a parabola, kept within 0.1 and 0.5."""
    rise = found - value - length * slope
    factor = -0.5 * length * slope / rise
    return torch.nan_to_num(factor, nan=0.1, posinf=0.5).clamp(0.1, 0.5)


def _remember(state: _State, step: Tensor, change: Tensor) -> None:
    curvature = (step * change).sum(1)
    sound = curvature > 1e-8 * step.norm(dim=1) * change.norm(dim=1)
    weight = torch.where(sound, 1 / torch.where(sound, curvature, 1), 0)
    first = 1 if len(state.steps) == MEMORY else 0
    state.steps = torch.cat([state.steps[first:], step[None]])
    state.changes = torch.cat([state.changes[first:], change[None]])
    state.weights = torch.cat([state.weights[first:], weight[None]])
