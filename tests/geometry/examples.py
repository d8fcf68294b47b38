"""Output spaces and costs with known geometry, for the tests of this folder."""

import math

import torch

from molinterp.geometry.output_spaces import bernoulli, ensemble, latent, stacked


def vector(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def vectors(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def network(d, h, seed=0, width=16):
    """A decoder of two layers, as (n, d) -> (n, h), in the dtype of its input."""
    first, second = vectors(width, d, seed=seed) / 2, vectors(h, width, seed=seed + 1) / 4
    return lambda z: torch.tanh(z @ first.T.to(z)) @ second.T.to(z)


def half_sphere(z):
    """The plane onto the lower half of the unit sphere round (0, 0, 1)."""
    n = torch.tensor([0.0, 0.0, 1.0]).to(z)
    rays = torch.cat([z, torch.zeros_like(z[:, :1])], 1) - n
    return n + rays / rays.norm(dim=1, keepdim=True)


def paraboloid(z):
    return torch.cat([z, z.square().sum(1, keepdim=True)], 1)


def disc_cost(z):
    """-log of a realism that falls towards the middle of the unit disc."""
    return math.log(2) + 5 * (1 - z.norm(dim=1)).clamp(min=0)


def cube_cost(z):
    """-log of a realism that is highest on the surface of a cube."""
    return math.log(2) + 50 * (1 - z.abs().amax(1)).abs()


def wavy_cost(z):
    return 1 + 0.3 * torch.sin(z).sum(1).square()


SPACES = {
    "latent": latent,
    "network": stacked(network(3, 8), latent),
    "bits": lambda z: torch.cat([bernoulli(network(3, 12)(z)), z / 4], 1),
    "ensemble": stacked(ensemble(network(3, 8), network(3, 8, seed=5)), latent),
}
"""Output spaces of three latent dimensions, each with a positive definite metric."""
COSTS = {"constant": None, "wavy": wavy_cost}
