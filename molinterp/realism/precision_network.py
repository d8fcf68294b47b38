"""A standard deviation that grows off the data: radial basis functions for the inverse variance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor

from molinterp.errors import InputError, NotFittedError, ShapeError

_NAMES = ("centres", "rates", "weights", "floor")


@final
class PrecisionNetwork:
    """1 / σ²(z) = Σ_k w_k exp(-r_k ‖z - c_k‖²) + floor, with w_k >= 0 for each output.

    Far from every centre only the floor is left and σ is largest; a plain network extrapolates σ as it
    pleases. Arvanitidis, Hansen and Hauberg, Latent Space Oddity, 2018, arXiv 1710.11379, section 4; the
    centres are the means of a k-means clustering and the rates follow from the clusters' widths, as there.
    """

    centres_: Tensor
    """(k, d)."""
    rates_: Tensor
    """(k,), in inverse squares of the latent unit."""
    weights_: Tensor
    """(k, h), in inverse squares of the output's unit, >= 0."""
    floor_: Tensor
    """(h,), inverse variance far from the data, > 0."""

    def __init__(
        self, n_centres: int = 64, width: float = 1.25, far: float = 10.0, n_iterations: int = 200
    ) -> None:
        """Choose the sizes.

        Args:
            n_centres: radial basis functions at most.
            width: of each, in mean distances of its cluster's points from the centre.
            far: σ far from the data, in root mean squares of the residuals.
            n_iterations: of the fit of the weights.

        Raises:
            InputError: one of them is not positive.
        """
        for name, value in (("n_centres", n_centres), ("width", width), ("far", far)):
            if value <= 0:
                raise InputError(f"`{name}` must be positive; got {value}.")
        self.n_centres = n_centres
        self.width = width
        self.far = far
        self.n_iterations = n_iterations

    def fit(self, z: Tensor, residuals: Tensor, seed: int = 0) -> PrecisionNetwork:
        """Fit to what the mean leaves over; the mean is fitted before and stays as it is.

        The weights maximise the likelihood of the residuals under N(0, σ²(z)), a convex problem, by
        multiplicative updates that never lower it: Fevotte and Idier, Algorithms for Nonnegative Matrix
        Factorization with the β-Divergence, 2011, arXiv 1010.1763.

        Args:
            z: latent points, (n, d).
            residuals: truth minus mean at these points, (n, h), in the output's unit.
            seed: of the clustering.

        Raises:
            ShapeError: the two do not fit together.
            InputError: fewer than two points, NaN or infinity, or residuals that are all 0 in some output.
        """
        if z.ndim != 2 or residuals.ndim != 2 or len(z) != len(residuals):
            raise ShapeError(
                f"`z` and `residuals` must have shapes (n, d) and (n, h); got {tuple(z.shape)} and "
                f"{tuple(residuals.shape)}. Give one row a point."
            )
        if not (torch.isfinite(z).all() and torch.isfinite(residuals).all()):
            raise InputError("`z` and `residuals` must be finite; got NaN or infinity. Leave such rows out.")
        squares = residuals.detach().square()
        if len(z) < 2 or not bool((squares.mean(0) > 0).all()):
            raise InputError(
                "`residuals` must hold two rows or more and differ from 0 in every column; they do not. "
                "Use points that the mean was not fitted to."
            )
        self.centres_, self.rates_ = self._centres(z.detach(), seed)
        self.floor_ = 1 / (self.far**2 * squares.mean(0))
        basis = self._basis(z.detach())
        squares = squares.clamp(min=1e-6 * squares.mean(0))
        self.weights_ = torch.ones_like(squares[:1]) / squares.mean(0) * basis.new_ones(basis.shape[1], 1)
        against = (basis.mT @ squares).clamp(min=1e-30)
        for _ in range(self.n_iterations):
            precision = basis @ self.weights_ + self.floor_
            self.weights_ = self.weights_ * ((basis.mT @ (1 / precision)) / against).sqrt()
        return self

    def __call__(self, z: Tensor) -> Tensor:
        """Standard deviation σ, (n, h), in the output's unit, at points z (n, d).

        Raises:
            NotFittedError: neither `fit` nor `from_tensors` was called.
            ShapeError: z has another number of dimensions than the centres.
        """
        if "weights_" not in vars(self):
            raise NotFittedError("`PrecisionNetwork` must be fitted before use. Call `fit(z, residuals)`.")
        if z.shape[-1] != self.centres_.shape[1]:
            raise ShapeError(
                f"`z` must have shape (n, {self.centres_.shape[1]}) to match the centres; "
                f"got {tuple(z.shape)}. Encode with the same bundle."
            )
        return (self._basis(z) @ self.weights_.to(z) + self.floor_.to(z)).rsqrt()

    def to_tensors(self) -> dict[str, Tensor]:
        """The learnt state, ready for safetensors.

        Raises:
            NotFittedError: it was not fitted.
        """
        if "weights_" not in vars(self):
            raise NotFittedError("`PrecisionNetwork` must be fitted before it is stored. Call `fit`.")
        return {name: getattr(self, f"{name}_").contiguous() for name in _NAMES}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> PrecisionNetwork:
        """A fitted network from what `to_tensors` gave.

        Raises:
            InputError: a tensor is missing.
        """
        missing = [name for name in _NAMES if name not in tensors]
        if missing:
            raise InputError(f"`tensors` must hold {', '.join(_NAMES)}; missing {', '.join(missing)}.")
        network = cls(n_centres=len(tensors["centres"]))
        for name in _NAMES:
            setattr(network, f"{name}_", tensors[name])
        return network

    def _centres(self, z: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        from sklearn.cluster import KMeans

        points = z.double().cpu().numpy()
        k = min(self.n_centres, len(points))
        found = KMeans(k, n_init=1, random_state=seed).fit(points)
        centres = torch.as_tensor(found.cluster_centers_).to(z)
        labels = torch.as_tensor(found.labels_, device=z.device).long()
        distances = (z - centres[labels]).norm(dim=1)
        total = torch.zeros(k, dtype=z.dtype, device=z.device).index_add_(0, labels, distances)
        mean = total / torch.bincount(labels, minlength=k).clamp(min=1)
        mean = torch.where(mean > 0, mean, distances.mean().clamp(min=1e-12))
        return centres, 0.5 / (self.width * mean).square()

    def _basis(self, z: Tensor) -> Tensor:
        centres, rates = self.centres_.to(z), self.rates_.to(z)
        squares = z.square().sum(1, keepdim=True) + centres.square().sum(1) - 2 * z @ centres.mT
        return torch.exp(-rates * squares.clamp(min=0))
