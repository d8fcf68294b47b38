"""What the solver knows of each pair while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.geometry.curves import Curve
from molinterp.geometry.measure import steps

MESSAGES = (
    "converged",
    "iterations ran out or no step led down; the best curve so far",
    "the start could not be improved",
    "ends are equal; a constant curve",
    "a callable gave NaN or infinity; the straight line",
    "more segments are needed to measure the curve",
    "a saddle: a neighbouring curve is shorter",
)
CONVERGED, STOPPED, START, EQUAL, BAD, COARSE, SADDLE = range(len(MESSAGES))


@final
@dataclass(frozen=True)
class Part:
    """Results of p pairs: tensors (p, ...), changed in place while the solver works."""

    nodes: Tensor
    """On the finest grid, whatever the level."""
    level: Tensor
    """Segments that the pair was solved with."""
    energy: Tensor
    length: Tensor
    start_energy: Tensor
    error: Tensor
    eigenvalue: Tensor
    iterations: Tensor
    converged: Tensor
    outcome: Tensor
    springs: Tensor | None
    """Inverse of the mean metric, (p, d, d), where the pair is not solved by a chain alone."""


def by_level(part: Part, index: Tensor) -> list[tuple[int, Tensor]]:
    """The pairs `index` grouped by their segments: segments, and positions within `index`."""
    levels = part.level[index]
    return [(int(n), (levels == n).nonzero(as_tuple=True)[0]) for n in levels.unique()]


def join(parts: list[Part], kind: Callable[[Tensor], Curve]) -> Part:
    """The results of several batches as one, their nodes on the coarsest grid that holds them all."""
    most = max(int(part.level.max()) for part in parts)
    nodes = []
    for part in parts:
        n = part.nodes.shape[1] - 1
        nodes.append(part.nodes[:, :: n // most] if n >= most else kind(part.nodes)(steps(most)))
    rest = {
        name: torch.cat([getattr(part, name) for part in parts])
        for name in vars(parts[0])
        if name not in ("nodes", "springs")
    }
    return Part(nodes=torch.cat(nodes), springs=None, **rest)
