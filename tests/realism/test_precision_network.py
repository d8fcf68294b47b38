"""The precision network: right on the data, uncertain off it."""

import pytest
import torch
from torch.testing import assert_close

from molinterp.errors import InputError, NotFittedError, ShapeError
from molinterp.geometry.metric import Metric
from molinterp.geometry.output_spaces import stacked
from molinterp.realism.precision_network import PrecisionNetwork
from tests.geometry.examples import network, vector, vectors
from tests.tolerances import AUTODIFF, EXACT


@pytest.fixture(scope="module")
def data():
    """Points of the plane and residuals ten times as wide on the right as on the left."""
    z = vectors(2000, 2)
    width = torch.where(z[:, :1] > 0, 1.0, 0.1)
    return z, width * torch.cat([vectors(2000, 1, seed=1), 3 * vectors(2000, 1, seed=2)], 1)


@pytest.fixture(scope="module")
def fitted(data):
    return PrecisionNetwork(n_centres=32).fit(*data)


def test_sigma_is_that_of_the_residuals_where_the_data_are(fitted):
    right, left = fitted(vector(1, 0, -1, 0).view(2, 2))
    # A quarter: some hundred points lie near each.
    assert_close(right, vector(1, 3), rtol=0.25, atol=0)
    assert_close(left, vector(0.1, 0.3), rtol=0.25, atol=0)


def test_sigma_grows_off_the_data_up_to_the_floor(fitted, data):
    ray = vector(1, 0) * torch.tensor([1.0, 3.0, 5.0, 10.0, 100.0]).double()[:, None]
    sigma = fitted(ray)
    assert (sigma.diff(dim=0) >= 0).all() and (sigma[1] > sigma[0]).all()
    assert_close(sigma[-1], 10 * data[1].square().mean(0).sqrt(), rtol=EXACT, atol=EXACT)


def test_a_fit_only_gains_likelihood(data):
    def loss(n_iterations):
        sigma = PrecisionNetwork(8, n_iterations=n_iterations).fit(*data)(data[0])
        return float((sigma.log() + 0.5 * (data[1] / sigma).square()).mean())

    losses = [loss(n) for n in (0, 1, 5, 20, 100)]
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[-1] + 0.1


def test_units_of_the_residuals_are_those_of_sigma(fitted, data):
    scaled = PrecisionNetwork(n_centres=32).fit(data[0], 1000 * data[1])
    assert_close(scaled(data[0][:9]), 1000 * fitted(data[0][:9]), rtol=AUTODIFF, atol=AUTODIFF)


def test_seed_alone_decides(data, fitted):
    again = PrecisionNetwork(n_centres=32).fit(*data)
    assert torch.equal(again.weights_, fitted.weights_)


def test_stored_and_read_it_is_the_same(fitted):
    read = PrecisionNetwork.from_tensors(fitted.to_tensors())
    assert torch.equal(read(vectors(5, 2)), fitted(vectors(5, 2)))


def test_dtype_follows_the_points(fitted):
    assert fitted(vectors(5, 2).float()).dtype == torch.float32


def test_the_metric_grows_where_the_data_end(fitted):
    # Uncertainty adds J_σᵀ J_σ, and σ changes most at the rim of the data.
    mean, rim = network(2, 2), vector(3, 0)[None]
    with_sigma = Metric(stacked(mean, fitted)).metric_matrix(rim)
    assert torch.linalg.eigvalsh(with_sigma - Metric(mean).metric_matrix(rim)).max() > 0.1


def test_fewer_points_than_centres_will_do():
    assert torch.isfinite(PrecisionNetwork(64).fit(vectors(5, 2), vectors(5, 1))(vectors(3, 2))).all()


def test_what_does_not_fit_is_refused(fitted):
    with pytest.raises(NotFittedError, match=r"`PrecisionNetwork` must be fitted before use\. Call"):
        PrecisionNetwork()(vectors(2, 2))
    with pytest.raises(NotFittedError, match="must be fitted before it is stored"):
        PrecisionNetwork().to_tensors()
    with pytest.raises(
        ShapeError, match=r"`z` and `residuals` must have shapes .* got \(4, 2\) and \(5, 1\)"
    ):
        PrecisionNetwork().fit(vectors(4, 2), vectors(5, 1))
    with pytest.raises(ShapeError, match=r"`z` must have shape \(n, 2\) to match the centres; got \(4, 3\)"):
        fitted(vectors(4, 3))
    with pytest.raises(InputError, match="`residuals` must hold two rows or more and differ from 0 in every"):
        PrecisionNetwork().fit(vectors(4, 2), torch.zeros(4, 1))
    for bad in ((vectors(4, 2) / 0, vectors(4, 1)), (vectors(4, 2), torch.full((4, 1), torch.nan))):
        with pytest.raises(InputError, match="`z` and `residuals` must be finite; got NaN or infinity"):
            PrecisionNetwork().fit(*bad)
    with pytest.raises(InputError, match=r"`far` must be positive; got 0"):
        PrecisionNetwork(far=0)
    with pytest.raises(InputError, match=r"`tensors` must hold .*; missing weights, floor"):
        PrecisionNetwork.from_tensors({"centres": vectors(2, 2), "rates": vectors(2)})
