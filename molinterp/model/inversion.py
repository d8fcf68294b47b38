"""Invert the decoder: move latent points until they decode to given strings."""

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
    """Result of an inversion; one row per string."""

    start: Tensor
    """(n, latent_dim), the starting points."""
    z: Tensor
    """(n, latent_dim), the best point found for each string; the starting point if that is exact."""
    log_p: Tensor
    """(n,), log p(x|z) there, nats; never below `start_log_p`."""
    start_log_p: Tensor
    """(n,), log p(x|z) at the starting point, nats."""
    is_exact: Tensor
    """(n,) bool, whether the greedy decode there is the string."""
    n_steps: int
    """Number of gradient steps taken until all strings were exact or the limit was reached."""


def invert(
    model: MoleculeVAE,
    tokens: Tensor,
    z: Tensor,
    deviation: Tensor | None = None,
    pull: float = PULL,
    n_steps: int = N_STEPS,
    learning_rate: float = LEARNING_RATE,
) -> Inversion:
    """Maximise log p(x|z) by gradient steps on z until z decodes greedily to x.

    The objective is log p(x|z) - ½ pull Σ ((z - z0) / deviation)², with z0 the starting point: without the
    second term a point can drift far from where the encoder puts compounds. A row stops as soon as it is
    exact; a row that never becomes exact keeps the most probable point that was visited. The decoder's blur
    is 0. The optimiser is Adam (Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, arXiv
    1412.6980). Fitting z to a single compound is the semi-amortised inference of Kim et al., Semi-Amortized
    Variational Autoencoders, 2018, arXiv 1802.02550.

    Args:
        model: the decoder; its parameters do not change.
        tokens: (n, length) int64, the strings, without start and end, padded with PAD.
        z: (n, latent_dim), starting points, usually the posterior means.
        deviation: (n, latent_dim), standard deviations of the posterior; None means 1.
        pull: weight of the pull towards the starting point, dimensionless, >= 0.
        n_steps: largest number of gradient steps.
        learning_rate: learning rate of Adam, in units of z.

    Raises:
        ShapeError: z does not have the model's number of dimensions.
    """
    start = z.detach()
    scale = torch.ones_like(start) if deviation is None else deviation.detach()
    best, here = start.clone(), start.clone()
    first = second = torch.zeros_like(start)
    rows = torch.arange(len(start), device=start.device)
    best_log_p = start_log_p = torch.full_like(start[:, 0], -torch.inf)
    is_exact = torch.zeros_like(rows, dtype=torch.bool)
    for step in range(n_steps + 1):
        # cuDNN does not differentiate recurrent layers in evaluation mode.
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
