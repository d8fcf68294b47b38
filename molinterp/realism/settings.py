"""Settings of the fits of realism, free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from molinterp.settings import check, group, setting


@final
@dataclass(frozen=True)
class Descent:
    """Gradient descent by AdamW; the learning rate rises linearly, then follows a cosine to zero.

    Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, arXiv 1711.05101.
    """

    learning_rate: float = setting(2e-3, "Peak learning rate.", above=0)
    n_warm_up: int = setting(1, "Steps until the learning rate reaches its peak.", low=1, expert=True)
    weight_decay: float = setting(1e-4, "Weight decay.", low=0, expert=True)
    max_gradient: float = setting(5.0, "Gradients are scaled down to this norm.", above=0, expert=True)
    fused: bool = setting(
        True, "Whether to use torch's fused kernel, which is faster and rounds differently.", expert=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)

    def rate(self, step: int, progress: float) -> float:
        """Learning rate at a step (0-based) when a share `progress` of the budget is spent."""
        rise = min(1.0, (step + 1) / self.n_warm_up)
        return self.learning_rate * (rise * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


@final
@dataclass(frozen=True)
class NetworkFit:
    """How a `LatentNetwork` is fitted; the defaults are those of a feature."""

    width: int = setting(128, "Units of each hidden layer.", low=0, expert=True)
    dropout: float = setting(0.0, "Share of hidden units left out in training.", low=0, high=1, expert=True)
    noise: float = setting(
        0.5,
        "Noise on the points, in posterior deviations, so that the network does not learn by heart what "
        "little the means say in dimensions that the encoder does not use.",
        low=0,
        expert=True,
    )
    n_steps: int = setting(2_000, "Optimiser steps.", low=1)
    batch_size: int = setting(256, "Points a step.", low=1, expert=True)
    descent: Descent = group(
        lambda: Descent(weight_decay=1e-2, fused=False), "Optimiser.", flat=True, expert=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)


@final
@dataclass(frozen=True)
class IndexFit:
    """How the table of a realism index is made."""

    n_samples: int = setting(20_000, "Samples of the density.", low=100, expert=True)
    n_tail: int = setting(48, "Entries of the table below a level of 0.1.", low=2, expert=True)
    n_body: int = setting(80, "Entries above it.", low=2, expert=True)
    lowest: float = setting(
        1e-3, "Smallest level; below it the index falls along a line.", above=0, high=0.1, expert=True
    )

    def __post_init__(self) -> None:
        """Check the settings."""
        check(self)
