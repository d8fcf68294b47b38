import math

import pytest
import torch
from scipy.stats import chi2, gamma, kstest

from molinterp.errors import InputError, ShapeError
from molinterp.realism.density import (
    CallableDensity,
    FlowDensity,
    GaussianMixture,
    NormalDensity,
    RadialGammaDensity,
    density_from,
    density_state,
)
from tests.tolerances import FLOAT32

DIM = 5


def _mixture():
    generator = torch.Generator().manual_seed(3)
    raw = torch.randn(3, DIM, DIM, generator=generator)
    covariances = raw @ raw.mT + 0.5 * torch.eye(DIM)
    lower = torch.linalg.cholesky(covariances)
    eye = torch.eye(DIM).expand(3, DIM, DIM)
    precisions = torch.linalg.solve_triangular(lower, eye, upper=False).mT
    means = 3 * torch.randn(3, DIM, generator=generator)
    weights = torch.tensor([0.5, 0.3, 0.2])
    reference = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(weights),
        torch.distributions.MultivariateNormal(means, scale_tril=lower),
    )
    return GaussianMixture(weights.log(), means, precisions), reference


def _flow():
    torch.manual_seed(0)
    return FlowDensity(torch.full((DIM,), 0.5), torch.full((DIM,), 2.0), transforms=2, width=16)


DENSITIES = {
    "prior": NormalDensity(DIM),
    "wide": NormalDensity(DIM, 2.0),
    "radial": RadialGammaDensity(DIM, 3.0),
    "mixture": _mixture()[0],
    "flow": _flow(),
}


def test_the_prior_is_the_standard_normal():
    z = torch.randn(7, DIM, generator=torch.Generator().manual_seed(0))
    normal = torch.distributions.Normal(0, 2.0)
    torch.testing.assert_close(NormalDensity(DIM, 2.0).log_prob(z), normal.log_prob(z).sum(-1))


def test_the_mixture_is_that_of_torch():
    mixture, reference = _mixture()
    z = 3 * torch.randn(50, DIM, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(mixture.log_prob(z), reference.log_prob(z), rtol=1e-4, atol=1e-4)


def test_samples_of_the_mixture_have_its_moments():
    mixture, reference = _mixture()
    z = mixture.sample(40_000, torch.Generator().manual_seed(2))
    torch.testing.assert_close(z.mean(0), reference.mean, rtol=0, atol=0.1)
    torch.testing.assert_close(z.var(0), reference.variance, rtol=0.05, atol=0.05)


def test_radial_samples_have_a_gamma_norm_and_the_density_that_goes_with_it():
    radial = RadialGammaDensity(DIM, 3.0)
    square = radial.sample(5_000, torch.Generator().manual_seed(0)).square().sum(1).numpy()
    assert kstest(square, gamma(0.5, scale=3.0).cdf).pvalue > 0.01
    # Density of the norm r: q(z) times the area of the sphere; ds = 2 r dr.
    r = torch.tensor([0.3, 1.0, 2.5])
    z = torch.zeros(3, DIM)
    z[:, 1] = r
    area = 2 * math.pi ** (DIM / 2) / math.gamma(DIM / 2) * r ** (DIM - 1)
    expected = torch.from_numpy(gamma(0.5, scale=3.0).pdf(r.numpy() ** 2)).float() * 2 * r
    torch.testing.assert_close(radial.log_prob(z).exp() * area, expected, rtol=1e-4, atol=FLOAT32)


def test_a_straight_line_between_radial_samples_loses_no_density():
    """What the prior of Kilcher et al. is for: midpoints of normal samples in many dimensions do."""
    generator = torch.Generator().manual_seed(0)
    radial = RadialGammaDensity(64)
    a, b = radial.sample(500, generator), radial.sample(500, generator)
    between = radial.log_prob(0.5 * (a + b))
    assert (between >= torch.minimum(radial.log_prob(a), radial.log_prob(b)) - 1e-3).float().mean() == 1.0


@pytest.mark.parametrize("name", DENSITIES)
def test_shapes_gradients_and_seeds(name):
    density = DENSITIES[name]
    z = density.sample(6, torch.Generator().manual_seed(0))
    assert z.shape == (6, DIM)
    assert torch.equal(z, density.sample(6, torch.Generator().manual_seed(0)))
    assert not torch.equal(z, density.sample(6, torch.Generator().manual_seed(1)))
    z = z.view(2, 3, DIM).requires_grad_()
    log_q = density.log_prob(z)
    assert log_q.shape == (2, 3)
    (gradient,) = torch.autograd.grad(log_q.sum(), z)
    step = 1e-2 * gradient / gradient.norm(dim=-1, keepdim=True)
    assert (density.log_prob(z.detach() + step) > log_q).all()


@pytest.mark.parametrize("name", DENSITIES)
def test_the_dtype_follows_the_points(name):
    z = torch.randn(4, DIM, generator=torch.Generator().manual_seed(0))
    log_q = DENSITIES[name].log_prob(z.double())
    assert log_q.dtype == torch.float64
    torch.testing.assert_close(log_q.float(), DENSITIES[name].log_prob(z))


@pytest.mark.parametrize("name", DENSITIES)
def test_other_dimensions_are_turned_down(name):
    with pytest.raises(ShapeError, match=r"`z` must have shape \(\.\.\., 5\) .* got \(2, 4\)"):
        DENSITIES[name].log_prob(torch.zeros(2, 4))


@pytest.mark.parametrize("name", DENSITIES)
def test_a_density_comes_back_from_its_state(name):
    density = DENSITIES[name]
    again = density_from(*density_state(density))
    z = torch.randn(4, DIM, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.log_prob(z), density.log_prob(z))


def test_the_flow_integrates_to_one_against_its_own_samples():
    """E[p(Y) / q(Y)] = 1 for Y ~ q and p a normal well inside."""
    flow = _flow()
    y = flow.sample(20_000, torch.Generator().manual_seed(0))
    inner = torch.distributions.Normal(torch.full((DIM,), 0.5), 1.5)
    with torch.no_grad():
        ratio = (inner.log_prob(y).sum(-1) - flow.log_prob(y)).exp().mean()
    assert ratio == pytest.approx(1.0, abs=0.05)


def test_a_function_of_ones_own_cannot_be_saved():
    own = CallableDensity(2, lambda z: -z.square().sum(-1), lambda n, g: torch.randn(n, 2, generator=g))
    assert own.log_prob(torch.ones(3, 2)).tolist() == [-2.0] * 3
    with pytest.raises(InputError, match="cannot be saved"):
        density_state(own)
    with pytest.raises(InputError, match="must be mixture, flow, prior or radial; got 'kde'"):
        density_from({}, {"kind": "kde"})


def test_chi_square_is_what_the_norm_of_the_prior_has():
    z = NormalDensity(DIM).sample(5_000, torch.Generator().manual_seed(0))
    assert kstest(z.square().sum(1).numpy(), chi2(DIM).cdf).pvalue > 0.01
