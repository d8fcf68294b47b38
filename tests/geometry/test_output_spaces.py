"""Output spaces: Fisher information in closed form, sums and means of metrics."""

import pytest
import torch
from torch.testing import assert_close

from molinterp.errors import InputError
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import (
    LocalSpace,
    bernoulli,
    categorical,
    compose,
    ensemble,
    floored,
    from_numpy,
    gaussian,
    latent,
    moments,
    stacked,
)
from tests.geometry.examples import network, vectors
from tests.tolerances import AUTODIFF, EXACT, FLOAT32


def close(actual, expected, tolerance=EXACT):
    assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def test_latent_is_the_identity():
    z = vectors(4, 3)
    assert latent(z) is z
    close(Metric(latent).metric_matrix(z), torch.eye(3).double().expand(4, 3, 3))


def test_bernoulli_is_the_arc_of_the_probability():
    logits = vectors(50) * 5
    close(bernoulli(logits), 2 * torch.asin(torch.sigmoid(logits).sqrt()), AUTODIFF)


def test_bernoulli_metric_is_the_fisher_information():
    # Of a bit in its logit: p (1 - p).
    logits = vectors(20, 1) * 4
    p = torch.sigmoid(logits)
    close(Metric(bernoulli).metric_matrix(logits)[:, 0], p * (1 - p), AUTODIFF)


