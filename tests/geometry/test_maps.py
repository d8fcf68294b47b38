"""Exponential and logarithm map and distance: theorems of Riemannian geometry."""

import math
import subprocess
import sys
import warnings

import pytest
import torch
from torch.testing import assert_close

from molinterp.errors import ConvergenceWarning, InputError, NotFiniteError, ShapeError
from molinterp.geometry import maps
from molinterp.geometry.flow import FlowSettings
from molinterp.geometry.geodesic import geodesic
from molinterp.geometry.maps import distance, exp, geodesic_flow, log, pairwise_distances
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import latent
from tests.geometry.examples import COSTS, SPACES, half_sphere, paraboloid, vector, vectors
from tests.tolerances import AUTODIFF, EXACT, FLOAT32, SOLVER

METRICS = {
    f"{s}, {c}": Metric(SPACES[s], COSTS[c])
    for s, c in (("latent", "constant"), ("network", "constant"), ("network", "wavy"))
}
metrics = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def close(actual, expected, tolerance=EXACT):
    assert_close(actual, expected, rtol=tolerance, atol=tolerance)


@metrics
def test_exp_undoes_log(metric):
    z0, z1 = vectors(2, 3), vectors(2, 3) + 0.5 * vectors(2, 3, seed=1)
    tangent = log(metric, z0, z1, n_steps=12)
    close(exp(metric, z0, tangent, n_steps=12), z1, SOLVER)


@metrics
def test_log_is_as_long_as_the_distance(metric):
    z0, z1 = vectors(2, 3), vectors(2, 3) + 0.5 * vectors(2, 3, seed=1)
    v = log(metric, z0, z1, n_steps=12)
    close(metric.norm(z0, v), distance(metric, z0, z1, n_segments=32, tol=1e-6), 10 * SOLVER)


@metrics
def test_distance_is_symmetric_and_keeps_the_triangle(metric):
    a, b, c = (vectors(3, 3, seed=i) for i in range(3))
    close(distance(metric, a, b), distance(metric, b, a), SOLVER)
    assert (distance(metric, a, c) <= distance(metric, a, b) + distance(metric, b, c) + SOLVER).all()
    assert (distance(metric, a, b) > 0).all() and distance(metric, a, a).tolist() == [0, 0, 0]


@metrics
def test_speed_is_conserved_along_a_geodesic(metric):
    z, v = vectors(2, 3), 0.5 * vectors(2, 3, seed=1)
    chords = metric.chords(geodesic_flow(metric, z, v)) * 32
    # Chords fall short of arcs by the square of the step, a thousandth here.
    close(chords, metric.norm(z, v)[:, None].expand_as(chords), 10 * SOLVER)


def test_exp_of_the_plane_is_a_sum():
    v, z = vectors(2, 4, 3), vectors(2, 4, 3, seed=1)
    close(exp(Metric(latent), z, v, n_steps=4), z + v)
    close(log(Metric(latent), z, z + v), v, AUTODIFF)


def test_exp_of_the_sphere_is_a_great_circle():
    metric, z, v = Metric(half_sphere), vector(0.3, -0.2), vector(0.5, 0.4)
    centre = vector(0, 0, 1)
    start = half_sphere(z[None])[0] - centre
    tangent = metric.push_forward(z[None], v[None])[0]
    angle = tangent.norm()
    expected = start * torch.cos(angle) + tangent / angle * torch.sin(angle)
    close(half_sphere(exp(metric, z, v)[None])[0] - centre, expected, AUTODIFF * 100)


def test_twice_the_tangent_vector_takes_the_same_way():
    metric, z, v = METRICS["network, wavy"], vectors(2, 3), 0.3 * vectors(2, 3, seed=1)
    close(geodesic_flow(metric, z, 2 * v, n_steps=32)[:, 16], exp(metric, z, v, n_steps=16), AUTODIFF)


def test_distance_on_the_sphere_is_the_angle():
    close(float(distance(Metric(half_sphere), vector(0, 1), vector(1, 0))), math.pi / 3, SOLVER)


HALF_PLANE = Metric(latent, lambda z: 1 / z[:, 1])


def hyperbolic(a, b):
    """Distance in Poincaré's half-plane."""
    return torch.acosh(1 + (a - b).square().sum(-1) / (2 * a[..., 1] * b[..., 1]))


