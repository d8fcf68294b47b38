"""Densities on latent space: what has a log-density and can be sampled.

The aggregated posterior q(z) is fitted as a mixture of normal distributions or as a normalising flow;
the prior N(0, I), a prior under which straight lines stay in dense regions, and any function of a
user's own stand beside them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor

from molinterp.errors import InputError, ShapeError

LOG_2PI = math.log(2 * math.pi)


class Density(ABC):
    """A density on R^d."""

    dim: int

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density (...,) in nats at z (..., dim), differentiable.

        Raises:
            ShapeError: z has another number of dimensions.
        """

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Points (n, dim) drawn from it.

        Args:
            n: number of points.
            generator: source of randomness, on the CPU.
        """

    def _check(self, z: Tensor) -> None:
        if z.shape[-1] != self.dim:
            raise ShapeError(
                f"`z` must have shape (..., {self.dim}) to match the density; got {tuple(z.shape)}. "
                "Encode with the bundle that the density was fitted for."
            )


@final
@dataclass(frozen=True)
class NormalDensity(Density):
    """Independent normal coordinates; without arguments beyond `dim`, the prior N(0, I)."""

    dim: int
    """Dimensions."""
    scale: float = 1.0
    """Standard deviation of each coordinate."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density (...,) at z (..., dim); see `Density.log_prob`."""
        self._check(z)
        constant = self.dim * (0.5 * LOG_2PI + math.log(self.scale))
        return -0.5 * (z / self.scale).square().sum(-1) - constant

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Points (n, dim); see `Density.sample`."""
        return self.scale * torch.randn(n, self.dim, generator=generator)


@final
@dataclass(frozen=True)
class RadialGammaDensity(Density):
    """Squared norm ~ Gamma(1/2, scale), direction uniform: straight lines stay where it is dense.

    Kilcher, Lucchi and Hofmann, Semantic Interpolation in Implicit Models, 2018, arXiv 1710.11381. The
    density has a pole at the origin; the squared norm is taken as at least `smallest`.
    """

    dim: int
    """Dimensions."""
    scale: float = 2.0
    """Scale θ of the Gamma distribution; 2 makes the norm that of one standard normal coordinate."""
    smallest: float = 1e-6
    """Lower bound of the squared norm in `log_prob`."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density (...,) at z (..., dim); see `Density.log_prob`."""
        self._check(z)
        square = z.square().sum(-1).clamp_min(self.smallest)
        log_area = math.log(2) + 0.5 * self.dim * math.log(math.pi) - math.lgamma(0.5 * self.dim)
        # Density of the squared norm s, then of the norm r (ds = 2 r dr), then over a sphere of radius r.
        log_square = -0.5 * square.log() - square / self.scale - 0.5 * math.log(math.pi * self.scale)
        return log_square + math.log(2) - log_area - 0.5 * (self.dim - 2) * square.log()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Points (n, dim); see `Density.sample`."""
        direction = torch.randn(n, self.dim, generator=generator)
        norm = math.sqrt(0.5 * self.scale) * torch.randn(n, 1, generator=generator).abs()
        return norm * direction / direction.norm(dim=-1, keepdim=True)


@final
@dataclass(frozen=True)
class CallableDensity(Density):
    """A density of a user's own."""

    dim: int
    """Dimensions."""
    log_density: Callable[[Tensor], Tensor]
    """z (..., dim) -> (...,), nats; a constant may be missing."""
    sampler: Callable[[int, torch.Generator], Tensor]
    """(n, generator) -> points (n, dim)."""

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density (...,) at z (..., dim); see `Density.log_prob`."""
        self._check(z)
        return self.log_density(z)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Points (n, dim); see `Density.sample`."""
        return self.sampler(n, generator)


