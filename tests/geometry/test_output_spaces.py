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
    latent,
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