def test_distance_in_the_half_plane_is_the_hyperbolic_one():
    a, b = (vectors(6, 2, seed=i) for i in range(2))
    a[:, 1], b[:, 1] = a[:, 1].exp(), b[:, 1].exp()
    found = distance(HALF_PLANE, a, b, n_segments=32, tol=1e-6)
    close(found, hyperbolic(a, b), SOLVER)
    close(HALF_PLANE.norm(a, log(HALF_PLANE, a, b)), hyperbolic(a, b), SOLVER)


def test_pairwise_distances_are_those_of_the_pairs():
    metric, z = METRICS["network, wavy"], vectors(4, 3)
    matrix = pairwise_distances(metric, z)
    assert torch.equal(matrix, matrix.mT) and matrix.diagonal().tolist() == [0] * 4
    close(matrix[0, 3], distance(metric, z[0], z[3], tol=1e-3), SOLVER)
    assert pairwise_distances(metric, z[:1]).tolist() == [[0]]


def test_shots_come_nearer_than_the_velocity_of_the_curve():
    metric, z0, z1 = METRICS["network, wavy"], vectors(2, 3), vectors(2, 3, seed=1)
    rough, fine = (log(metric, z0, z1, n_shots=n, n_steps=12) for n in (0, 4))
    rough, fine = (exp(metric, z0, v, n_steps=12) - z1 for v in (rough, fine))
    assert (fine.norm(dim=1) < rough.norm(dim=1)).all()


def bowl_cost(z):
    """Not a number beyond the unit circle."""
    return (1 - z.square().sum(1)).sqrt()


def test_a_shot_that_leaves_the_domain_costs_its_own_pair_alone():
    metric, z0, z1 = Metric(latent, bowl_cost), vector(0.0, 0.3, -0.7, 0.6), vector(0.3, 0.1, 0.7, 0.6)
    z0, z1 = z0.view(2, 2), z1.view(2, 2)
    # The rim is cheap: from the second start the first shots overshoot it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        both = log(metric, z0, z1)
    close(both[0], log(metric, z0[0], z1[0]), SOLVER)
    assert torch.isfinite(both).all()


def test_what_did_not_converge_is_said(monkeypatch):
    def brief(*args, **options):
        return geodesic(*args, **{**options, "max_iterations": 1})

    monkeypatch.setattr(maps, "geodesic", brief)
    metric, z = METRICS["network, wavy"], vectors(3, 3)
    with pytest.warns(ConvergenceWarning, match="3 of 3 geodesics did not converge"):
        pairwise_distances(metric, z)
    with pytest.warns(ConvergenceWarning, match="1 of 1 geodesics did not converge"):
        log(metric, z[1], z[0], n_shots=0)


def test_a_tangent_vector_that_misses_is_said():
    # Round a steep hill, where the end depends on the start as on a billiard.
    hill = Metric(latent, lambda z: 1 + 20 * torch.exp(-20 * z.square().sum(1)))
    with pytest.warns(ConvergenceWarning, match="1 of 1 tangent vectors miss their ends"):
        log(hill, vector(-0.8, 0), vector(0.8, 0.02), n_shots=1)


def test_a_callable_that_gives_nan_on_the_way_is_named():
    v, z = vectors(3, 2) / 10, vectors(3, 2, seed=1) / 10
    z[1] = vector(0.95, 0)
    v[1] = vector(1, 0)
    with pytest.raises(NotFiniteError, match="`lambda_` must give finite numbers; .* at pair 1") as caught:
        exp(Metric(latent, bowl_cost), z, v)
    assert caught.value.pair == 1
    with pytest.raises(NotFiniteError, match="`phi` must give finite numbers"):
        exp(Metric(lambda z: z.log()), z, v)
    with pytest.raises(
        InputError, match="`z` and `v` must be finite and lead to finite points; .* at pair 2"
    ):
        exp(Metric(paraboloid), z.index_fill(0, torch.tensor(2), math.inf), v)


def test_a_flow_needs_a_step():
    with pytest.raises(InputError, match="`n_steps` must be at least 1; got 0"):
        exp(Metric(latent), vectors(3), vectors(3, seed=1), n_steps=0)