@final
@dataclass(frozen=True)
class GaussianMixture(Density):
    """A mixture of normal distributions with full covariances."""

    log_weights: Tensor
    """(k,), logarithms of the shares; they sum to 1 in the exponential."""
    means: Tensor
    """(k, dim)."""
    precisions: Tensor
    """(k, dim, dim), upper triangular U with inverse covariance U Uᵀ."""

    @property
    def dim(self) -> int:  # type: ignore[override]
        """Dimensions."""
        return self.means.shape[1]

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density (...,) at z (..., dim); see `Density.log_prob`."""
        self._check(z)
        maps, shift, constant = (part.to(z) for part in self._folded)
        whitened = (z @ maps - shift).unflatten(-1, self.means.shape)
        return torch.logsumexp(constant - 0.5 * whitened.square().sum(-1), -1)

    @cached_property
    def _folded(self) -> tuple[Tensor, Tensor, Tensor]:
        """All components' maps side by side, their shifts, and what does not depend on z."""
        k, d = self.means.shape
        maps = self.precisions.permute(1, 0, 2).reshape(d, k * d)
        shift = torch.einsum("kd,kde->ke", self.means, self.precisions).reshape(k * d)
        log_volume = self.precisions.diagonal(dim1=1, dim2=2).log().sum(1)
        return maps, shift, self.log_weights + log_volume - 0.5 * d * LOG_2PI

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Points (n, dim); see `Density.sample`."""
        chosen = torch.multinomial(self.log_weights.exp(), n, replacement=True, generator=generator)
        noise = torch.randn(n, self.dim, generator=generator)
        out = torch.empty_like(noise)
        for k in range(len(self.means)):
            rows = chosen == k
            # Covariance U⁻ᵀ U⁻¹: solve Uᵀ x = noise.
            lower = self.precisions[k].T
            out[rows] = self.means[k] + torch.linalg.solve_triangular(lower, noise[rows].T, upper=False).T
        return out


@final
class FlowDensity(Density):
    """A masked autoregressive flow on standardised coordinates.

    Papamakarios, Pavlakou and Murray, Masked Autoregressive Flow for Density Estimation, 2017,
    arXiv 1705.07057; as zuko builds it.
    """

    def __init__(self, mean: Tensor, scale: Tensor, transforms: int = 3, width: int = 128) -> None:
        """A flow with fresh weights.

        Args:
            mean: (dim,), taken off z.
            scale: (dim,), z is divided by it; > 0.
            transforms: autoregressive maps in a row.
            width: hidden units of each.
        """
        import zuko  # half a second, and the densities that are mostly used do without

        self.dim = len(mean)
        self.mean, self.scale = mean, scale
        self.sizes = {"transforms": transforms, "width": width}
        self.flow = zuko.flows.MAF(self.dim, transforms=transforms, hidden_features=(width,))

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-density (...,) at z (..., dim); see `Density.log_prob`."""
        self._check(z)
        inner = (z - self.mean.to(z)) / self.scale.to(z)
        weights = next(self.flow.parameters())
        return self.flow().log_prob(inner.to(weights)).to(z) - self.scale.log().sum().to(z)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Points (n, dim); see `Density.sample`."""
        noise = torch.randn(n, self.dim, generator=generator).to(next(self.flow.parameters()))
        return self.mean + self.scale * self.flow().transform.inv(noise).to(self.mean)


def density_state(density: Density) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and JSON fields from which `density_from` makes the density again.

    Raises:
        InputError: a density that holds a function has no such form.
    """
    if isinstance(density, GaussianMixture):
        tensors = {"log_weights": density.log_weights, "means": density.means}
        return tensors | {"precisions": density.precisions}, {"kind": "mixture"}
    if isinstance(density, FlowDensity):
        weights = {f"flow.{name}": value for name, value in density.flow.state_dict().items()}
        state = {"mean": density.mean, "scale": density.scale} | weights
        return state, {"kind": "flow", "sizes": density.sizes}
    if isinstance(density, NormalDensity):
        return {}, {"kind": "prior", "sizes": {"dim": density.dim, "scale": density.scale}}
    if isinstance(density, RadialGammaDensity):
        return {}, {"kind": "radial", "sizes": {"dim": density.dim, "scale": density.scale}}
    raise InputError("a density of one's own functions cannot be saved; hand it in at each use.")


def density_from(tensors: Mapping[str, Tensor], fields: Mapping[str, Any]) -> Density:
    """The density that `density_state` described.

    Raises:
        InputError: the fields name no kind of density.
        KeyError: a tensor is missing.
    """
    kind = fields["kind"]
    if kind == "mixture":
        return GaussianMixture(tensors["log_weights"], tensors["means"], tensors["precisions"])
    if kind == "flow":
        density = FlowDensity(tensors["mean"], tensors["scale"], **fields["sizes"])
        weights = {k.removeprefix("flow."): v for k, v in tensors.items() if k.startswith("flow.")}
        density.flow.load_state_dict(weights)
        density.flow.requires_grad_(False).eval()
        return density
    if kind in ("prior", "radial"):
        return (NormalDensity if kind == "prior" else RadialGammaDensity)(**fields["sizes"])
    raise InputError(f"`kind` must be mixture, flow, prior or radial; got {kind!r}.")
