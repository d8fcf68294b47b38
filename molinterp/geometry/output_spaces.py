"""Output spaces Φ: latent points (n, d) -> what counts as a change (n, h), Euclidean."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molinterp.errors import InputError

Map = Callable[[Tensor], Tensor]
"""z (n, d) -> (n, h), or (n, ...) that is flattened: pictures (n, c, h, w), logits (n, length, n_classes)."""
Moments = Callable[[Tensor], tuple[Tensor, Tensor]]
"""z (n, d) -> two tensors (n, ...), as a Gaussian decoder gives them."""
Second = Literal["log_variance", "variance", "deviation"]


@final
@dataclass(frozen=True)
class LocalSpace:
    """An output space that has no one image of z, only a chart around each point.

    The metric at z is the pull-back by `chart(., context(z))` there, the context held fixed. How the energy
    of a curve changes as the curve moves does depend on the context, which is therefore differentiated
    where it can be; where it cannot, as with strings, the solver makes the charts anew until they stay.
    """

    context: Callable[[Tensor], Tensor]
    """z (n, d) -> (n, k), what the chart depends on beside z."""
    chart: Callable[[Tensor, Tensor], Tensor]
    """z (n, d), context (n, k) -> (n, h), differentiable in z."""


def latent(z: Tensor) -> Tensor:
    """The identity: straight lines are its geodesics."""
    return z


def bernoulli(logits: Tensor) -> Tensor:
    """2·arcsin √p of independent bits: its Euclidean metric is the Fisher information metric.

    Written as 2·arctan(tanh(logit / 4)) + π/2, whose derivative √(p (1 - p)) is finite at every logit.

    Args:
        logits: log(p / (1 - p)), any shape.
    """
    return 2 * torch.atan(torch.tanh(logits / 4)) + torch.pi / 2


def categorical(logits: Tensor) -> Tensor:
    """2·√p of a categorical distribution: its Euclidean metric is the Fisher information Σ ṗ²/p.

    Args:
        logits: (..., n_classes), not necessarily normalised.
    """
    return 2 * torch.exp(0.5 * torch.log_softmax(logits, -1))


def compose(h: Map, phi: Map) -> Map:
    """The composition h ∘ Φ: distances as a map of the user's own sees them.

    Michelis and Becker, On Linear Interpolation in the Latent Space of Deep Generative Models, 2021,
    arXiv 2105.03663.

    Raises:
        InputError: one of them is a `LocalSpace`, which has no images to go on from.
    """
    _check_maps(h, phi)
    return lambda z: h(phi(z))


def stacked(*phis: Map) -> Map:
    """(Φ_1, ..., Φ_k) side by side: the metrics add up.

    With a mean and a standard deviation it is the expected metric of a Gaussian decoder,
    J_μᵀ J_μ + J_σᵀ J_σ: Arvanitidis, Hansen and Hauberg, Latent Space Oddity, 2018, arXiv 1710.11379.

    Raises:
        InputError: nothing is given, or a `LocalSpace`, which has no images to put beside others.
    """
    if not phis:
        raise InputError("`phis` must hold one output space or more; got none. Give one.")
    _check_maps(*phis)
    return lambda z: torch.cat([phi(z).reshape(len(z), -1) for phi in phis], -1)


def ensemble(*phis: Map) -> Map:
    """An output space whose metric is the mean of the metrics of several, as of decoders trained apart.

    Raises:
        InputError: as for `stacked`.
    """
    side_by_side = stacked(*phis)
    return lambda z: side_by_side(z) / len(phis) ** 0.5


def derivative(function: Map, at: Tensor, v: Tensor) -> Tensor:
    """Derivative of a function at a point in the direction of v, by forward mode."""
    with warnings.catch_warnings():
        # torch warns about itself where a forward-mode derivative is first taken.
        warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
        return torch.func.jvp(function, (at,), (v,))[1]


@torch.no_grad()
def floored(phi: Map, at: Tensor, share: float = 0.01) -> Map:
    """Φ with a share of its mean metric added in every direction: curves do not wander where Φ is blind.

    A head of a network does not see all directions of its latent space. Between points that it cannot tell
    apart all curves cost the same, and the solver may take one that leaves the data; with a floor it is the
    one of least norm among equals.

    Args:
        phi: the output space.
        at: points (n, d) at which its mean metric is taken.
        share: of the mean eigenvalue, dimensionless.

    Raises:
        InputError: `phi` is a `LocalSpace`, or `share` is not positive.
    """
    _check_maps(phi)
    if share <= 0:
        raise InputError(f"`share` must be positive; got {share}.")
    d = at.shape[1]
    wide = at[:, None].expand(len(at), d, d).reshape(-1, d)
    eye = torch.eye(d, dtype=at.dtype, device=at.device).repeat(len(at), 1)
    columns = derivative(lambda z: phi(z).flatten(1), wide.contiguous(), eye)
    weight = (share * columns.square().sum(1).mean()).sqrt()
    return stacked(phi, lambda z: weight * z)


def _check_maps(*phis: Map) -> None:
    for phi in phis:
        if not callable(phi):
            raise InputError(
                f"an output space must be a callable z (n, d) -> (n, h); got {type(phi).__name__}. "
                "A LocalSpace stands alone: hand it to `Metric` as it is."
            )


def moments(decoder: Moments, second: Second = "log_variance") -> Map:
    """Mean and standard deviation side by side, of a decoder that gives two tensors.

    The pull-back is the expected metric of a Gaussian decoder: Arvanitidis, Hansen and Hauberg, Latent Space
    Oddity, 2018, arXiv 1710.11379.

    Args:
        decoder: z (n, d) -> mean and `second`, each (n, ...).
        second: what the second tensor is: "log_variance", "variance" or "deviation".

    Raises:
        InputError: `second` is none of these.
    """
    deviation = _deviation(second)

    def phi(z: Tensor) -> Tensor:
        mean, spread = decoder(z)
        return torch.cat([mean.flatten(1), deviation(spread).flatten(1)], 1)

    return phi


def gaussian(decoder: Moments, second: Second = "log_variance") -> LocalSpace:
    """The Fisher-Rao metric of independent normal distributions, (dμ² + 2 dσ²) / σ², of a decoder.

    A hyperbolic plane for each coordinate, which no map to a Euclidean space gives: hence the charts.
    Skovgaard, A Riemannian Geometry of the Multivariate Normal Model, 1984.

    Args:
        decoder: z (n, d) -> mean and `second`, each (n, ...).
        second: as for `moments`.

    Raises:
        InputError: `second` is none of these.
    """
    deviation = _deviation(second)

    def chart(z: Tensor, scale: Tensor) -> Tensor:
        mean, spread = decoder(z)
        return torch.cat([mean.flatten(1) / scale, 2**0.5 * deviation(spread).flatten(1).log()], 1)

    return LocalSpace(lambda z: deviation(decoder(z)[1]).flatten(1), chart)


def of_matrix(matrix: Map) -> LocalSpace:
    """The space whose metric is G(z) itself, by charts L(z)ᵀ z with G = L Lᵀ.

    Args:
        matrix: z (n, d) -> G (n, d, d), symmetric positive definite.

    Raises:
        InputError: G has another shape, or is not positive definite where it is asked for.
    """

    def context(z: Tensor) -> Tensor:
        found = matrix(z)
        if found.shape != (*z.shape, z.shape[1]):
            raise InputError(
                f"`matrix` must give shape ({len(z)}, {z.shape[1]}, {z.shape[1]}) for {len(z)} points; got "
                f"{tuple(found.shape)}. Give one matrix a point."
            )
        root, failed = torch.linalg.cholesky_ex(found)
        sound = torch.isfinite(found).flatten(1).all(1)
        if (failed.bool() & sound).any():
            row = int((failed.bool() & sound).nonzero()[0])
            raise InputError(
                f"`matrix` must be symmetric positive definite; it is not at {z[row].tolist()}. "
                "Add a multiple of the identity."
            )
        return root.mT.flatten(1)

    def chart(z: Tensor, root: Tensor) -> Tensor:
        return (root.unflatten(1, (z.shape[1], z.shape[1])) @ z[..., None])[..., 0]

    return LocalSpace(context, chart)


def second_derivative(divergence: Callable[[Tensor, Tensor], Tensor]) -> Map:
    """G(z) = ∂²D(z, y) / ∂y² at y = z, (n, d, d), of a divergence D of points (n, d) -> (n,)."""

    def one(y: Tensor, z: Tensor) -> Tensor:
        return divergence(z[None], y[None])[0]

    def matrix(z: Tensor) -> Tensor:
        found = torch.func.vmap(torch.func.hessian(one))(z, z)
        return 0.5 * (found + found.mT)

    return matrix


def from_numpy(function: Callable[[NDArray[np.float64]], NDArray[np.float64]], step: float = 1e-5) -> Map:
    """An output space from a function of arrays, with derivatives by central differences.

    Each call takes 2d + 1 points for one, so this is for cheap functions of few dimensions; `exp` and `log`
    need second derivatives and are not for it.

    Args:
        function: array z (n, d) -> array (n, ...).
        step: of the differences, in the unit of z.
    """

    def values(z: Tensor) -> Tensor:
        found = np.asarray(function(z.detach().double().cpu().numpy()), dtype=np.float64)
        return torch.from_numpy(found.reshape(len(z), -1)).to(z)

    class Differences(torch.autograd.Function):
        generate_vmap_rule = False

        @staticmethod
        def forward(z: Tensor) -> tuple[Tensor, Tensor]:
            n, d = z.shape
            moves = step * torch.eye(d, dtype=torch.float64)
            wide = z.detach().double().cpu()[:, None] + moves
            less = z.detach().double().cpu()[:, None] - moves
            change = values(wide.flatten(0, 1)) - values(less.flatten(0, 1))
            return values(z), (change / (2 * step)).unflatten(0, (n, d)).to(z)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
            ctx.jacobian = output[1]
            ctx.mark_non_differentiable(output[1])

        @staticmethod
        def backward(ctx: Any, gradient: Tensor, _: Tensor | None) -> Tensor:
            return (ctx.jacobian @ gradient[..., None])[..., 0]

        @staticmethod
        def jvp(ctx: Any, v: Tensor) -> tuple[Tensor, None]:
            return (ctx.jacobian.mT @ v[..., None])[..., 0], None

    return lambda z: Differences.apply(z)[0]


def _deviation(second: Second) -> Map:
    known: dict[str, Map] = {
        "log_variance": lambda x: torch.exp(0.5 * x),
        "variance": torch.sqrt,
        "deviation": lambda x: x,
    }
    if second not in known:
        raise InputError(f"`second` must be one of {', '.join(known)}; got {second!r}.")
    return known[second]
