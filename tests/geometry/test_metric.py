"""The metric: symmetric, positive definite, one with the costs of curves."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from molinterp.errors import InputError, ShapeError
from molinterp.geometry.curves import linear
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import LocalSpace, latent
from tests.geometry.examples import COSTS, SPACES, half_sphere, network, paraboloid, vector, vectors
from tests.tolerances import AUTODIFF, EXACT, SOLVER

METRICS = {f"{s}, {c}": Metric(SPACES[s], COSTS[c]) for s in SPACES for c in COSTS}
metrics = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


def close(actual, expected, tolerance=EXACT):
    assert_close(actual, expected, rtol=tolerance, atol=tolerance)


@metrics
def test_matrix_is_symmetric_and_positive_definite(metric):
    matrix = metric.metric_matrix(vectors(4, 2, 3))
    assert matrix.shape == (4, 2, 3, 3)
    close(matrix, matrix.mT)
    assert torch.linalg.eigvalsh(matrix).min() > 0


@metrics
def test_inner_product_is_that_of_the_matrix(metric):
    u, v, z = (vectors(4, 3, seed=i) for i in range(3))
    expected = torch.einsum("ni,nij,nj->n", u, metric.metric_matrix(z), v)
    close(metric.inner_product(z, u, v), expected, AUTODIFF)
    close(metric.norm(z, v).square(), metric.inner_product(z, v, v), AUTODIFF)


@metrics
def test_log_volume_is_that_of_the_matrix(metric):
    z = vectors(4, 3)
    close(metric.log_volume(z), 0.5 * torch.logdet(metric.metric_matrix(z)), AUTODIFF)


@metrics
def test_length_squared_is_at_most_twice_the_energy(metric):
    nodes = linear(vectors(5, 3), vectors(5, 3, seed=1), torch.linspace(0, 1, 21))
    assert (metric.length(nodes).square() <= 2 * metric.energy(nodes) * (1 + EXACT)).all()


@metrics
def test_length_of_a_fine_curve_is_the_integral_of_its_speed(metric):
    z0, z1, t = vectors(3), vectors(3, seed=1), torch.linspace(0, 1, 401, dtype=torch.float64)
    middles = linear(z0, z1, (t[1:] + t[:-1]) / 2)
    speed = metric.norm(middles, (z1 - z0).expand_as(middles))
    close(metric.length(linear(z0, z1, t)), speed.mean(), SOLVER)
    close(metric.energy(linear(z0, z1, t)), 0.5 * speed.square().mean(), SOLVER)


@metrics
def test_length_is_blind_to_the_way_a_curve_is_run_through(metric):
    t = torch.linspace(0, 1, 401, dtype=torch.float64)
    z0, z1 = vectors(3), vectors(3, seed=1)
    close(metric.length(linear(z0, z1, t**2)), metric.length(linear(z0, z1, t)), SOLVER)
    assert metric.energy(linear(z0, z1, t**2)) > metric.energy(linear(z0, z1, t))


def test_sphere_against_its_closed_form():
    # z is the gnomonic image of the sphere: G = (I (1 + |z|²) - z zᵀ) / (1 + |z|²)².
    z = vectors(6, 2)
    square = 1 + z.square().sum(1)[:, None, None]
    expected = (torch.eye(2).double() * square - z[:, :, None] * z[:, None]) / square**2
    close(Metric(half_sphere).metric_matrix(z), expected, AUTODIFF)


def test_paraboloid_against_its_closed_form():
    z = vectors(6, 2)
    expected = torch.eye(2).double() + 4 * z[:, :, None] * z[:, None]
    close(Metric(paraboloid).metric_matrix(z), expected, AUTODIFF)


def test_costs_count_twice_in_the_matrix_and_the_energy_and_once_in_the_length():
    z = vectors(4, 5, 3)
    plain, dear = Metric(latent), Metric(latent, lambda x: x.new_full(x.shape[:1], 3.0))
    close(dear.metric_matrix(z), 9 * plain.metric_matrix(z))
    close(dear.energy(z), 9 * plain.energy(z))
    close(dear.length(z), 3 * plain.length(z))
    close(dear.quality(z), plain.quality(z) ** 3)


def test_quality_of_one_step_at_even_odds():
    nodes = vector(0.0, 1.0)[:, None]
    metric = Metric(latent, lambda z: z.new_full(z.shape[:1], math.log(2)))
    close(metric.quality(nodes), vector(0.5)[0])


def test_a_space_with_too_few_outputs_has_no_volume():
    assert Metric(network(3, 2)).log_volume(vectors(4, 3)).tolist() == [-math.inf] * 4


def test_a_local_space_with_one_chart_is_the_plain_space():
    phi = network(3, 8)
    local = LocalSpace(lambda z: z.new_zeros(len(z), 1), lambda z, context: phi(z) + context)
    z, u, v = vectors(4, 6, 3), vectors(4, 6, 3, seed=1), vectors(4, 6, 3, seed=2)
    for name in ("metric_matrix", "log_volume", "chords", "energy", "length"):
        close(getattr(Metric(local), name)(z), getattr(Metric(phi), name)(z), AUTODIFF)
    close(Metric(local).inner_product(z, u, v), Metric(phi).inner_product(z, u, v), AUTODIFF)


def test_the_chart_of_a_local_space_is_not_differentiated():
    # Φ = x·z with the context x = z held fixed has derivative z, not 2z.
    local = LocalSpace(lambda z: z, lambda z, context: z * context)
    z = vectors(5, 1)
    close(Metric(local).metric_matrix(z)[:, 0], z.square(), AUTODIFF)


def test_pictures_and_sequences_are_flattened():
    z, weight = vectors(4, 3), vectors(3, 2 * 5 * 7)
    flat = Metric(lambda z: torch.tanh(z @ weight))
    for shape in ((2, 5, 7), (10, 7)):
        shaped = Metric(lambda z, shape=shape: torch.tanh(z @ weight).unflatten(1, shape))
        close(shaped.metric_matrix(z), flat.metric_matrix(z))
        close(shaped.energy(z), flat.energy(z))


def test_a_matrix_of_the_user_is_the_metric():
    def matrix(z):
        return torch.eye(3).to(z) + z[:, :, None] * z[:, None]

    z, v = vectors(4, 3), vectors(4, 3, seed=1)
    close(Metric.from_matrix(matrix).metric_matrix(z), matrix(z), AUTODIFF)
    close(
        Metric.from_matrix(matrix).norm(z, v), torch.einsum("ni,nij,nj->n", v, matrix(z), v).sqrt(), AUTODIFF
    )
    dear = Metric.from_matrix(matrix, lambda z: z.new_full(z.shape[:1], 2.0))
    close(dear.metric_matrix(z), 4 * matrix(z), AUTODIFF)


def test_a_matrix_that_is_no_metric_is_refused():
    with pytest.raises(InputError, match=r"`matrix` must be symmetric positive definite; it is not at \["):
        Metric.from_matrix(lambda z: -torch.eye(2).to(z).expand(len(z), 2, 2)).energy(vectors(4, 2))
    with pytest.raises(InputError, match=r"`matrix` must give shape \(3, 2, 2\) for 3 points; got \(3, 2\)"):
        Metric.from_matrix(lambda z: z).energy(vectors(4, 2))


def test_half_a_squared_distance_is_a_divergence_of_its_own_metric():
    phi = network(3, 8)
    metric = Metric.from_divergence(lambda z, y: 0.5 * (phi(z) - phi(y)).square().sum(1))
    close(metric.metric_matrix(vectors(4, 3)), Metric(phi).metric_matrix(vectors(4, 3)), AUTODIFF)


def test_a_potential_adds_its_mean_to_the_energy_and_nothing_to_the_length():
    nodes = vectors(2, 5, 3)
    plain, steep = Metric(latent), Metric(latent, potential=lambda z: z.square().sum(1))
    middles = (nodes[:, 1:] + nodes[:, :-1]) / 2
    close(steep.energy(nodes), plain.energy(nodes) + middles.square().sum(2).mean(1))
    assert torch.equal(steep.length(nodes), plain.length(nodes))
    with pytest.raises(ShapeError, match=r"`potential` must give shape \(4,\) for z"):
        Metric(latent, potential=lambda z: z).energy(nodes[0])


def test_gradients_reach_points_through_charts_that_can_be_differentiated():
    metric = Metric.from_matrix(lambda z: torch.eye(3).to(z) * (1 + z.square().sum(1))[:, None, None])
    assert torch.autograd.gradcheck(metric.energy, (vectors(2, 5, 3).requires_grad_(),))


def test_gradients_reach_points_and_costs():
    nodes = vectors(2, 5, 3).requires_grad_()
    assert torch.autograd.gradcheck(METRICS["network, wavy"].energy, (nodes,))


@pytest.mark.parametrize(
    ("phi", "message"),
    [
        (lambda z: z.sum(), r"`phi` must give shape \(6, \.\.\.\) for 6 points; got \(\)"),
        (lambda z: z[:2], r"got \(2, 3\)\. Give a tensor with one row a point"),
        (lambda z: z[:, 0], r"got \(6,\)"),
        (lambda z: (z, z), r"got tuple\. For mean and variance of a decoder write `output_spaces\.moments"),
        (lambda z: z.numpy(), r"got ndarray\. .* write `output_spaces\.from_numpy\(phi\)`"),
    ],
)
def test_an_output_space_of_another_shape_is_named(phi, message):
    with pytest.raises(ShapeError, match=message):
        Metric(phi).energy(vectors(6, 3))


def test_a_cost_of_another_shape_is_named():
    message = r"`lambda_` must give shape \(5,\) for z of shape \(5, 3\); got "
    for cost, kind in ((lambda z: z[:, :1], r"\(5, 1\)"), (lambda z: 2.0, "float"), (lambda z: None, "None")):
        with pytest.raises(ShapeError, match=message + kind):
            Metric(latent, cost).energy(vectors(6, 3))


@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 1, 3)])
def test_a_curve_of_one_point_is_refused(shape):
    with pytest.raises(ShapeError, match=r"`nodes` must have shape \(\.\.\., n \+ 1, d\) with n >= 1; got"):
        Metric(latent).length(vectors(*shape))


def test_a_local_space_has_no_images():
    with pytest.raises(TypeError, match="a LocalSpace has charts, no images"):
        Metric(LocalSpace(latent, lambda z, context: z)).images(vectors(2, 3))


@pytest.mark.parametrize("part", [nn.Dropout(0.5), nn.BatchNorm1d(3)])
def test_a_network_that_is_still_in_training_is_refused(part):
    decoder = nn.Sequential(nn.Linear(3, 3), part).double()
    with pytest.raises(
        InputError,
        match="`phi` must give the same at each call; .* Put it in evaluation mode by its method `eval`",
    ):
        Metric(decoder)
    with pytest.raises(InputError, match="`lambda_` must give the same at each call"):
        Metric(latent, nn.Sequential(decoder, nn.Flatten(0)))
    z = vectors(4, 3)
    assert torch.equal(Metric(decoder.eval()).images(z), decoder(z))
