"""Latent points moved uphill until the decoder spells the string that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.model.likelihood import cross_entropy_and_match
from molinterp.model.network import MoleculeVAE

N_STEPS = 20
LEARNING_RATE = 0.05
PULL = 0.01
_BETAS = (0.9, 0.99)


@final
@dataclass(frozen=True)
class Inversion:
    """Latent points after gradient steps; rows are strings."""

    start: Tensor
    """(n, latent_dim), the starting points."""
    z: Tensor
    """(n, latent_dim), the best point found for each; the start itself where that is exact."""
    log_p: Tensor
    """(n,), log p(x|z) there, nats; never below `start_log_p`."""
    start_log_p: Tensor
    """(n,), log p(x|z) at the starting point, nats."""
    is_exact: Tensor
    """(n,) bool, whether the greedy decode there is the string."""
    n_steps: int
    """Gradient steps made until all were exact, or the budget was spent."""


def invert(
    model: MoleculeVAE,
    tokens: Tensor,
    z: Tensor,
    deviation: Tensor | None = None,
    pull: float = PULL,
    n_steps: int = N_STEPS,
    learning_rate: float = LEARNING_RATE,
) -> Inversion:
    """Raise log p(x|z) by gradient steps on z, until z decodes greedily to x.

    What is climbed is log p(x|z) - ½ pull Σ ((z - z0) / deviation)², with z0 the starting point: without
    the second term a point can run far from where the encoder puts compounds. A row stops once it is
    exact; one that never is keeps the most probable point that it saw. The decoder's blur is 0. Steps are
    those of Adam (Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, arXiv 1412.6980). The
    better fit of z to one compound is the semi-amortised inference of Kim et al., Semi-Amortized
    Variational Autoencoders, 2018, arXiv 1802.02550.

    Args:
        model: the decoder; its weights are left alone.
        tokens: (n, length) int64, the strings, without start and end, padded with PAD.
        z: (n, latent_dim), starting points, as the means of the posterior.
        deviation: (n, latent_dim), standard deviations of the posterior; None means 1.
        pull: weight of the pull to the start, dimensionless, >= 0.
        n_steps: gradient steps at most.
        learning_rate: Adam's, in units of z.

    Raises:
        ShapeError: z has another number of dimensions than the model.
    """
    start = z.detach()
    scale = torch.ones_like(start) if deviation is None else deviation.detach()
    best, here = start.clone(), start.clone()
    first = second = torch.zeros_like(start)
    rows = torch.arange(len(start), device=start.device)
    best_log_p = start_log_p = torch.full_like(start[:, 0], -torch.inf)
    is_exact = torch.zeros_like(rows, dtype=torch.bool)
    for step in range(n_steps + 1):
        # cuDNN gives no gradient through recurrent layers in evaluation mode.
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
            point = here[rows].requires_grad_()
            loss, match = cross_entropy_and_match(model, point, tokens[rows])
            way = (point - start[rows]) / scale[rows]
            descended = loss + 0.5 * pull * way.square().sum(1)
        log_p = -loss.detach()
        if step == 0:
            start_log_p = log_p
        done = match & (log_p >= start_log_p[rows])
        better = done | (log_p > best_log_p[rows])
        chosen = rows[better]
        best[chosen], is_exact[chosen] = point.detach()[better], done[better]
        best_log_p = best_log_p.index_copy(0, chosen, log_p[better])
        rows = rows[~done]
        if len(rows) == 0 or step == n_steps:
            break
        gradient = torch.autograd.grad(descended, point, (~done).to(loss.dtype))[0][~done]
        first = first.index_copy(0, rows, torch.lerp(gradient, first[rows], _BETAS[0]))
        second = second.index_copy(0, rows, torch.lerp(gradient.square(), second[rows], _BETAS[1]))
        move = first[rows] / (1 - _BETAS[0] ** (step + 1))
        size = (second[rows] / (1 - _BETAS[1] ** (step + 1))).sqrt() + 1e-8
        here[rows] = here[rows] - learning_rate * move / size
    return Inversion(start, best, best_log_p, start_log_p, is_exact, step)
