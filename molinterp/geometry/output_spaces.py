"""Output spaces Φ: latent points (n, d) -> what counts as a change (n, h), Euclidean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError

Map = Callable[[Tensor], Tensor]
"""z (n, d) -> (n, h)."""


@final
@dataclass(frozen=True)
class LocalSpace:
    """An output space that has no one image of z, only a chart around each point.

    The metric at z is the pull-back by `chart(., context(z))` there, the context held fixed.
    """

    context: Callable[[Tensor], Tensor]
    """z (n, d) -> (n, k), what the chart depends on beside z; not differentiated."""
    chart: Callable[[Tensor, Tensor], Tensor]
    """z (n, d), context (n, k) -> (n, h), differentiable in z."""


def latent(z: Tensor) -> Tensor:
    """The identity: straight lines are its geodesics."""
    return z


def bernoulli(logits: Tensor) -> Tensor:
    """2·arcsin √p of independent bits: its Euclidean metric is the Fisher information metric.

    Written as 2·arctan(tanh(logit / 4)) + π/2, whose derivative √(p (1 - p)) is finite at every logit.

    Args:
        logits: log(p / (1 - p)), any shape.
    """
    return 2 * torch.atan(torch.tanh(logits / 4)) + torch.pi / 2


def categorical(logits: Tensor) -> Tensor:
    """2·√p of a categorical distribution: its Euclidean metric is the Fisher information Σ ṗ²/p.

    Args:
        logits: (..., n_classes), not necessarily normalised.
    """
    return 2 * torch.exp(0.5 * torch.log_softmax(logits, -1))


def compose(h: Map, phi: Map) -> Map:
    """The composition h ∘ Φ: distances as a map of the user's own sees them.

    Michelis and Becker, On Linear Interpolation in the Latent Space of Deep Generative Models, 2021,
    arXiv 2105.03663.

    Raises:
        InputError: one of them is a `LocalSpace`, which has no images to go on from.
    """
    _check_maps(h, phi)
    return lambda z: h(phi(z))


def stacked(*phis: Map) -> Map:
    """(Φ_1, ..., Φ_k) side by side: the metrics add up.

    With a mean and a standard deviation it is the expected metric of a Gaussian decoder,
    J_μᵀ J_μ + J_σᵀ J_σ: Arvanitidis, Hansen and Hauberg, Latent Space Oddity, 2018, arXiv 1710.11379.

    Raises:
        InputError: nothing is given, or a `LocalSpace`, which has no images to put beside others.
    """
    if not phis:
        raise InputError("`phis` must hold one output space or more; got none. Give one.")
    _check_maps(*phis)
    return lambda z: torch.cat([phi(z).reshape(len(z), -1) for phi in phis], -1)


def ensemble(*phis: Map) -> Map:
    """An output space whose metric is the mean of the metrics of several, as of decoders trained apart.

    Raises:
        InputError: as for `stacked`.
    """
    side_by_side = stacked(*phis)
    return lambda z: side_by_side(z) / len(phis) ** 0.5


def _check_maps(*phis: Map) -> None:
    for phi in phis:
        if not callable(phi):
            raise InputError(
                f"an output space must be a callable z (n, d) -> (n, h); got {type(phi).__name__}. "
                "A LocalSpace stands alone: hand it to `Metric` as it is."
            )
