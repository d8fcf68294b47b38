"""Many minimisations at once: preconditioned L-BFGS in which every row goes its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, final

import torch
from torch import Tensor

Objective = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""x (p, n) and the rows (p,) it stands for -> values (p,) and gradients (p, n)."""


@final
@dataclass(frozen=True)
class MinimiserSettings:
    """Tuning of `minimise`."""

    memory: int = 8
    """Differences of gradients that the quasi-Newton model remembers."""
    n_trials: int = 12
    """Lengths tried on each step."""
    sufficient_decrease: float = 1e-4
    """Share of the slope by which a step must lower the value (Armijo)."""
    n_proofs: int = 3
    """Steps that must have kept what the model promised before its promise is believed."""
    certain: float = 0.01
    """Share of the tolerance under which a promise is believed at once."""
    renewal: int = 4
    """Steps after which a local preconditioner is rebuilt."""


class Preconditioner(ABC):
    """About the inverse Hessian of each of p functions up to a factor, symmetric positive definite."""

    is_local: bool
    """Whether it holds near the place where it was made alone, and is to be made anew on the way."""

    @abstractmethod
    def solve(self, q: Tensor) -> Tensor:
        """The inverse Hessians times vectors (p, n), (p, n)."""

    @abstractmethod
    def rows(self, index: Tensor) -> Self:
        """That of some of the functions, by a mask (p,) or their numbers."""

    @abstractmethod
    def with_rows(self, index: Tensor, other: Self) -> Self:
        """The same with some of the functions, by number, replaced."""


Builder = Callable[[Tensor, Tensor], Preconditioner]
"""x (p, n) and the rows (p,) it stands for -> what stands for their inverse Hessians there."""


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
    """The rows still at work; x, gradient (p, n), value (p,), differences (m, p, n), scales (m, p).

    `age` (p,) counts the steps since a row's model was made, `promises` and `values` (k, p) hold what the
    model promised before each of the last steps, and the value there.
    """

    settings: MinimiserSettings
    rows: Tensor
    x: Tensor
    value: Tensor
    gradient: Tensor
    model: Preconditioner
    age: Tensor
    steps: Tensor
    changes: Tensor
    weights: Tensor
    promises: Tensor
    values: Tensor

    def keep(self, mask: Tensor) -> None:
        self.rows, self.x, self.value = self.rows[mask], self.x[mask], self.value[mask]
        self.gradient, self.age, self.model = self.gradient[mask], self.age[mask], self.model.rows(mask)
        self.steps, self.changes = self.steps[:, mask], self.changes[:, mask]
        self.weights = self.weights[:, mask]
        self.promises, self.values = self.promises[:, mask], self.values[:, mask]

    def renew(self, mask: Tensor, build: Builder) -> None:
        """Make the models of some rows anew where they stand, and forget how they came there."""
        (index,) = mask.nonzero(as_tuple=True)
        if len(index):
            self.model = self.model.with_rows(index, build(self.x[index], self.rows[index]))
            self.weights[:, index] = 0
            self.age[index] = 0

    def note(self, promise: Tensor) -> None:
        self.promises = torch.cat([self.promises, promise[None]])[-self.settings.n_proofs :]
        self.values = torch.cat([self.values, self.value[None]])[-self.settings.n_proofs :]

    def shortfall(self) -> Tensor:
        """Factor (p,), 1 or more, by which the gains since the last steps exceeded their promises."""
        return ((self.values - self.value) / self.promises).amax(0).nan_to_num(1.0).clamp_min(1.0)


