"""The terms of λ and their sum: λ(z) = Σ w_k λ_k(z) + λ_0 with λ_k = -log Q_k."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from molinterp.errors import InputError
from molinterp.realism.index import RealismIndex

EPSILON = 0.02
"""ε of Q = ε/2 + (1 - ε) p: the chance that a judgement is a coin toss."""
FLOOR = 0.1
"""λ_0, which keeps the metric positive definite where every Q is 1."""


def guarded(log_p: Tensor, epsilon: float = EPSILON) -> Tensor:
    """-log Q with Q = ε/2 + (1 - ε) p, elementwise; between -log(1 - ε/2) and -log(ε/2).

    Struski et al., 2019, arXiv 1904.03445. Stable where p is near 0.

    Args:
        log_p: logarithm of a probability.
        epsilon: in (0, 1).
    """
    bound = torch.full_like(log_p, math.log(epsilon / 2))
    return -torch.logaddexp(bound, log_p + math.log1p(-epsilon))


class Term(ABC):
    """One λ_k."""

    name: str

    @abstractmethod
    def __call__(self, z: Tensor) -> Tensor:
        """λ_k (...,) >= 0 at z (..., dim), dimensionless (nats), differentiable."""


@final
@dataclass(frozen=True)
class DensityTerm(Term):
    """-log of the realism index of a density."""

    index: RealismIndex
    """The index."""
    name: str = "density"
    """What the term is called in tables."""

    def __call__(self, z: Tensor) -> Tensor:
        """See `Term`."""
        return -self.index.log_index(z)


@final
@dataclass(frozen=True)
class ProbabilityTerm(Term):
    """-log Q of a classifier on latent space, or of its opposite."""

    name: str
    """What the term is called in tables."""
    log_odds: Callable[[Tensor], Tensor]
    """z (..., dim) -> log-odds (...,) that the property holds."""
    is_wanted: bool = True
    """False where the property is to be avoided: p becomes 1 - p."""
    epsilon: float = EPSILON
    """ε of Q."""

    def __call__(self, z: Tensor) -> Tensor:
        """See `Term`."""
        log_odds = self.log_odds(z)
        return guarded(logsigmoid(log_odds if self.is_wanted else -log_odds), self.epsilon)


@final
@dataclass(frozen=True)
class WindowTerm(Term):
    """-log Q of p(low <= property <= high | z) for a normal prediction, or of its opposite."""

    name: str
    """What the term is called in tables."""
    predict: Callable[[Tensor], tuple[Tensor, Tensor]]
    """z (..., dim) -> mean and standard deviation of the property, (...,) each, in its own unit."""
    low: float
    """Lower end of the window, or -inf."""
    high: float
    """Upper end of the window, or inf."""
    is_wanted: bool = True
    """False where the window is to be avoided."""
    epsilon: float = EPSILON
    """ε of Q."""

    def probability(self, z: Tensor) -> Tensor:
        """P(low <= property <= high) (...,) at z (..., dim)."""
        mean, deviation = self.predict(z)
        if self.low == -math.inf:
            return torch.special.ndtr((self.high - mean) / deviation)
        if self.high == math.inf:
            return torch.special.ndtr((mean - self.low) / deviation)
        below = torch.special.ndtr((self.low - mean) / deviation)
        return torch.special.ndtr((self.high - mean) / deviation) - below

    def __call__(self, z: Tensor) -> Tensor:
        """See `Term`."""
        p = self.probability(z)
        p = p if self.is_wanted else 1 - p
        return guarded(p.clamp_min(1e-12).log(), self.epsilon)


@final
@dataclass(frozen=True)
class Realism:
    """λ(z) = Σ w_k λ_k(z) + λ_0: what a latent point costs."""

    terms: tuple[Term, ...]
    """The λ_k; their names differ."""
    weights: tuple[float, ...]
    """The w_k >= 0, one a term."""
    floor: float = FLOOR
    """λ_0 > 0."""

    def __post_init__(self) -> None:
        """Check the weights.

        Raises:
            InputError: weights and terms differ in number, a weight is negative, two terms bear one
                name, or the floor is not positive.
        """
        if len(self.weights) != len(self.terms) or any(not 0 <= w < math.inf for w in self.weights):
            raise InputError(
                f"`weights` must be {len(self.terms)} numbers >= 0, one a term; got {self.weights}."
            )
        if len(set(self.names)) < len(self.terms):
            raise InputError(f"`terms` must have different names; got {', '.join(self.names)}.")
        if not 0 < self.floor < math.inf:
            raise InputError(f"`floor` must be a number > 0, as λ_0 of a metric; got {self.floor}.")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms, in order."""
        return tuple(term.name for term in self.terms)

    def __call__(self, z: Tensor) -> Tensor:
        """λ (...,) >= λ_0 at z (..., dim), differentiable."""
        total = torch.full_like(z[..., 0], self.floor)
        for weight, term in zip(self.weights, self.terms, strict=True):
            total = total + weight * term(z)
        return total

    def by_term(self, z: Tensor) -> dict[str, Tensor]:
        """λ_k (...,) of each term by name, unweighted, at z (..., dim)."""
        return {term.name: term(z) for term in self.terms}
