"""Fit loops on latent space: networks by stochastic gradients, mixtures and flows by likelihood."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from molinterp.errors import InputError
from molinterp.realism.density import Density, FlowDensity, GaussianMixture, NormalDensity, RadialGammaDensity
from molinterp.realism.latent_network import LatentNetwork
from molinterp.training.latent.sampling import Progress, silent

DENSITIES = ("mixture", "flow", "prior", "radial")
"""Kinds of density that `fit_density` knows."""
BATCH = 256
Loss = Callable[[Tensor, Tensor], Tensor]


def fit_network(
    z: Tensor,
    targets: Tensor,
    loss: Loss,
    n_outputs: int = 1,
    *,
    width: int = 128,
    dropout: float = 0.0,
    noise: float = 0.0,
    n_steps: int = 2_000,
    learning_rate: float = 2e-3,
    weight_decay: float = 1e-3,
    seed: int = 0,
) -> LatentNetwork:
    """A network whose outputs at z (n, dim) match targets (n, ...) under a loss.

    Args:
        z: latent points (n, dim).
        targets: (n, ...), handed to the loss in the same order.
        loss: (outputs (batch, n_outputs), targets (batch, ...)) -> scalar.
        n_outputs: of the network.
        width: of its hidden layers.
        dropout: share of hidden units left out.
        noise: added to points that are posterior means, in posterior deviations. These are taken as what
            the means lack of variance 1, as if all samples together were standard normal. Dimensions
            that say nothing of a compound hold a little of it in their means, which a network without
            noise learns by heart and a geodesic follows far out.
        n_steps: optimiser steps on 256 points each.
        learning_rate: of AdamW, with a cosine to zero.
        weight_decay: of AdamW.
        seed: of weights, batches and dropout; the global random state is left as it was.

    Returns:
        The network, frozen, in evaluation mode, its weights rounded to half precision as they are saved.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LatentNetwork(z.shape[1], n_outputs, width, dropout)
        network.mean.copy_(z.mean(0))
        deviation = noise * (1 - z.var(0)).clamp_min(0).sqrt()
        spread = z.std(0) if noise == 0 else torch.maximum(z.std(0), torch.ones(z.shape[1]))
        network.scale.copy_(spread.clamp_min(1e-3))

        def batch_loss(rows: Tensor) -> Tensor:
            points = z[rows]
            if noise:
                points = points + deviation * torch.randn(points.shape)
            return loss(network(points), targets[rows])

        descend(network, batch_loss, len(z), n_steps, learning_rate, weight_decay)
    return LatentNetwork.from_state({k: v.half() for k, v in network.state_dict().items()})


def descend(
    module: nn.Module,
    batch_loss: Callable[[Tensor], Tensor],
    n_rows: int,
    n_steps: int,
    learning_rate: float,
    weight_decay: float,
    *,
    batch_size: int = BATCH,
    warm_up: int = 1,
    progress: Progress = silent,
) -> None:
    """AdamW with a cosine to zero on batches of random rows, drawn from torch's global generator.

    Args:
        module: whose parameters are fitted in place.
        batch_loss: (rows (batch,) int64) -> scalar.
        n_rows: rows to draw from.
        n_steps: optimiser steps.
        learning_rate: its peak.
        weight_decay: of AdamW.
        batch_size: rows a step.
        warm_up: steps in which the rate rises to its peak; weights that have learnt something want some.
        progress: wraps the steps, to show a bar.
    """
    optimizer = torch.optim.AdamW(module.parameters(), lr=learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda i: min(1.0, (i + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * min(1.0, i / n_steps))),
    )
    for _ in progress(range(n_steps), n_steps, "teach"):
        value = batch_loss(torch.randint(n_rows, (min(batch_size, n_rows),)))
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimizer.step()
        schedule.step()


def fit_latent_feature(z: Tensor, p: Tensor, n_steps: int = 2_000, seed: int = 0) -> LatentNetwork:
    """Log-odds of probabilities p (n,) on posterior means z (n, dim); see `fit_network`."""
    return fit_network(
        z,
        p,
        soft_cross_entropy,
        noise=0.5,
        n_steps=n_steps,
        weight_decay=1e-2,
        seed=seed,
    )


def soft_cross_entropy(outputs: Tensor, p: Tensor) -> Tensor:
    """Cross-entropy of log-odds (batch, 1) against probabilities (batch,)."""
    return nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], p)


def fit_density(z: Tensor, kind: str = "mixture", n_components: int = 16, seed: int = 0) -> Density:
    """The density of latent points.

    Args:
        z: (n, dim).
        kind: "mixture" of normal distributions, "flow" (masked autoregressive), or, unfitted, "prior"
            N(0, I); "radial" takes its scale from the mean squared norm.
        n_components: of a mixture.
        seed: of the start and the batches.

    Raises:
        InputError: another kind, or fewer points than components.
    """
    if kind == "mixture":
        return _fit_mixture(z, n_components, seed)
    if kind == "flow":
        return _fit_flow(z, seed)
    if kind == "prior":
        return NormalDensity(z.shape[1])
    if kind == "radial":
        return RadialGammaDensity(z.shape[1], scale=2 * float(z.square().sum(1).mean()))
    raise InputError(f"`kind` must be one of {', '.join(DENSITIES)}; got {kind!r}.")


def _fit_mixture(z: Tensor, n_components: int, seed: int) -> GaussianMixture:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture as Mixture

    if len(z) < n_components:
        raise InputError(
            f"a mixture of {n_components} components needs as many points or more; got {len(z)}. "
            "Give more compounds."
        )
    # Dimensions that the encoder does not use are narrow; whitening puts all on one footing.
    mean, scale = z.mean(0), z.std(0).clamp_min(1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = Mixture(n_components, reg_covar=1e-3, max_iter=40, random_state=seed)
        model.fit(((z - mean) / scale).double().numpy())
    precisions = torch.from_numpy(model.precisions_cholesky_).float() / scale[:, None]
    return GaussianMixture(
        log_weights=torch.from_numpy(model.weights_).log().float(),
        means=torch.from_numpy(model.means_).float() * scale + mean,
        precisions=precisions,
    )


def _fit_flow(z: Tensor, seed: int, n_epochs: int = 8) -> FlowDensity:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        z = z.float()
        density = FlowDensity(z.mean(0), z.std(0).clamp_min(1e-4))
        descend(
            density.flow,
            lambda rows: -density.log_prob(z[rows]).mean(),
            len(z),
            n_epochs * max(1, len(z) // BATCH),
            2e-3,
            1e-4,
        )
    density.flow.requires_grad_(False).eval()
    return density


def uniform_distance(levels: Tensor) -> float:
    """Kolmogorov-Smirnov distance of values (n,) in [0, 1] from the uniform distribution."""
    rising = levels.double().sort().values
    steps = torch.arange(len(rising) + 1, dtype=torch.double) / len(rising)
    return float(torch.maximum((steps[1:] - rising).abs(), (rising - steps[:-1]).abs()).max())


def rank_agreement(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    """Spearman's rank correlation of two arrays (n,), in [-1, 1]; 0 where one does not vary."""
    import pandas as pd

    if min(np.ptp(a), np.ptp(b)) == 0:
        return 0.0

    return float(np.corrcoef(pd.Series(a).rank(), pd.Series(b).rank())[0, 1])