def minimise(
    objective: Objective,
    x: Tensor,
    build: Builder,
    *,
    tolerance: float,
    max_iterations: int,
    settings: MinimiserSettings | None = None,
) -> Minimum:
    """Minimise one function a row, all rows in one batch that shrinks as they converge.

    Before each step the quadratic model of a row promises a decrease. Where the last steps gained more than
    had been promised, the promise counts for as many times more. A row has converged when that is less
    than `tolerance` times its value, after `n_proofs` steps or more, or at once where it is less than
    `certain` times that; a local model must have been built at this very place. A trial point whose value is
    not finite counts as too far. Nocedal and Wright, Numerical Optimization, 2006, chapter 7 (L-BFGS), with
    the preconditioner as the initial inverse Hessian.

    Args:
        objective: values and gradients of some rows.
        x: start, (p, n); it is not changed.
        build: makes the preconditioner of some rows, at the start, and on the way where it is local.
        tolerance: relative, dimensionless.
        max_iterations: steps of a row at most.
        settings: tuning; None means the defaults.
    """
    settings = settings or MinimiserSettings()
    rows = torch.arange(len(x), device=x.device)
    value, gradient = objective(x, rows)
    best = Minimum(x.clone(), value.clone(), torch.zeros_like(rows), torch.zeros_like(rows, dtype=torch.bool))
    (open_,) = torch.isfinite(value).nonzero(as_tuple=True)
    if not len(open_):
        return best
    x, value, gradient = x[open_].clone(), value[open_], gradient[open_]
    empty = x.new_zeros(0, *x.shape)
    history = (empty, empty, *(empty[..., 0],) * 3)
    state = _State(settings, open_, x, value, gradient, build(x, open_), open_ * 0, *history)
    for _ in range(max_iterations):
        state.renew(state.age >= settings.renewal, build)
        direction = -_inverse_hessian(state)
        slope = (state.gradient * direction).sum(1)
        done = _done(state, -0.5 * slope, tolerance)
        best.converged[state.rows[done]] = True
        if done.any():
            state.keep(~done)
            direction, slope = direction[~done], slope[~done]
        if not len(state.rows):
            break
        state.note(-0.5 * slope)
        moved = _advance(objective, state, direction, slope)
        best.x[state.rows], best.value[state.rows] = state.x, state.value
        best.iterations[state.rows] += 1
        # A row that cannot go down tries once more without its history and with a new model.
        lost = ~moved & (state.age == 0) & (state.weights[:-1].abs().sum(0) == 0)
        state.weights[:, ~moved] = 0
        if state.model.is_local:
            state.age = torch.where(moved, state.age + 1, settings.renewal)
        if lost.any():
            state.keep(~lost)
    return best


def _done(state: _State, promise: Tensor, tolerance: float) -> Tensor:
    """Which rows have converged, (p,); one whose model is not of this place has it made anew first."""
    bound = tolerance * state.value
    done = promise <= state.settings.certain * bound
    if len(state.promises) == state.settings.n_proofs:
        done |= promise * state.shortfall() <= bound
    state.age = torch.where(done & (state.age > 0), state.settings.renewal, state.age)
    return done & (state.age == 0)


def _inverse_hessian(state: _State) -> Tensor:
    """The two-loop recursion; a pair of differences with weight 0 counts for nothing."""
    q = state.gradient.clone()
    if not len(state.steps):
        return state.model.solve(q)
    factors = []
    for s, y, w in zip(state.steps.flip(0), state.changes.flip(0), state.weights.flip(0), strict=True):
        a = w * (s * q).sum(1)
        q.addcmul_(y, a[:, None], value=-1)
        factors.append(a)
    scale = q.new_ones(len(q))
    if not state.model.is_local:
        s, y, w = state.steps[-1], state.changes[-1], state.weights[-1]
        scale = torch.where(w > 0, 1 / (w * (y * state.model.solve(y)).sum(1)), 1)
    q = state.model.solve(q) * scale[:, None]
    for s, y, w, a in zip(state.steps, state.changes, state.weights, reversed(factors), strict=True):
        q.addcmul_(s, (a - w * (y * q).sum(1))[:, None])
    return q


def _advance(objective: Objective, state: _State, direction: Tensor, slope: Tensor) -> Tensor:
    """One step of every row with backtracking; which rows moved, (p,)."""
    x, (value, gradient) = state.x + direction, objective(state.x + direction, state.rows)
    enough = state.value + state.settings.sufficient_decrease * slope
    moved = (slope < 0) & (value <= enough) & torch.isfinite(gradient).all(1)
    open_ = (slope < 0) & ~moved
    length = torch.where(open_, _shorter(torch.ones_like(slope), value, state.value, slope), 1.0)
    if not moved.all():
        back = moved[:, None]
        x, gradient = torch.where(back, x, state.x), torch.where(back, gradient, state.gradient)
        value = torch.where(moved, value, state.value)
    for _ in range(state.settings.n_trials - 1):
        (index,) = open_.nonzero(as_tuple=True)
        if not len(index):
            break
        trial = state.x[index] + length[index, None] * direction[index]
        found, slopes = objective(trial, state.rows[index])
        bound = state.value[index] + state.settings.sufficient_decrease * length[index] * slope[index]
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
    first = 1 if len(state.steps) == state.settings.memory else 0
    state.steps = torch.cat([state.steps[first:], step[None]])
    state.changes = torch.cat([state.changes[first:], change[None]])
    state.weights = torch.cat([state.weights[first:], weight[None]])
