"""Fit networks by gradient descent: the one optimiser loop, and the latent networks fitted with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar, final

import torch
from torch import Tensor, nn

from molinterp.realism.latent_network import LatentNetwork
from molinterp.realism.settings import Descent, NetworkFit

Item = TypeVar("Item")
Result = TypeVar("Result")
Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs (batch, n_outputs), targets (batch, ...)) -> scalar."""


class Progress(Protocol):
    """Listener to long-running work, such as a progress bar."""

    def __call__(self, items: Iterable[Item], total: int, label: str) -> Iterable[Item]:
        """Iterate over `items`, of which there are `total`, and show how far the work called `label` is."""

    def show(self, figures: str) -> None:
        """Show figures of the running work beside its bar, in place of the last ones."""

    def note(self, text: str) -> None:
        """Report a result or a remark that should remain visible."""


@final
class Silent:
    """Progress that nobody watches."""

    def __call__(self, items: Iterable[Item], total: int, label: str) -> Iterable[Item]:
        """Return the items as they are."""
        return items

    def show(self, figures: str) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


silent = Silent()


@final
class Descender:
    """Takes one optimiser step after another; the loop around it is the caller's."""

    def __init__(self, parameters: Iterable[nn.Parameter], settings: Descent) -> None:
        """Optimise `parameters` in place."""
        self.parameters = list(parameters)
        self._settings = settings
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=settings.fused,
        )

    def step(self, gradients: Callable[[], Result], number: int, progress: float) -> Result:
        """Take one step.

        Args:
            gradients: sets the gradients of the parameters; its result is returned.
            number: of the step, 0-based.
            progress: share of the budget that is spent, in [0, 1].
        """
        for options in self.optimizer.param_groups:
            options["lr"] = self._settings.rate(number, progress)
        self.optimizer.zero_grad(set_to_none=True)
        result = gradients()
        nn.utils.clip_grad_norm_(self.parameters, self._settings.max_gradient)
        self.optimizer.step()
        return result


def descend(
    parameters: Iterable[nn.Parameter],
    gradients: Callable[[], object],
    n_steps: int,
    settings: Descent,
    progress: Progress = silent,
    label: str = "fit",
) -> None:
    """Optimise parameters in place.

    Args:
        parameters: those that move.
        gradients: sets their gradients for the next batch.
        n_steps: optimiser steps.
        settings: of the descent.
        progress: told of each step.
        label: what to call the work.
    """
    descender = Descender(parameters, settings)
    for step in progress(range(n_steps), n_steps, label):
        descender.step(gradients, step, step / n_steps)


def random_rows(n_rows: int, batch_size: int) -> Tensor:
    """Draw the rows (batch,) of a batch from torch's global generator, with replacement."""
    return torch.randint(n_rows, (min(batch_size, n_rows),))


def fit_network(
    z: Tensor, targets: Tensor, loss: Loss, settings: NetworkFit, n_outputs: int = 1, seed: int = 0
) -> LatentNetwork:
    """Fit a network whose outputs at z match targets under a loss.

    Args:
        z: latent points (n, dim). With noise they are taken to be posterior means, and the posterior
            deviation to be what they lack of variance 1, as if all posteriors together were standard normal.
        targets: (n, ...), passed to the loss in the same order.
        loss: see `Loss`.
        settings: of network and optimiser.
        n_outputs: of the network.
        seed: of parameters, batches, noise and dropout; the global random state is left as it was.

    Returns:
        The network, frozen, in evaluation mode, its parameters rounded to half precision as they are saved.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LatentNetwork(z.shape[1], n_outputs, settings.width, settings.dropout)
        network.mean.copy_(z.mean(0))
        deviation = settings.noise * (1 - z.var(0)).clamp_min(0).sqrt()
        spread = torch.maximum(z.std(0), torch.ones(z.shape[1])) if settings.noise else z.std(0)
        network.scale.copy_(spread.clamp_min(1e-3))

        def batch_loss(rows: Tensor) -> Tensor:
            points = z[rows]
            if settings.noise:
                points = points + deviation * torch.randn(points.shape)
            return loss(network(points), targets[rows])

        descend(
            network.parameters(),
            lambda: batch_loss(random_rows(len(z), settings.batch_size)).backward(),
            settings.n_steps,
            settings.descent,
        )
        return LatentNetwork.from_state({k: v.half() for k, v in network.state_dict().items()})


def fit_latent_feature(
    z: Tensor, p: Tensor, settings: NetworkFit | None = None, seed: int = 0
) -> LatentNetwork:
    """Fit the log-odds of a feature on latent space.

    Args:
        z: posterior means (n, dim).
        p: probability (n,) of the feature for the molecule at each point.
        settings: None means the defaults of `NetworkFit`.
        seed: see `fit_network`.
    """
    return fit_network(z, p, soft_cross_entropy, settings or NetworkFit(), seed=seed)


def soft_cross_entropy(outputs: Tensor, p: Tensor) -> Tensor:
    """Cross-entropy of log-odds (batch, 1) against probabilities (batch,)."""
    return nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], p)
