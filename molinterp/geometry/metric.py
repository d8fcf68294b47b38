"""The metric λ(z)² J_Φᵀ J_Φ: what a small change of z costs, and what a curve costs as a whole.

Convention everywhere: energy E = ½ ∫ λ² ‖dΦ/dt‖² dt, length L = ∫ λ ‖dΦ/dt‖ dt, quality exp(-L).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, final

import torch
from torch import Tensor, nn

from molinterp.errors import InputError, ShapeError
from molinterp.geometry import output_spaces
from molinterp.geometry.output_spaces import LocalSpace, Map

Field = Callable[[Tensor], Tensor]
"""λ: z (n, d) -> (n,), positive, differentiable; without a gradient it counts as constant round a point."""


@final
@dataclass(frozen=True)
class Metric:
    """λ(z)² J_Φ(z)ᵀ J_Φ(z), the Euclidean pull-back of an output space times a squared cost.

    Arvanitidis, Hansen and Hauberg, Latent Space Oddity, 2018, arXiv 1710.11379 (pull-back); Struski
    et al., Feature-Based Interpolation and Geodesics, 2019, arXiv 1904.03445 (λ = -log Q).
    """

    phi: Map | LocalSpace
    """Output space Φ: z (n, d) -> (n, h), differentiable. Points come as the rows of a matrix."""
    lambda_: Field | None = None
    """λ: z (n, d) -> (n,), positive; None is the constant 1."""
    potential: Field | None = None
    """V: z (n, d) -> (n,), not negative, added to the energy as ∫ V(g) dt; lengths do not know it.
    None is none. In the likelihood-regularised functional of arXiv 2510.26266 it is -log p."""

    @classmethod
    def from_matrix(cls, matrix: Map, lambda_: Field | None = None) -> Self:
        """Make a metric of G(z) itself.

        Args:
            matrix: z (n, d) -> G (n, d, d), symmetric positive definite, differentiable.
            lambda_: a cost beside it; None is the constant 1.

        Raises:
            InputError: G is not positive definite where it is asked for.
        """
        return cls(output_spaces.of_matrix(matrix), lambda_)

    @classmethod
    def from_divergence(cls, divergence: Callable[[Tensor, Tensor], Tensor]) -> Self:
        """Make a metric of the second derivative of a divergence: G(z) = ∂²D(z, y) / ∂y² at y = z.

        Amari, Information Geometry and Its Applications, 2016, chapter 6.

        Args:
            divergence: D of points z, y (n, d) -> (n,), 0 where they are equal and positive elsewhere, twice
                differentiable, each row by itself.
        """
        return cls.from_matrix(output_spaces.second_derivative(divergence))

    def __post_init__(self) -> None:
        """Look at networks that are handed in as they are.

        Raises:
            InputError: one holds dropout or batch normalisation in training mode, whose outputs are drawn
                at random or depend on the other points.
        """
        given_ = (("phi", self.phi), ("lambda_", self.lambda_), ("potential", self.potential))
        for name, given in given_:
            if isinstance(given, nn.Module) and any(_is_unsteady(part) for part in given.modules()):
                raise InputError(
                    f"`{name}` must give the same at each call; got a network with dropout or batch "
                    f"normalisation in training mode. Put it in evaluation mode by its method `eval`."
                )

    @property
    def has_fields(self) -> bool:
        """Whether something beside Φ counts along a curve."""
        return self.lambda_ is not None or self.potential is not None

    @property
    def is_local(self) -> bool:
        """Whether Φ is a `LocalSpace`."""
        return isinstance(self.phi, LocalSpace)

    def images(self, z: Tensor) -> Tensor:
        """Φ at every point: (..., d) -> (..., h).

        Raises:
            ShapeError: `phi` does not give one row a point.
            TypeError: `phi` is a `LocalSpace`, which has no one image.
        """
        if isinstance(self.phi, LocalSpace):
            raise TypeError("a LocalSpace has charts, no images; ask `chart_images` for them.")
        flat = z.reshape(-1, z.shape[-1])
        images = _checked_rows(self.phi(flat), len(flat))
        return images.reshape(*z.shape[:-1], images.shape[-1])

    def chart_images(self, z: Tensor, at: Tensor, context: Tensor | None = None) -> Tensor:
        """Φ at z (..., m, d) in the charts that hold at the points `at` (..., d): (..., m, h).

        `at` may have the shape of z too. An output space that is no `LocalSpace` is its own chart
        everywhere. `context` is what `contexts(at)` gave; None means that it is asked for here.
        """
        if not isinstance(self.phi, LocalSpace):
            return self.images(z)
        known = self.contexts(at) if context is None else context
        if known is None:
            raise TypeError("a LocalSpace must give a context.")
        flat, base = z.reshape(-1, z.shape[-1]), known.flatten(0, -2)
        base = base.repeat_interleave(len(flat) // max(1, len(base)), 0)
        images = _checked_rows(self.phi.chart(flat, base), len(flat))
        return images.reshape(*z.shape[:-1], images.shape[-1])

    def contexts(self, at: Tensor) -> Tensor | None:
        """What the charts at points (..., d) depend on, (..., k); None where Φ is no `LocalSpace`."""
        if not isinstance(self.phi, LocalSpace):
            return None
        found = self.phi.context(at.reshape(-1, at.shape[-1]))
        return found.reshape(*at.shape[:-1], -1)

    def costs(self, z: Tensor) -> Tensor:
        """λ at every point: (..., d) -> (...).

        Raises:
            ShapeError: `lambda_` does not give one number a point.
        """
        return z.new_ones(z.shape[:-1]) if self.lambda_ is None else _values("lambda_", self.lambda_, z)

    def potentials(self, z: Tensor) -> Tensor:
        """V at every point: (..., d) -> (...).

        Raises:
            ShapeError: `potential` does not give one number a point.
        """
        if self.potential is None:
            return z.new_zeros(z.shape[:-1])
        return _values("potential", self.potential, z)

    def jacobian(self, z: Tensor) -> Tensor:
        """J_Φ, (..., h, d), by forward-mode differentiation."""
        d = z.shape[-1]
        wide = z[..., None, :].expand(*z.shape[:-1], d, d).contiguous()
        eye = torch.eye(d, dtype=z.dtype, device=z.device).expand_as(wide).contiguous()
        return output_spaces.derivative(lambda x: self.chart_images(x, z), wide, eye).mT

    def push_forward(self, z: Tensor, v: Tensor) -> Tensor:
        """J_Φ(z) v, (..., h), of tangent vectors v (..., d) at points z (..., d), both broadcast."""
        z, v = (x.contiguous() for x in torch.broadcast_tensors(z, v))
        return output_spaces.derivative(lambda x: self.chart_images(x, z), z, v)

    def metric_matrix(self, z: Tensor) -> Tensor:
        """G(z), (..., d, d), symmetric and positive semi-definite."""
        jacobian = self.jacobian(z)
        return self.costs(z).square()[..., None, None] * (jacobian.mT @ jacobian)

    def inner_product(self, z: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """uᵀ G(z) v, (...), of tangent vectors (..., d) at z (..., d), all broadcast."""
        z, u, v = torch.broadcast_tensors(z, u, v)
        products = (self.push_forward(z, u) * self.push_forward(z, v)).sum(-1)
        return self.costs(z).square() * products

    def norm(self, z: Tensor, v: Tensor) -> Tensor:
        """√(vᵀ G(z) v), (...): the speed at which a curve with velocity v runs through z."""
        z, v = torch.broadcast_tensors(z, v)
        return self.costs(z) * self.push_forward(z, v).norm(dim=-1)

    def log_volume(self, z: Tensor) -> Tensor:
        """½ log det G(z), (...): how much of the output space a piece of latent space holds.

        It is -inf where Φ has fewer outputs than z has dimensions.
        """
        jacobian = self.jacobian(z)
        if jacobian.shape[-2] < jacobian.shape[-1]:
            return torch.full_like(z[..., 0], -torch.inf)
        logs = torch.linalg.svdvals(jacobian).log().sum(-1)
        return logs + z.shape[-1] * self.costs(z).log()

    def chords(self, nodes: Tensor) -> Tensor:
        """λ ‖ΔΦ‖ over each step of a sequence of points, (..., n), λ at the middle of the step.

        Args:
            nodes: (..., n + 1, d).

        Raises:
            ShapeError: there are fewer than two points.
        """
        if nodes.ndim < 2 or nodes.shape[-2] < 2:
            raise ShapeError(
                f"`nodes` must have shape (..., n + 1, d) with n >= 1; got {tuple(nodes.shape)}. "
                "Give at least two points."
            )
        a, b = nodes[..., :-1, :], nodes[..., 1:, :]
        middle = (a + b) / 2
        if isinstance(self.phi, LocalSpace):
            context = self.contexts(middle)
            steps = self.chart_images(b, middle, context) - self.chart_images(a, middle, context)
        else:
            steps = self.images(nodes).diff(dim=-2)
        return self.costs(middle) * steps.norm(dim=-1)

    def energy(self, nodes: Tensor) -> Tensor:
        """E of the curve through `nodes` (..., n + 1, d) at equal steps of t, (...)."""
        chords = self.chords(nodes)
        energy = 0.5 * chords.shape[-1] * chords.square().sum(-1)
        if self.potential is None:
            return energy
        return energy + self.potentials((nodes[..., :-1, :] + nodes[..., 1:, :]) / 2).mean(-1)

    def length(self, nodes: Tensor) -> Tensor:
        """L of the curve through `nodes` (..., n + 1, d), (...); blind to how it is run through."""
        return self.chords(nodes).sum(-1)

    def quality(self, nodes: Tensor) -> Tensor:
        """exp(-L) of the curve through `nodes` (..., n + 1, d), (...), in (0, 1]."""
        return torch.exp(-self.length(nodes))


def check_metric(metric: object, call: str) -> None:
    """Make sure that the first argument of a function is a metric; `call` is how the function is called.

    Raises:
        InputError: it is something else, as where arguments were swapped.
    """
    if not isinstance(metric, Metric):
        raise InputError(
            f"`metric` must be a Metric and comes first; got {_kind(metric)}. Write {call}, "
            "with an output space as Metric(phi)."
        )


def _checked_rows(images: Tensor, n: int) -> Tensor:
    """What an output space gave as one row a point, (n, h): pictures (n, c, h, w) and sequences flattened."""
    if isinstance(images, tuple):
        raise ShapeError(
            f"`phi` must give shape ({n}, ...) for {n} points; got tuple. For mean and variance "
            "of a decoder write `output_spaces.moments(phi)` or `output_spaces.gaussian(phi)`."
        )
    if not isinstance(images, Tensor) or images.ndim < 2 or len(images) != n:
        raise ShapeError(
            f"`phi` must give shape ({n}, ...) for {n} points; got {_kind(images)}. "
            "Give a tensor with one row a point; for a function of arrays write "
            "`output_spaces.from_numpy(phi)`."
        )
    return images.flatten(1)


def _values(name: str, field: Field, z: Tensor) -> Tensor:
    """A field at every point: (..., d) -> (...)."""
    flat = z.reshape(-1, z.shape[-1])
    found = field(flat)
    if not isinstance(found, Tensor) or found.shape != flat.shape[:1]:
        raise ShapeError(
            f"`{name}` must give shape ({len(flat)},) for z of shape {tuple(flat.shape)}; "
            f"got {_kind(found)}. Give a tensor of one positive number a point."
        )
    return found.reshape(z.shape[:-1])


def _is_unsteady(part: nn.Module) -> bool:
    kinds = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
    return part.training and isinstance(part, kinds)


def _kind(found: object) -> str:
    return str(tuple(found.shape)) if isinstance(found, Tensor) else type(found).__name__