def test_a_singular_metric_is_refused():
    flat = Metric(lambda z: z[:, :1])
    with pytest.raises(
        InputError, match=r"`metric` must be positive definite along a geodesic; it is singul"
    ):
        exp(flat, vectors(3), vectors(3, seed=1))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(
        ShapeError, match=r"`z` and `v` must have shapes \(\.\.\., d\) that can be broadcast; got \(4, 3\)"
    ):
        exp(Metric(latent), vectors(4, 3), vectors(2, 3))
    with pytest.raises(
        ShapeError,
        match=r"`z` and `y` must have shapes \(\.\.\., d\) that can be broadcast; got \(3,\) and \(2, 4\)",
    ):
        log(Metric(latent), vectors(3), vectors(2, 4))
    with pytest.raises(ShapeError, match=r"`zs` must have shape \(n, d\); got \(3,\)\. Flatten"):
        pairwise_distances(Metric(latent), vectors(3))


@metrics
def test_points_and_vectors_are_broadcast(metric):
    z, v = vectors(3), 0.3 * vectors(4, 3, seed=1)
    assert torch.equal(exp(metric, z, v, n_steps=8), exp(metric, z.expand(4, 3), v, n_steps=8))
    close(metric.norm(z, v), metric.norm(z.expand(4, 3), v))
    close(metric.inner_product(z, v, v[0]), metric.inner_product(z.expand(4, 3), v, v[:1].expand(4, 3)))
    assert torch.equal(distance(metric, z, v), distance(metric, z.expand(4, 3), v))


def test_log_is_broadcast():
    z, y = vectors(3), vectors(2, 3, seed=1)
    close(log(Metric(latent), z, y), y - z, AUTODIFF)


def on_sphere(z):
    around = torch.stack([z[:, 0].cos(), z[:, 0].sin()], 1) * z[:, 1].cos()[:, None]
    return torch.cat([around, z[:, 1].sin()[:, None]], 1)


def test_a_long_tangent_vector_takes_as_many_steps_as_it_needs():
    metric, z, v = (
        Metric(on_sphere),
        torch.zeros(1, 2).double(),
        20 * vector(math.cos(0.3), math.sin(0.3))[None],
    )
    start, tangent = on_sphere(z), metric.push_forward(z, v)
    angle = tangent.norm()
    expected = start * torch.cos(angle) + tangent / angle * torch.sin(angle)
    close(on_sphere(exp(metric, z, v)), expected, SOLVER)
    with pytest.warns(ConvergenceWarning, match="1 of 1 geodesics do not conserve their energy"):
        rough = exp(metric, z, v, settings=FlowSettings(n_halvings=0))
    assert (on_sphere(rough) - expected).norm() > 100 * SOLVER


def test_one_bad_vector_costs_itself_alone():
    z, v = torch.zeros(3, 2).double(), vectors(3, 2) / 10
    z[1], v[1] = vector(0.95, 0), vector(1, 0)
    metric = Metric(latent, bowl_cost)
    found = exp(metric, z, v, errors="keep")
    assert torch.isnan(found[1]).all()
    close(found[[0, 2]], exp(metric, z[[0, 2]], v[[0, 2]]))


def test_ends_too_near_for_nodes_between_them_are_as_far_apart_as_the_metric_says():
    metric, z = METRICS["network, wavy"], vectors(4, 3).float()
    y = z + 1e-6
    expected = metric.norm(z.double(), y.double() - z.double())
    close(distance(metric, z, y).double(), expected, 1e-3)  # the ends themselves are rounded
    close(log(metric, z, y), y - z, FLOAT32)


def test_half_precision_is_refused_with_what_to_write():
    message = r"`z0` must be a tensor of floating-point numbers, float32 or float64; got torch.float16"
    with pytest.raises(InputError, match=message):
        geodesic(Metric(latent), torch.ones(2, 3).half(), torch.zeros(2, 3).half())
    with pytest.raises(
        InputError, match="`v` must be a tensor of .* got torch.bfloat16. Write torch.as_tensor"
    ):
        exp(Metric(latent), torch.ones(2, 3), torch.zeros(2, 3).bfloat16())


def test_no_warning_of_torch_reaches_the_user():
    code = (
        "import torch; from molinterp.geometry import Metric;"
        "Metric(torch.sin).norm(torch.ones(2, 3), torch.ones(2, 3))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_potential_bends_the_way_that_exp_goes():
    # A particle of unit mass on a hill: the energy ½v² - V with V = ½z² is that of z'' = z.
    metric = Metric(latent, potential=lambda z: 0.5 * z.square().sum(1))
    z, v = vectors(2, 3), vectors(2, 3, seed=1)
    close(exp(metric, z, v), z * math.cosh(1) + v * math.sinh(1), AUTODIFF * 100)
