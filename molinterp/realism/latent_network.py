"""Small networks on latent space: standardised input, two hidden layers or none, outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final

import torch
from torch import Tensor, nn

from molinterp.errors import ShapeError


@final
class LatentNetwork(nn.Module):
    """z (..., dim) -> (..., n_outputs), differentiable."""

    mean: Tensor
    scale: Tensor

    def __init__(self, dim: int, n_outputs: int = 1, width: int = 128, dropout: float = 0.0) -> None:
        """A network with fresh weights.

        Args:
            dim: of z.
            n_outputs: of the last layer.
            width: units of each of two hidden layers; 0 means none, a linear map.
            dropout: share of hidden units left out in training.
        """
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        if width == 0:
            self.layers = nn.Sequential(nn.Linear(dim, n_outputs))
            return
        self.layers = nn.Sequential(
            nn.Linear(dim, width),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Linear(width, n_outputs),
        )

    def forward(self, z: Tensor) -> Tensor:
        """Outputs (..., n_outputs) at z (..., dim).

        Raises:
            ShapeError: z has another number of dimensions.
        """
        if z.shape[-1] != len(self.mean):
            raise ShapeError(
                f"`z` must have shape (..., {len(self.mean)}) to match the network; got {tuple(z.shape)}. "
                "Encode with the bundle that it was fitted for."
            )
        return self.layers(((z - self.mean) / self.scale).to(self.mean)).to(z)

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor]) -> LatentNetwork:
        """The network whose `state_dict` this is, frozen and in evaluation mode.

        Raises:
            KeyError: a tensor is missing.
            RuntimeError: a tensor has another shape than the others imply.
        """
        first, dim = tensors["layers.0.weight"].shape
        is_linear = "layers.6.bias" not in tensors
        network = cls(dim, first if is_linear else len(tensors["layers.6.bias"]), 0 if is_linear else first)
        network.load_state_dict({name: value.float() for name, value in tensors.items()})
        return network.requires_grad_(False).eval()


def log_odds(network: LatentNetwork) -> Callable[[Tensor], Tensor]:
    """Log-odds (...,) of a network with one output, as a callable of z (..., dim)."""
    return lambda z: network(z)[..., 0]
