"""Riemannian geometry of a latent space, without chemistry: metrics, geodesics, maps and means.

`Metric(phi, lambda_)` is made from an output space Φ, any differentiable map z (n, d) -> (n, h), and a cost
λ, any positive function z (n, d) -> (n,). The metric is the first argument everywhere:
`geodesic(metric, z0, z1)`, `exp(metric, z, v)`, `log(metric, z, y)`, `distance(metric, z, y)`,
`frechet_mean(metric, zs)`.
"""

from molinterp.geometry import output_spaces
from molinterp.geometry.curves import CubicSpline, PiecewiseLinear, linear, slerp
from molinterp.geometry.geodesic import GeodesicResult, geodesic
from molinterp.geometry.graph import NeighbourGraph
from molinterp.geometry.maps import distance, exp, log, pairwise_distances
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import LocalSpace
from molinterp.geometry.settings import SolverSettings
from molinterp.geometry.statistics import frechet_mean

__all__ = [
    "CubicSpline",
    "GeodesicResult",
    "LocalSpace",
    "Metric",
    "NeighbourGraph",
    "PiecewiseLinear",
    "SolverSettings",
    "distance",
    "exp",
    "frechet_mean",
    "geodesic",
    "linear",
    "log",
    "output_spaces",
    "pairwise_distances",
    "slerp",
]
