"""Output spaces of a bundle, on a small one that was trained for the tests."""

import math
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from molinterp.errors import InputError
from molinterp.geometry.geodesic import geodesic
from molinterp.geometry.metric import Metric
from molinterp.model.bundle import Bundle
from molinterp.model.output_spaces import NAMES, compare_curves, fit_precision, output_space
from molinterp.realism.fitted import RealismModels
from molinterp.realism.precision_network import PrecisionNetwork
from tests.conftest import SMALL
from tests.tolerances import EXACT, FLOAT32, SOLVER

names = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def ends(small_bundle):
    return small_bundle.encode(["CCO", "c1ccccc1"])


@pytest.fixture(scope="module")
def precision(small_bundle):
    return fit_precision(small_bundle, SMALL, n_centres=8)


@names
def test_metric_is_symmetric_and_positive_semidefinite(small_bundle, ends, name):
    matrix = Metric(output_space(small_bundle, name)).metric_matrix(ends).detach()
    assert_close(matrix, matrix.mT, rtol=FLOAT32, atol=FLOAT32)
    values = torch.linalg.eigvalsh(matrix)
    assert (values[:, 0] >= -FLOAT32 * values[:, -1]).all() and (values[:, -1] > 0).all()


@names
def test_a_geodesic_is_no_longer_than_the_line(small_bundle, ends, name):
    found = geodesic(Metric(output_space(small_bundle, name)), ends[:1], ends[1:], max_iterations=5)
    assert (found.energy <= found.start_energy).all()


def test_fingerprint_is_the_fisher_information_of_the_bits(small_bundle, ends):
    model = small_bundle.model
    metric = Metric(output_space(small_bundle, "fingerprint"))
    p = torch.sigmoid(model.bit_logits(ends))
    jacobian = Metric(model.bit_logits).jacobian(ends)
    expected = jacobian.mT @ ((p * (1 - p))[..., None] * jacobian)
    assert_close(metric.metric_matrix(ends), expected, rtol=10 * FLOAT32, atol=10 * FLOAT32)


def test_tokens_are_the_fisher_information_of_the_decoder(small_bundle, ends):
    # Σ over the positions of the greedy string of Σ ṗ²/p, here by differences of log p in float64.
    z, v = ends[:1].double(), torch.ones(1, ends.shape[1]).double()
    model = small_bundle.model
    bundle_dtype = model.property_mean.dtype
    metric = Metric(output_space(small_bundle, "tokens"))
    found = metric.norm(z.to(bundle_dtype), v.to(bundle_dtype)).square()
    context = metric.contexts(z.to(bundle_dtype))
    prefix, h = context[:, :-1], 1e-2

    def log_p(at):
        return torch.log_softmax(model.logits(model.condition(at.to(bundle_dtype)), prefix), -1)

    rate = (log_p(z + h * v) - log_p(z - h * v)) / (2 * h)
    expected = (log_p(z).exp() * rate.square()).sum((1, 2))
    # Differences with a step of a hundredth in float32 are good to some thousandths.
    assert_close(found, expected, rtol=1e-2, atol=0)


def test_a_decode_ends_where_its_end_token_is(small_bundle, ends):
    metric = Metric(output_space(small_bundle, "tokens"))
    both = metric.chart_images(ends, ends)
    alone = metric.chart_images(ends[:1], ends[:1])
    assert_close(both[0, : alone.shape[1]], alone[0], rtol=FLOAT32, atol=FLOAT32)
    assert (both[0, alone.shape[1] :] == 0).all()
    # Every position holds a point of the sphere of radius 2.
    n_tokens = small_bundle.model.config.n_tokens
    norms = alone.view(-1, n_tokens).norm(dim=1)
    assert_close(norms, torch.full_like(norms, 2), rtol=FLOAT32, atol=FLOAT32)


def test_properties_carry_their_uncertainty(small_bundle, precision, ends):
    plain = Metric(output_space(small_bundle, "properties")).metric_matrix(ends).detach()
    both = Metric(output_space(small_bundle, "properties", precision)).metric_matrix(ends).detach()
    sigma = Metric(precision).metric_matrix(ends)
    assert_close(both, plain + sigma, rtol=10 * FLOAT32, atol=10 * FLOAT32)


def test_uncertainty_is_larger_off_the_data(small_bundle, precision):
    z = small_bundle.encode(SMALL)
    assert (precision(20 * z).mean(0) > 2 * precision(z).mean(0)).all()
    read = PrecisionNetwork.from_tensors(precision.to_tensors())
    assert torch.equal(read(z), precision(z))


def test_curves_are_compared_in_each_space(small_bundle):
    rows = compare_curves(small_bundle, "CCO", "c1ccccc1")
    assert [(r.space, r.curve) for r in rows] == [
        (s, c) for s in NAMES for c in ("linear", "slerp", "geodesic")
    ]
    for r in rows:
        assert r.length**2 <= 2 * r.energy * (1 + FLOAT32)
        assert r.quality == pytest.approx(math.exp(-r.length), rel=EXACT)
        assert r.is_converged or r.curve == "geodesic"
        assert math.isnan(r.log_index)
    for line, _, shortest in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        assert line.improvement == 0
        assert shortest.improvement == pytest.approx(1 - shortest.length / line.length, abs=EXACT)
        # The energy with its floor is what the solver lowers; the length follows.
        assert shortest.energy <= line.energy * (1 + SOLVER)
    z0, z1 = small_bundle.encode(["CCO", "c1ccccc1"])
    assert rows[0].length == pytest.approx(float((z1 - z0).norm()), rel=FLOAT32)


def test_what_does_not_fit_is_refused(small_bundle):
    with pytest.raises(InputError, match="`name` must be one of latent, .*; got 'smell'"):
        output_space(small_bundle, "smell")
    with pytest.raises(InputError, match="start and end are the same compound, CCO"):
        compare_curves(small_bundle, "CCO", "OCC")


def test_a_fitted_bundle_brings_the_uncertainty_of_its_own(small_bundle, tmp_path):
    precision = fit_precision(small_bundle, SMALL, n_centres=4)
    fitted = replace(small_bundle, realism=RealismModels(precision=precision.to_tensors()))
    fitted.save(tmp_path / "fitted")
    loaded = Bundle.load(tmp_path / "fitted")
    z = loaded.encode(SMALL[:3])
    given = output_space(loaded, "properties", precision)(z)
    torch.testing.assert_close(output_space(loaded, "properties")(z), given)
    assert given.shape[1] == 2 * len(loaded.property_names)
    assert output_space(small_bundle, "properties")(z).shape[1] == len(loaded.property_names)