@pytest.mark.parametrize("logit", [-1e4, -200.0, 0.0, 200.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_certain_bits_have_finite_images_and_gradients(logit, dtype):
    x = torch.tensor([logit], dtype=dtype, requires_grad=True)
    image = bernoulli(x)
    (gradient,) = torch.autograd.grad(image.sum(), x)
    assert torch.isfinite(image).all() and torch.isfinite(gradient).all()
    assert -FLOAT32 <= float(image.detach()) <= torch.pi + FLOAT32


def test_categorical_metric_is_the_fisher_information():
    # In the logits: diag(p) - p pᵀ; and the chord of 2√p lies on a sphere of radius 2.
    logits = vectors(6, 4)
    p = torch.softmax(logits, 1)
    expected = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    close(Metric(categorical).metric_matrix(logits), expected, AUTODIFF)
    close(categorical(logits).norm(dim=1), torch.full((6,), 2.0).double())


def test_stacked_metrics_add_up():
    mean, sigma, z = network(3, 8), network(3, 5, seed=3), vectors(4, 3)
    total = Metric(mean).metric_matrix(z) + Metric(sigma).metric_matrix(z)
    close(Metric(stacked(mean, sigma)).metric_matrix(z), total, AUTODIFF)


def test_an_ensemble_has_the_mean_of_the_metrics():
    phis, z = [network(3, 8, seed=i) for i in range(4)], vectors(4, 3)
    mean = sum(Metric(phi).metric_matrix(z) for phi in phis) / 4
    close(Metric(ensemble(*phis)).metric_matrix(z), mean, AUTODIFF)


def test_composition_pulls_back_twice():
    h, phi, z = network(8, 2, seed=7), network(3, 8), vectors(4, 3)
    inner, outer = Metric(phi).jacobian(z), Metric(h).jacobian(phi(z))
    close(Metric(compose(h, phi)).jacobian(z), outer @ inner, AUTODIFF)


@pytest.mark.parametrize("family", [stacked, ensemble])
def test_no_space_at_all_is_refused(family):
    with pytest.raises(InputError, match=r"`phis` must hold one output space or more; got none\."):
        family()


def test_a_local_space_has_no_images_to_go_on_from():
    local = LocalSpace(latent, lambda z, context: z)
    for build in (lambda: compose(latent, local), lambda: stacked(latent, local), lambda: ensemble(local)):
        with pytest.raises(
            InputError, match="must be a callable .* got LocalSpace. A LocalSpace stands alone"
        ):
            build()


def decoder(z):
    """Mean and log-variance as pictures (n, 2, 3)."""
    mean, spread = network(3, 6)(z), network(3, 6, seed=4)(z)
    return mean.unflatten(1, (2, 3)), spread.unflatten(1, (2, 3))


def test_moments_add_the_metrics_of_mean_and_deviation():
    z = vectors(4, 3)
    mean, deviation = network(3, 6), lambda z: torch.exp(0.5 * network(3, 6, seed=4)(z))
    expected = Metric(mean).metric_matrix(z) + Metric(deviation).metric_matrix(z)
    close(Metric(moments(decoder)).metric_matrix(z), expected, AUTODIFF)


def test_gaussian_is_the_fisher_information_of_a_normal_distribution():
    z = vectors(4, 3)
    mean, deviation = (Metric(phi).jacobian(z) for phi in (network(3, 6), deviations))
    scale = deviations(z)[..., None]
    mean, deviation = mean / scale, deviation / scale
    close(Metric(gaussian(decoder)).metric_matrix(z), mean.mT @ mean + 2 * deviation.mT @ deviation, AUTODIFF)


def deviations(z):
    return torch.exp(0.5 * network(3, 6, seed=4)(z))


@pytest.mark.parametrize(
    ("second", "change"), [("variance", torch.exp), ("deviation", lambda x: torch.exp(0.5 * x))]
)
def test_the_second_moment_may_be_given_otherwise(second, change):
    def other(z):
        mean, spread = decoder(z)
        return mean, change(spread)

    z = vectors(4, 3)
    for make in (moments, gaussian):
        close(Metric(make(other, second)).metric_matrix(z), Metric(make(decoder)).metric_matrix(z), AUTODIFF)
    with pytest.raises(
        InputError, match="`second` must be one of log_variance, variance, deviation; got 'sd'"
    ):
        make(decoder, "sd")


def test_logits_of_a_sequence_are_the_sum_over_its_positions():
    logits, z = network(3, 20), vectors(4, 3)
    whole = Metric(compose(categorical, lambda z: logits(z).unflatten(1, (4, 5)))).metric_matrix(z)
    parts = [
        Metric(lambda z, i=i: categorical(logits(z)[:, 5 * i : 5 * i + 5])).metric_matrix(z) for i in range(4)
    ]
    close(whole, sum(parts), AUTODIFF)


def test_a_function_of_arrays_has_derivatives_by_differences():
    phi, z, v = network(3, 8), vectors(4, 3), vectors(4, 3, seed=1)
    arrays = Metric(from_numpy(lambda x: phi(torch.from_numpy(x)).numpy()))
    close(arrays.norm(z, v), Metric(phi).norm(z, v), 1e-7)  # central differences of step 1e-5
    nodes = vectors(2, 5, 3).requires_grad_()
    (slope,) = torch.autograd.grad(arrays.energy(nodes).sum(), nodes)
    (expected,) = torch.autograd.grad(Metric(phi).energy(nodes).sum(), nodes)
    close(slope, expected, 1e-7)


def test_a_floor_is_a_share_of_the_mean_metric_in_every_direction():
    image = vectors(3, 5)
    image[2] = 0  # a direction that is not seen
    found = Metric(floored(lambda z: z @ image, vectors(6, 3), share=0.1)).metric_matrix(vectors(2, 3))
    own = image @ image.mT
    close(found, (own + 0.1 * own.trace() / 3 * torch.eye(3).double()).expand(2, 3, 3), AUTODIFF)
    with pytest.raises(InputError, match="`share` must be positive; got 0"):
        floored(latent, vectors(6, 3), share=0)


def test_with_a_floor_the_way_of_least_norm_is_taken_among_equals():
    from molinterp.geometry import geodesic, linear

    # Φ sees the first axis alone; a start that wanders along the second costs it nothing.
    phi, z0, z1 = (lambda z: z[:, :1]), vectors(1, 2), vectors(1, 2, seed=1)
    wandering = torch.cat([z0, (z0 + z1) / 2 + 5 * torch.tensor([[0.0, 1.0]]), z1])[None]
    found = geodesic(Metric(floored(phi, z0)), z0, z1, starts=[wandering], tol=1e-6, max_iterations=200)
    t = torch.linspace(0, 1, 9, dtype=torch.float64)
    close(found.curve(t), linear(z0, z1, t), 1e-2)  # to 1e-6 of an energy, which is the square
