"""A curve drawn by a small network, one network a pair."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError
from molinterp.geometry.curves import Curve, check_ends, linear
from molinterp.geometry.metric import Metric


@final
class NetworkCurve(Curve):
    """The straight line plus t (1 - t) times a network of t, so that the ends stay where they are.

    Struski et al., Feature-Based Interpolation and Geodesics in the Latent Spaces of Generative Models,
    2019, arXiv 1904.03445, draw their curves by such networks. It starts as the line. The solver
    `geodesic` is faster and finds shorter curves; this one needs nothing but first derivatives of its cost.
    """

    def __init__(self, z0: Tensor, z1: Tensor, hidden_dim: int = 32, seed: int = 0) -> None:
        """Take the ends, both (..., d), and draw the weights.

        Raises:
            ShapeError: the ends differ in shape.
            InputError: `hidden_dim` is not positive, or an end is no tensor of floating-point numbers.
        """
        check_ends(z0, z1)
        if hidden_dim < 1:
            raise InputError(f"`hidden_dim` must be positive; got {hidden_dim}.")
        self.z0, self.z1 = z0.detach(), z1.detach()
        batch, d, h = z0.shape[:-1], z0.shape[-1], hidden_dim
        generator = torch.Generator().manual_seed(seed)

        def drawn(*shape: int, scale: float) -> Tensor:
            return (torch.randn(*batch, *shape, generator=generator) * scale).to(self.z0).requires_grad_()

        self.weights = [
            drawn(1, h, scale=3.0),
            drawn(1, h, scale=3.0),
            drawn(h, h, scale=h**-0.5),
            drawn(1, h, scale=0.1),
            drawn(h, d, scale=0.0),
        ]

    def __call__(self, t: Tensor) -> Tensor:
        """Points (..., n, d) at positions t (n,); the ends come out exact.

        Raises:
            ShapeError: `t` is not (n,).
        """
        line = linear(self.z0, self.z1, t)
        at = t.to(line)[:, None]
        first, first_bias, second, second_bias, last = self.weights
        hidden = torch.tanh(at @ first + first_bias)
        return line + 4 * at * (1 - at) * (torch.tanh(hidden @ second + second_bias) @ last)

    def velocity(self, t: Tensor) -> Tensor:
        """dz/dt, (..., n, d), at positions t (n,).

        Raises:
            ShapeError: `t` is not (n,).
        """
        at = t.to(self.z0)
        return torch.func.jvp(self, (at,), (torch.ones_like(at),))[1]

    def fit(
        self, metric: Metric, n_steps: int = 200, learning_rate: float = 0.01, n_segments: int = 20
    ) -> NetworkCurve:
        """Lower the energy by Adam, all pairs at once, with λ at the middle of each segment.

        Kingma and Ba, Adam, 2015, arXiv 1412.6980. The result may lie above the start where the rate is
        too high.

        Args:
            metric: output space and λ.
            n_steps: steps of the optimiser.
            learning_rate: of the optimiser.
            n_segments: equal steps of t at which the energy is taken.
        """
        optimiser = torch.optim.Adam(self.weights, lr=learning_rate)
        t = torch.linspace(0, 1, n_segments + 1, dtype=self.z0.dtype, device=self.z0.device)
        for _ in range(n_steps):
            optimiser.zero_grad()
            energy = metric.energy(self(t))
            # The pairs have no weights in common, and Adam is blind to the scale of each gradient.
            energy.sum().backward(inputs=self.weights)
            optimiser.step()
        return self
